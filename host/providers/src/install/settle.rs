//! What the API server makes of an object before it validates.

use serde_json::Value;

use super::standard::{EMBEDDED, NULLABLE, PRESERVED};

/// What every object has whatever its schema.
const OBJECT_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Drops fields that the schema does not know and nulls that it does not allow, and fills in defaults.
pub(super) fn settle(object: &mut Value, schema: &Value) {
    value(object, schema, true);
}

/// Of a value that is an object of its own, the fields that every object has are left as they are.
fn value(given: &mut Value, schema: &Value, whole_object: bool) {
    let preserved = schema[PRESERVED] == true;
    let untouched = |key: &str| whole_object && OBJECT_FIELDS.contains(&key);
    match given {
        Value::Object(fields) => {
            fields.retain(|key, child| match member(schema, key) {
                _ if untouched(key) => true,
                Some(below) => !child.is_null() || below[NULLABLE] == true,
                None => preserved,
            });
            for (key, below) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = below.get("default")
                    && !fields.contains_key(key)
                    // As the API server does it.
                    && !default.is_null()
                {
                    fields.insert(key.clone(), default.clone());
                }
            }
            for (key, child) in fields {
                if let Some(below) = member(schema, key).filter(|_| !untouched(key)) {
                    value(child, below, below[EMBEDDED] == true);
                }
            }
        }
        Value::Array(items) => {
            let below = &schema["items"];
            if below.is_object() || !preserved {
                for item in items {
                    value(item, below, below[EMBEDDED] == true);
                }
            }
        }
        _ => {}
    }
}

/// The schema of a member of an object, if it is known.
fn member<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema["properties"].get(key).or_else(|| schema.get("additionalProperties"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_and_nulls_go_and_defaults_come() {
        let schema = json!({"properties": {
            "mode": {"default": "slow"},
            "gone": {},
            "kept": {"nullable": true},
            "open": {"x-kubernetes-preserve-unknown-fields": true, "properties": {"inner": {"properties": {"a": {}}}}},
            "list": {"items": {"properties": {"a": {}}}},
            "map": {"additionalProperties": {"properties": {"n": {"default": 3}}}},
            "bare": {},
            "template": {"x-kubernetes-embedded-resource": true},
        }});
        let mut object = json!({
            "apiVersion": "v1", "kind": "K", "metadata": {"labels": {"a": "b"}}, "unknown": 1,
            "mode": null, "gone": null, "kept": null,
            "open": {"any": 1, "inner": {"a": 1, "b": 1}},
            "list": [{"a": 1}, {"b": 1}],
            "map": {"x": {}},
            "bare": [{"b": 1}],
            "template": {"kind": "Pod", "spec": {}},
        });
        settle(&mut object, &schema);
        assert_eq!(
            object,
            json!({
                "apiVersion": "v1", "kind": "K", "metadata": {"labels": {"a": "b"}},
                "mode": "slow", "kept": null,
                "open": {"any": 1, "inner": {"a": 1}},
                "list": [{"a": 1}, {}],
                "map": {"x": {"n": 3}},
                "bare": [{}],
                "template": {"kind": "Pod"},
            })
        );
    }
}
