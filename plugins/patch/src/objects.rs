//! Reading sources and targets.

use capstan_sdk::cluster::{self, ObjectRef, Selection};
use capstan_sdk::{Failure, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::field_path::FieldPath;
use crate::plan::{MAX_TARGETS, PlanError};
use crate::spec::{CheckedSpec, ObjectKey, Target};

/// A target, as it was looked for.
pub(crate) struct Found {
    pub(crate) key: ObjectKey,
    /// The reference that leads to it.
    pub(crate) reference: ObjectRef,
    /// The object's JSON, if there is one. Mostly a field of it is all that is needed.
    pub(crate) object: Option<String>,
}

/// What an object has at a path, as [`FieldPath::only`] has it.
pub(crate) fn only(object: &str, path: &FieldPath) -> Result<Value> {
    Ok(path.only(object).map_err(unexpected)?)
}

/// All of an object.
pub(crate) fn whole(object: &str) -> Result<Value> {
    Ok(serde_json::from_str(object).map_err(unexpected)?)
}

/// It is nested more deeply than any reader goes.
fn unexpected(error: serde_json::Error) -> cluster::Error {
    cluster::Error::Unexpected(error.into())
}

/// The object, with the reference that led to it. A reference may name a namespace for a kind that has none; the host
/// refuses it, and then the one without is right, unless everything has to be in the namespace (`is_namespaced`).
pub(crate) fn read(key: &ObjectKey, is_namespaced: bool) -> Result<Option<(ObjectRef, String)>> {
    let namespaced = ObjectRef::new(&key.api_version, &key.kind, &key.name).in_namespace(&key.namespace);
    let (reference, found) = match cluster::find_text(&namespaced) {
        Err(refused @ cluster::Error::Invalid(_)) if !is_namespaced => {
            let plain = ObjectRef { namespace: None, ..namespaced };
            match cluster::find_text(&plain) {
                Err(cluster::Error::Invalid(_)) => return Err(refused.into()),
                found => (plain, found),
            }
        }
        found => (namespaced, found),
    };
    Ok(found?.map(|object| (reference, object)))
}

/// The targets of `spec`: the one that is named, or at least one that is chosen by its labels.
pub(crate) fn targets(spec: &CheckedSpec, is_namespaced: bool) -> Result<Vec<Found>> {
    let (api_version, kind, namespace, labels) = match &spec.target {
        Target::Named(key) => {
            let (reference, object) = match read(key, is_namespaced)? {
                Some((reference, object)) => (reference, Some(object)),
                None => (ObjectRef::new(&key.api_version, &key.kind, &key.name), None),
            };
            return Ok(vec![Found { key: key.clone(), reference, object }]);
        }
        Target::Selected { api_version, kind, namespace, labels } => (api_version, kind, namespace, labels),
    };
    let everywhere = Selection::new(api_version, kind).labelled(labels);
    let found = match cluster::list_texts(&everywhere.clone().in_namespace(namespace)) {
        Err(refused @ cluster::Error::Invalid(_)) if !is_namespaced => match cluster::list_texts(&everywhere) {
            Err(cluster::Error::Invalid(_)) => return Err(refused.into()),
            found => found,
        },
        found => found,
    }?;
    let wrong = match found.len() {
        0 => {
            let (kind, namespace, labels) = (kind.clone(), namespace.clone(), labels.clone());
            PlanError::NothingSelected { kind, namespace, labels }
        }
        count if count > MAX_TARGETS => PlanError::TooManyTargets(count),
        _ => return found.into_iter().map(|object| named(api_version, kind, object)).collect(),
    };
    Err(Failure::terminal(wrong.reason(), wrong.to_string()))
}

fn named(api_version: &str, kind: &str, object: String) -> Result<Found> {
    #[derive(Deserialize)]
    struct Named {
        metadata: Name,
    }
    #[derive(Deserialize)]
    struct Name {
        name: String,
        namespace: Option<String>,
    }
    let Named { metadata: Name { name, namespace } } = serde_json::from_str(&object).map_err(unexpected)?;
    let reference = ObjectRef::new(api_version, kind, &name);
    let reference = match &namespace {
        Some(namespace) => reference.in_namespace(namespace),
        None => reference,
    };
    let key = ObjectKey {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.unwrap_or_else(|| "default".to_owned()),
        name,
    };
    Ok(Found { key, reference, object: Some(object) })
}
