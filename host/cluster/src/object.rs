//! One Kubernetes object as it was received.

use std::{
    borrow::{Borrow, Cow},
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef, api_version, kind_of};
use serde::Deserialize;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

use crate::readable::Readable;

/// One object: its JSON text as received, without `metadata.managedFields`, and the few facts that finding it needs.
/// Unknown fields and integers of any size survive. Cheap to clone.
#[derive(Clone)]
pub struct Object(Arc<Inner>);

struct Inner {
    kind: Arc<GroupVersionKind>,
    key: ObjectKey,
    uid: Box<str>,
    resource_version: Box<str>,
    owner_uids: Box<[Box<str>]>,
    json: Box<str>,
}

/// The text is no Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// Not JSON, or none that can be read to its end, or `metadata` has another shape.
    #[error("not a Kubernetes object: {0}")]
    Malformed(String),
    /// `apiVersion` or `kind` is missing or makes no sense.
    #[error("the object has no valid apiVersion and kind")]
    NoKind,
    /// `metadata.name` is missing.
    #[error("the object has no metadata.name")]
    NoName,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    uid: Box<str>,
    #[serde(default)]
    resource_version: Box<str>,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(default)]
    uid: Box<str>,
}

#[derive(Deserialize)]
struct Deletion {
    metadata: DeletionMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeletionMetadata {
    deletion_timestamp: Option<String>,
    #[serde(default)]
    finalizers: Vec<String>,
}

#[derive(Deserialize)]
struct Labelled {
    metadata: Labels,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl Object {
    /// Takes an object's JSON text. Items of a list of built-in kinds carry no kind of their own: `kind` is put in.
    pub fn parse(json: &str, kind: Option<&Arc<GroupVersionKind>>) -> Result<Self, ObjectError> {
        let malformed = |error: serde_json::Error| ObjectError::Malformed(error.to_string());
        // Kept as text, it could not be read later, when nobody can do anything about it.
        serde_json::from_str::<Readable>(json).map_err(malformed)?;
        let mut fields: BTreeMap<Cow<'_, str>, Cow<'_, RawValue>> = BTreeMap::new();
        let borrowed: BTreeMap<String, &RawValue> = serde_json::from_str(json).map_err(malformed)?;
        fields.extend(borrowed.into_iter().map(|(key, value)| (Cow::Owned(key), Cow::Borrowed(value))));

        let own = match (text(&fields, "apiVersion"), text(&fields, "kind")) {
            (Some(api_version), Some(kind)) => Some(kind_of(&api_version, &kind).ok_or(ObjectError::NoKind)?),
            _ => None,
        };
        let kind = match (own, kind) {
            (Some(own), Some(kind)) if own == **kind => Arc::clone(kind),
            (Some(own), _) => Arc::new(own),
            (None, Some(kind)) => {
                let raw = |text: &str| to_raw_value(text).map(Cow::Owned).map_err(malformed);
                fields.insert("apiVersion".into(), raw(&api_version(kind))?);
                fields.insert("kind".into(), raw(&kind.kind)?);
                Arc::clone(kind)
            }
            (None, None) => return Err(ObjectError::NoKind),
        };

        let metadata = fields.get("metadata").ok_or(ObjectError::NoName)?.get();
        let facts: Metadata = serde_json::from_str(metadata).map_err(malformed)?;
        if facts.name.is_empty() {
            return Err(ObjectError::NoName);
        }
        let mut kept: BTreeMap<String, &RawValue> = serde_json::from_str(metadata).map_err(malformed)?;
        if kept.remove("managedFields").is_some() {
            let kept = to_raw_value(&kept).map_err(malformed)?;
            fields.insert("metadata".into(), Cow::Owned(kept));
        }
        let json = serde_json::to_string(&fields).map_err(malformed)?;
        Ok(Self(Arc::new(Inner {
            kind,
            key: ObjectKey { namespace: facts.namespace.filter(|namespace| !namespace.is_empty()), name: facts.name },
            uid: facts.uid,
            resource_version: facts.resource_version,
            owner_uids: facts.owner_references.into_iter().map(|owner| owner.uid).collect(),
            json: json.into(),
        })))
    }

    /// Takes an object's parsed JSON.
    #[expect(clippy::needless_pass_by_value, reason = "whoever has a value to give away need not think about it")]
    pub fn from_value(value: Value) -> Result<Self, ObjectError> {
        Self::parse(&value.to_string(), None)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &GroupVersionKind {
        &self.0.kind
    }

    /// Its name, and namespace if it has one.
    #[must_use]
    pub fn key(&self) -> &ObjectKey {
        &self.0.key
    }

    /// Kind and key.
    #[must_use]
    pub fn reference(&self) -> ObjectRef {
        ObjectRef { kind: (*self.0.kind).clone(), key: self.0.key.clone() }
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

    /// The uids of its owner references.
    pub fn owner_uids(&self) -> impl Iterator<Item = &str> {
        self.0.owner_uids.iter().map(|uid| &**uid)
    }

    /// Its labels, parsed anew.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        // Labels that are no strings are never stored by an API server.
        serde_json::from_str::<Labelled>(self.json()).map(|object| object.metadata.labels).unwrap_or_default()
    }

    /// Whether it is being deleted and nothing holds it any more.
    pub(crate) fn is_released(&self) -> bool {
        serde_json::from_str::<Deletion>(self.json())
            .is_ok_and(|Deletion { metadata }| metadata.deletion_timestamp.is_some() && metadata.finalizers.is_empty())
    }

    /// The text, without `metadata.managedFields`.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// The text, parsed anew.
    #[must_use]
    pub fn value(&self) -> Value {
        // It was made by this module from parsed JSON.
        serde_json::from_str(self.json()).unwrap_or_default()
    }

    /// Whether `self` is a later state than `other`. Versions are decimal numbers that grow; where they are not, what
    /// differs counts as later, since it arrived later.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        match (self.resource_version().parse::<u64>(), other.resource_version().parse::<u64>()) {
            (Ok(own), Ok(other)) => own > other,
            _ => self.resource_version() != other.resource_version(),
        }
    }
}

fn text(fields: &BTreeMap<Cow<'_, str>, Cow<'_, RawValue>>, key: &str) -> Option<String> {
    serde_json::from_str::<String>(fields.get(key)?.get()).ok().filter(|text| !text.is_empty())
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} @{}", self.0.kind.kind, self.0.key, self.0.resource_version)
    }
}

