//! What makes a schema structural beside its types: the branches of `allOf`, `anyOf`, `oneOf` and `not` only limit values, so
//! that fields, defaults and types stand in one place; and objects have the metadata of all objects.

use serde_json::{Value, json};

use crate::field_error::FieldError;

/// What a branch must not have, and what Kubernetes says of it.
const NOT_IN_BRANCHES: &[(&str, &str)] = &[
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
    ("x-kubernetes-embedded-resource", "must be false to be structural"),
    ("x-kubernetes-int-or-string", "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
];

/// Adds what is wrong with one schema that is not part of a branch.
pub(super) fn check(document: &Value, is_root: bool, path: &str, errors: &mut Vec<FieldError>) {
    // The one use of types in branches: what an integer or a string may be.
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    let skip = document["anyOf"] == either;
    let skip_in_first = document["allOf"][0]["anyOf"] == either;
    check_branches(document, path, skip, skip_in_first, errors);
    if is_root {
        check_complete(document, document, path, path, errors);
        check_root(document, path, errors);
    }
    if document["x-kubernetes-embedded-resource"] == true {
        check_embedded(document, path, errors);
    }
    if is_root || document["x-kubernetes-embedded-resource"] == true {
        check_type_fields(document, path, errors);
    }
}

fn check_branches(document: &Value, path: &str, skip: bool, skip_in_first: bool, errors: &mut Vec<FieldError>) {
    for (key, index, branch) in branches(document) {
        if !(skip && key == "anyOf") {
            let skip = skip_in_first && key == "allOf" && index == Some(0);
            check_branch(branch, &branch_path(path, key, index), skip, errors);
        }
    }
}

fn check_branch(branch: &Value, path: &str, skip: bool, errors: &mut Vec<FieldError>) {
    check_branches(branch, path, skip, false, errors);
    if branch["items"].is_object() {
        check_branch(&branch["items"], &format!("{path}.items"), false, errors);
    }
    for (name, property) in branch["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.properties[{name}]");
        check_branch(property, &path, false, errors);
        if name == "metadata" {
            errors.push(FieldError::forbidden(path, "must not be specified in a nested context"));
        }
    }
    for (key, detail) in NOT_IN_BRANCHES {
        let is_set = if *key == "default" { !branch[key].is_null() } else { is_something(&branch[key]) };
        if is_set {
            errors.push(FieldError::forbidden(format!("{path}.{key}"), detail));
        }
    }
}

/// Whether a field of a schema says anything.
pub(crate) fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
    }
}

/// The branches of a schema: what they stand in, and which of several.
fn branches(document: &Value) -> impl Iterator<Item = (&'static str, Option<usize>, &Value)> {
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|key| {
        let list = document[key].as_array().into_iter().flatten().enumerate();
        list.map(move |(index, branch)| (key, Some(index), branch))
    });
    lists.chain(document.get("not").map(|branch| ("not", None, branch)))
}

fn branch_path(path: &str, key: &str, index: Option<usize>) -> String {
    index.map_or_else(|| format!("{path}.{key}"), |index| format!("{path}.{key}[{index}]"))
}

/// Fields that a branch limits are fields of the schema itself. Kubernetes looks at the branches of the root alone.
fn check_complete(branch: &Value, schema: &Value, branch_at: &str, path: &str, errors: &mut Vec<FieldError>) {
    for (key, index, branch) in branches(branch) {
        let branch_at = branch_path(branch_at, key, index);
        check_complete(branch, schema, &branch_at, path, errors);
        check_complete_members(branch, schema, &branch_at, path, errors);
    }
}

fn check_complete_members(branch: &Value, schema: &Value, branch_at: &str, path: &str, errors: &mut Vec<FieldError>) {
    let mut check = |branch: &Value, schema: &Value, member: &str| {
        let (branch_at, path) = (format!("{branch_at}.{member}"), format!("{path}.{member}"));
        if schema.is_object() {
            check_complete(branch, schema, &branch_at, &path, errors);
            check_complete_members(branch, schema, &branch_at, &path, errors);
        } else {
            errors.push(FieldError::required(path, &format!("because it is defined in {branch_at}")));
        }
    };
    if branch["items"].is_object() {
        check(&branch["items"], &schema["items"], "items");
    }
    for (name, property) in branch["properties"].as_object().into_iter().flatten() {
        check(property, &schema["properties"][name], &format!("properties[{name}]"));
    }
}

fn check_root(document: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if !document["additionalProperties"].is_null() {
        errors.push(FieldError::forbidden(format!("{path}.additionalProperties"), "must not be used at the root"));
    }
    if document["nullable"] == true {
        errors.push(FieldError::forbidden(format!("{path}.nullable"), "nullable cannot be true at the root"));
    }
    let metadata = &document["properties"]["metadata"];
    let is_known = |(name, _): (&String, &Value)| matches!(name.as_str(), "name" | "generateName");
    let says_more = metadata.as_object().into_iter().flatten().any(|(key, value)| match key.as_str() {
        "type" | "default" => false,
        "properties" => !value.as_object().is_some_and(|properties| properties.iter().all(is_known)),
        _ => is_something(value),
    });
    if says_more {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(format!("{path}.properties[metadata]"), detail));
    }
}

