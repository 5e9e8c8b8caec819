//! The specification of a `Patch`, as stored and as checked.

mod checked;
mod selector;

use std::collections::BTreeMap;

use capstan_sdk::without_place;
use serde::{Deserialize, Serialize};

use crate::merge::MergeOptions;

pub use checked::{CheckedSpec, InvalidSpec, MAX_SOURCES, ObjectKey, Scope, Source, Target, Transform};
pub use selector::{Requirement, Selector};

/// `spec` as the API server stores it. Every field may be missing: a `Patch` without `from` must be storable and get a
/// condition that says so. [`Spec::check`] turns it into something that can be worked with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// Where the value comes from.
    pub from: Option<From>,
    /// Several sources in place of `from`. The transform sees them as a map by their names.
    pub sources: Option<Vec<NamedSource>>,
    /// Where it goes, and how it is changed on the way.
    pub to: Option<To>,
    /// How it meets the value that the target has.
    pub merge_options: Option<MergeOptions>,
    /// With `Orphan` nothing is reverted, whatever `on_delete` says.
    pub deletion_policy: Option<DeletionPolicy>,
    /// What becomes of the field when the `Patch` is deleted.
    pub on_delete: Option<OnDelete>,
}

/// One of several sources.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NamedSource {
    /// What the transform calls it.
    pub name: Option<String>,
    /// The object that is read.
    pub object_reference: Option<ObjectReference>,
    /// The field that is read.
    pub field_path: Option<String>,
}

/// The source of a `Patch`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct From {
    /// The object that is read.
    pub object_reference: Option<ObjectReference>,
    /// The field that is read.
    pub field_path: Option<String>,
}

/// The target of a `Patch`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct To {
    /// The object that is changed.
    pub object_reference: Option<ObjectReference>,
    /// The field that is written; `from.fieldPath` if missing.
    pub field_path: Option<String>,
    /// Commands of a Go template pipeline.
    pub transforms: Option<Vec<String>>,
    /// `${ jq }`, or literal text.
    pub transform: Option<String>,
    /// Which objects are changed, in place of `objectReference.name`.
    pub selector: Option<LabelSelector>,
    /// What a result of null means.
    pub when_null: Option<WhenNull>,
    /// What happens when somebody else owns the field.
    pub on_conflict: Option<OnConflict>,
}

/// Chooses objects by their labels, as in Kubernetes' own kinds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels with their values.
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    pub match_expressions: Vec<Requirement>,
}

/// What a result of null means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhenNull {
    /// A mistake.
    #[default]
    Fail,
    /// The field is removed.
    Delete,
}

/// What happens when somebody else owns the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnConflict {
    /// It is taken over, and an event says from whom.
    #[default]
    TakeOver,
    /// Nothing is written, and a condition names the owner.
    Fail,
}

/// What becomes of the field when the `Patch` is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnDelete {
    /// It stays as it is.
    #[default]
    Keep,
    /// It gets the value back that it had before the first write, unless somebody else has changed it since.
    Revert,
}

/// Names an object.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// `v1` if missing.
    pub api_version: Option<String>,
    /// For example `ConfigMap`.
    pub kind: Option<String>,
    /// The object's name.
    pub name: Option<String>,
    /// `default` if missing, for the namespaced kind its own. Means nothing for kinds without namespaces.
    pub namespace: Option<String>,
}

/// What happens outside when the `Patch` is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// What `onDelete` says.
    #[default]
    Delete,
    /// Nothing.
    Orphan,
}

impl Spec {
    /// Reads the `spec` of an object from JSON. Null is read like an empty one.
    pub fn of(json: &str) -> Result<Spec, InvalidSpec> {
        let spec: Result<Option<Spec>, _> = serde_json::from_str(json);
        spec.map(Option::unwrap_or_default).map_err(|error| InvalidSpec::Shape(without_place(&error)))
    }
}

#[cfg(test)]
mod tests;
