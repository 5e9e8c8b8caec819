//! What stands in the way, and whether trying again makes sense.

use std::{error::Error, fmt, time::Duration};

use crate::{JsonError, cluster, config, credentials, http};

/// What the calls of a provider return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What stands in the way. It goes into a condition and an event, so it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `CamelCase`, stable, few values; empty for the host's own default.
    pub reason: String,
    /// What is wrong, and what to do about it.
    pub message: String,
}

/// Why a call did not succeed, and what the host does next.
///
/// `?` makes one from any error type. Looking at the error and then along its sources, the first that is known decides:
/// a [`cluster::Error`], [`http::Error`] or [`credentials::Error`] by its own `is_terminal` (a rate limit waits until it is
/// over), a JSON error as terminal with the reason `Malformed`, told without what the JSON says. Everything else is retryable, since trying again in vain is the cheaper mistake.
/// [`OrFail`] decides otherwise in a word.
///
/// This is deliberately not a `std::error::Error`: it is what errors turn into, at the very end.
///
/// ```
/// # use std::time::Duration;
/// use capstan_sdk::{Failure, OrFail, Result};
///
/// fn port(text: &str) -> Result<u16> {
///     let port: u16 = text.parse().or_terminal("InvalidPort")?;
///     match port {
///         0 => Err(Failure::terminal("InvalidPort", "0 is no port: choose one from 1 to 65535")),
///         81 => Err(Failure::retry_after(Duration::from_mins(1), "Maintenance", "port 81 is being painted")),
///         port => Ok(port),
///     }
/// }
///
/// assert!(port("http").unwrap_err().is_terminal());
/// assert!(!port("81").unwrap_err().is_terminal());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// May succeed later. Retried with back-off.
    Retryable(Problem),
    /// May succeed later, but not before the delay is over (maintenance, a quota).
    RetryAfter(Problem, Duration),
    /// Cannot succeed until the object, or something that was read, changes. Not retried on its own.
    Terminal(Problem),
}

impl Failure {
    /// May succeed later. `reason` is a `CamelCase` word.
    pub fn retryable(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Retryable(Problem { reason: reason.into(), message: message.into() })
    }

    /// May succeed later, but not before `delay` is over.
    pub fn retry_after(delay: Duration, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::RetryAfter(Problem { reason: reason.into(), message: message.into() }, delay)
    }

    /// Cannot succeed until the object, or something that was read, changes.
    pub fn terminal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Terminal(Problem { reason: reason.into(), message: message.into() })
    }

    /// Reason and message.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        match self {
            Self::Retryable(problem) | Self::RetryAfter(problem, _) | Self::Terminal(problem) => problem,
        }
    }

    /// Whether the host waits for a change instead of trying again.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { reason, message } = self.problem();
        match reason.as_str() {
            "" => to.write_str(message),
            reason => write!(to, "{reason}: {message}"),
        }
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let first: &(dyn Error + 'static) = &error;
        let message = match first.downcast_ref::<serde_json::Error>() {
            // Its own words quote what was read.
            Some(error) => JsonError::from(error).to_string(),
            None => with_sources(first),
        };
        let mut next = Some(first);
        while let Some(current) = next {
            if let Some((reason, retry)) = judge(current) {
                let problem = Problem { reason: reason.to_owned(), message };
                return match retry {
                    Retry::Never => Self::Terminal(problem),
                    Retry::After(delay) => Self::RetryAfter(problem, delay),
                    Retry::Soon => Self::Retryable(problem),
                };
            }
            next = current.source();
        }
        Self::retryable("", message)
    }
}

enum Retry {
    Soon,
    After(Duration),
    Never,
}

/// What this crate knows about an error itself, without its sources.
fn judge(error: &(dyn Error + 'static)) -> Option<(&'static str, Retry)> {
    let retry = |terminal| if terminal { Retry::Never } else { Retry::Soon };
    if let Some(known) = error.downcast_ref::<cluster::Error>() {
        return Some((known.reason(), retry(known.is_terminal())));
    }
    match error.downcast_ref::<http::Error>() {
        Some(limited @ http::Error::RateLimited { wait, .. }) => return Some((limited.reason(), Retry::After(*wait))),
        Some(known) => return Some((known.reason(), retry(known.is_terminal()))),
        None => {}
    }
    if let Some(known) = error.downcast_ref::<credentials::Error>() {
        return Some((known.reason(), retry(known.is_terminal())));
    }
    // A new configuration is a new instance of the provider, which looks at all objects again.
    if error.is::<config::Error>() {
        return Some(("InvalidConfig", Retry::Never));
    }
    error.is::<serde_json::Error>().then_some(("Malformed", Retry::Never))
}

/// Says what an error means, where [`Failure`]'s own judgement does not fit.
pub trait OrFail<T> {
    /// Trying again cannot help. `reason` is a `CamelCase` word.
    fn or_terminal(self, reason: &str) -> Result<T>;

    /// Trying again may help. `reason` is a `CamelCase` word.
    fn or_retryable(self, reason: &str) -> Result<T>;
}

impl<T, E: Into<Box<dyn Error>>> OrFail<T> for Result<T, E> {
    fn or_terminal(self, reason: &str) -> Result<T> {
        self.map_err(|error| Failure::terminal(reason, with_sources(&*error.into())))
    }

    fn or_retryable(self, reason: &str) -> Result<T> {
        self.map_err(|error| Failure::retryable(reason, with_sources(&*error.into())))
    }
}

fn with_sources(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        message.push_str(": ");
        message.push_str(&source.to_string());
        next = source.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write the greeting")]
    struct Outer(#[source] cluster::Error);

    fn through<E>(error: E) -> Failure
    where
        Failure: From<E>,
    {
        let attempt = || -> Result<()> { Err(error)? };
        attempt().unwrap_err()
    }

    #[test]
    fn a_cluster_error_decides_even_behind_another_error() {
        let failure = through(Outer(cluster::Error::Invalid("no such field".into())));
        let expected = "cannot write the greeting: the API server refuses the content: no such field";
        assert_eq!(failure, Failure::terminal("Invalid", expected));
        assert!(!through(Outer(cluster::Error::Unavailable("gone".into()))).is_terminal());
    }

    #[test]
    fn broken_json_is_terminal_and_the_unknown_is_retried() {
        let error = serde_json::from_str::<u8>("x").unwrap_err();
        assert_eq!(through(error).problem().reason, "Malformed");
        let quoting = serde_json::from_str::<u8>(r#""hush""#).unwrap_err();
        assert_eq!(through(quoting), Failure::terminal("Malformed", "a value does not fit at line 1 column 6"));
        let failure = through(std::io::Error::other("boom"));
        assert_eq!(failure, Failure::retryable("", "boom"));
        assert_eq!(failure.to_string(), "boom");
    }

    #[test]
    fn the_author_has_the_last_word() {
        let failure = Err::<(), _>(cluster::Error::NotFound("gone".into())).or_terminal("NoSource").unwrap_err();
        assert_eq!(failure, Failure::terminal("NoSource", "not found: gone"));
        let failure = Err::<(), _>("plain text").or_retryable("Odd").unwrap_err();
        assert_eq!(failure.to_string(), "Odd: plain text");
    }
}
