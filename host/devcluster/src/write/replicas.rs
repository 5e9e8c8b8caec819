//! The fields behind the scale subresource of custom resources, which have to hold what a `Scale` can.

use serde_json::{Value, json};

use super::Part;
use crate::field_error::FieldError;
use crate::resource::Resource;
use crate::schema::Type;
use crate::table::json_path::JsonPath;

/// Checks the replica counts and the selector, whichever the write is about.
pub(super) fn validate(resource: &Resource, part: Part, object: &Value, errors: &mut Vec<FieldError>) {
    let Some(paths) = resource.scale.as_ref().filter(|_| resource.is_custom()) else { return };
    if part == Part::Status {
        check_count(&paths.status_replicas, object, errors);
        if let Some(path) = &paths.selector {
            check_selector(path, object, errors);
        }
    } else {
        check_count(&paths.spec_replicas, object, errors);
    }
}

fn check_count(path: &JsonPath, object: &Value, errors: &mut Vec<FieldError>) {
    let Some(&value) = path.find(object).first() else { return };
    let (count, detail) = match value.as_i64() {
        None => (0, accessor_error(path, value, "int64")),
        Some(count @ ..0) => (count, "should be a non-negative integer".to_owned()),
        Some(count) if count > i64::from(i32::MAX) => (count, format!("should be less than or equal to {}", i32::MAX)),
        Some(_) => return,
    };
    errors.push(FieldError::invalid(place(path), &json!(count), &detail));
}

fn check_selector(path: &JsonPath, object: &Value, errors: &mut Vec<FieldError>) {
    if let Some(&value) = path.find(object).first().filter(|value| !value.is_string()) {
        errors.push(FieldError::invalid(place(path), &json!(""), &accessor_error(path, value, "string")));
    }
}

fn accessor_error(path: &JsonPath, value: &Value, wanted: &str) -> String {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let found = Type::of(value).map_or("<nil>", Type::as_str);
    format!("{} accessor error: {shown} is of the type {found}, expected {wanted}", place(path))
}

/// The path as the definition of the kind writes it. Only paths of fields are admitted there.
fn place(path: &JsonPath) -> String {
    format!(".{}", path.fields().unwrap_or_default().join("."))
}
