//! How lists and maps merge, and what a definition may say about it.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{ListType, strings};
use crate::field_error::FieldError;

const LIST_TYPE: &str = "x-kubernetes-list-type";
const MAP_TYPE: &str = "x-kubernetes-map-type";
const KEYS: &str = "x-kubernetes-list-map-keys";

/// How a list merges by a schema that is [right](check).
pub(super) fn list_type(document: &Value) -> ListType {
    match document[LIST_TYPE].as_str() {
        Some("set") => ListType::Set,
        Some("map") => ListType::Map(strings(&document[KEYS])),
        _ => ListType::Atomic,
    }
}

/// Adds what is wrong with the ways in which a list or map of a schema should merge.
pub(super) fn check(document: &Value, path: &str, errors: &mut Vec<FieldError>) {
    check_owner(document, MAP_TYPE, "object", &["atomic", "granular"], path, errors);
    check_owner(document, LIST_TYPE, "array", &["atomic", "set", "map"], path, errors);
    let list_type = document[LIST_TYPE].as_str();
    if !strings(&document[KEYS]).is_empty() && list_type != Some("map") {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        let field = format!("{path}.{LIST_TYPE}");
        errors.push(match list_type {
            None => FieldError::required(field, detail),
            Some(other) => FieldError::invalid(field, &json!(other), detail),
        });
    }
    let (Some(list_type @ ("set" | "map")), true) = (list_type, document["type"] == "array") else { return };
    let items = &document["items"];
    if list_type == "set" {
        check_set(items, path, errors);
    } else {
        check_map(document, path, errors);
    }
    if items["nullable"] == true {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {list_type}");
        errors.push(FieldError::forbidden(format!("{path}.items.nullable"), &detail));
    }
}

/// The way of merging is one that there is, and stands at what merges.
fn check_owner(
    document: &Value,
    key: &str,
    wanted: &str,
    supported: &[&str],
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let Some(found) = document[key].as_str() else { return };
    let detail = format!("must be {wanted} if {key} is specified");
    match document["type"].as_str().unwrap_or_default() {
        "" => errors.push(FieldError::required(format!("{path}.type"), &detail)),
        right if right == wanted => {}
        other => errors.push(FieldError::invalid(format!("{path}.type"), &json!(other), &detail)),
    }
    if !supported.contains(&found) {
        let supported: Vec<Value> = supported.iter().map(|name| json!(name)).collect();
        errors.push(FieldError::not_supported(format!("{path}.{key}"), &json!(found), &supported));
    }
}

/// The items of a set are compared as they are, so that they must not merge in themselves.
fn check_set(items: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let key = match items["type"].as_str() {
        Some("array") if !matches!(items[LIST_TYPE].as_str(), None | Some("atomic")) => LIST_TYPE,
        Some("object") if items[MAP_TYPE] != "atomic" => MAP_TYPE,
        _ => return,
    };
    let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
    // Kubernetes shows the list type in both cases.
    errors.push(FieldError::invalid(format!("{path}.items.{key}"), &items[LIST_TYPE], detail));
}

