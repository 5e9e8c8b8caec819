//! Whether an applied configuration fits the schema well enough to be merged: validation comes after the merge.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field_set::display;
use super::owned::{Shape, field_element, key_element, value_element};
use crate::schema::{Schema, Type};

/// The first thing that cannot be merged, with its place: a field that the schema does not have, a value of another type,
/// list items with the same key or without one. The words are those of Kubernetes, down to how Go prints values, and so is
/// what counts as declared (kube-openapi, `schemaconv`).
pub(super) fn check(object: &Value, schema: &Schema) -> Result<(), String> {
    check_value(object, Some(schema), false, "")
}

/// `preserve`: something around the value keeps unknown fields, which holds for all that is below it.
fn check_value(value: &Value, schema: Option<&Schema>, preserve: bool, path: &str) -> Result<(), String> {
    let Some(schema) = schema else { return Ok(()) };
    let preserve = preserve || schema.preserve_unknown;
    if let Some(expected) = mismatch(value, schema) {
        return Err(format!("{path}: {expected}"));
    }
    match Shape::of(value, Some(schema)) {
        // Of what is owned as a whole every part has a type too.
        Shape::Leaf => match value {
            Value::Object(map) => check_members(map, schema, preserve, path),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| check_value(item, schema.item(), preserve, &format!("{path}[{index}]"))),
            _ => Ok(()),
        },
        Shape::Map(map) => check_members(map, schema, preserve, path),
        Shape::Set(items) => check_items(items, schema.item(), preserve, path, |_, item| Ok(value_element(item))),
        Shape::Keyed(items, keys) => check_items(items, schema.item(), preserve, path, |index, item| {
            let element = key_element(item, keys, schema.item());
            if element == "k:{}" {
                let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                return Err(format!(
                    "{path}: element {index}: associative list with keys has an element that omits all key fields [{}] \
                     (and doesn't have default values for any key fields)",
                    keys.join(" ")
                ));
            }
            Ok(element)
        }),
    }
}

fn check_members(map: &Map<String, Value>, schema: &Schema, preserve: bool, path: &str) -> Result<(), String> {
    // An object of which nothing is declared is free-form.
    let is_open = preserve || schema.embedded_resource || schema.properties.is_empty();
    map.iter().try_for_each(|(key, child)| {
        // The metadata of an object is the same type everywhere, whatever its kind keeps.
        let preserve = preserve && !(path.is_empty() && key == "metadata");
        let path = format!("{path}{}", display(&field_element(key)));
        match schema.member(key) {
            None if !is_open => Err(format!("{path}: field not declared in schema")),
            member => check_value(child, member, preserve, &path),
        }
    })
}

fn check_items(
    items: &[Value],
    schema: Option<&Schema>,
    preserve: bool,
    path: &str,
    element: impl Fn(usize, &Value) -> Result<String, String>,
) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let element = element(index, item)?;
        let shown = display(&element);
        if !seen.insert(element) {
            return Err(format!("{path}: duplicate entries for key {shown}"));
        }
        check_value(item, schema, preserve, &format!("{path}{shown}"))?;
    }
    Ok(())
}

