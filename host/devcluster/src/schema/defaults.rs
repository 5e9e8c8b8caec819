//! Defaulting: absent fields take the value that the schema gives.

use serde_json::Value;

use super::Schema;

/// Drops nulls that the schema does not allow, then fills in defaults.
///
/// A null for a field that is not nullable counts as absent, so that a default replaces it.
pub(crate) fn apply_defaults(value: &mut Value, schema: &Schema) {
    match value {
        Value::Object(map) => {
            map.retain(|key, child| !child.is_null() || schema.member(key).is_none_or(|schema| schema.nullable));
            for (key, property) in &schema.properties {
                if let Some(default) = &property.default
                    && !map.contains_key(key)
                {
                    map.insert(key.clone(), default.clone());
                }
            }
            for (key, child) in map {
                if let Some(schema) = schema.member(key) {
                    apply_defaults(child, schema);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.item() {
                for item in items {
                    apply_defaults(item, schema);
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
    fn defaults_fill_what_is_absent_or_null() {
        let schema = parse(
            &json!({"type": "object", "properties": {
                "mode": {"type": "string", "default": "slow"},
                "gone": {"type": "string"},
                "kept": {"type": "string", "nullable": true},
                "inner": {"type": "object", "default": {}, "properties": {"n": {"type": "integer", "default": 3}}},
            }}),
            "",
            &mut Vec::new(),
        );
        let mut value = json!({"mode": null, "gone": null, "kept": null});
        apply_defaults(&mut value, &schema);
        assert_eq!(value, json!({"mode": "slow", "kept": null, "inner": {"n": 3}}));
    }
}
