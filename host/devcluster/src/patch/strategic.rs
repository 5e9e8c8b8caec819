//! Strategic merge patch: a merge patch that knows which lists merge by key, from the schema of a built-in kind.

use serde_json::{Map, Value};

use crate::schema::{ListType, Schema};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Merges a patch into a value. The error says which directive is not understood or which item has no key.
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
    let before = target.clone();
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
    order_lists(target, patch, &before, schema);
    Ok(())
}

/// Puts the lists that a patch merged, or gave an order for, in order.
fn order_lists(
    target: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    before: &Map<String, Value>,
    schema: Option<&Schema>,
) {
    for (name, patched) in patch {
        let (name, wanted) = match name.strip_prefix(ORDER) {
            Some(list) => (list, patched),
            None => (name.as_str(), patch.get(&format!("{ORDER}{name}")).unwrap_or(patched)),
        };
        let key = match schema.and_then(|schema| schema.member(name)).map(|schema| &schema.list_type) {
            Some(ListType::Map(keys)) => keys.first(),
            Some(ListType::Set) => None,
            _ => continue,
        };
        if let (Some(Value::Array(items)), Some(wanted)) = (target.get_mut(name), wanted.as_array()) {
            let before = before.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            order(items, wanted, before, key.map(String::as_str));
        }
    }
}

/// Merges two sequences: items of `wanted` in its order, and the others in the order they had before. Between the two, what
/// stood further to the front before comes first; where that says nothing, the wanted item does.
fn order(items: &mut Vec<Value>, wanted: &[Value], before: &[Value], key: Option<&str>) {
    let place = |list: &[Value], item: &Value| {
        let id = |value: &'_ Value| key.map_or_else(|| value.clone(), |key| value[key].clone());
        list.iter().position(|other| id(other) == id(item))
    };
    let (mut chosen, mut others): (Vec<_>, Vec<_>) =
        std::mem::take(items).into_iter().partition(|item| place(wanted, item).is_some());
    chosen.sort_by_key(|item| place(wanted, item));
    others.sort_by_key(|item| place(before, item).unwrap_or(usize::MAX));
    let (mut chosen, mut others) = (chosen.into_iter().peekable(), others.into_iter().peekable());
    while let (Some(next), Some(other)) = (chosen.peek(), others.peek()) {
        let first = place(before, other).zip(place(before, next)).is_some_and(|(other, next)| other < next);
        items.extend(if first { others.next() } else { chosen.next() });
    }
    items.extend(chosen.chain(others));
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
                "finalizers": ["z", "y"],
                "args": ["2"],
                "map": {"new": 1},
            })
        );
    }

    #[test]
    fn merged_lists_follow_the_patch_and_keep_what_it_does_not_name_in_place() {
        let ordered = |items: &[&str], wanted: &[&str], before: &[&str]| {
            let values = |texts: &[&str]| texts.iter().map(|&text| Value::from(text)).collect::<Vec<_>>();
            let mut items = values(items);
            order(&mut items, &values(wanted), &values(before), None);
            items.iter().map(|item| item.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ordered(&["0", "1", "2", "l", "m"], &["2", "m"], &["0", "1", "2", "l"]), ["0", "1", "2", "m", "l"]);
        assert_eq!(ordered(&["1", "2", "3"], &["2", "1", "3"], &["1", "2"]), ["2", "1", "3"]);
        assert_eq!(ordered(&["2", "3"], &["3", "2"], &["2", "3"]), ["3", "2"]);
        assert_eq!(ordered(&["a", "b"], &[], &["a", "b"]), ["a", "b"]);
    }
}
