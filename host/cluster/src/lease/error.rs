//! What can go wrong with a lease.

use capstan_api::ObjectKey;

use crate::Error;

/// A request for a lease that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else wrote or made it since we saw it. Normal.
    #[error("somebody else wrote the lease")]
    Contended,
    /// It was deleted since we saw it.
    #[error("the lease was deleted")]
    Deleted,
    /// The host's RBAC lacks a right.
    #[error(
        "the host may not {verb} the lease {lease}: give it the right to get, list, watch, create, update and delete \
         leases of coordination.k8s.io in that namespace ({message})"
    )]
    RightMissing {
        /// Which of them.
        verb: &'static str,
        /// Namespace and name.
        lease: ObjectKey,
        /// The API server's words.
        message: String,
    },
    /// The namespace does not exist.
    #[error("there is no namespace for the lease {0}: create it, or name another one")]
    NamespaceMissing(ObjectKey),
    /// The task that keeps the leases is no more. They end by themselves.
    #[error("the task that keeps the leases has ended")]
    Ended,
    /// Anything else.
    #[error(transparent)]
    Request(#[from] Error),
}

impl LeaseError {
    /// For conditions and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Contended => "Contended",
            Self::Deleted => "Deleted",
            Self::RightMissing { .. } => "RightsMissing",
            Self::NamespaceMissing(_) => "NamespaceMissing",
            Self::Ended => "Ended",
            Self::Request(error) => error.reason(),
        }
    }
}
