//! Structural schemas, as definitions have them, in the words of JSON Schema.

use serde_json::{Map, Value, json};

/// Words that mean the same there.
const COPIED: [&str; 12] = [
    "enum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
];

pub(super) const NULLABLE: &str = "nullable";
pub(super) const PRESERVED: &str = "x-kubernetes-preserve-unknown-fields";
pub(super) const EMBEDDED: &str = "x-kubernetes-embedded-resource";
pub(super) const MAP_KEYS: &str = "x-kubernetes-list-map-keys";

/// Words that JSON Schema does not know, and that decide what becomes of an object nevertheless.
const OWN: [&str; 5] = ["default", NULLABLE, PRESERVED, EMBEDDED, MAP_KEYS];

/// The schema of a version of a kind, without its `status` if that is a subresource. Two that are equal let the same objects
/// pass.
pub(super) fn of_version(version: &Value) -> Value {
    let mut standard = standard(&version["schema"]["openAPIV3Schema"]);
    if version["subresources"]["status"].is_object() {
        if let Some(properties) = standard.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("status");
        }
        if let Some(required) = standard.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|field| field != "status");
        }
    }
    standard
}

/// Titles, descriptions, examples, formats and rules are left out.
fn standard(schema: &Value) -> Value {
    // `additionalProperties` may be `true`.
    let Some(fields) = schema.as_object() else { return json!({}) };
    let is = |word: &str| schema[word] == true;
    let said = |word: &str| fields.get(word).filter(|value| !value.is_null() && **value != false);
    let mut standard = Map::new();
    for word in COPIED.into_iter().chain(OWN) {
        // What is false by default is left out by the API server.
        let value = if word == "default" { fields.get(word) } else { said(word) };
        if let Some(value) = value {
            standard.insert(word.to_owned(), value.clone());
        }
    }
    let mut types = match &schema["type"] {
        _ if is("x-kubernetes-int-or-string") => vec![json!("integer"), json!("string")],
        Value::Null => Vec::new(),
        named => vec![named.clone()],
    };
    if is(NULLABLE) && !types.is_empty() {
        types.push(json!("null"));
    }
    if !types.is_empty() {
        standard.insert("type".to_owned(), types.into());
    }
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if is(exclusive)
            && let Some(bound) = standard.remove(bound)
        {
            standard.insert(exclusive.to_owned(), bound);
        }
    }
    if schema["x-kubernetes-list-type"] == "set" {
        standard.insert("uniqueItems".to_owned(), json!(true));
    }
    if is(EMBEDDED)
        && let Some(required) = standard.entry("required").or_insert_with(|| json!([])).as_array_mut()
    {
        for field in ["apiVersion", "kind"] {
            if !required.iter().any(|known| known == field) {
                required.push(json!(field));
            }
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        let properties: Map<_, _> =
            properties.iter().map(|(key, below)| (key.clone(), self::standard(below))).collect();
        standard.insert("properties".to_owned(), properties.into());
    }
    for word in ["items", "additionalProperties"] {
        if let Some(below) = said(word) {
            standard.insert(word.to_owned(), self::standard(below));
        }
    }
    let junctors = junctors(schema);
    if is(NULLABLE) && !junctors.is_empty() {
        // The API server does not look at them for a null.
        standard.insert("if".to_owned(), json!({"not": {"type": "null"}}));
        standard.insert("then".to_owned(), junctors.into());
    } else {
        standard.extend(junctors);
    }
    standard.into()
}

fn junctors(schema: &Value) -> Map<String, Value> {
    let mut junctors = Map::new();
    for word in ["allOf", "anyOf", "oneOf"] {
        if let Some(branches) = schema[word].as_array().filter(|branches| !branches.is_empty()) {
            junctors.insert(word.to_owned(), branches.iter().map(standard).collect());
        }
    }
    if schema["not"].is_object() {
        junctors.insert("not".to_owned(), standard(&schema["not"]));
    }
    junctors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_nothing_is_left_out() {
        let plain = json!({"schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        let adorned = json!({"schema": {"openAPIV3Schema": {
            "type": "object", "description": "d", "x-kubernetes-validations": [{"rule": "true"}],
            "properties": {"a": {"type": "string", "nullable": false, "format": "date", "example": "e"}},
        }}});
        assert_eq!(of_version(&plain), of_version(&adorned));
    }

    #[test]
    fn what_decides_is_kept() {
        let of = |a: Value| of_version(&json!({"schema": {"openAPIV3Schema": {"properties": {"a": a}}}}));
        let plain = of(json!({"type": "array"}));
        for other in [
            json!({"type": "array", "default": []}),
            json!({"type": "array", "nullable": true}),
            json!({"type": "array", "x-kubernetes-preserve-unknown-fields": true}),
            json!({"type": "array", "x-kubernetes-list-type": "set"}),
            json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}),
            json!({"type": "array", "items": {"type": "string"}}),
            json!({"type": "array", "not": {"maxItems": 1}}),
        ] {
            assert_ne!(of(other.clone()), plain, "{other}");
        }
    }
}
