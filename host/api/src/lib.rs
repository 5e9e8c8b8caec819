//! Capstan's own vocabulary: names of objects, annotation keys and policies, conditions, grants. No I/O.

mod condition;
mod grants;
mod object;
mod policy;
mod provider;
mod service_account;

pub mod keys;

pub use condition::{Condition, Conditions, Status};
pub use grants::{
    GrantError, Grants, HttpGrant, HttpMethod, InvalidMemory, KindLimits, KubernetesGrant, Limits, ManagesGrant,
    Origin, OriginError, Origins, SecretGrant, Verb, is_json_pointer, memory,
};
pub use kube_core::GroupVersionKind;
pub use object::{ObjectKey, ObjectRef, api_version, kind_of};
pub use policy::{Allowed, DeletionPolicy, ManagementPolicy, Policies};
pub use provider::{
    BoundUsage, GROUP, KindName, LastError, OciSource, Permissions, PermissionsStatus, ProviderCondition,
    ProviderCounters, ProviderSpec, ProviderStatus, SecretName, Source, provider_kind, provider_ref,
};
pub use service_account::{ServiceAccount, ServiceAccountError};
