//! What goes wrong, in GitHub's own words.

use std::fmt;
use std::time::{Duration, SystemTime};

use capstan_sdk::{Failure, Value, serde_json};

use super::{Method, Request, Response, TransportError};

/// How long to wait if GitHub says that there is a limit, and not until when (its advice: a minute).
const UNKNOWN_WAIT: Duration = Duration::from_mins(1);

/// Why something cannot be looked at or changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// GitHub refused; the text is its own.
    #[error(transparent)]
    Api(#[from] Box<ApiError>),
    /// There is no answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The spec makes no sense; the text says what is wanted.
    #[error("{0}")]
    InvalidSpec(String),
    /// It exists already, and adoption must be explicit.
    #[error("{0}")]
    AlreadyExists(String),
    /// The answer is not what GitHub documents.
    #[error("{0}")]
    Unexpected(String),
}

/// An error that GitHub answered with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ApiError {
    /// The method of the request.
    pub method: Method,
    /// The URL of the request without its query.
    pub url: String,
    /// 300 and above.
    pub status: u16,
    /// What the body says.
    pub message: String,
    /// The details of the body: field and text, or code.
    pub details: Vec<String>,
    /// Where GitHub documents it; empty if the answer does not say.
    pub documentation_url: String,
    /// What GitHub's support asks for; empty if the answer does not say.
    pub request_id: String,
    /// How long GitHub wants to be left alone: a rate limit, and not a missing right.
    pub wait: Option<Duration>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}: {}", self.method, self.url, self.status)?;
        for part in std::iter::once(&self.message).chain(&self.details).filter(|part| !part.is_empty()) {
            write!(to, ": {part}")?;
        }
        match (self.documentation_url.as_str(), self.request_id.as_str()) {
            ("", "") => Ok(()),
            ("", id) => write!(to, " (request {id})"),
            (url, "") => write!(to, " ({url})"),
            (url, id) => write!(to, " ({url}, request {id})"),
        }
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl ApiError {
    pub(super) fn of(request: &Request, response: &Response, now: SystemTime) -> Self {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().trim().to_owned();
        let details = body["errors"].as_array().into_iter().flatten().map(detail).filter(|each| !each.is_empty());
        Self {
            method: request.method,
            url: request.url.split('?').next().unwrap_or_default().to_owned(),
            status: response.status,
            message: text("message"),
            details: details.collect(),
            documentation_url: text("documentation_url"),
            request_id: response.header("x-github-request-id").unwrap_or_default().to_owned(),
            wait: wait(response, &text("message"), now),
        }
    }
}

/// What GitHub says of a secondary limit, in the message: its headers may say nothing of it.
/// See <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>.
/// The host knows it too, and holds all who use the credential; here it counts for bodies that are too long for the host to look
/// into, and for other ways to send than by the host.
const SECONDARY: &str = "secondary rate limit";

/// How long a limit lasts, if the answer is one.
fn wait(response: &Response, message: &str, now: SystemTime) -> Option<Duration> {
    if !matches!(response.status, 403 | 429) {
        return None;
    }
    let number = |name: &str| response.header(name)?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let left = number("x-ratelimit-reset").map(|reset| reset.saturating_sub(now).max(1));
        return Some(left.map_or(UNKNOWN_WAIT, Duration::from_secs));
    }
    // There is nothing else to tell it by from a missing right.
    let is_secondary = message.to_ascii_lowercase().contains(SECONDARY);
    (is_secondary || response.status == 429).then_some(UNKNOWN_WAIT)
}

/// One of the details, which are texts or objects.
fn detail(error: &Value) -> String {
    if let Some(text) = error.as_str() {
        return text.to_owned();
    }
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    let what = if text("message").is_empty() { text("code") } else { text("message") };
    match text("field") {
        "" => what.to_owned(),
        field => format!("{field}: {what}"),
    }
}