fn check_embedded(document: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if !document["additionalProperties"].is_null() {
        let detail = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(FieldError::forbidden(format!("{path}.additionalProperties"), detail));
    }
    let has_properties = document["properties"].as_object().is_some_and(|properties| !properties.is_empty());
    if !has_properties && document["x-kubernetes-preserve-unknown-fields"] != true {
        let detail = "must not be empty if x-kubernetes-embedded-resource is true without \
                      x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(format!("{path}.properties"), detail));
    }
}

/// The fields that all objects have are of the types that all objects have them in.
fn check_type_fields(document: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
        let property = &document["properties"][name];
        if property.is_object() && property["type"] != wanted {
            let found = json!(property["type"].as_str().unwrap_or_default());
            let field = format!("{path}.properties[{name}].type");
            errors.push(FieldError::invalid(field, &found, &format!("must be {wanted}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn errors(document: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        parse(document, "s", &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn branches_only_limit_values() {
        let spec = |branch: Value| {
            let spec = json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [branch]});
            errors(&json!({"type": "object", "properties": {"spec": spec}}))
        };
        assert_eq!(spec(json!({"required": ["a"], "properties": {"a": {"minLength": 1}}})), [""; 0]);
        let at = "s.properties[spec].anyOf[0]";
        for (branch, field, detail) in [
            (json!({"type": "object"}), "type", "must be empty to be structural"),
            (json!({"not": {"type": "object"}}), "not.type", "must be empty to be structural"),
            (
                json!({"properties": {"a": {"default": ""}}}),
                "properties[a].default",
                "must be undefined to be structural",
            ),
            (json!({"items": {"nullable": true}}), "items.nullable", "must be false to be structural"),
            (json!({"additionalProperties": true}), "additionalProperties", "must be undefined to be structural"),
            (json!({"description": "x"}), "description", "must be empty to be structural"),
            (
                json!({"properties": {"metadata": {}}}),
                "properties[metadata]",
                "must not be specified in a nested context",
            ),
        ] {
            assert_eq!(spec(branch), [format!("{at}.{field}: Forbidden: {detail}")]);
        }
    }

    #[test]
    fn integers_or_strings_are_said_to_be_in_one_way() {
        let either = json!([{"type": "integer"}, {"type": "string"}]);
        let field = |field: Value| errors(&json!({"type": "object", "properties": {"port": field}})).len();
        assert_eq!(field(json!({"x-kubernetes-int-or-string": true, "anyOf": either})), 0);
        assert_eq!(
            field(json!({"x-kubernetes-int-or-string": true, "allOf": [{"anyOf": either}, {"minLength": 1}]})),
            0
        );
        assert_eq!(field(json!({"x-kubernetes-int-or-string": true, "oneOf": either})), 2);
        assert_eq!(field(json!({"x-kubernetes-int-or-string": true, "allOf": [{}, {"anyOf": either}]})), 2);
    }

    #[test]
    fn branches_of_the_root_limit_known_fields() {
        let with = |branch: Value| {
            let spec = json!({"type": "object", "properties": {"a": {"type": "string"}}});
            errors(&json!({"type": "object", "properties": {"spec": spec}, "not": {"allOf": [branch]}}))
        };
        assert_eq!(
            with(json!({"properties": {"spec": {"required": ["b"], "properties": {"a": {"enum": ["x"]}}}}})),
            [""; 0]
        );
        assert_eq!(
            with(json!({"properties": {"spec": {"properties": {"b": {"enum": ["x"]}}}}})),
            ["s.properties[spec].properties[b]: Required value: because it is defined in \
              s.not.allOf[0].properties[spec].properties[b]"]
        );
    }

    #[test]
    fn objects_have_the_metadata_of_all_objects() {
        let root = |mut more: Value| {
            more["type"] = json!("object");
            errors(&more)
        };
        let metadata = |metadata: Value| root(json!({"properties": {"metadata": metadata}})).len();
        assert_eq!(metadata(json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}})), 0);
        assert_eq!(metadata(json!({"type": "object", "properties": {"labels": {"type": "object"}}})), 1);
        assert_eq!(metadata(json!({"type": "object", "description": "x"})), 1);
        assert_eq!(metadata(json!({"type": "string"})), 1);
        assert_eq!(root(json!({"properties": {"kind": {"type": "integer"}}})).len(), 1);
        assert_eq!(root(json!({"additionalProperties": {"type": "string"}})).len(), 1);
        assert_eq!(root(json!({"nullable": true})).len(), 1);
        let field = |mut more: Value| {
            more["x-kubernetes-embedded-resource"] = json!(true);
            errors(&json!({"type": "object", "properties": {"template": more}}))
        };
        assert_eq!(field(json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})), [""; 0]);
        assert_eq!(field(json!({"type": "object"})).len(), 1);
        assert_eq!(field(json!({"type": "object", "additionalProperties": {"type": "string"}})).len(), 2);
        let wanted =
            "s.properties[template].type: Required value: must be object if x-kubernetes-embedded-resource is true";
        assert_eq!(field(json!({"x-kubernetes-preserve-unknown-fields": true})), [wanted]);
    }
}
