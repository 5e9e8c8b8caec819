//! Why a call to the cluster did not succeed.

use crate::JsonError;

/// Who holds a field that an apply wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The field manager.
    pub manager: String,
    /// `.spec.replicas`, as the API server writes it.
    pub field: String,
}

/// Why a call to the cluster did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such object, or no such kind.
    #[error("not found: {0}")]
    NotFound(String),
    /// Somebody else changed it meanwhile, or owns fields of an apply; or it exists already.
    #[error("conflict: {message}")]
    Conflict {
        /// What the API server said.
        message: String,
        /// Empty unless an apply met fields of other managers.
        owners: Vec<Owner>,
    },
    /// Not granted, or refused to the host by the API server; the text says what is granted.
    #[error("denied: {0}")]
    Denied(String),
    /// The API server refused the content, or the arguments make no sense.
    #[error("the API server refuses the content: {0}")]
    Invalid(String),
    /// The API server cannot be reached or is overloaded.
    #[error("the API server is not available: {0}")]
    Unavailable(String),
    /// The object is not of the type it was read as, or what should be written is not JSON.
    #[error("the object is not of the expected type")]
    Unexpected(#[source] JsonError),
}

impl Error {
    /// For conditions and events.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NotFound",
            Self::Conflict { .. } => "Conflict",
            Self::Denied(_) => "Denied",
            Self::Invalid(_) => "Invalid",
            Self::Unavailable(_) => "Unavailable",
            Self::Unexpected(_) => "UnexpectedObject",
        }
    }

    /// Whether the same call cannot succeed later: only if it is the content that is wrong. What is missing may appear,
    /// a conflict passes, and a denial ends when the administrator grants more, of which the host may not hear.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Unexpected(_))
    }
}