impl Error {
    /// The status that GitHub answered with, if it answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            _ => None,
        }
    }

    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Api(error) if error.wait.is_some() => "RateLimited",
            Self::Api(error) => match error.status {
                401 => "InvalidCredentials",
                403 => "Forbidden",
                404 => "NotFound",
                409 => "Conflict",
                400 | 422 => "Refused",
                500.. => "GitHubUnavailable",
                _ => "UnexpectedStatus",
            },
            Self::Transport(TransportError::Denied(_)) => "Denied",
            Self::Transport(TransportError::TimedOut) => "TimedOut",
            Self::Transport(TransportError::RateLimited { .. }) => "RateLimited",
            Self::Transport(TransportError::TooLarge(_)) => "TooLarge",
            Self::Transport(TransportError::Unreachable(_)) => "Unreachable",
            Self::Transport(TransportError::Invalid(_)) => "InvalidRequest",
            Self::InvalidSpec(_) => "InvalidSpec",
            Self::AlreadyExists(_) => "AlreadyExists",
            Self::Unexpected(_) => "UnexpectedAnswer",
        }
    }

    /// What the host is to do. Only what the object itself is to blame for is final: rights, missing things and conflicts
    /// change at GitHub without anything happening here.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let (reason, message) = (self.reason(), self.to_string());
        match self {
            Self::InvalidSpec(_) | Self::AlreadyExists(_) | Self::Transport(TransportError::Invalid(_)) => {
                Failure::terminal(reason, message)
            }
            Self::Transport(TransportError::RateLimited { wait, .. }) => Failure::retry_after(*wait, reason, message),
            Self::Api(error) => match (error.wait, error.status) {
                (Some(wait), _) => Failure::retry_after(wait, reason, message),
                (None, 400) => Failure::terminal(reason, message),
                _ => Failure::retryable(reason, message),
            },
            _ => Failure::retryable(reason, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, headers: &[(&str, &str)], body: &str) -> ApiError {
        let url = "https://h/x?y=1".to_owned();
        let request = Request { method: Method::Patch, url, headers: Vec::new(), body: None, with_secret: false };
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let response = Response { status, headers, body: body.as_bytes().to_vec() };
        ApiError::of(&request, &response, SystemTime::UNIX_EPOCH + Duration::from_secs(1000))
    }

    #[test]
    fn github_speaks_for_itself() {
        let body = r#"{"message": "Validation Failed: 100% {}", "documentation_url": "https://d",
            "errors": [{"resource": "R", "field": "name", "code": "custom", "message": "taken"}, {"code": "missing"}, "text"]}"#;
        let shown = error(422, &[("x-github-request-id", "A1")], body).to_string();
        let expected =
            "PATCH https://h/x: 422: Validation Failed: 100% {}: name: taken: missing: text (https://d, request A1)";
        assert_eq!(shown, expected);
    }

    #[test]
    fn bodies_that_say_nothing_leave_the_status() {
        for body in ["", "<html>no</html>", "[]", "{"] {
            assert_eq!(error(502, &[], body).to_string(), "PATCH https://h/x: 502");
        }
    }

    #[test]
    fn a_limit_is_told_from_a_missing_right() {
        let wait = |status, headers: &[(&str, &str)]| error(status, headers, "{}").wait.map(|wait| wait.as_secs());
        assert_eq!(wait(403, &[]), None);
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "12"), ("x-ratelimit-reset", "1060")]), None);
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1060")]), Some(60));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "900")]), Some(1));
        assert_eq!(wait(429, &[("retry-after", "7"), ("x-ratelimit-remaining", "0")]), Some(7));
        assert_eq!(wait(429, &[]), Some(60));
        assert_eq!(wait(403, &[("x-ratelimit-remaining", "0")]), Some(60), "until when is not said");
        assert_eq!(wait(500, &[("retry-after", "7")]), None);
    }

    #[test]
    fn a_secondary_limit_without_headers_is_one_for_a_minute() {
        let body = r#"{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#;
        let left = [("x-ratelimit-remaining", "4000"), ("x-ratelimit-reset", "1900")];
        let limit = error(403, &left, body);
        assert_eq!(limit.wait, Some(UNKNOWN_WAIT));
        assert_eq!(Error::from(limit).reason(), "RateLimited");
        assert_eq!(error(403, &[("retry-after", "7")], body).wait, Some(Duration::from_secs(7)), "what it says counts");
        assert_eq!(error(422, &left, body).wait, None);
        assert_eq!(error(403, &left, r#"{"message": "Must have admin rights to Repository."}"#).wait, None);
    }

    #[test]
    fn only_what_the_object_is_to_blame_for_is_final() {
        let failure = |status| Error::from(error(status, &[], "{}")).failure();
        assert!(failure(400).is_terminal());
        for status in [401, 403, 404, 409, 422, 500, 503] {
            assert!(!failure(status).is_terminal(), "{status}");
        }
        assert!(Error::InvalidSpec(String::new()).failure().is_terminal());
    }
}
