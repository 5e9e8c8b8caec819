//! A component in a registry.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::grants::{duration, is_default};

/// `spec.source.oci` of a `Provider`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OciSource {
    /// `registry.example.org/providers/patch:1.0`, or with `@sha256:` and the digest of the manifest, which counts then.
    pub reference: String,
    /// A Secret of the type `kubernetes.io/dockerconfigjson` in the host's own namespace. Absent: the registry is asked by nobody in
    /// particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_secret: Option<SecretName>,
    /// The registry is spoken to in plain HTTP. For those on the host's own machine alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub plain_http: bool,
    /// Between two looks at where the tag leads. Of no use with a digest.
    #[serde(default, with = "duration", skip_serializing_if = "Option::is_none")]
    pub interval: Option<Duration>,
}

/// A Secret in a namespace that is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretName {
    /// Its name.
    pub name: String,
}

impl OciSource {
    /// Looks are further apart than this, whatever the object says: registries count them.
    pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);
    const INTERVAL: Duration = Duration::from_mins(5);

    /// What a reference leads to, for everybody, by HTTPS.
    #[must_use]
    pub fn new(reference: impl Into<String>) -> Self {
        Self { reference: reference.into(), pull_secret: None, plain_http: false, interval: None }
    }

    /// Between two looks at where the tag leads: at least [`Self::SHORTEST_INTERVAL`].
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval.unwrap_or(Self::INTERVAL).max(Self::SHORTEST_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn looks_are_never_too_close_together() {
        let interval = |text: &str| {
            let source: OciSource = serde_json::from_value(json!({"reference": "r.io/a:1", "interval": text})).unwrap();
            source.interval()
        };
        assert_eq!(interval("1ms"), OciSource::SHORTEST_INTERVAL);
        assert_eq!(interval("1h"), Duration::from_hours(1));
        assert_eq!(OciSource::new("r.io/a:1").interval(), Duration::from_mins(5));
    }
}
