//! Why a request has no answer, or not the one that was hoped for.

use std::time::Duration;

use crate::JsonError;

/// Why a request has no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not granted; the text says what is.
    #[error("denied: {0}")]
    Denied(String),
    /// No whole answer in time. Whether the request was carried out is not known.
    #[error("no answer in time")]
    TimedOut,
    /// The origin has told this credential to wait so long. The host sends nothing meanwhile.
    #[error("{}: next try in {} s", if message.is_empty() { "the rate limit is used up" } else { message }, wait.as_secs())]
    RateLimited {
        /// From now on.
        wait: Duration,
        /// What the origin said when it said so; may be empty.
        message: String,
    },
    /// Headers or body are larger than the limit, in bytes.
    #[error("request or answer are larger than {0} bytes")]
    TooLarge(u64),
    /// Name resolution, connection, TLS or protocol; or the credential has no valid token; or this replica of the host has lost the
    /// provider's lease, and another one may be asking by now.
    #[error("not reachable: {0}")]
    Unreachable(String),
    /// The arguments make no sense.
    #[error("the request makes no sense: {0}")]
    Invalid(String),
    /// The origin answered with a status that means no success; made by [`Response::success`](crate::http::Response::success).
    #[error("{method} {url}: {status}{}{message}", if message.is_empty() { "" } else { ": " })]
    Status {
        /// Of the request.
        method: String,
        /// Without its query.
        url: String,
        /// 300 and above.
        status: u16,
        /// What the body says: `message` or `error` of a JSON object, or the beginning of a text.
        message: String,
    },
    /// The body is not of the type it was read as.
    #[error("the answer is not of the expected type")]
    Unexpected(#[source] JsonError),
}

impl Error {
    /// For conditions and events.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Denied(_) => "Denied",
            Self::TimedOut => "TimedOut",
            Self::RateLimited { .. } => "RateLimited",
            Self::TooLarge(_) => "TooLarge",
            Self::Unreachable(_) => "Unreachable",
            Self::Invalid(_) => "InvalidRequest",
            Self::Status { status: 401, .. } => "Unauthorized",
            Self::Status { status: 403, .. } => "Forbidden",
            Self::Status { status: 404, .. } => "NotFound",
            Self::Status { status: 409, .. } => "Conflict",
            Self::Status { status: 422, .. } => "Unprocessable",
            Self::Status { .. } => "UnexpectedStatus",
            Self::Unexpected(_) => "UnexpectedAnswer",
        }
    }

    /// Whether the same request cannot succeed later: only if it makes no sense, to the host or to the origin (400, 422).
    /// Rights, missing things and conflicts change without the object being touched.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Status { status: 400 | 422, .. })
    }
}
