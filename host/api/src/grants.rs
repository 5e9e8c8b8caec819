//! What an administrator grants to a provider: the grants file. What it does not say is not granted, and a key it does not
//! know is an error, so that a typing mistake never grants more, or silently less, than was meant.

mod origin;
mod outside;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ServiceAccount;

use self::outside::{Side, check_http, check_secrets};
pub use self::{
    origin::{Origin, OriginError, Origins},
    outside::{HttpGrant, HttpMethod, SecretGrant, is_json_pointer},
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
    /// Requests to other systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpGrant>,
    /// Secrets that go with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretGrant>,
    /// Handed to the provider, in the shape that it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// Bounds of time and memory; absent ones are the host's defaults.
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

/// Bounds for each call and each reconcile of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// For one call into the provider, with everything it waits for; `10s`, `500ms`, `1m`.
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<Duration>,
    /// For connect to disconnect.
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub reconcile_timeout: Option<Duration>,
    /// Bytes, for all memories and tables of an instance together; `64Mi`, `1Gi`.
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Other bounds for single kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<KindLimits>,
}

/// Bounds for the objects of one kind that the provider manages. What is absent is as for all its kinds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KindLimits {
    /// `Repo`
    pub kind: String,
    /// As in [`Limits`].
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<Duration>,
    /// As in [`Limits`].
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub reconcile_timeout: Option<Duration>,
    /// As in [`Limits`].
    #[serde(default, with = "quantity", skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

impl Limits {
    /// Those for one kind: its own, and in place of what they leave out those for all.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> Self {
        let own = self.kinds.iter().find(|limits| limits.kind == kind).cloned().unwrap_or_default();
        Self {
            call_timeout: own.call_timeout.or(self.call_timeout),
            reconcile_timeout: own.reconcile_timeout.or(self.reconcile_timeout),
            memory: own.memory.or(self.memory),
            kinds: Vec::new(),
        }
    }

    fn check(&self) -> Result<(), GrantError> {
        check_zero(self.call_timeout, self.reconcile_timeout, self.memory)?;
        for (index, limits) in self.kinds.iter().enumerate() {
            check_zero(limits.call_timeout, limits.reconcile_timeout, limits.memory)?;
            let kind = limits.kind.clone();
            if self.kinds[..index].iter().any(|before| before.kind == kind) {
                return Err(GrantError::KindTwice(kind));
            }
            if *limits == (KindLimits { kind: kind.clone(), ..KindLimits::default() }) {
                return Err(GrantError::KindUnlimited(kind));
            }
        }
        Ok(())
    }
}

fn check_zero(call: Option<Duration>, reconcile: Option<Duration>, memory: Option<u64>) -> Result<(), GrantError> {
    let zero = [
        ("callTimeout", call == Some(Duration::ZERO)),
        ("reconcileTimeout", reconcile == Some(Duration::ZERO)),
        ("memory", memory == Some(0)),
    ];
    match zero.into_iter().find(|(_, zero)| *zero) {
        Some((limit, _)) => Err(GrantError::Zero(limit)),
        None => Ok(()),
    }
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
    /// A rule for what lies outside the cluster makes no sense.
    #[error("rule {rule} under `{section}` has {problem}")]
    Rule {
        /// `http` or `secrets`.
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
    /// A limit of zero would stop every call.
    #[error("limit {0} is zero: give a positive value, or leave it out for the default")]
    Zero(&'static str),
    /// Nobody can say which of them was meant.
    #[error("`limits.kinds` has kind {0} twice: put its limits into one entry")]
    KindTwice(String),
    /// An entry that limits nothing cannot be what was meant.
    #[error(
        "`limits.kinds` has kind {0} with no limit: give callTimeout, reconcileTimeout or memory, or remove the entry"
    )]
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

    /// Reads what a provider asks for: the same shape, but for `"*"` as an origin, and without configuration.
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
        check_http(&self.http, side)?;
        check_secrets(&self.secrets, side)?;
        if side == Side::Asked && self.config.is_some() {
            return Err(GrantError::Config);
        }
        if side == Side::Asked && self.service_account.is_some() {
            return Err(GrantError::ServiceAccount);
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

/// `10s`, `500ms`, `2m`, `1h`.
pub(crate) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(crate) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        // The shortest way to write it.
        let text = |value: &Duration| {
            let millis = value.as_millis();
            let fits = |unit: &&(&str, u64)| millis > 0 && millis.is_multiple_of(u128::from(unit.1));
            let (unit, length) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
            format!("{}{unit}", millis / u128::from(*length))
        };
        match value {
            Some(value) => to.serialize_str(&text(value)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let parsed = UNITS.iter().find_map(|(unit, millis)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(*millis).map(Duration::from_millis)
        });
        parsed.map(Some).ok_or_else(|| D::Error::custom(format!("`{text}` is no duration: write 500ms, 10s, 1m or 1h")))
    }
}

/// Bytes, from `64Mi`, `1Gi`, or a number of them.
pub fn memory(text: &str) -> Result<u64, InvalidMemory> {
    const UNITS: [(&str, u64); 3] = [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30)];
    let parsed = UNITS.iter().find_map(|(unit, bytes)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*bytes)
    });
    parsed.or_else(|| text.parse().ok()).ok_or_else(|| InvalidMemory(text.to_owned()))
}

