//! The schemas of `OpenAPI` 3.0 as JSON Schema 2020-12.

use serde_json::{Map, Value, json};

/// How much a schema lets pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// As GitHub treats requests: a member that it does not know is ignored.
    Open,
    /// A member that the description does not name is an error, wherever the description leaves that open.
    Closed,
}

/// The whole document with every schema converted.
pub(crate) fn convert(document: &Value, strictness: Strictness) -> Value {
    Converter { document, strictness }.walk(document)
}

struct Converter<'a> {
    document: &'a Value,
    strictness: Strictness,
}

impl Converter<'_> {
    /// Finds the schemas in the parts of the document that are none.
    fn walk(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "schema" => (key.clone(), self.position(value)),
                    "schemas" => {
                        let named = value.as_object().into_iter().flatten();
                        (key.clone(), named.map(|(name, schema)| (name.clone(), self.schema(schema))).collect())
                    }
                    _ => (key.clone(), self.walk(value)),
                })
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.walk(item)).collect(),
            other => other.clone(),
        }
    }

    /// A schema that alone says what stands here, as that of a body, a member or an item; and not one of several that are
    /// combined, which must let pass what the others name.
    fn position(&self, schema: &Value) -> Value {
        let mut converted = self.schema(schema);
        if self.strictness == Strictness::Closed
            && self.names_members(schema)
            && let Some(members) = converted.as_object_mut()
            && !members.contains_key("additionalProperties")
        {
            members.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
        }
        converted
    }

    /// Whether the description says which members an object here has.
    fn names_members(&self, schema: &Value) -> bool {
        if let Some(target) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            return self.document.pointer(target).is_some_and(|target| self.names_members(target));
        }
        let combined = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
        schema.get("properties").is_some() || combined.into_iter().any(|part| self.names_members(part))
    }

    fn all(&self, schemas: &Value) -> Value {
        schemas.as_array().into_iter().flatten().map(|schema| self.schema(schema)).collect()
    }

    fn schema(&self, schema: &Value) -> Value {
        let Some(members) = schema.as_object() else { return schema.clone() };
        let mut converted = Map::new();
        for (key, value) in members {
            let value = match key.as_str() {
                "nullable" => continue,
                "properties" => {
                    let named = value.as_object().into_iter().flatten();
                    named.map(|(name, schema)| (name.clone(), self.position(schema))).collect()
                }
                "items" => self.position(value),
                "additionalProperties" | "not" => self.schema(value),
                // Many of GitHub's alternatives overlap: what is one error is another one too.
                "oneOf" => {
                    converted.insert("anyOf".to_owned(), self.all(value));
                    continue;
                }
                "allOf" | "anyOf" => self.all(value),
                _ => value.clone(),
            };
            converted.insert(key.clone(), value);
        }
        if schema["nullable"] == true {
            return json!({"anyOf": [{"type": "null"}, converted]});
        }
        converted.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(schema: &Value, strictness: Strictness, instance: &Value) -> bool {
        let document = json!({"schema": schema, "components": {"schemas": {"named": {"properties": {"a": {}}}}}});
        let converted = convert(&document, strictness);
        let root = json!({"$ref": "#/schema", "schema": converted["schema"], "components": converted["components"]});
        jsonschema::validator_for(&root).unwrap().is_valid(instance)
    }

    #[test]
    fn nullable_lets_null_pass_and_nothing_else() {
        let schema = json!({"type": "string", "enum": ["x"], "nullable": true});
        assert!(accepts(&schema, Strictness::Open, &Value::Null));
        assert!(accepts(&schema, Strictness::Open, &json!("x")));
        assert!(!accepts(&schema, Strictness::Open, &json!("y")));
    }

    #[test]
    fn a_closed_schema_refuses_what_no_part_of_it_names() {
        let schema = json!({"allOf": [{"properties": {"b": {}}}, {"$ref": "#/components/schemas/named"}]});
        assert!(accepts(&schema, Strictness::Closed, &json!({"a": 1, "b": 2})));
        assert!(!accepts(&schema, Strictness::Closed, &json!({"a": 1, "c": 2})));
        assert!(accepts(&schema, Strictness::Open, &json!({"a": 1, "c": 2})));
    }

    #[test]
    fn an_object_without_named_members_stays_open() {
        let schema = json!({"type": "object", "properties": {"free": {"type": "object"}}});
        assert!(accepts(&schema, Strictness::Closed, &json!({"free": {"any": 1}})));
        assert!(!accepts(&schema, Strictness::Closed, &json!({"other": {}})));
    }
}
