//! What an administrator grants to a provider: the grants file. What it does not say is not granted, and a key it does not
//! know is an error, so that a typing mistake never grants more, or silently less, than was meant.

mod limits;
mod manages;
mod origin;
mod outside;
mod units;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ServiceAccount;

use self::outside::{Side, check_http, check_secrets};
pub(crate) use self::units::duration;
pub use self::{
    limits::{KindLimits, Limits},
    manages::ManagesGrant,
    origin::{Origin, OriginError, Origins},
    outside::{HttpGrant, HttpMethod, SecretGrant, is_json_pointer},
    units::{InvalidMemory, memory},
};

/// A grants file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grants {
    /// In whose name it asks the API server; absent: the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
    /// Kubernetes objects beyond the provider's own kinds.
    #[serde(default)]
    pub kubernetes: Vec<KubernetesGrant>,
    /// Kinds that it may manage without bringing their definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manages: Vec<ManagesGrant>,
    /// Requests to other systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
    /// Secrets that go with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretGrant>,
    /// Handed to the provider, in the shape that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// Bounds of what it may use; absent ones are the host's defaults.
    #[serde(default)]
    pub limits: Limits,
}

/// One rule: any of the verbs on any of the kinds, in the places that the optional members narrow down to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesGrant {
    /// `""` is the core group; `"*"` any group.
    pub api_groups: Vec<String>,
    /// `"*"` any kind.
    pub kinds: Vec<String>,
    /// `"*"` any verb.
    pub verbs: Vec<Verb>,
    /// Absent: every namespace, and cluster-scoped objects. Present: only those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// Absent: every name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// Labels an object must have; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<BTreeMap<String, String>>,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Read one.
    Get,
    /// Read many.
    List,
    /// Be woken by changes; what may be read is watched without it.
    Watch,
    /// Make one.
    Create,
    /// Replace one; the contract has no call for it.
    Update,
    /// Change parts of one.
    Patch,
    /// Delete one.
    Delete,
    /// All of them.
    #[serde(rename = "*")]
    Any,
}

/// The grants file makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Not YAML, an unknown key, or a value of the wrong shape.
    #[error("the grants are not valid: {0}")]
    Malformed(String),
    /// A rule with an empty list grants nothing, which cannot be what was meant.
    #[error("rule {0} under `kubernetes` has an empty list of {1}: name at least one, or remove the rule")]
    Empty(usize, &'static str),
    /// A rule of another section makes no sense.
    #[error("rule {rule} under `{section}` has {problem}")]
    Rule {
        /// `manages`, `http` or `secrets`.
        section: &'static str,
        /// Counted from one.
        rule: usize,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// A provider cannot configure itself.
    #[error("`config` is for the administrator to give: a provider says by its schema what it takes")]
    Config,
    /// A provider cannot choose its rights.
    #[error("`serviceAccount` is for the administrator to name: a provider acts in the name that it is given")]
    ServiceAccount,
    /// What a provider manages it says elsewhere.
    #[error("`manages` is for the administrator to grant: a provider says by its kinds what it manages")]
    Manages,
    /// A limit of zero would stop every call, or nearly.
    #[error("limit {0} is zero: give a positive value, or leave it out for the default")]
    Zero(&'static str),
    /// Longer than anything should take that is to be ended in time.
    #[error("limit {0} is longer than 24h: give less")]
    TooLong(&'static str),
    /// More than the host can bear.
    #[error("limit {limit} is {value}: give {most} at most")]
    TooHigh {
        /// As the file calls it.
        limit: &'static str,
        /// What it says.
        value: u64,
        /// What it could say.
        most: u64,
    },
    /// Nobody can say which of them was meant.
    #[error("`limits.kinds` has kind {0} twice: put its limits into one entry")]
    KindTwice(String),
    /// An entry that limits nothing cannot be what was meant.
    #[error("`limits.kinds` has kind {0} with no limit: give one, such as callTimeout or memory, or remove the entry")]
    KindUnlimited(String),
}

impl GrantError {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "GrantsInvalid"
    }
}

impl Grants {
    /// Reads a grants file (YAML or JSON); an empty one grants nothing.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        Self::read(text, Side::Granted)
    }

    /// Whether a provider may manage this kind, of whatever version, without bringing it. A rule under `kubernetes` does not
    /// say so.
    #[must_use]
    pub fn manages(&self, group: &str, kind: &str) -> bool {
        self.manages.iter().any(|rule| rule.names(group, kind))
    }

    /// Reads what a provider asks for: the same shape, but for `"*"` as an origin, and without configuration, account and
    /// `manages`.
    pub fn parse_needs(text: &str) -> Result<Self, GrantError> {
        Self::read(text, Side::Asked)
    }

    fn read(text: &str, side: Side) -> Result<Self, GrantError> {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return Ok(Self::default());
        }
        // In a line: it becomes the message of a condition.
        let malformed = |error: serde_saphyr::Error| GrantError::Malformed(error.without_snippet().to_string());
        let grants: Self = serde_saphyr::from_str(text).map_err(malformed)?;
        grants.checked(side)
    }

    /// These, if an administrator may grant them.
    pub(crate) fn granted(self) -> Result<Self, GrantError> {
        self.checked(Side::Granted)
    }

    fn checked(mut self, side: Side) -> Result<Self, GrantError> {
        self.check()?;
        for value in self.config.iter_mut().flat_map(Map::values_mut) {
            whole(value);
        }
        manages::check(&self.manages)?;
        check_http(&self.http, side)?;
        check_secrets(&self.secrets, side)?;
        if side == Side::Asked && self.config.is_some() {
            return Err(GrantError::Config);
        }
        if side == Side::Asked && self.service_account.is_some() {
            return Err(GrantError::ServiceAccount);
        }
        if side == Side::Asked && !self.manages.is_empty() {
            return Err(GrantError::Manages);
        }
        Ok(self)
    }

    fn check(&self) -> Result<(), GrantError> {
        for (index, rule) in self.kubernetes.iter().enumerate() {
            let empty = [
                ("apiGroups", rule.api_groups.is_empty()),
                ("kinds", rule.kinds.is_empty()),
                ("verbs", rule.verbs.is_empty()),
                ("namespaces", rule.namespaces.as_ref().is_some_and(Vec::is_empty)),
                ("names", rule.names.as_ref().is_some_and(Vec::is_empty)),
            ];
            if let Some((list, _)) = empty.into_iter().find(|(_, empty)| *empty) {
                return Err(GrantError::Empty(index + 1, list));
            }
        }
        self.limits.check()
    }
}

/// `1.0` becomes `1`, as an API server gives it back: the same configuration must look the same on every way.
fn whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let integer = number.as_f64().filter(|_| number.is_f64()).map(|float| format!("{float}"));
            if let Some(integer) = integer.and_then(|text| text.parse::<i64>().ok()) {
                *number = integer.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Object(members) => members.values_mut().for_each(whole),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// For fields that are written only if they say something.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests;
