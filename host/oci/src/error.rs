//! Why nothing came from a registry, or went there.

use std::time::Duration;

use crate::{InvalidReference, connect::ConnectError};

/// What went wrong between us and a registry. The texts say what is wrong and not where to mend it: that depends on who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The reference names no artifact.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// Something leads to plain HTTP that is not on this machine, or not wanted.
    #[error("{0} would be reached by plain HTTP, which is for loopback addresses alone")]
    Plaintext(String),
    /// The registry wants to know who asks, or does not take the answer.
    #[error(
        "registry {registry} {} for {repository}",
        if *.signed_in { "does not accept the credentials" } else { "wants credentials" }
    )]
    Unauthorized {
        /// Host and port.
        registry: String,
        /// Its name there.
        repository: String,
        /// Credentials were sent.
        signed_in: bool,
    },
    /// There is nothing of this name.
    #[error("{0} is not in the registry")]
    NotFound(String),
    /// It is something else than a component in the Wasm OCI artifact layout.
    #[error("{reference} is no component in the Wasm OCI artifact layout: {found}")]
    NotWasm {
        /// Which artifact.
        reference: String,
        /// What was found instead.
        found: String,
    },
    /// Larger than it may be.
    #[error("{what} has {size} bytes, and may have {limit}")]
    TooLarge {
        /// What it is.
        what: String,
        /// At least so many.
        size: u64,
        /// The bound.
        limit: u64,
    },
    /// The bytes are not those that their digest names.
    #[error("what the registry sent for {expected} has the digest {found}")]
    Corrupt {
        /// What was asked for.
        expected: String,
        /// What came.
        found: String,
    },
    /// An answer that no registry should give.
    #[error("the answer of {registry} makes no sense: {problem}")]
    Malformed {
        /// Host and port.
        registry: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A refusal of another sort.
    #[error("registry {registry} answers {status}: {message}")]
    Refused {
        /// Host and port.
        registry: String,
        /// The code.
        status: u16,
        /// In the registry's words.
        message: String,
    },
    /// Too many requests.
    #[error("registry {registry} has too many requests from here")]
    Limited {
        /// Host and port.
        registry: String,
        /// How long it wants to be left alone, if it says.
        wait: Option<Duration>,
    },
    /// Not reachable, or not well.
    #[error("registry {registry} is not to be had: {problem}")]
    Unavailable {
        /// Host and port.
        registry: String,
        /// What happened.
        problem: String,
    },
    /// No whole answer in time.
    #[error("registry {registry} takes longer than {within:?}")]
    TimedOut {
        /// Host and port.
        registry: String,
        /// What it was given.
        within: Duration,
    },
}

/// When the same request may do better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Soon, and not before this time if there is one.
    Soon(Option<Duration>),
    /// When somebody has changed something.
    Changed,
}

impl Error {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Reference(_) => "ReferenceInvalid",
            Self::Plaintext(_) => "PlaintextRefused",
            Self::Unauthorized { .. } => "RegistryUnauthorized",
            Self::NotFound(_) => "ArtifactMissing",
            Self::NotWasm { .. } => "NotAWasmArtifact",
            Self::TooLarge { .. } => "ComponentTooLarge",
            Self::Corrupt { .. } => "ArtifactCorrupt",
            Self::Malformed { .. } | Self::Refused { .. } => "RegistryRefused",
            Self::Limited { .. } | Self::Unavailable { .. } | Self::TimedOut { .. } => "FetchFailed",
        }
    }

    /// Whether it is worth the same request again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Limited { wait, .. } => Retry::Soon(*wait),
            Self::Unavailable { .. } | Self::TimedOut { .. } | Self::Malformed { .. } | Self::Corrupt { .. } => {
                Retry::Soon(None)
            }
            _ => Retry::Changed,
        }
    }

    /// What hyper's client says, by the types behind it.
    pub(crate) fn sending(registry: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        let mut problem = error.to_string();
        while let Some(current) = next {
            if let Some(ConnectError::Plaintext(host)) = current.downcast_ref() {
                return Self::Plaintext(host.clone());
            }
            // The innermost says what happened; those around it, only where.
            problem = current.to_string();
            next = current.source();
        }
        Self::Unavailable { registry: registry.to_owned(), problem }
    }
}
