//! What an administrator wants of a provider.

use std::{fmt, num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OciSource;
use crate::{
    GrantError, Grants, HttpGrant, KubernetesGrant, Limits, ManagesGrant, SecretGrant, ServiceAccount,
    grants::{duration, is_default},
};

/// `spec` of a `Provider`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSpec {
    /// Where its component comes from.
    pub source: Source,
    /// Pins the component: `sha256:` and the hash of its bytes. Absent: whatever the source holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What it may do beyond its own kinds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub grants: Permissions,
    /// In whose name it asks the API server; absent: the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
    /// Bounds of what it may use; absent ones are the host's defaults.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
    /// How many of its objects are reconciled at once, at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<NonZeroU32>,
    /// Its share where providers compete, beside a provider with weight 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<NonZeroU32>,
    /// Between two looks at an object that did not change.
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub poll_interval: Option<Duration>,
    /// Nothing of it is called.
    #[serde(default, skip_serializing_if = "is_default")]
    pub paused: bool,
    /// Handed to the provider, in the shape that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
}

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Source {
    /// A `ConfigMap` of the host's own namespace.
    ConfigMap {
        /// Its name.
        name: String,
    },
    /// A file of the host's providers directory.
    File {
        /// Its name there, `NAME.wasm`.
        name: String,
    },
    /// An artifact in a registry.
    Oci(OciSource),
}

/// The rules of a grants file, without what stands beside them in a `Provider`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permissions {
    /// Kubernetes objects beyond the provider's own kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kubernetes: Vec<KubernetesGrant>,
    /// Kinds that it may manage without bringing their definition. Of what a provider asks for: those that it manages and
    /// does not bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manages: Vec<ManagesGrant>,
    /// Requests to other systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
    /// Secrets that go with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretGrant>,
}

impl ProviderSpec {
    /// A provider that comes from there and is granted what a grants file says.
    #[must_use]
    pub fn new(source: Source, grants: Grants) -> Self {
        let Grants { service_account, kubernetes, manages, http, secrets, config, limits } = grants;
        let grants = Permissions { kubernetes, manages, http, secrets };
        Self {
            source,
            digest: None,
            grants,
            service_account,
            limits,
            concurrency: None,
            weight: None,
            poll_interval: None,
            paused: false,
            config,
        }
    }

    /// Grants, account, limits and configuration, as a grants file has them together.
    ///
    /// # Errors
    /// What is wrong with a rule or a limit, as for a file.
    pub fn grants(&self) -> Result<Grants, GrantError> {
        let Permissions { kubernetes, manages, http, secrets } = self.grants.clone();
        let (service_account, config, limits) =
            (self.service_account.clone(), self.config.clone(), self.limits.clone());
        Grants { service_account, kubernetes, manages, http, secrets, config, limits }.granted()
    }
}

impl From<&Grants> for Permissions {
    fn from(grants: &Grants) -> Self {
        let Grants { kubernetes, manages, http, secrets, .. } = grants.clone();
        Self { kubernetes, manages, http, secrets }
    }
}

/// `ConfigMap patch`, `file patch.wasm`, `artifact registry.example.org/patch:1.0`.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigMap { name } => write!(f, "ConfigMap {name}"),
            Self::File { name } => write!(f, "file {name}"),
            Self::Oci(OciSource { reference, .. }) => write!(f, "artifact {reference}"),
        }
    }
}
