//! What carries requests to GitHub.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Sends requests. It adds the credential and a `user-agent`, makes reads conditional if it can, and follows no redirect.
pub trait Http {
    /// Sends a request and waits for the whole answer. Every status is an answer.
    fn send(&self, request: &Request) -> Result<Response, TransportError>;

    /// The time, which limits that GitHub sets in absolute time are compared with.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The methods that GitHub's API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Absolute.
    pub url: String,
    /// Without those of the connection and the credential. Names are in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Option<Vec<u8>>,
    /// Whether the body has a member for the secret that goes along; whoever sends it has that, and puts it there.
    pub with_secret: bool,
}

/// What is answered.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The status; that of the kept answer, where nothing had changed.
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Not granted; the text says what is.
    #[error("denied: {0}")]
    Denied(String),
    /// Whether the request was carried out is not known.
    #[error("no answer in time")]
    TimedOut,
    /// GitHub told this credential to wait, now or before.
    #[error("{}: next try in {} s", if said.is_empty() { "the rate limit is used up" } else { said }, wait.as_secs())]
    RateLimited {
        /// From now on.
        wait: Duration,
        /// GitHub's words, with its documentation URL and the request's id; may be empty.
        said: String,
    },
    /// Request or answer are larger than the limit, in bytes.
    #[error("request or answer are larger than {0} bytes")]
    TooLarge(u64),
    /// Name resolution, connection or TLS, or there is no valid token.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The request makes no sense.
    #[error("the request makes no sense: {0}")]
    Invalid(String),
}
