//! Scheme, host and port of a URL.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

/// Scheme, host and port, and nothing else: `https://api.github.com`, `http://127.0.0.1:8080`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    secure: bool,
    /// In lower case; IPv6 addresses in brackets.
    host: String,
    port: u16,
}

/// It is no origin, or not written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// There is an origin in it, and something more or written otherwise.
    #[error("`{0}` is not written as an origin (scheme, host and port, nothing else): write {1}")]
    Written(String, Origin),
    /// There is none in it.
    #[error(
        "`{0}` is no origin: write scheme, host and port, nothing else, as in https://api.example.org or https://host:8443"
    )]
    None(String),
}

impl Origin {
    /// That of a URL; none if it is neither http nor https, or has no host.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host_str().filter(|host| is_host(host))?.to_owned();
        Some(Self { secure, host, port: url.port_or_known_default()? })
    }

    /// Whether it is https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// A name or an address; IPv6 addresses in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, also if it is the usual one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// What a name or an address is made of. Patterns are none.
fn is_host(host: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    !host.is_empty() && host.bytes().all(known)
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let none = || OriginError::None(text.to_owned());
        let origin = Url::parse(text).ok().as_ref().and_then(Self::of).ok_or_else(none)?;
        let with_port = format!("{}://{}:{}", origin.scheme(), origin.host, origin.port);
        if text.eq_ignore_ascii_case(&origin.to_string()) || text.eq_ignore_ascii_case(&with_port) {
            Ok(origin)
        } else {
            Err(OriginError::Written(text.to_owned(), origin))
        }
    }
}

impl Origin {
    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

/// The usual port is left out.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.host)?;
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

/// The origins that a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Origins {
    /// `"*"`, which a provider may ask for and nobody can be granted.
    Any,
    /// This one.
    One(Origin),
}

impl Origins {
    /// Whether it is among them.
    #[must_use]
    pub fn contain(&self, origin: &Origin) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => one == origin,
        }
    }
}

impl TryFrom<String> for Origins {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        if text == "*" { Ok(Self::Any) } else { text.parse().map(Self::One) }
    }
}

impl From<Origins> for String {
    fn from(origins: Origins) -> Self {
        origins.to_string()
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::One(origin) => origin.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, canonical) in [
            ("https://api.github.com", "https://api.github.com"),
            ("https://API.GitHub.com:443", "https://api.github.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn anything_more_is_refused_and_said_how_to_write_it() {
        for (text, named) in [
            ("https://api.github.com/", "write https://api.github.com"),
            ("https://api.github.com/repos", "write https://api.github.com"),
            ("https://user@api.github.com", "write https://api.github.com"),
            ("https://api.github.com?x", "write https://api.github.com"),
            ("https://0x7f.1", "write https://127.0.0.1"),
            ("https://bücher.example", "write https://xn--bcher-kva.example"),
            ("api.github.com", "is no origin"),
            ("ftp://api.github.com", "is no origin"),
            ("https://*.github.com", "is no origin"),
            ("https://", "is no origin"),
            ("", "is no origin"),
        ] {
            let error = text.parse::<Origin>().unwrap_err().to_string();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
