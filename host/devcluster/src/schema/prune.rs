//! Pruning: fields that the schema does not know are dropped.

use serde_json::Value;

use super::{METADATA, Schema};
use crate::object::member_path;

/// Removes unknown fields from `value` and adds their paths to `unknown`. Where the value has another shape than the schema
/// says, it has no known fields: pruning comes before validation.
pub(crate) fn prune(value: &mut Value, schema: &Schema, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.retain(|key, child| {
                let known = schema.member(key);
                let path = member_path(path, key);
                if schema.embedded_resource && known.is_none() {
                    match key.as_str() {
                        "apiVersion" | "kind" => return true,
                        "metadata" => {
                            prune(child, &METADATA, &path, unknown);
                            return true;
                        }
                        _ => {}
                    }
                }
                match known {
                    Some(schema) => {
                        prune(child, schema, &path, unknown);
                        true
                    }
                    None if schema.preserve_unknown => true,
                    None => {
                        unknown.push(path);
                        false
                    }
                }
            });
        }
        Value::Array(items) => {
            let nothing = Schema::default();
            let item_schema = schema.item().or((!schema.preserve_unknown).then_some(&nothing));
            for (index, item) in items.iter_mut().enumerate() {
                if let Some(schema) = item_schema {
                    prune(item, schema, &format!("{path}[{index}]"), unknown);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse;
    use super::*;

    #[test]
    fn unknown_fields_go_unless_the_schema_preserves_them() {
        let schema = parse(
            &json!({"type": "object", "properties": {
                "kept": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                    "inner": {"type": "object", "properties": {"a": {"type": "string"}}},
                }},
                "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
                "template": {"type": "object", "x-kubernetes-embedded-resource": true},
            }}),
            "",
            &mut Vec::new(),
        );
        let mut value = json!({
            "kept": {"any": 1, "inner": {"a": "x", "b": 1}},
            "list": [{"a": "x"}, {"b": 1}],
            "template": {"apiVersion": "v1", "metadata": {"name": "n", "bogus": 1}, "spec": {}},
        });
        let mut unknown = Vec::new();
        prune(&mut value, &schema, "", &mut unknown);
        assert_eq!(
            value,
            json!({
                "kept": {"any": 1, "inner": {"a": "x"}},
                "list": [{"a": "x"}, {}],
                "template": {"apiVersion": "v1", "metadata": {"name": "n"}},
            })
        );
        unknown.sort();
        assert_eq!(unknown, ["kept.inner.b", "list[1].b", "template.metadata.bogus", "template.spec"]);
    }

    #[test]
    fn a_value_of_another_shape_has_no_known_fields() {
        let document = json!({"type": "object", "properties": {
            "list": {"type": "array", "items": {"type": "string"}},
            "map": {"type": "object", "properties": {"a": {"type": "string"}}},
        }});
        let mut value = json!({"list": {"a": "b"}, "map": [{"a": "b"}]});
        let mut unknown = Vec::new();
        prune(&mut value, &parse(&document, "", &mut Vec::new()), "", &mut unknown);
        assert_eq!(value, json!({"list": {}, "map": [{}]}));
        assert_eq!(unknown, ["list.a", "map[0].a"]);
    }
}
