//! One object.

use std::{collections::BTreeMap, fmt, sync::Arc};

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, text::Text};

/// One object as received, without `metadata.managedFields`. Cheap to clone.
///
/// Holds the text and the few facts that every change needs; what else is asked for is parsed anew. That keeps a store of
/// thousands about as large as their text.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

struct Inner {
    /// Shared by all objects of a watch.
    kind: Arc<GroupVersionKind>,
    /// Shared with the store that holds the object.
    key: Arc<ObjectKey>,
    uid: Box<str>,
    resource_version: Box<str>,
    owner_uids: Box<[Box<str>]>,
    json: Box<str>,
}

impl Object {
    /// An object made here. It must have apiVersion, kind and `metadata.name`.
    pub fn from_value(value: Value) -> Result<Self, Error> {
        Self::from_json(&Value::to_string(&value))
    }

    /// The same from JSON text, whose numbers stay as they are.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let text = Text::read(json)?;
        let kind = text
            .kind()
            .ok_or_else(|| Error::Malformed("the object has no apiVersion and kind".to_owned()))?;
        Ok(Self::new(text, Arc::new(kind)))
    }

    /// An object of an answer to a question about `kind`: it may leave out its own.
    pub(crate) fn answered(text: Text, kind: &Arc<GroupVersionKind>) -> Self {
        let kind = match text.kind() {
            Some(own) if own != **kind => Arc::new(own),
            _ => Arc::clone(kind),
        };
        Self::new(text, kind)
    }

    fn new(text: Text, kind: Arc<GroupVersionKind>) -> Self {
        Self(Arc::new(Inner {
            json: text.json(&kind).into(),
            kind,
            key: Arc::new(text.key),
            uid: text.uid.into(),
            resource_version: text.resource_version.into(),
            owner_uids: text.owners.into_iter().map(Into::into).collect(),
        }))
    }

    /// Its apiVersion and kind.
    #[must_use]
    pub fn kind(&self) -> &GroupVersionKind {
        &self.0.kind
    }

    /// Its name, and namespace if it has one.
    #[must_use]
    pub fn key(&self) -> &ObjectKey {
        &self.0.key
    }

    pub(crate) fn shared_key(&self) -> &Arc<ObjectKey> {
        &self.0.key
    }

    /// Its kind and name.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        ObjectRef {
            kind: self.kind().clone(),
            key: self.key().clone(),
        }
    }

    /// `metadata.uid`; empty if it was never stored.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.0.uid
    }

    /// `metadata.resourceVersion`; empty if it was never stored.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        &self.0.resource_version
    }

    /// The resourceVersion as a number, by which states of one kind can be ordered. `None` if it is none.
    pub(crate) fn version(&self) -> Option<u64> {
        self.0.resource_version.parse().ok()
    }

    /// Whether both are the same state of the same object.
    #[must_use]
    pub fn is_same_state(&self, other: &Self) -> bool {
        self.uid() == other.uid() && self.resource_version() == other.resource_version()
    }

    /// Whether this is known to be a later state than `other`.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        matches!((self.version(), other.version()), (Some(own), Some(others)) if own > others)
    }

    /// The `uid` of each of its `metadata.ownerReferences`.
    pub fn owner_uids(&self) -> impl Iterator<Item = &str> {
        self.0.owner_uids.iter().map(AsRef::as_ref)
    }

    /// The whole object as JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// The whole object, parsed anew. Integers beyond 64 bits become floating point numbers; [`json`](Self::json) has
    /// them as they are.
    #[must_use]
    pub fn value(&self) -> Value {
        // The text was taken apart when the object was made; a part of it that does not parse was never JSON.
        serde_json::from_str(&self.0.json).unwrap_or_default()
    }

    /// `metadata.labels`, parsed anew.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.metadata().labels.unwrap_or_default()
    }

    /// `metadata.annotations`, parsed anew.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.metadata().annotations.unwrap_or_default()
    }

    /// Whether its deletion was asked for and waits, usually for finalizers. Parsed anew.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        self.metadata().deletion_timestamp.is_some()
    }

    fn metadata(&self) -> Metadata {
        #[derive(Deserialize, Default)]
        struct OfObject {
            metadata: Metadata,
        }
        serde_json::from_str::<OfObject>(&self.0.json).unwrap_or_default().metadata
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    deletion_timestamp: Option<String>,
}

/// `Kind namespace/name@resourceVersion`.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}@{}", self.kind().kind, self.key(), self.resource_version())
    }
}

/// Equal text.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.json == other.0.json
    }
}

impl Eq for Object {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_those_of_the_text() {
        let object = Object::from_value(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "a", "namespace": "n", "uid": "u", "resourceVersion": "5",
                "labels": {"app": "x"}, "annotations": {"k": "v"}, "deletionTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [{"uid": "o"}],
            },
            "data": {"k": "v"},
        }))
        .unwrap();
        assert_eq!(object.reference().to_string(), "ConfigMap n/a");
        assert_eq!((object.uid(), object.resource_version()), ("u", "5"));
        assert_eq!(object.labels()["app"], "x");
        assert_eq!(object.annotations()["k"], "v");
        assert!(object.is_being_deleted());
        assert_eq!(object.owner_uids().collect::<Vec<_>>(), ["o"]);
        assert_eq!(object.value()["data"]["k"], "v");
    }

    #[test]
    fn an_object_without_a_kind_is_refused() {
        let nameless = Object::from_value(json!({"apiVersion": "v1", "metadata": {"name": "a"}}));
        assert!(matches!(nameless, Err(Error::Malformed(_))));
    }
}
