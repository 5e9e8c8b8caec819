//! What can go wrong with a request.

use std::{fmt, time::Duration};

/// A request that did not succeed. Decided by the code and the reason of the API server's `Status`, never by its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such object.
    #[error("{0}")]
    NotFound(String),
    /// The API server serves no such kind, or not in this version.
    #[error("{0}")]
    UnknownKind(String),
    /// A namespace is missing for a namespaced kind, or given for one that has none.
    #[error("{0}")]
    WrongScope(String),
    /// A name that cannot be part of a path. Nothing was sent.
    #[error("{0}")]
    BadName(String),
    /// Somebody else changed the object meanwhile, or owns fields of an apply.
    #[error("{0}")]
    Conflict(Clash),
    /// A create met an object of that name.
    #[error("{0}")]
    AlreadyExists(String),
    /// The host lacks the right.
    #[error("{0}")]
    Forbidden(String),
    /// The API server does not know who the host is.
    #[error("{0}")]
    Unauthorized(String),
    /// The API server refused the content.
    #[error("{0}")]
    Invalid(String),
    /// A list or watch could not go on from where it was; it has to begin anew.
    #[error("{0}")]
    Expired(String),
    /// The API server cannot be reached, is overloaded, or took too long. A write may have been carried out all the same.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// How long the API server asks to wait.
        retry_after: Option<Duration>,
    },
    /// An answer, or an object, that makes no sense.
    #[error("{0}")]
    Malformed(String),
}

/// A conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// As the API server puts it.
    pub message: String,
    /// Empty unless an apply met fields of other managers.
    pub owners: Vec<FieldOwner>,
}

/// Who holds a field that an apply wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOwner {
    /// The field manager; the whole sentence of the API server where no name could be made out in it.
    pub manager: String,
    /// `.spec.replicas`, as the API server writes it.
    pub field: String,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NotFound",
            Self::UnknownKind(_) => "UnknownKind",
            Self::WrongScope(_) => "WrongScope",
            Self::BadName(_) => "BadName",
            Self::Conflict(_) => "Conflict",
            Self::AlreadyExists(_) => "AlreadyExists",
            Self::Forbidden(_) => "Forbidden",
            Self::Unauthorized(_) => "Unauthorized",
            Self::Invalid(_) => "Invalid",
            Self::Expired(_) => "Expired",
            Self::Unavailable { .. } => "Unavailable",
            Self::Malformed(_) => "Malformed",
        }
    }

    /// Whether the object changed under a write, or its fields belong to others.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// Whether there is no such object; also true where there is no such kind.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::UnknownKind(_))
    }

    /// Whether the very same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Unauthorized(_) | Self::Expired(_))
    }

    /// How long the API server asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable {
            message: message.into(),
            retry_after: None,
        }
    }
}
