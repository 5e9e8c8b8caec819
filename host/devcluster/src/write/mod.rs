//! Writes: decoding, the rules of metadata and of kinds, and the operations themselves.

mod create;
pub(crate) mod decode;
mod delete;
mod metadata;
pub(crate) mod names;
mod patch;
mod rules;
mod update;

pub(crate) use delete::{DeleteOptions, Deleted, Propagation};
pub(crate) use patch::PatchFormat;

use serde_json::Value;

use crate::apply::{Manager, Operation};
use crate::field_error::{FieldError, Sort};
use crate::resource::Resource;
use crate::schema::validate::validate;
use crate::status::Refusal;

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

/// Refuses an object that breaks the rules of metadata, of its schema or of its kind.
fn check(resource: &Resource, name: &str, old: Option<&Value>, new: &Value) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    metadata::validate(resource, old, new, &mut errors);
    validate(new, resource.storage_schema(), "", &mut errors);
    rules::validate(resource, old, new, &mut errors);
    let blocks_rules = errors.iter().any(|error| {
        matches!(error.sort(), Sort::NotSupported | Sort::Required | Sort::TooLong | Sort::TooMany | Sort::TypeInvalid)
    });
    if resource.is_custom() && resource.schema.has_rules && blocks_rules {
        let detail = "some validation rules were not checked because the object was invalid; correct the existing \
                      errors to complete validation";
        errors.push(FieldError::invalid("<nil>", &Value::Null, detail));
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, name, &errors)) }
}
