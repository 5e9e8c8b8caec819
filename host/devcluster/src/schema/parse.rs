//! From an `OpenAPI` v3 document to a [`Schema`], with the rules of structural schemas checked on the way.

use regex::Regex;
use serde_json::{Value, json};

use super::{Junctors, Limits, Schema, Type, lists, rules, strings, structural};
use crate::field_error::FieldError;

/// Parses the schema of a value. What is wrong goes to `errors`, under `path`; the result is then not to be used.
pub(crate) fn parse(document: &Value, path: &str, errors: &mut Vec<FieldError>) -> Schema {
    let before = errors.len();
    let mut schema = Parser { errors }.schema(document, path, Place::Root);
    // Rules are compiled against the types of a schema, of which there are none while it has errors.
    if errors.len() == before {
        rules::compile(document, &mut schema, path, errors);
    }
    schema
}

/// Where a schema stands, which decides what the text about a missing type says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Field,
    Item,
    /// Inside `allOf`, `anyOf`, `oneOf` or `not`, where types are not allowed to be needed.
    Junctor,
}

struct Parser<'a> {
    errors: &'a mut Vec<FieldError>,
}

impl Parser<'_> {
    fn schema(&mut self, document: &Value, path: &str, place: Place) -> Schema {
        let flag = |key: &str| document[key].as_bool().unwrap_or(false);
        let mut schema = Schema {
            ty: document["type"].as_str().and_then(Type::from_name),
            nullable: flag("nullable"),
            default: document.get("default").cloned(),
            preserve_unknown: flag("x-kubernetes-preserve-unknown-fields"),
            embedded_resource: flag("x-kubernetes-embedded-resource"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            atomic_map: document["x-kubernetes-map-type"] == "atomic",
            required: strings(&document["required"]),
            has_rules: document["x-kubernetes-validations"].as_array().is_some_and(|rules| !rules.is_empty()),
            ..Schema::default()
        };
        self.check_type(document, &schema, path, place);
        schema.limits = self.limits(document, path);
        schema.junctors = self.junctors(document, path);
        self.children(document, &mut schema, path, place);
        schema.list_type = lists::list_type(document);
        lists::check(document, path, self.errors);
        if place != Place::Junctor {
            structural::check(document, place == Place::Root, path, self.errors);
        }
        rules::check(document, &schema, place == Place::Junctor, path, self.errors);
        schema.has_rules |= schema.properties.values().any(|property| property.has_rules)
            || schema.additional.as_ref().is_some_and(|additional| additional.has_rules)
            || schema.items.as_ref().is_some_and(|items| items.has_rules);
        if let Some(default) = &schema.default
            && place != Place::Junctor
        {
            // A default is an object of its own, with paths that begin in it.
            let mut faults = Vec::new();
            super::validate::validate(default, &schema, "", None, &mut faults);
            self.errors.extend(faults.into_iter().map(|fault| fault.within(&format!("{path}.default"))));
        }
        schema
    }

    fn check_type(&mut self, document: &Value, schema: &Schema, path: &str, place: Place) {
        let field = format!("{path}.type");
        let name = document["type"].as_str().unwrap_or_default();
        if schema.ty.is_none() && !name.is_empty() {
            let supported =
                ["array", "boolean", "integer", "number", "object", "string"].map(|supported| json!(supported));
            self.errors.push(FieldError::not_supported(field, &json!(name), &supported));
        } else if schema.embedded_resource && schema.ty != Some(Type::Object) {
            let detail = "must be object if x-kubernetes-embedded-resource is true";
            self.errors.push(match schema.ty {
                None => FieldError::required(field, detail),
                Some(_) => FieldError::invalid(field, &json!(name), detail),
            });
        } else if schema.ty.is_none() && !schema.preserve_unknown && !schema.int_or_string {
            match place {
                Place::Root => self.errors.push(FieldError::required(field, "must not be empty at the root")),
                Place::Field => {
                    self.errors.push(FieldError::required(field, "must not be empty for specified object fields"));
                }
                Place::Item => {
                    self.errors.push(FieldError::required(field, "must not be empty for specified array items"));
                }
                Place::Junctor => {}
            }
        } else if place == Place::Root && schema.ty.is_some_and(|ty| ty != Type::Object) {
            self.errors.push(FieldError::invalid(field, &json!(name), "must be object at the root"));
        }
        for (key, is_set) in [
            ("x-kubernetes-preserve-unknown-fields", schema.preserve_unknown),
            ("x-kubernetes-embedded-resource", schema.embedded_resource),
        ] {
            if schema.int_or_string && is_set {
                let detail = "must be false if x-kubernetes-int-or-string is true";
                self.errors.push(FieldError::invalid(format!("{path}.{key}"), &json!(true), detail));
            }
        }
        if document["x-kubernetes-preserve-unknown-fields"] == false {
            let field = format!("{path}.x-kubernetes-preserve-unknown-fields");
            self.errors.push(FieldError::invalid(field, &json!(false), "must be true or undefined"));
        }
        if document["uniqueItems"] == true {
            let detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
            self.errors.push(FieldError::forbidden(format!("{path}.uniqueItems"), detail));
        }
        if document.get("$ref").is_some() {
            self.errors.push(FieldError::forbidden(format!("{path}.$ref"), "$ref is not supported"));
        }
    }

    fn children(&mut self, document: &Value, schema: &mut Schema, path: &str, place: Place) {
        let child_place = |inner| if place == Place::Junctor { Place::Junctor } else { inner };
        for (name, property) in document["properties"].as_object().into_iter().flatten() {
            let child = self.schema(property, &format!("{path}.properties[{name}]"), child_place(Place::Field));
            schema.properties.insert(name.clone(), child);
        }
        match &document["additionalProperties"] {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => schema.preserve_unknown = true,
            additional => {
                let child = self.schema(additional, &format!("{path}.additionalProperties"), child_place(Place::Field));
                schema.additional = Some(Box::new(child));
            }
        }
        if schema.additional.is_some() && !schema.properties.is_empty() {
            let detail = "additionalProperties and properties are mutual exclusive";
            self.errors.push(FieldError::forbidden(format!("{path}.additionalProperties"), detail));
        }
        if let Some(items) = document.get("items") {
            let child = self.schema(items, &format!("{path}.items"), child_place(Place::Item));
            schema.items = Some(Box::new(child));
        } else if schema.ty == Some(Type::Array) && place != Place::Junctor {
            self.errors.push(FieldError::required(format!("{path}.items"), "must be specified"));
        }
    }

    fn limits(&mut self, document: &Value, path: &str) -> Limits {
        let source = document["pattern"].as_str();
        let pattern = source.and_then(|source| Regex::new(source).ok());
        if let (Some(source), None) = (source, &pattern) {
            let detail = "must be a valid regular expression";
            self.errors.push(FieldError::invalid(format!("{path}.pattern"), &json!(source), detail));
        }
        let flag = |key: &str| document[key].as_bool().unwrap_or(false);
        Limits {
            enumeration: document["enum"].as_array().cloned().unwrap_or_default(),
            minimum: document["minimum"].as_f64(),
            maximum: document["maximum"].as_f64(),
            exclusive_minimum: flag("exclusiveMinimum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            multiple_of: document["multipleOf"].as_f64(),
            min_length: document["minLength"].as_u64(),
            max_length: document["maxLength"].as_u64(),
            pattern,
            format: document["format"].as_str().map(str::to_owned),
            min_items: document["minItems"].as_u64(),
            max_items: document["maxItems"].as_u64(),
            min_properties: document["minProperties"].as_u64(),
            max_properties: document["maxProperties"].as_u64(),
        }
    }

    fn junctors(&mut self, document: &Value, path: &str) -> Junctors {
        let mut list = |key: &str| -> Vec<Schema> {
            let branches = document[key].as_array().into_iter().flatten().enumerate();
            branches
                .map(|(index, branch)| self.schema(branch, &format!("{path}.{key}[{index}]"), Place::Junctor))
                .collect()
        };
        let (all_of, any_of, one_of) = (list("allOf"), list("anyOf"), list("oneOf"));
        let not = document.get("not").map(|not| Box::new(self.schema(not, &format!("{path}.not"), Place::Junctor)));
        Junctors { all_of, any_of, one_of, not }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(document: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        parse(document, "schema", &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_field_needs_a_type() {
        let found = errors(&json!({"type": "object", "properties": {"a": {"description": "no type"}}}));
        assert_eq!(found, ["schema.properties[a].type: Required value: must not be empty for specified object fields"]);
        assert!(
            errors(&json!({"type": "object", "properties": {"a": {"x-kubernetes-int-or-string": true}}})).is_empty()
        );
    }

    #[test]
    fn lists_need_items_and_map_lists_their_keys() {
        let found = errors(&json!({"type": "object", "properties": {
            "a": {"type": "array"},
            "b": {"type": "array", "x-kubernetes-list-type": "map", "items": {"type": "object"}},
        }}));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_default_must_be_valid() {
        let document = json!({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}});
        assert_eq!(errors(&document).len(), 1);
    }
}
