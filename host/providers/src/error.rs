//! Why a delivered provider does not run.

use capstan_api::GrantError;
use capstan_cluster::Error as ClusterError;
use capstan_sandbox::{LoadError, Outcome};

use crate::ArtifactError;

/// A provider that cannot be taken into service. What ran under its name before goes on running.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The delivery itself is of no use.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The grants file is of no use.
    #[error(transparent)]
    Grants(#[from] GrantError),
    /// The component is refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component does not say what it is.
    #[error("the provider cannot be asked what it is: {0}")]
    Describe(Outcome),
    /// Somebody else has the name or a kind already.
    #[error("{0}")]
    Conflict(String),
    /// It wants to manage a kind that is not its own.
    #[error(
        "the provider wants to manage {kind} of group {group}, which it does not define: if that is meant, name this kind in \
         its grants; kinds of Kubernetes itself and of Capstan are never a provider's own"
    )]
    ForeignKind {
        /// Its group.
        group: String,
        /// Its name.
        kind: String,
    },
    /// A `CustomResourceDefinition` cannot be installed.
    #[error("CustomResourceDefinition {name} cannot be installed: {error}")]
    Install {
        /// Which one.
        name: String,
        /// Why.
        error: ClusterError,
    },
    /// A `CustomResourceDefinition` was taken and then not served.
    #[error("CustomResourceDefinition {0} is not established: `kubectl describe crd {0}` says why")]
    NotEstablished(String),
}

impl ProviderError {
    /// For events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Artifact(error) => error.reason(),
            Self::Grants(error) => error.reason(),
            Self::Load(error) => error.reason(),
            Self::Describe(outcome) => outcome.reason(),
            Self::Conflict(_) => "Conflict",
            Self::ForeignKind { .. } => "ForeignKind",
            Self::Install { error: ClusterError::Forbidden(_), .. } => "RightsMissing",
            Self::Install { .. } => "InstallFailed",
            Self::NotEstablished(_) => "NotEstablished",
        }
    }

    /// Whether the same artifact may do better later. The others wait for a new one.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Conflict(_)
                | Self::Install { .. }
                | Self::NotEstablished(_)
                | Self::Load(LoadError::Host(_))
                // The host may just have been busy.
                | Self::Describe(
                    Outcome::Busy { .. } | Outcome::NotInstantiated { .. } | Outcome::DeadlineExceeded { .. }
                )
        )
    }
}