/// It is written in some other way.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no amount of memory: write 512Ki, 64Mi or 1Gi")]
pub struct InvalidMemory(String);

/// As [`memory`] reads it.
mod quantity {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::memory;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Bytes(u64),
        Unit(String),
    }

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(value: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_u64(*value),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        let text = match Option::<Text>::deserialize(from)? {
            None => return Ok(None),
            Some(Text::Bytes(bytes)) => return Ok(Some(bytes)),
            Some(Text::Unit(text)) => text,
        };
        memory(&text).map(Some).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_read() {
        let grants = Grants::parse(
            r#"
kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get, "*"], namespaces: [team-a], names: [foo]}
limits: {callTimeout: 10s, reconcileTimeout: 1m, memory: 64Mi}
"#,
        )
        .unwrap();
        assert_eq!(grants.kubernetes[0].verbs, [Verb::Get, Verb::Any]);
        assert_eq!(grants.limits.call_timeout, Some(Duration::from_secs(10)));
        assert_eq!(grants.limits.reconcile_timeout, Some(Duration::from_mins(1)));
        assert_eq!(grants.limits.memory, Some(64 << 20));
    }

    #[test]
    fn a_kind_has_its_own_limits_and_for_the_rest_those_of_all() {
        let grants = Grants::parse(
            "limits: {callTimeout: 5s, memory: 32Mi, kinds: [{kind: Repo, reconcileTimeout: 2m, memory: 128Mi}]}",
        )
        .unwrap();
        let repo = grants.limits.of_kind("Repo");
        assert_eq!(repo.call_timeout, Some(Duration::from_secs(5)));
        assert_eq!(repo.reconcile_timeout, Some(Duration::from_mins(2)));
        assert_eq!(repo.memory, Some(128 << 20));
        let others = grants.limits.of_kind("Team");
        assert_eq!((others.reconcile_timeout, others.memory), (None, Some(32 << 20)));
        let written = serde_json::to_value(&grants.limits).unwrap();
        assert_eq!(
            written["kinds"][0],
            serde_json::json!({"kind": "Repo", "reconcileTimeout": "2m", "memory": 128 << 20})
        );
    }

    #[test]
    fn what_lies_outside_is_read() {
        let grants = Grants::parse(
            r#"
http:
  - {origin: "https://api.github.com", methods: [GET, PATCH], pathPrefix: /repos}
  - {origin: "http://127.0.0.1:8080", allowPrivate: true, allowPlaintext: true}
secrets:
  - {namespace: team-a, names: [github-token], keys: [token], origins: ["https://api.github.com"]}
  - {names: [hook], keys: [secret], origins: ["https://api.github.com"], bodyMembers: [/config/secret]}
config: {apiUrl: "https://api.github.com", retries: 3}
"#,
        )
        .unwrap();
        assert_eq!(grants.http[0].methods.as_deref(), Some(&[HttpMethod::Get, HttpMethod::Patch][..]));
        assert!(grants.http[1].allow_private && !grants.http[0].allow_private);
        assert_eq!(grants.secrets[0].origins[0].to_string(), "https://api.github.com");
        assert_eq!(grants.secrets[1].body_members.as_deref(), Some(&["/config/secret".to_owned()][..]));
        assert_eq!(grants.config.unwrap()["retries"], 3);
    }

    #[test]
    fn any_origin_can_be_asked_for_and_not_granted() {
        for text in [
            "http: [{origin: '*'}]",
            "secrets: [{names: ['*'], keys: ['*'], origins: ['*']}]",
            "http: [{origin: '*', methods: [GET]}]",
        ] {
            Grants::parse_needs(text).expect(text);
            let error = Grants::parse(text).expect_err(text).to_string();
            assert!(error.contains("must be named"), "{error}");
        }
        assert!(matches!(Grants::parse_needs("config: {}"), Err(GrantError::Config)));
    }

    #[test]
    fn an_account_can_be_given_and_not_asked_for() {
        let text = "serviceAccount: {namespace: team-a, name: patch}";
        assert_eq!(Grants::parse(text).unwrap().service_account, ServiceAccount::new("team-a", "patch").ok());
        assert!(matches!(Grants::parse_needs(text), Err(GrantError::ServiceAccount)));
    }

    #[test]
    fn nothing_grants_nothing() {
        for text in ["", "\n# only a comment\n"] {
            assert_eq!(Grants::parse(text).unwrap(), Grants::default());
        }
    }

    #[test]
    fn whole_numbers_of_a_configuration_are_integers() {
        let grants = Grants::parse("config: {ratio: 1.0, list: [{deep: 2.0}], half: 0.5, large: 1.0e300}").unwrap();
        let config = serde_json::to_value(grants.config).unwrap();
        assert_eq!(config, serde_json::json!({"ratio": 1, "list": [{"deep": 2}], "half": 0.5, "large": 1.0e300}));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("kubernets: []", "kubernets"),
            ("kubernetes: [{apiGroups: [''], kinds: [ConfigMap]}]", "verbs"),
            ("kubernetes: [{apiGroups: [''], kinds: [ConfigMap], verbs: [read]}]", "read"),
            ("kubernetes: [{apiGroups: [''], kinds: [], verbs: [get]}]", "empty list of kinds"),
            ("limits: {memory: 64MB}", "64MB"),
            ("limits: {callTimeout: 10}", "10"),
            ("limits: {callTimeout: 0s}", "zero"),
            ("limits: {kinds: [{kind: A, memory: 0}]}", "memory is zero"),
            ("limits: {kinds: [{memory: 1Mi}]}", "kind"),
            ("limits: {kinds: [{kind: A, memory: 1Mi}, {kind: A, callTimeout: 1s}]}", "A twice"),
            ("limits: {kinds: [{kind: A}]}", "no limit"),
            ("limits: {kinds: [{kind: A, concurrency: 3}]}", "concurrency"),
            ("http: [{origin: 'https://a.b/', methods: [GET]}]", "write https://a.b"),
            ("http: [{origin: 'http://a.b'}]", "allowPlaintext"),
            ("http: [{origin: 'https://a.b', methods: []}]", "empty list of methods"),
            ("http: [{origin: 'https://a.b', methods: [get]}]", "GET"),
            ("http: [{origin: 'https://a.b', path: /x}]", "pathPrefix"),
            ("http: [{origin: 'https://a.b', pathPrefix: x}]", "absolute path"),
            ("http: [{origin: 'https://a.b', pathPrefix: /x/../y}]", "absolute path"),
            ("http: [{origin: 'https://a.b', allowPrivate: true}, {origin: 'https://a.b'}]", "allowPrivate"),
            ("secrets: [{names: [a], keys: [b]}]", "origins"),
            ("secrets: [{names: [a], keys: [], origins: ['https://a.b']}]", "empty list of keys"),
            ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], namespaces: [c]}]", "namespace"),
            (
                "secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: []}]",
                "empty list of bodyMembers",
            ),
            ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: [secret]}]", "JSON pointer"),
            ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: ['*']}]", "JSON pointer"),
            ("secrets: [{names: [a], keys: [b], origins: ['https://a.b'], bodyMembers: ['/a~2']}]", "JSON pointer"),
            ("config: 3", "config"),
            ("serviceAccount: {namespace: team-a}", "name"),
            ("serviceAccount: {namespace: team-a, name: 'system:admin'}", "no name of a ServiceAccount"),
        ] {
            let error = Grants::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
