//! Writes: decoding, the rules of metadata and of kinds, and the operations themselves.

pub(crate) mod bytes;
mod create;
pub(crate) mod decode;
mod delete;
pub(crate) mod metadata;
pub(crate) mod names;
mod patch;
mod replicas;
mod rules;
mod update;

pub(crate) use delete::{DeleteOptions, Deleted, Propagation};
pub(crate) use patch::PatchFormat;

use serde_json::Value;

use std::sync::Arc;

use crate::apply::{Manager, Operation};
use crate::encode::add_type;
use crate::field_error::{FieldError, Sort};
use crate::object::{MAX_LEVELS, levels};
use crate::resource::{Resource, Rules};
use crate::schema;
use crate::schema::correlate::Replacement;
use crate::schema::validate::validate;
use crate::status::Refusal;
use crate::store::Object;

/// The part of an object that a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status, when the kind has a status subresource.
    Main,
    /// The status alone.
    Status,
    /// The replica count, which is a part of the main object under another manager.
    Scale,
    /// `namespaces/finalize`: the finalizers in `spec`.
    Finalize,
}

impl Part {
    fn subresource(self) -> &'static str {
        match self {
            Self::Main => "",
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Finalize => "finalize",
        }
    }
}

/// Who writes, and whether for real.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
}

impl Writer {
    fn as_manager(&self, resource: &Resource, operation: Operation, part: Part) -> Manager {
        Manager {
            name: self.manager.clone(),
            operation,
            api_version: resource.api_version(),
            subresource: part.subresource().to_owned(),
        }
    }
}

/// An object as it was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Arc<Object>,
    /// Rules that the object breaks, but broke before.
    pub(crate) warnings: Vec<String>,
}

/// Refuses an object that breaks the rules of metadata, of its schema or of its kind. What it may break, because it did
/// before, is returned as warnings.
fn check(
    resource: &Resource,
    name: &str,
    part: Part,
    old: Option<&Value>,
    new: &Value,
) -> Result<Vec<String>, Refusal> {
    if levels(new) > MAX_LEVELS {
        return Err(Refusal::too_deep());
    }
    let mut errors = Vec::new();
    metadata::validate(resource, old, new, &mut errors);
    check_schema(resource, part, old, new, &mut errors);
    replicas::validate(resource, part, new, &mut errors);
    rules::validate(resource, old, new, &mut errors);
    let mut warnings = Vec::new();
    if resource.schema.has_rules {
        if errors.iter().any(blocks_rules) {
            let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                          errors to complete validation";
            errors.push(FieldError::invalid("<nil>", &Value::Null, detail));
        } else {
            let old = old.map(|old| with_type(resource, old));
            let findings = schema::rules::evaluate(&resource.schema, old.as_ref(), &with_type(resource, new));
            errors.extend(findings.errors);
            warnings = findings.warnings;
        }
    }
    if errors.is_empty() {
        Ok(warnings)
    } else {
        Err(Refusal::invalid(resource, name, &errors).with_warnings(warnings))
    }
}

/// A write of the status is held to the schema of the status alone.
fn check_schema(resource: &Resource, part: Part, old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    if resource.rules == Rules::CustomResourceDefinition {
        // Its types were checked when it was read; what else it needs, its own rules say.
        return;
    }
    let schema = resource.storage_schema();
    let change = old.filter(|_| resource.is_custom()).map(|old| Replacement::of_object(old, new, schema));
    match (part, schema.member("status"), new.get("status")) {
        (Part::Status, Some(schema), Some(status)) if resource.is_custom() => {
            let mut found = Vec::new();
            validate(status, schema, "", change.and_then(|change| change.member("status")), &mut found);
            // Their texts name the place in the status, as those of Kubernetes do.
            errors.extend(found.into_iter().map(|error| error.within("status")));
        }
        (Part::Status, ..) if resource.is_custom() => {}
        _ => validate(new, schema, "", change, errors),
    }
}

/// Rules rely on the shape of what they read, so that they are not asked about objects of another one.
fn blocks_rules(error: &FieldError) -> bool {
    matches!(error.sort(), Sort::NotSupported | Sort::Required | Sort::TooLong | Sort::TooMany | Sort::TypeInvalid)
}

/// The object with its type, which is not stored, but visible to rules.
fn with_type(resource: &Resource, object: &Value) -> Value {
    let mut object = object.clone();
    add_type(resource, &mut object);
    object
}
