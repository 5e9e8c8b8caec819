//! Strategic merge patch: a merge patch that knows which lists merge by key, from the schema of a built-in kind.

use serde_json::{Map, Value};

use crate::schema::{ListType, Schema};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Merges a patch into a value. The error says which directive is not understood.
pub(crate) fn merge(target: &mut Value, patch: &Value, schema: Option<&Schema>) -> Result<(), String> {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return Ok(()) };
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        None | Some("merge") => {}
        Some("replace") => {
            target.clear();
            target.extend(patch.iter().filter(|(key, _)| *key != DIRECTIVE).map(|(k, v)| (k.clone(), v.clone())));
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some(other) => return Err(format!("unrecognized directive $patch: {other}")),
    }
    if let Some(keys) = patch.get(RETAIN_KEYS).and_then(Value::as_array) {
        target.retain(|key, _| keys.iter().any(|kept| kept == key));
    }
    for (key, value) in patch {
        if key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(ORDER) {
            continue;
        }
        if let Some(list) = key.strip_prefix(DELETE_FROM) {
            if let (Some(Value::Array(items)), Some(gone)) = (target.get_mut(list), value.as_array()) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if value.is_null() {
            target.remove(key);
            continue;
        }
        let child = schema.and_then(|schema| schema.member(key));
        match (value, child.map(|child| &child.list_type)) {
            (Value::Array(patch), Some(ListType::Map(keys))) => {
                let item_schema = child.and_then(Schema::item);
                merge_items(target.entry(key.clone()).or_insert(Value::Null), patch, keys, item_schema)?;
            }
            (Value::Array(patch), Some(ListType::Set)) => {
                let list = target.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = list {
                    let new: Vec<Value> = patch.iter().filter(|item| !items.contains(item)).cloned().collect();
                    items.extend(new);
                }
            }
            _ => merge(target.entry(key.clone()).or_insert(Value::Null), value, child)?,
        }
    }
    Ok(())
}

/// Merges lists of objects by their first key, which is the merge key of nearly all built-in lists.
fn merge_items(target: &mut Value, patch: &[Value], keys: &[String], schema: Option<&Schema>) -> Result<(), String> {
    let Some(key) = keys.first() else { return Ok(()) };
    if patch.iter().any(|item| item[DIRECTIVE] == "replace") {
        *target = patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect();
        return Ok(());
    }
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(items) = target else { return Ok(()) };
    for item in patch {
        let Some(id) = item.get(key) else {
            return Err(format!("map: {item} does not contain declared merge key: {key}"));
        };
        let found = items.iter().position(|existing| existing.get(key) == Some(id));
        match (found, item[DIRECTIVE].as_str()) {
            (Some(position), Some("delete")) => drop(items.remove(position)),
            (None, Some("delete")) => {}
            (Some(position), _) => merge(&mut items[position], item, schema)?,
            (None, _) => {
                let mut new = Value::Null;
                merge(&mut new, item, schema)?;
                items.push(new);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::parse;

    #[test]
    fn lists_merge_by_key_and_directives_are_obeyed() {
        let schema = parse(
            &json!({"type": "object", "properties": {
                "containers": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                },
                "finalizers": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "args": {"type": "array", "items": {"type": "string"}},
            }}),
            "",
            &mut Vec::new(),
        );
        let mut target = json!({
            "containers": [{"name": "a", "image": "1"}, {"name": "b"}],
            "finalizers": ["x", "y"],
            "args": ["1"],
            "map": {"old": 1},
        });
        let patch = json!({
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}, {"name": "c"}],
            "$deleteFromPrimitiveList/finalizers": ["x"],
            "finalizers": ["z"],
            "args": ["2"],
            "map": {"$patch": "replace", "new": 1},
        });
        merge(&mut target, &patch, Some(&schema)).unwrap();
        assert_eq!(
            target,
            json!({
                "containers": [{"name": "a", "image": "2"}, {"name": "c"}],
                "finalizers": ["y", "z"],
                "args": ["2"],
                "map": {"new": 1},
            })
        );
    }
}
