//! The rules of object metadata.

use serde_json::Value;

use super::names;
use crate::field_error::FieldError;
use crate::object::ObjectExt;
use crate::resource::{Resource, Rules};
use crate::settle::{FOREGROUND_FINALIZER, ORPHAN_FINALIZER};

/// The finalizers without a prefix that built-in kinds may have.
const STANDARD_FINALIZERS: &[&str] = &["kubernetes", FOREGROUND_FINALIZER, ORPHAN_FINALIZER];

/// All keys and values of the annotations together.
const MAX_ANNOTATIONS: u64 = 256 * 1024;

/// What is wrong with the metadata of an object. `old` is the state before an update.
pub(super) fn validate(resource: &Resource, old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    let metadata = &new["metadata"];
    if old.is_none() {
        validate_name(resource, new, errors);
    }
    validate_fields(metadata, "metadata", errors);
    validate_finalizers(resource, old, new, errors);
}

/// What is wrong with those fields that have the same rules in the metadata of every object, and of objects inside of others.
/// `path` leads to the metadata.
pub(crate) fn validate_fields(metadata: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut invalid = |field: &str, value: &Value, faults: Vec<String>| {
        errors.extend(faults.iter().map(|fault| FieldError::invalid(format!("{path}.{field}"), value, fault)));
    };
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        invalid("labels", &Value::from(key.as_str()), names::qualified_faults(key));
        invalid("labels", value, names::label_value_faults(value.as_str().unwrap_or_default()));
    }
    let mut size = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        invalid("annotations", &Value::from(key.as_str()), names::qualified_faults(&key.to_lowercase()));
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    for finalizer in metadata["finalizers"].as_array().into_iter().flatten() {
        invalid("finalizers", finalizer, names::qualified_faults(finalizer.as_str().unwrap_or_default()));
    }
    if size as u64 > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long(format!("{path}.annotations"), MAX_ANNOTATIONS));
    }
    validate_owners(&metadata["ownerReferences"], &format!("{path}.ownerReferences"), errors);
}

fn validate_name(resource: &Resource, new: &Value, errors: &mut Vec<FieldError>) {
    let name = new.meta_str("name");
    let value = Value::from(name);
    let faults = if resource.rules == Rules::Namespace {
        names::label_faults(name)
    } else if resource.storage_group == "rbac.authorization.k8s.io" {
        // Role names are path segments: they may have colons.
        names::path_segment_faults(name, false)
    } else {
        names::subdomain_faults(name)
    };
    errors.extend(faults.iter().map(|fault| FieldError::invalid("metadata.name", &value, fault)));
    validate_prefix(resource, new.meta_str("generateName"), errors);
}

/// A prefix of names is checked like a name, but for the dash that it may end in.
fn validate_prefix(resource: &Resource, prefix: &str, errors: &mut Vec<FieldError>) {
    let masked = prefix.strip_suffix('-').map_or_else(|| prefix.to_owned(), |start| format!("{start}a"));
    let faults = match resource.rules {
        // Names of events are not checked in `v1`.
        Rules::Event => Vec::new(),
        _ if prefix.is_empty() || resource.storage_group == "rbac.authorization.k8s.io" => Vec::new(),
        Rules::Namespace => names::label_faults(&masked),
        _ => names::subdomain_faults(&masked),
    };
    errors.extend(faults.iter().map(|fault| FieldError::invalid("metadata.generateName", &Value::from(prefix), fault)));
}

fn validate_owners(references: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let references = references.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |reference: &Value, key: &str| reference[key].as_str().unwrap_or_default().to_owned();
    for (index, reference) in references.iter().enumerate() {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if text(reference, key).is_empty() {
                let field = format!("{path}[{index}].{key}");
                errors.push(FieldError::required(field, "must not be empty"));
            }
        }
    }
    let controllers: Vec<String> = references
        .iter()
        .filter(|reference| reference["controller"] == true)
        .map(|reference| format!("{}/{}", text(reference, "kind"), text(reference, "name")))
        .collect();
    if let [first, second, ..] = &controllers[..] {
        let detail = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {second}"
        );
        let list = ordered_references(references);
        errors.push(FieldError::invalid_text(path, &list, &detail));
    }
}

/// Owner references with their fields in the order in which Kubernetes prints them.
fn ordered_references(references: &[Value]) -> String {
    let texts: Vec<String> = references
        .iter()
        .map(|reference| {
            let keys = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
            let fields = keys.iter().filter_map(|key| reference.get(key).map(|value| format!("\"{key}\":{value}")));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        })
        .collect();
    format!("[{}]", texts.join(","))
}

fn validate_finalizers(resource: &Resource, old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    let finalizers = new.meta_strings("finalizers");
    // Definitions are checked like custom objects: theirs has no prefix.
    let built_in = !resource.is_custom() && resource.rules != Rules::CustomResourceDefinition;
    for (index, finalizer) in finalizers.iter().enumerate() {
        let value = Value::from(*finalizer);
        if built_in && !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(finalizer) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(FieldError::invalid(format!("metadata.finalizers[{index}]"), &value, detail));
        }
    }
    let Some(old) = old.filter(|old| old.is_deleting()) else {
        return;
    };
    let before = old.meta_strings("finalizers");
    let added: Vec<String> =
        finalizers.iter().filter(|finalizer| !before.contains(finalizer)).map(|name| format!("{name:?}")).collect();
    if !added.is_empty() {
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        );
        let error = FieldError::forbidden("metadata.finalizers", &detail);
        if resource.is_custom() {
            // Custom resources are checked twice on their way, and Kubernetes reports both.
            errors.push(error.clone());
        }
        errors.push(error);
    }
}