/// What was expected instead of a value, if it has another type. Null fits everything.
fn mismatch(value: &Value, schema: &Schema) -> Option<String> {
    let fits = value.is_null() || schema.int_or_string;
    match schema.ty {
        Some(Type::Integer | Type::Number) if !fits && !value.is_number() => {
            Some(format!("expected numeric (int or float), got {}", go_type(value)))
        }
        Some(Type::String) if !fits && !value.is_string() => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value)))
        }
        Some(Type::Boolean) if !fits && !value.is_boolean() => Some(format!("expected boolean, got &{{{value}}}")),
        Some(Type::Array) if !fits && !value.is_array() => Some(format!("expected list, got &{{{value}}}")),
        Some(Type::Object) if !fits && !value.is_object() => Some(format!("expected map, got &{{{value}}}")),
        _ => None,
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("{}{{{}}}", go_type(value), items.join(", "))
        }
        Value::Object(map) => {
            let members: Vec<String> = map.iter().map(|(key, child)| format!("{key:?}:{}", go_syntax(child))).collect();
            format!("{}{{{}}}", go_type(value), members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::parse;

    fn document() -> Value {
        json!({"type": "object", "properties": {
            "text": {"type": "string"},
            "size": {"type": "integer"},
            "either": {"x-kubernetes-int-or-string": true},
            "free": {"type": "object"},
            "kept": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                "inner": {"type": "object", "properties": {"a": {"type": "string"}}},
                "rows": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            }},
            "acts": {"type": "array", "items": {"type": "object"}},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "steps": {"type": "array", "items": {"type": "object", "properties": {"run": {"type": "string"}}}},
            "place": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"zone": {"type": "string"}}},
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {"name": {"type": "string"}, "port": {"type": "integer"}}},
            },
        }})
    }

    fn fault_in(value: &Value, document: &Value) -> String {
        check(value, &parse(document, "", &mut Vec::new())).err().unwrap_or_default()
    }

    fn fault(value: &Value) -> String {
        fault_in(value, &document())
    }

    #[test]
    fn what_fits_is_let_through() {
        let fits = json!({
            "text": "a", "size": 1, "either": "a", "free": {"x": [{"y": 1}]}, "tags": ["a", "b"],
            "kept": {"more": {"x": 1}, "inner": {"a": "a", "b": {"c": 1}}, "rows": [{"a": "a", "b": 1}]},
            "acts": [{"run": "a", "with": {"x": 1}}], "labels": {"any": "a"},
            "steps": [{"run": "a"}, {}], "place": {"zone": "z"},
            "ports": [{"name": "a", "port": 1}, {"name": "b", "port": null}],
        });
        assert_eq!(fault(&fits), "");
    }

    #[test]
    fn each_misfit_is_named_as_kubernetes_names_it() {
        for (value, expected) in [
            (json!({"bogus": 1}), ".bogus: field not declared in schema"),
            (
                json!({"text": ["v", {"a": 1}]}),
                ".text: expected string, got &value.valueUnstructured{Value:[]interface {}{\"v\", map[string]interface \
                 {}{\"a\":1}}}",
            ),
            (json!({"size": "many"}), ".size: expected numeric (int or float), got string"),
            (json!({"tags": ["a", true]}), ".tags[=true]: expected string, got &value.valueUnstructured{Value:true}"),
            (json!({"tags": ["a", "a"]}), ".tags: duplicate entries for key [=\"a\"]"),
            (json!({"ports": [{"name": "a"}, {"name": "a"}]}), ".ports: duplicate entries for key [name=\"a\"]"),
            (
                json!({"ports": [{"port": 1}]}),
                ".ports: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and \
                 doesn't have default values for any key fields)",
            ),
            (json!({"ports": {}}), ".ports: expected list, got &{{}}"),
            (json!({"ports": [{"name": "a", "bogus": 1}]}), ".ports[name=\"a\"].bogus: field not declared in schema"),
            (json!({"steps": [{}, {"bogus": 1}]}), ".steps[1].bogus: field not declared in schema"),
            (json!({"steps": [{"run": 1}]}), ".steps[0].run: expected string, got &value.valueUnstructured{Value:1}"),
            (json!({"place": {"bogus": 1}}), ".place.bogus: field not declared in schema"),
            (
                json!({"kept": {"inner": {"a": 1}}}),
                ".kept.inner.a: expected string, got &value.valueUnstructured{Value:1}",
            ),
            (json!({"labels": {"any": 1}}), ".labels.any: expected string, got &value.valueUnstructured{Value:1}"),
        ] {
            assert_eq!(fault(&value), expected);
        }
    }

    #[test]
    fn a_kind_that_keeps_everything_has_the_metadata_of_any_other() {
        let mut document = document();
        document["x-kubernetes-preserve-unknown-fields"] = json!(true);
        assert_eq!(fault_in(&json!({"bogus": {"x": 1}, "place": {"bogus": 1}}), &document), "");
        let bogus = json!({"metadata": {"name": "a", "bogus": 1}});
        assert_eq!(fault_in(&bogus, &document), ".metadata.bogus: field not declared in schema");
    }
}
