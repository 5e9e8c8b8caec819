//! The specification of a `Patch`, as stored and as checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::field_path::{FieldPath, ParseError};
use crate::merge::MergeOptions;

/// `spec` as the API server stores it. Every field may be missing: a `Patch` without `from` must be storable and get a
/// condition that says so. [`Spec::check`] turns it into something that can be worked with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// Where the value comes from.
    pub from: Option<From>,
    /// Where it goes, and how it is changed on the way.
    pub to: Option<To>,
    /// How it meets the value that the target has.
    pub merge_options: Option<MergeOptions>,
    /// Kept for objects written for Krateo and carried out by the host. Deleting a `Patch` never reverts the field.
    pub deletion_policy: Option<DeletionPolicy>,
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
    /// `default` if missing. Means nothing for kinds without namespaces.
    pub namespace: Option<String>,
}

/// What happens outside when the `Patch` is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// The provider's delete is called.
    #[default]
    Delete,
    /// It is not.
    Orphan,
}

/// A specification that can be worked with.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSpec {
    /// The object that is read.
    pub source: ObjectKey,
    /// The field that is read; without wildcards.
    pub source_path: FieldPath,
    /// The object that is changed.
    pub target: ObjectKey,
    /// The field that is written. May hold wildcards.
    pub target_path: FieldPath,
    /// How the value is changed on the way.
    pub transform: Transform,
    /// How it meets the value that the target has; without options it replaces it.
    pub merge: Option<MergeOptions>,
}

/// Names an object completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectKey {
    /// `v1`, `apps/v1` and so on.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, to be ignored for kinds that have none.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// How a value is changed between source and target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transform {
    /// Not at all.
    None,
    /// Through a Go template pipeline, into text.
    Template(Vec<String>),
    /// Through `${ jq }`, or replaced by literal text.
    Query(String),
}

/// Why a specification cannot be worked with. The message names the field and says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    /// `spec` has a field of the wrong type. The API server does not let this through while the schema is installed.
    #[error("spec does not have the shape of a Patch: {0}")]
    Shape(String),
    /// A field without a default is missing or empty.
    #[error("spec.{field} is required: {hint}")]
    Missing {
        /// The field, below `spec`.
        field: String,
        /// What to write there.
        hint: &'static str,
    },
    /// A field path does not parse.
    #[error("spec.{field}: {error}")]
    Path {
        /// The field, below `spec`.
        field: &'static str,
        /// Where it stopped making sense.
        error: ParseError,
    },
    /// A source must be one field.
    #[error("spec.from.fieldPath {0:?} contains a wildcard: a value comes from one field, name it")]
    SourceWildcard(String),
    /// Both generations of transforms at once.
    #[error("spec.to has both transform and transforms: keep one of them")]
    TwoTransforms,
    /// The target is the source, and each write would change the value that is written next.
    #[error(
        "spec.to.fieldPath {0} lies where the value is read from and the transform changes it each time: it would never settle"
    )]
    NeverSettles(FieldPath),
}

impl Spec {
    /// Reads the `spec` of an object. Null is read like an empty one.
    pub fn of(spec: &Value) -> Result<Spec, InvalidSpec> {
        if spec.is_null() {
            return Ok(Spec::default());
        }
        Spec::deserialize(spec).map_err(|error| InvalidSpec::Shape(error.to_string()))
    }

    /// Fills in the defaults and refuses what cannot be carried out.
    pub fn check(&self) -> Result<CheckedSpec, InvalidSpec> {
        let from = self.from.as_ref().ok_or_else(|| missing("from", "say where the value comes from"))?;
        let source = check_reference("from", from.object_reference.as_ref())?;
        let source_text = from.field_path.as_deref().filter(|path| !path.is_empty());
        let source_text =
            source_text.ok_or_else(|| missing("from.fieldPath", "name the field to read, for example data.key"))?;
        let source_path: FieldPath = parse_path("from.fieldPath", source_text)?;
        if source_path.has_wildcard() {
            return Err(InvalidSpec::SourceWildcard(source_text.to_owned()));
        }

        let to = self.to.as_ref().ok_or_else(|| missing("to", "say where the value goes"))?;
        let target = check_reference("to", to.object_reference.as_ref())?;
        let target_path = match to.field_path.as_deref().filter(|path| !path.is_empty()) {
            Some(text) => parse_path("to.fieldPath", text)?,
            None => source_path.clone(),
        };
        let transform = match (&to.transforms, &to.transform) {
            (Some(commands), Some(_)) if !commands.is_empty() => return Err(InvalidSpec::TwoTransforms),
            (_, Some(text)) => Transform::Query(text.clone()),
            (Some(commands), None) if !commands.is_empty() => Transform::Template(commands.clone()),
            _ => Transform::None,
        };
        Ok(CheckedSpec { source, source_path, target, target_path, transform, merge: self.merge_options })
    }
}

