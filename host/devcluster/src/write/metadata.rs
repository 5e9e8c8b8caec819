//! The rules of object metadata.

use serde_json::Value;

use super::names;
use crate::field_error::FieldError;
use crate::object::ObjectExt;
use crate::resource::{Resource, Rules};

/// All keys and values of the annotations together.
const MAX_ANNOTATIONS: u64 = 256 * 1024;

/// What is wrong with the metadata of an object. `old` is the state before an update.
pub(super) fn validate(resource: &Resource, old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    let metadata = &new["metadata"];
    if old.is_none() {
        validate_name(resource, new, errors);
    }
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        if !names::is_qualified(key) {
            errors.push(FieldError::invalid("metadata.labels", &Value::from(key.as_str()), names::QUALIFIED_RULE));
        }
        if value.as_str().is_some_and(|value| !names::is_label_value(value)) {
            errors.push(FieldError::invalid("metadata.labels", value, names::LABEL_VALUE_RULE));
        }
    }
    let mut size = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        if !names::is_qualified(&key.to_lowercase()) {
            let key = Value::from(key.as_str());
            errors.push(FieldError::invalid("metadata.annotations", &key, names::QUALIFIED_RULE));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size as u64 > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long("metadata.annotations", MAX_ANNOTATIONS));
    }
    validate_owners(&metadata["ownerReferences"], errors);
    validate_finalizers(resource, old, new, errors);
}

fn validate_name(resource: &Resource, new: &Value, errors: &mut Vec<FieldError>) {
    let name = new.meta_str("name");
    let value = Value::from(name);
    if resource.rules == Rules::Namespace {
        if !names::is_label(name) {
            errors.push(FieldError::invalid("metadata.name", &value, names::LABEL_RULE));
        }
    } else if resource.storage_group == "rbac.authorization.k8s.io" {
        // Role names are path segments: they may have colons.
        if matches!(name, "." | "..") || name.contains(['/', '%']) {
            errors.push(FieldError::invalid("metadata.name", &value, "may not contain '/' or '%'"));
        }
    } else if !names::is_subdomain(name) {
        errors.push(FieldError::invalid("metadata.name", &value, names::SUBDOMAIN_RULE));
    }
}

fn validate_owners(references: &Value, errors: &mut Vec<FieldError>) {
    let references = references.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |reference: &Value, key: &str| reference[key].as_str().unwrap_or_default().to_owned();
    for (index, reference) in references.iter().enumerate() {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if text(reference, key).is_empty() {
                let detail = if key == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                errors.push(FieldError::required(format!("metadata.ownerReferences[{index}].{key}"), detail));
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
        errors.push(FieldError::invalid_text("metadata.ownerReferences", &list, &detail));
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
    for finalizer in finalizers.iter().filter(|finalizer| !names::is_qualified(finalizer)) {
        errors.push(FieldError::invalid("metadata.finalizers", &Value::from(*finalizer), names::QUALIFIED_RULE));
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
