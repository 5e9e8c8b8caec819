//! Why there is no credential.

/// Why there is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such Secret, or no such key in it.
    #[error("{0}")]
    NotFound(String),
    /// Not granted; the text says what is.
    #[error("denied: {0}")]
    Denied(String),
    /// The value does not fit the scheme.
    #[error("the secret does not fit: {0}")]
    Invalid(String),
    /// The API server cannot be reached or is overloaded.
    #[error("the API server is not available: {0}")]
    Unavailable(String),
}

impl Error {
    /// For conditions and events.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "SecretNotFound",
            Self::Denied(_) => "Denied",
            Self::Invalid(_) => "InvalidSecret",
            Self::Unavailable(_) => "Unavailable",
        }
    }

    /// Whether the same call cannot succeed before the Secret changes, of which the host hears.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::Invalid(_))
    }
}
