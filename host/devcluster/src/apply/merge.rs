//! The two halves of an apply: merging the applied configuration in, and taking out what is no longer applied.

use serde_json::Value;

use super::field_set::FieldSet;
use super::owned::{Shape, field_element, key_element, value_element};
use crate::schema::{ListType, Schema};

/// Merges an applied configuration into the live object. Items that are new in a list go to its end.
pub(super) fn merge(live: &mut Value, applied: &Value, schema: Option<&Schema>) {
    match (Shape::of(applied, schema), &mut *live) {
        (Shape::Map(applied), Value::Object(live)) => {
            for (key, value) in applied {
                let schema = schema.and_then(|schema| schema.member(key));
                match live.get_mut(key) {
                    Some(child) => merge(child, value, schema),
                    None => drop(live.insert(key.clone(), value.clone())),
                }
            }
        }
        (Shape::Set(applied), Value::Array(live)) => {
            let new: Vec<Value> = applied.iter().filter(|item| !live.contains(item)).cloned().collect();
            live.extend(new);
        }
        (Shape::Keyed(applied, keys), Value::Array(live)) => {
            let schema = schema.and_then(Schema::item);
            for item in applied {
                let element = key_element(item, keys, schema);
                match live.iter_mut().find(|other| key_element(other, keys, schema) == element) {
                    Some(other) => merge(other, item, schema),
                    None => live.push(item.clone()),
                }
            }
        }
        _ => *live = applied.clone(),
    }
}

/// Removes the fields in `gone`, except what `kept` has or has something below. A container that this empties goes too,
/// unless it is in `kept` itself.
pub(super) fn remove(value: &mut Value, gone: &FieldSet, kept: &FieldSet, schema: Option<&Schema>) {
    match value {
        Value::Object(map) => {
            let elements: Vec<String> =
                map.keys().filter(|key| gone.child(&field_element(key)).is_some()).cloned().collect();
            for key in elements {
                let child_schema = schema.and_then(|schema| schema.member(&key));
                if let Some(child) = map.get_mut(&key)
                    && !survives(child, &field_element(&key), gone, kept, child_schema)
                {
                    map.remove(&key);
                }
            }
        }
        Value::Array(items) => {
            let item_schema = schema.and_then(Schema::item);
            match schema.map(|schema| &schema.list_type) {
                Some(ListType::Map(keys)) => items.retain_mut(|item| {
                    let element = key_element(item, keys, item_schema);
                    survives(item, &element, gone, kept, item_schema)
                }),
                Some(ListType::Set) => items.retain_mut(|item| {
                    let element = value_element(item);
                    survives(item, &element, gone, kept, None)
                }),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Removes what is gone below a child, and says whether the child itself stays.
fn survives(child: &mut Value, element: &str, gone: &FieldSet, kept: &FieldSet, schema: Option<&Schema>) -> bool {
    let Some((gone_below, gone_itself)) = gone.child(element) else {
        return true;
    };
    let nothing = FieldSet::default();
    let (kept_below, kept_itself) = kept.child(element).unwrap_or((&nothing, false));
    if gone_itself && kept_below.is_empty() && !kept_itself {
        return false;
    }
    let had_children = !is_empty(child);
    remove(child, gone_below, kept_below, schema);
    kept_itself || !had_children || !is_empty(child)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
