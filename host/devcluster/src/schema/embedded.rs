//! Objects inside of objects (`x-kubernetes-embedded-resource`): they have a type, and metadata by the rules of all objects.

use serde_json::{Map, Value, json};

use super::validate::validate_values;
use super::{METADATA, Schema};
use crate::field_error::FieldError;
use crate::object::member_path;
use crate::write::{metadata, names};

/// Adds what is wrong with the objects in a value, as they are after an update as well as before.
pub(super) fn validate(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    visit(value, schema, path, &mut |object, path| validate_object(object, path, errors));
}

/// What keeps an object from being read at all, because it is not of the types that objects are of.
pub(crate) fn unreadable(value: &Value, schema: &Schema) -> Option<FieldError> {
    let mut errors = Vec::new();
    visit(value, schema, "", &mut |object, path| check_types(object, path, &mut errors));
    errors.into_iter().next()
}

/// Visits the objects in a value, each with its path.
fn visit<'v>(value: &'v Value, schema: &Schema, path: &str, see: &mut impl FnMut(&'v Map<String, Value>, &str)) {
    match value {
        Value::Object(map) => {
            if schema.embedded_resource {
                see(map, path);
            }
            for (key, child) in map {
                if let Some(schema) = schema.properties.get(key) {
                    visit(child, schema, &member_path(path, key), see);
                } else if let Some(schema) = schema.additional.as_deref() {
                    visit(child, schema, &format!("{path}[{key}]"), see);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.item() {
                for (index, item) in items.iter().enumerate() {
                    visit(item, schema, &format!("{path}[{index}]"), see);
                }
            }
        }
        _ => {}
    }
}

fn check_types(object: &Map<String, Value>, path: &str, errors: &mut Vec<FieldError>) {
    for key in ["apiVersion", "kind"] {
        if let Some(value) = object.get(key).filter(|value| !value.is_string()) {
            errors.push(FieldError::invalid(member_path(path, key), value, "must be a string"));
        }
    }
    if let Some(value) = object.get("metadata") {
        validate_values(value, &METADATA, &member_path(path, "metadata"), None, errors);
    }
}

fn validate_object(object: &Map<String, Value>, path: &str, errors: &mut Vec<FieldError>) {
    let before = errors.len();
    check_types(object, path, errors);
    if errors.len() > before {
        return;
    }
    for key in ["apiVersion", "kind"] {
        let field = member_path(path, key);
        let fault = match object.get(key).and_then(Value::as_str) {
            None => {
                errors.push(FieldError::required(field, ""));
                continue;
            }
            Some("") => Some("must not be empty".to_owned()),
            Some(text) if key == "kind" => kind_fault(text),
            Some(text) => (text.matches('/').count() > 1).then(|| format!("unexpected GroupVersion string: {text}")),
        };
        errors.extend(fault.map(|fault| FieldError::invalid(field, &object[key], &fault)));
    }
    if let Some(value) = object.get("metadata") {
        validate_metadata(value, &member_path(path, "metadata"), errors);
    }
}

/// What is wrong with the name of a kind.
pub(crate) fn kind_fault(kind: &str) -> Option<String> {
    let faults = names::lettered_label_faults(&kind.to_lowercase());
    (!faults.is_empty()).then(|| format!("may have mixed case, but should otherwise match: {}", faults.join(",")))
}

/// A name is not needed, and need not be one that its kind would allow.
fn validate_metadata(value: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    for (key, text) in [("name", text("name")), ("generateName", text("generateName"))] {
        let faults = names::path_segment_faults(text, key == "generateName");
        errors.extend(faults.iter().map(|fault| FieldError::invalid(member_path(field, key), &json!(text), fault)));
    }
    if !text("namespace").is_empty() {
        let faults = names::label_faults(text("namespace"));
        let field = member_path(field, "namespace");
        errors.extend(faults.iter().map(|fault| FieldError::invalid(field.clone(), &value["namespace"], fault)));
    }
    metadata::validate_fields(value, field, errors);
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn errors(template: &Value) -> Vec<String> {
        let document = json!({"type": "object", "properties": {"list": {"type": "array", "items": {
            "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true,
        }}}});
        let mut errors = Vec::new();
        let schema = parse(&document, "", &mut errors);
        assert_eq!(errors, []);
        super::super::validate::validate(&json!({"list": [template]}), &schema, "", None, &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn embedded_objects_have_a_type() {
        assert_eq!(errors(&json!({"apiVersion": "apps/v1", "kind": "Deployment"})), [""; 0]);
        assert_eq!(errors(&json!({})), ["list[0].apiVersion: Required value", "list[0].kind: Required value"]);
        assert_eq!(
            errors(&json!({"apiVersion": "a/b/c", "kind": ""})),
            [
                r#"list[0].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c"#,
                r#"list[0].kind: Invalid value: "": must not be empty"#,
            ]
        );
        let wrong = errors(&json!({"apiVersion": 1, "kind": "Pod"}));
        assert_eq!(wrong, ["list[0].apiVersion: Invalid value: 1: must be a string"]);
        let found = errors(&json!({"apiVersion": "v1", "kind": "1Kind"}));
        assert!(found[0].starts_with("list[0].kind: Invalid value: \"1Kind\": may have mixed case, but"), "{found:?}");
    }

    #[test]
    fn their_metadata_is_that_of_objects() {
        let with = |metadata: Value| errors(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}));
        assert_eq!(with(json!({"name": "Any_Name", "labels": {"a": "b"}, "namespace": "x"})), [""; 0]);
        assert_eq!(
            with(json!({"name": "a/b"})),
            [r#"list[0].metadata.name: Invalid value: "a/b": may not contain '/'"#]
        );
        assert_eq!(with(json!({"name": ".."})), [r#"list[0].metadata.name: Invalid value: "..": may not be '..'"#]);
        for wrong in [
            json!({"namespace": "A"}),
            json!({"labels": {"a": "b c"}}),
            json!({"labels": {"a": 1}}),
            json!({"annotations": {"a b": "c"}}),
            json!({"generateName": "a%"}),
        ] {
            assert_eq!(with(wrong.clone()).len(), 1, "{wrong}");
        }
    }
}