/// Every item of a map list has its keys.
fn check_map(document: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (keys, items) = (strings(&document[KEYS]), &document["items"]);
    let field = format!("{path}.{KEYS}");
    if keys.is_empty() {
        errors.push(FieldError::required(&*field, "must not be empty if x-kubernetes-list-type is map"));
    }
    if items["type"] != "object" {
        let detail = "must be object if parent array's x-kubernetes-list-type is map";
        let found = json!(items["type"].as_str().unwrap_or_default());
        errors.push(FieldError::invalid(format!("{path}.items.type"), &found, detail));
        return;
    }
    let required = strings(&items["required"]);
    let mut seen = HashSet::new();
    for key in &keys {
        let at = format!("{path}.items.properties[{key}]");
        match items["properties"].get(key) {
            None => {
                let detail = "entries must all be names of item properties";
                errors.push(FieldError::invalid(&*field, &json!(keys), detail));
            }
            Some(property) => {
                if matches!(property["type"].as_str(), Some("array" | "object")) {
                    let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                    // Kubernetes shows the type of the items.
                    errors.push(FieldError::invalid(format!("{at}.type"), &json!("object"), detail));
                }
                let why = "this property is in x-kubernetes-list-map-keys, so it";
                if !required.contains(key) && property["default"].is_null() {
                    let detail = format!("{why} must have a default or be a required property");
                    errors.push(FieldError::required(format!("{at}.default"), &detail));
                }
                if property["nullable"] == true {
                    errors.push(FieldError::forbidden(format!("{at}.nullable"), &format!("{why} cannot be nullable")));
                }
            }
        }
        if !seen.insert(key) {
            errors.push(FieldError::invalid(&*field, &json!(keys), "must not contain duplicate entries"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn errors(field: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        parse(&json!({"type": "object", "properties": {"f": field}}), "s", &mut errors);
        errors.iter().map(|error| error.to_string().replace("s.properties[f].", "")).collect()
    }

    fn map(keys: &Value, items: &Value) -> Vec<String> {
        errors(&json!({"type": "array", LIST_TYPE: "map", KEYS: keys, "items": items}))
    }

    #[test]
    fn items_of_map_lists_have_their_keys() {
        let text = json!({"type": "string"});
        let items = |name: &Value, required: &[&str]| json!({"type": "object", "required": required, "properties": {"name": name}});
        let keys = json!(["name"]);
        assert_eq!(map(&keys, &items(&text, &["name"])), [""; 0]);
        assert_eq!(map(&keys, &items(&json!({"type": "string", "default": ""}), &[])), [""; 0]);
        assert_eq!(
            map(&keys, &items(&text, &[])),
            [
                "items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must \
              have a default or be a required property"
            ]
        );
        let nullable = json!({"type": "string", "nullable": true});
        assert_eq!(map(&keys, &items(&nullable, &["name"])).len(), 1);
        assert_eq!(map(&keys, &items(&json!({"type": "object"}), &["name"])).len(), 1);
        assert_eq!(map(&json!(["name", "name"]), &items(&text, &["name"])).len(), 1);
        assert_eq!(
            map(&json!(["name", "other"]), &items(&text, &["name"])),
            [
                r#"x-kubernetes-list-map-keys: Invalid value: ["name","other"]: entries must all be names of item properties"#
            ]
        );
        assert_eq!(map(&keys, &text).len(), 1);
        assert_eq!(map(&json!([]), &items(&text, &[])).len(), 1);
        assert_eq!(errors(&json!({"type": "array", KEYS: ["name"], "items": items(&text, &["name"])})).len(), 1);
    }

    #[test]
    fn items_of_sets_do_not_merge() {
        let set = |items: &Value| errors(&json!({"type": "array", LIST_TYPE: "set", "items": items})).len();
        assert_eq!(set(&json!({"type": "string"})), 0);
        assert_eq!(set(&json!({"type": "object", MAP_TYPE: "atomic"})), 0);
        assert_eq!(set(&json!({"type": "object"})), 1);
        assert_eq!(set(&json!({"type": "array", LIST_TYPE: "set", "items": {"type": "string"}})), 1);
        assert_eq!(set(&json!({"type": "string", "nullable": true})), 1);
    }

    #[test]
    fn lists_and_maps_merge_in_ways_that_there_are() {
        assert_eq!(errors(&json!({"type": "object", MAP_TYPE: "granular"})), [""; 0]);
        assert_eq!(errors(&json!({"type": "object", MAP_TYPE: "other"})).len(), 1);
        assert_eq!(errors(&json!({"type": "string", MAP_TYPE: "atomic"})).len(), 1);
        assert_eq!(
            errors(&json!({"type": "string", LIST_TYPE: "other"})),
            [
                r#"type: Invalid value: "string": must be array if x-kubernetes-list-type is specified"#,
                r#"x-kubernetes-list-type: Unsupported value: "other": supported values: "atomic", "set", "map""#,
            ]
        );
    }
}
