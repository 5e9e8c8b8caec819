//! The part of an object's metadata that people and controllers change on purpose.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use capstan_cluster::Object;
use serde::Deserialize;
use serde_json::Value;

/// What the lifecycle reads of `metadata`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    uid: String,
    pub(crate) generation: Option<i64>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) finalizers: Vec<String>,
    pub(crate) deletion_timestamp: Option<String>,
}

/// Equal as long as nobody changed an object on purpose: other writes of `status` do not show in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

#[derive(Deserialize)]
struct Envelope {
    metadata: Metadata,
}

impl Metadata {
    /// Metadata of another shape is not stored by the API server.
    pub(crate) fn of(object: &Object) -> Self {
        serde_json::from_str(object.json()).map(|envelope: Envelope| envelope.metadata).unwrap_or_default()
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        Fingerprint(hasher.finish())
    }

    /// Whether this is `before` with these annotations set, and with nobody else's changes.
    pub(crate) fn is_only_annotated(&self, before: &Self, annotations: &Value) -> bool {
        let mut expected = before.clone();
        let annotations = annotations.as_object().into_iter().flatten();
        expected
            .annotations
            .extend(annotations.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
        *self == expected
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(change: impl Fn(&mut Value)) -> Object {
        let mut value = json!({
            "apiVersion": "example.org/v1", "kind": "Thing",
            "metadata": {"name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "5", "generation": 1},
            "spec": {}, "status": {},
        });
        change(&mut value);
        Object::from_value(value).unwrap()
    }

    fn print(change: impl Fn(&mut Value)) -> Fingerprint {
        Metadata::of(&object(change)).fingerprint()
    }

    #[test]
    fn a_status_write_leaves_no_trace_in_the_fingerprint_and_all_else_does() {
        let untouched = print(|_| {});
        let status = print(|value| {
            value["status"]["url"] = json!("x");
            value["metadata"]["resourceVersion"] = json!("6");
        });
        assert_eq!(untouched, status);
        for (member, change) in [
            ("uid", json!("v")),
            ("generation", json!(2)),
            ("labels", json!({"a": "b"})),
            ("annotations", json!({"a": "b"})),
            ("finalizers", json!(["a"])),
            ("deletionTimestamp", json!("2026-01-01T00:00:00Z")),
        ] {
            assert_ne!(untouched, print(|value| value["metadata"][member] = change.clone()), "{member}");
        }
    }

    #[test]
    fn own_annotations_are_told_from_changes_of_others() {
        let before = Metadata::of(&object(|_| {}));
        let ours = json!({"a": "b"});
        let after = |generation: u32| {
            Metadata::of(&object(|value| {
                value["metadata"]["annotations"] = ours.clone();
                value["metadata"]["generation"] = json!(generation);
            }))
        };
        assert!(after(1).is_only_annotated(&before, &ours));
        assert!(!after(2).is_only_annotated(&before, &ours));
    }
}
