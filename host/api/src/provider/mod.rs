//! `Provider`: a provider as an object of the cluster. What of it is wanted, and what became of it.

mod condition;
mod oci;
mod spec;
mod status;

use kube_core::GroupVersionKind;

use crate::{ObjectKey, ObjectRef};

pub use condition::ProviderCondition;
pub use oci::{OciSource, SecretName};
pub use spec::{Permissions, ProviderSpec, Source};
pub use status::{BoundUsage, KindName, LastError, PermissionsStatus, ProviderCounters, ProviderStatus};

/// The group of the host's own kinds.
pub const GROUP: &str = "capstan.dev";

/// The kind, as it is served.
#[must_use]
pub fn provider_kind() -> GroupVersionKind {
    GroupVersionKind::gvk(GROUP, "v1alpha1", "Provider")
}

/// The object of a provider.
#[must_use]
pub fn provider_ref(name: &str) -> ObjectRef {
    ObjectRef { kind: provider_kind(), key: ObjectKey::cluster(name) }
}

#[cfg(test)]
mod tests;