/// An object in a set, found by its key: the key is not kept twice.
#[derive(Clone)]
pub(crate) struct ByKey(pub(crate) Object);

impl Borrow<ObjectKey> for ByKey {
    fn borrow(&self) -> &ObjectKey {
        self.0.key()
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for ByKey {}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_fields_go_and_everything_else_stays() {
        let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"7",
            "labels":{"k":"v"},"ownerReferences":[{"uid":"o"}],"managedFields":[{"manager":"x"}]},"data":{"big":12345678901234567890123}}"#;
        let object = Object::parse(json, None).unwrap();
        assert_eq!(object.key(), &ObjectKey::namespaced("n", "a"));
        assert_eq!((object.uid(), object.resource_version()), ("u", "7"));
        assert_eq!(object.owner_uids().collect::<Vec<_>>(), ["o"]);
        assert_eq!(object.labels()["k"], "v");
        assert!(!object.json().contains("managedFields"));
        assert!(object.json().contains("12345678901234567890123"));
    }

    #[test]
    fn items_of_lists_get_their_kind() {
        let kind = Arc::new(GroupVersionKind::gvk("", "v1", "ConfigMap"));
        let object = Object::parse(r#"{"metadata":{"name":"a"}}"#, Some(&kind)).unwrap();
        assert_eq!(object.value()["kind"], "ConfigMap");
        assert_eq!(object.value()["apiVersion"], "v1");
        assert_eq!(Object::parse(r#"{"metadata":{"name":"a"}}"#, None).unwrap_err(), ObjectError::NoKind);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for json in
            ["", "[]", "{}", r#"{"apiVersion":"v1","kind":"A"}"#, r#"{"apiVersion":"v1","kind":"A","metadata":{}}"#]
        {
            assert!(Object::parse(json, None).is_err(), "{json}");
        }
    }

    #[test]
    fn what_could_not_be_read_later_is_refused() {
        let spec = |text: &str| {
            Object::parse(&format!(r#"{{"apiVersion":"v1","kind":"A","metadata":{{"name":"a"}},"spec":{text}}}"#), None)
        };
        let nested = |levels: usize| spec(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        assert!(nested(126).unwrap().value()["spec"].is_array());
        for refused in [nested(127), spec("1e400"), spec(r#""\ud800""#)] {
            assert!(matches!(refused, Err(ObjectError::Malformed(_))), "{refused:?}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let object = |version: &str| {
            let json =
                format!(r#"{{"apiVersion":"v1","kind":"A","metadata":{{"name":"a","resourceVersion":"{version}"}}}}"#);
            Object::parse(&json, None).unwrap()
        };
        assert!(object("10").is_newer_than(&object("9")));
        assert!(!object("9").is_newer_than(&object("10")));
        assert!(!object("9").is_newer_than(&object("9")));
    }
}
