//! What is wanted of one provider: its object, and what its source holds.

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use capstan_api::{Grants, ProviderSpec, Source, keys};
use capstan_cluster::Object;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Artifact, ArtifactError, Origin, ProviderError};

/// The newest state of a `Provider` and of its source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) facts: Arc<Facts>,
    pub(crate) carrier: Carrier,
}

/// What the host reads of a `Provider`: everything but its status.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a mark on the object, and they have nothing to do with each other"
)]
pub(crate) struct Facts {
    pub(crate) uid: String,
    pub(crate) generation: i64,
    /// Somebody has deleted it.
    pub(crate) deleting: bool,
    /// Our finalizer is on it.
    pub(crate) held: bool,
    /// Its objects are to be let go when it is deleted.
    pub(crate) abandon: bool,
    /// The host made it, for a `ConfigMap` or a file.
    pub(crate) made: bool,
    /// Or why it cannot be read.
    pub(crate) spec: Result<ProviderSpec, String>,
}

/// What a source holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Carrier {
    /// It has not been looked at yet.
    Unknown,
    Missing,
    Broken(Origin, ArtifactError),
    Here(Artifact),
}

/// Everything that it takes to load a provider.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) component: Bytes,
    /// `sha256:` and the hash of the component.
    pub(crate) digest: String,
    pub(crate) grants: Grants,
}

#[derive(Deserialize)]
struct Raw {
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Metadata {
    uid: String,
    generation: i64,
    deletion_timestamp: Option<String>,
    finalizers: Vec<String>,
    annotations: std::collections::BTreeMap<String, String>,
    labels: std::collections::BTreeMap<String, String>,
}

impl Facts {
    /// `None` if the API server serves no object of this shape.
    pub(crate) fn of(object: &Object) -> Option<Self> {
        let Raw { metadata, spec } = serde_json::from_str(object.json()).ok()?;
        Some(Self {
            uid: metadata.uid,
            generation: metadata.generation,
            deleting: metadata.deletion_timestamp.is_some(),
            held: metadata.finalizers.iter().any(|finalizer| finalizer == keys::PROVIDER_FINALIZER),
            abandon: metadata.annotations.get(keys::ABANDON).is_some_and(|value| value == "true"),
            made: metadata.labels.contains_key(keys::MADE_FROM),
            spec: serde_json::from_value(spec).map_err(|error| error.to_string()),
        })
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.spec.as_ref().ok().map(|spec| &spec.source)
    }
}

impl Wanted {
    /// Where it comes from, if that is known.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.carrier {
            Carrier::Unknown | Carrier::Missing => None,
            Carrier::Broken(origin, _) | Carrier::Here(Artifact { origin, .. }) => Some(origin),
        }
    }

    /// The digest of the manifest that it came with, if it came from a registry.
    pub(crate) fn manifest(&self) -> Option<&str> {
        match self.origin() {
            Some(Origin::Registry { manifest, .. }) => manifest.as_deref(),
            _ => None,
        }
    }

    /// What to load. `None`: something that is known to come is not there yet.
    pub(crate) fn ready(&self) -> Result<Option<Ready>, ProviderError> {
        let spec = self.facts.spec.as_ref().map_err(|problem| ProviderError::Spec(problem.clone()))?;
        let grants = spec.grants()?;
        let artifact = match &self.carrier {
            Carrier::Unknown => return Ok(None),
            // The host deletes it, with what it was made for.
            Carrier::Missing if self.facts.made && matches!(spec.source, Source::ConfigMap { .. }) => return Ok(None),
            Carrier::Missing => return Err(ProviderError::SourceMissing(spec.source.clone())),
            Carrier::Broken(_, error) => return Err(error.clone().into()),
            Carrier::Here(artifact) => artifact,
        };
        // A component and the grants that came with it are never mixed with those before: the host brings the object up to
        // date first.
        if self.facts.made && Grants::parse(&artifact.grants)? != grants {
            return Ok(None);
        }
        let digest = digest(&artifact.component);
        match &spec.digest {
            Some(pinned) if *pinned != digest => {
                Err(ProviderError::DigestMismatch { place: spec.source.clone(), pinned: pinned.clone(), found: digest })
            }
            _ => Ok(Some(Ready { component: artifact.component.clone(), digest, grants })),
        }
    }
}

fn digest(component: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(component) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(made: bool, spec: &Value, grants: &str) -> Wanted {
        let labels = if made { json!({keys::MADE_FROM: "config-map"}) } else { json!({}) };
        let object = Object::from_value(json!({
            "apiVersion": "capstan.dev/v1alpha1", "kind": "Provider",
            "metadata": {"name": "note", "uid": "u", "generation": 3, "labels": labels},
            "spec": spec,
        }))
        .unwrap();
        let artifact = Artifact {
            component: Bytes::from_static(b"wasm"),
            grants: grants.into(),
            origin: Origin::File("note.wasm".to_owned()),
        };
        Wanted { facts: Arc::new(Facts::of(&object).unwrap()), carrier: Carrier::Here(artifact) }
    }

    fn source() -> Value {
        json!({"configMap": {"name": "carrier"}})
    }

    #[test]
    fn a_pinned_component_is_taken_and_no_other() {
        let found = wanted(false, &json!({"source": source()}), "").ready().unwrap().unwrap().digest;
        let pinned = |digest: &str| wanted(false, &json!({"source": source(), "digest": digest}), "").ready();
        assert!(pinned(&found).unwrap().is_some());
        let error = pinned(&format!("sha256:{}", "0".repeat(64))).unwrap_err();
        assert_eq!(error.reason(), "DigestMismatch");
        assert!(error.to_string().contains(&found), "{error}");
    }

    #[test]
    fn a_component_waits_for_the_grants_that_came_with_it() {
        let rule = json!({"apiGroups": [""], "kinds": ["Pod"], "verbs": ["get"]});
        let spec = json!({"source": source(), "grants": {"kubernetes": [rule]}});
        assert!(wanted(true, &spec, "").ready().unwrap().is_none(), "the grants are those of another build");
        let same = "kubernetes: [{apiGroups: [''], kinds: [Pod], verbs: [get]}]";
        assert!(wanted(true, &spec, same).ready().unwrap().is_some());
        // What stands beside the component of a provider that is written by hand grants nothing.
        let ready = wanted(false, &json!({"source": source()}), same).ready().unwrap().unwrap();
        assert_eq!(ready.grants, Grants::default());
        assert_eq!(wanted(true, &spec, "kubernets: []").ready().unwrap_err().reason(), "GrantsInvalid");
    }

    #[test]
    fn what_cannot_be_loaded_says_why() {
        assert_eq!(wanted(false, &json!({}), "").ready().unwrap_err().reason(), "SpecInvalid");
        let missing = Wanted { carrier: Carrier::Missing, ..wanted(false, &json!({"source": source()}), "") };
        assert_eq!(missing.ready().unwrap_err().reason(), "SourceMissing");
    }
}
