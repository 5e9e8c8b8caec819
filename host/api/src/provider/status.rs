//! What became of a provider, as the replica that runs it says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Permissions;
use crate::Conditions;

/// `status` of a `Provider`. Fields that are not known are left out of what is written, and of what is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderStatus {
    /// The generation of the object that all of this was found out about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Of the component in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Of the manifest that the component in service came with, if it came from a registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_digest: Option<String>,
    /// Of the component in service, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What the component in service calls its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Of the contract that it was built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wit_version: Option<String>,
    /// Interfaces that it imports, with their versions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
    /// What it manages. Kept when it is not in service: a deletion waits for the objects of these kinds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindName>,
    /// The same for a column of a table.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind_names: String,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<PermissionsStatus>,
    /// The replica that runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What it did since that replica took it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counters: Option<ProviderCounters>,
    /// What reconciles of the component in service used of each bound of their budget.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<String, BoundUsage>,
    /// Why a delivery was not taken, the last time that one was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// Of the last component that came into service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_known_good_digest: Option<String>,
    /// `Loaded`, `Healthy`, `Paused`, and while it is deleted `Deleting`.
    pub conditions: Conditions,
}

/// A kind, as an object names its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindName {
    /// `v1`, or `group/version`.
    pub api_version: String,
    /// `Patch`
    pub kind: String,
}

/// What a provider may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PermissionsStatus {
    /// What the component asks for.
    pub requested: Permissions,
    /// What the administrator grants. Allowed is what stands in both.
    pub granted: Permissions,
    /// What of all that the API server does not let the host do, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What a provider did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderCounters {
    /// Reconciles that ended.
    pub reconciles: u64,
    /// Those that failed.
    pub failures: u64,
    /// Calls into it that crashed.
    pub traps: u64,
    /// Calls into it that were ended since a budget ran out.
    pub kills: u64,
    /// Requests of its that the grants do not allow.
    pub denied: u64,
}

/// What reconciles used of one bound, in its unit, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BoundUsage {
    /// Half of them used no more.
    pub p50: String,
    /// 99 of 100 used no more.
    pub p99: String,
    /// None used more.
    pub max: String,
    /// What one may use.
    pub limit: String,
}

/// Why a delivery was not taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastError {
    /// As in the condition `Loaded`.
    pub reason: String,
    /// What is wrong and what to do.
    pub message: String,
    /// When (RFC 3339, seconds).
    pub time: String,
}
