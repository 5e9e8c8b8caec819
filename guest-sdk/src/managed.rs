//! The object being reconciled.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use crate::{Failure, Result, cluster::ObjectRef, without_place};

/// Where the host records the name that a resource has in its own system.
const EXTERNAL_NAME: &str = "krateo.io/external-name";

/// An object of the provider's kind, with its `spec` as the type `S`.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed<S> {
    /// `group/version` as the object was read.
    pub api_version: String,
    /// The kind's name.
    pub kind: String,
    /// Name, namespace, labels, annotations.
    pub metadata: Metadata,
    /// What the user wants.
    pub spec: S,
    /// What was last reported; `null` if nothing was. Read it as a type with [`Managed::status_as`].
    pub status: Value,
}

/// The part of `metadata` that providers have a use for. Unknown members are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// Unique within the kind and namespace.
    pub name: String,
    /// None for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// Unique over time: a new object of the same name has another one.
    pub uid: String,
    /// Counts changes of the `spec`.
    pub generation: i64,
    /// Changes with every write.
    pub resource_version: String,
    /// Labels, for selection.
    pub labels: BTreeMap<String, String>,
    /// Annotations, for everything else.
    pub annotations: BTreeMap<String, String>,
    /// When deletion was asked for (RFC 3339); none if it was not.
    pub deletion_timestamp: Option<String>,
}

/// An object as it comes. What is read of it, and as what, is up to who needs it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Envelope<'t> {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    metadata: Value,
    #[serde(borrow)]
    spec: Option<&'t RawValue>,
    status: Value,
}

impl<S: DeserializeOwned> Managed<S> {
    /// Reads an object from JSON. A missing `spec` is read like an empty one.
    pub fn parse(json: &Value) -> Result<Self> {
        Self::read(serde_json::from_str(&json.to_string())?)
    }

    /// The `spec` is read from its text: a detour over a tree of values would cost several times as much.
    pub(crate) fn read(envelope: Envelope) -> Result<Self> {
        let Envelope { api_version, kind, metadata, spec, status } = envelope;
        let spec = serde_json::from_str(spec.map_or("{}", RawValue::get)).map_err(|error| {
            Failure::terminal("InvalidSpec", format!("the spec is not what {kind} needs: {}", without_place(&error)))
        })?;
        Ok(Self { api_version, kind, metadata: Metadata::of(metadata), spec, status })
    }
}

impl Metadata {
    /// By hand, and not by serde: the API server vouches for the shapes, and the derived code would make every
    /// component larger by a tenth.
    fn of(mut json: Value) -> Self {
        let mut part = |key| json.get_mut(key).map(Value::take);
        Self {
            name: text(part("name")).unwrap_or_default(),
            namespace: text(part("namespace")),
            uid: text(part("uid")).unwrap_or_default(),
            generation: part("generation").and_then(|generation| generation.as_i64()).unwrap_or_default(),
            resource_version: text(part("resourceVersion")).unwrap_or_default(),
            labels: texts(part("labels")),
            annotations: texts(part("annotations")),
            deletion_timestamp: text(part("deletionTimestamp")),
        }
    }
}

fn text(json: Option<Value>) -> Option<String> {
    if let Some(Value::String(text)) = json { Some(text) } else { None }
}

fn texts(json: Option<Value>) -> BTreeMap<String, String> {
    let Some(Value::Object(members)) = json else { return BTreeMap::new() };
    members.into_iter().filter_map(|(key, value)| Some((key, text(Some(value))?))).collect()
}

impl<S> Managed<S> {
    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The object's namespace; none for cluster-scoped kinds.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.metadata.namespace.as_deref()
    }

    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.get(key).map(String::as_str)
    }

    /// The name that the resource has in its own system, as a user set it or an earlier reconcile reported it.
    #[must_use]
    pub fn external_name(&self) -> Option<&str> {
        self.annotation(EXTERNAL_NAME).filter(|name| !name.is_empty())
    }

    /// Whether deletion was asked for.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// What was last reported, as a type. Nothing reported is read like an empty object.
    pub fn status_as<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.status {
            Value::Null => T::deserialize(&Value::Object(Map::new())),
            status => T::deserialize(status),
        }
    }

    /// This object's own reference.
    #[must_use]
    pub fn object_ref(&self) -> ObjectRef {
        self.beside(&self.api_version, &self.kind, self.name())
    }

    /// Another object, in the same namespace as this one.
    #[must_use]
    pub fn beside(&self, api_version: &str, kind: &str, name: impl Into<String>) -> ObjectRef {
        let mut target = ObjectRef::new(api_version, kind, name);
        target.namespace.clone_from(&self.metadata.namespace);
        target
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Spec {
        size: Option<u32>,
    }

    fn parse(object: &Value) -> Result<Managed<Spec>> {
        Managed::parse(object)
    }

    #[test]
    fn a_full_object_is_read() {
        let object = parse(&json!({
            "apiVersion": "a/v1", "kind": "A",
            "metadata": {"name": "x", "namespace": "n", "annotations": {EXTERNAL_NAME: "x-17"}, "unheard-of": 1},
            "spec": {"size": 3}, "status": {"size": 2},
        }))
        .unwrap();
        assert_eq!(object.spec.size, Some(3));
        assert_eq!(object.status_as::<Spec>().unwrap().size, Some(2));
        assert_eq!(object.external_name(), Some("x-17"));
        assert_eq!(object.beside("v1", "Secret", "s").to_string(), "Secret n/s");
        assert!(!object.is_being_deleted());
    }

    #[test]
    fn what_is_missing_is_read_as_empty() {
        let object = parse(&json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"}})).unwrap();
        assert_eq!(object.spec, Spec { size: None });
        assert_eq!(object.status_as::<Spec>().unwrap(), Spec { size: None });
        assert_eq!(object.external_name(), None);
    }

    #[test]
    fn an_empty_external_name_is_none() {
        let metadata = json!({"name": "x", "annotations": {EXTERNAL_NAME: ""}});
        let object = parse(&json!({"apiVersion": "a/v1", "kind": "A", "metadata": metadata})).unwrap();
        assert_eq!((object.annotation(EXTERNAL_NAME), object.external_name()), (Some(""), None));
    }

    #[test]
    fn a_spec_of_the_wrong_shape_is_terminal() {
        let failure =
            parse(&json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "x"}, "spec": {"size": "big"}}))
                .unwrap_err();
        assert!(failure.is_terminal());
        assert_eq!(failure.problem().reason, "InvalidSpec");
        let message = "the spec is not what A needs: invalid type: string \"big\", expected u32";
        assert_eq!(failure.problem().message, message);
    }
}
