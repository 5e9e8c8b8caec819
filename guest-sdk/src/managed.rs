//! The object being reconciled.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Failure, Result, cluster::ObjectRef};

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

impl<S: DeserializeOwned> Managed<S> {
    /// Reads an object from JSON. A missing `spec` is read like an empty one.
    pub fn parse(json: &Value) -> Result<Self> {
        Self::take(json.clone())
    }

    /// The same of an object that nobody needs any more.
    pub(crate) fn take(mut json: Value) -> Result<Self> {
        let mut part = |key| json.get_mut(key).map(Value::take).unwrap_or_default();
        let (spec, status) = (part("spec"), part("status"));
        let kind = text(&json, "kind");
        let spec = if spec.is_null() { Value::Object(Map::new()) } else { spec };
        let spec = S::deserialize(spec)
            .map_err(|error| Failure::terminal("InvalidSpec", format!("the spec is not what {kind} needs: {error}")))?;
        Ok(Self {
            api_version: text(&json, "apiVersion"),
            kind,
            metadata: Metadata::of(&json["metadata"]),
            spec,
            status,
        })
    }
}

impl Metadata {
    /// By hand, and not by serde: the API server vouches for the shapes, and the derived code would make every
    /// component larger by a tenth.
    fn of(json: &Value) -> Self {
        Self {
            name: text(json, "name"),
            namespace: json["namespace"].as_str().map(str::to_owned),
            uid: text(json, "uid"),
            generation: json["generation"].as_i64().unwrap_or_default(),
            resource_version: text(json, "resourceVersion"),
            labels: texts(&json["labels"]),
            annotations: texts(&json["annotations"]),
            deletion_timestamp: json["deletionTimestamp"].as_str().map(str::to_owned),
        }
    }
}

fn text(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}

fn texts(json: &Value) -> BTreeMap<String, String> {
    let entry = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    json.as_object().into_iter().flatten().filter_map(entry).collect()
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
    use serde::Deserialize;
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
        assert!(failure.problem().message.contains("big"), "{failure}");
    }
}
