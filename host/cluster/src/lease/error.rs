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
        "the host may not {verb} the lease {lease}: give it the right to get, create and update leases of \
         coordination.k8s.io in that namespace ({message})"
    )]
    RightMissing {
        /// Which of the three.
        verb: &'static str,
        /// Namespace and name.
        lease: ObjectKey,
        /// The API server's words.
        message: String,
    },
    /// The namespace does not exist.
    #[error("there is no namespace for the lease {0}: create it, or name another one")]
    NamespaceMissing(ObjectKey),
    /// The task that renewed it panicked. The lease ends by itself.
    #[error("the renewal of the lease failed by a defect")]
    Panicked,
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
            Self::Panicked => "Panicked",
            Self::Request(error) => error.reason(),
        }
    }
}