fn missing(field: impl Into<String>, hint: &'static str) -> InvalidSpec {
    InvalidSpec::Missing { field: field.into(), hint }
}

fn parse_path(field: &'static str, text: &str) -> Result<FieldPath, InvalidSpec> {
    text.parse().map_err(|error| InvalidSpec::Path { field, error })
}

fn check_reference(side: &str, reference: Option<&ObjectReference>) -> Result<ObjectKey, InvalidSpec> {
    let field = |name: &str| format!("{side}.objectReference{name}");
    let reference = reference.ok_or_else(|| missing(field(""), "name the object by kind, name and namespace"))?;
    let given = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    Ok(ObjectKey {
        api_version: given(&reference.api_version).unwrap_or_else(|| "v1".to_owned()),
        kind: given(&reference.kind).ok_or_else(|| missing(field(".kind"), "for example ConfigMap"))?,
        namespace: given(&reference.namespace).unwrap_or_else(|| "default".to_owned()),
        name: given(&reference.name).ok_or_else(|| missing(field(".name"), "the object's metadata.name"))?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data"},
            "to": {
                "objectReference": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "bar", "namespace": "team"},
                "fieldPath": "spec.replicas"
            }
        })
    }

    /// The error of the sample after `change`.
    fn error(change: impl FnOnce(&mut Value)) -> String {
        let mut spec = sample();
        change(&mut spec);
        Spec::of(&spec).and_then(|spec| spec.check()).unwrap_err().to_string()
    }

    fn remove(pointer: &str, key: &str) -> String {
        error(|spec| {
            spec.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        })
    }

    #[test]
    fn defaults_are_filled_in() {
        let spec = Spec::of(&sample()).unwrap().check().unwrap();
        assert_eq!((spec.source.api_version.as_str(), spec.source.namespace.as_str()), ("v1", "default"));
        assert_eq!((spec.target.api_version.as_str(), spec.target.namespace.as_str()), ("apps/v1", "team"));
        assert_eq!(spec.transform, Transform::None);
        assert_eq!(spec.merge, None);
    }

    #[test]
    fn the_target_path_is_the_source_path_unless_given() {
        let mut spec = sample();
        spec["to"]["fieldPath"] = Value::Null;
        let spec = Spec::of(&spec).unwrap().check().unwrap();
        assert_eq!(spec.target_path.to_string(), "data");
    }

    #[test]
    fn an_error_names_the_field_and_what_to_write() {
        assert_eq!(remove("", "from"), "spec.from is required: say where the value comes from");
        assert_eq!(remove("", "to"), "spec.to is required: say where the value goes");
        let hint = "name the object by kind, name and namespace";
        assert_eq!(remove("/from", "objectReference"), format!("spec.from.objectReference is required: {hint}"));
        assert_eq!(remove("/to", "objectReference"), format!("spec.to.objectReference is required: {hint}"));
        assert!(remove("/from", "fieldPath").starts_with("spec.from.fieldPath is required: "));
        assert!(error(|spec| spec["from"]["fieldPath"] = json!("")).starts_with("spec.from.fieldPath is required: "));
        assert!(remove("/from/objectReference", "kind").starts_with("spec.from.objectReference.kind is required: "));
        assert!(remove("/to/objectReference", "name").starts_with("spec.to.objectReference.name is required: "));
    }

    #[test]
    fn a_path_that_does_not_parse_is_refused_with_its_field() {
        assert_eq!(
            error(|spec| spec["to"]["fieldPath"] = json!("a[0")),
            "spec.to.fieldPath: cannot parse path \"a[0\": unterminated '[' at position 1"
        );
        assert!(error(|spec| spec["from"]["fieldPath"] = json!(".a")).starts_with("spec.from.fieldPath: "));
    }

    #[test]
    fn a_source_with_a_wildcard_is_refused() {
        assert!(error(|spec| spec["from"]["fieldPath"] = json!("a[*].b")).contains("wildcard"));
    }

    #[test]
    fn two_transforms_are_refused_and_an_empty_list_is_none() {
        let both = error(|spec| {
            spec["to"]["transform"] = json!("x");
            spec["to"]["transforms"] = json!(["."]);
        });
        assert_eq!(both, "spec.to has both transform and transforms: keep one of them");

        let mut spec = sample();
        spec["to"]["transforms"] = json!([]);
        assert_eq!(Spec::of(&spec).unwrap().check().unwrap().transform, Transform::None);
    }

    #[test]
    fn a_missing_spec_and_a_wrong_type_are_told() {
        assert!(Spec::of(&Value::Null).unwrap().check().unwrap_err().to_string().starts_with("spec.from is required"));
        assert!(error(|spec| spec["from"] = json!("foo")).starts_with("spec does not have the shape of a Patch: "));
    }
}
