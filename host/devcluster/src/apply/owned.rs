//! How a value divides into fields that can be owned.

use serde_json::{Map, Value};

use super::field_set::{FieldSet, display};
use crate::schema::{ListType, Schema};

/// How a value merges, and therefore which parts of it have owners of their own.
pub(super) enum Shape<'a> {
    /// Owned as a whole: scalars, atomic lists and maps.
    Leaf,
    Map(&'a Map<String, Value>),
    /// A list of distinct scalars.
    Set(&'a [Value]),
    /// A list of objects with key fields.
    Keyed(&'a [Value], &'a [String]),
}

impl<'a> Shape<'a> {
    /// Without a schema, maps are granular and lists atomic.
    pub(super) fn of(value: &'a Value, schema: Option<&'a Schema>) -> Self {
        match value {
            Value::Object(map) if !schema.is_some_and(|schema| schema.atomic_map) => Self::Map(map),
            Value::Array(items) => match schema.map(|schema| &schema.list_type) {
                Some(ListType::Set) => Self::Set(items),
                Some(ListType::Map(keys)) => Self::Keyed(items, keys),
                _ => Self::Leaf,
            },
            _ => Self::Leaf,
        }
    }
}

pub(super) fn field_element(name: &str) -> String {
    format!("f:{name}")
}

pub(super) fn value_element(value: &Value) -> String {
    format!("v:{value}")
}

/// The element of an item of a keyed list; a key field that is absent takes its default.
pub(super) fn key_element(item: &Value, keys: &[String], schema: Option<&Schema>) -> String {
    let keys: Map<String, Value> = keys
        .iter()
        .filter_map(|key| {
            let default = || schema?.properties.get(key)?.default.as_ref();
            item.get(key).or_else(default).map(|value| (key.clone(), value.clone()))
        })
        .collect();
    format!("k:{}", Value::Object(keys))
}

/// How messages name an item of a list with a schema: by its key, by its value, or by its position in an atomic one.
pub(crate) fn item_name(item: &Value, index: usize, list: &Schema) -> String {
    let element = match &list.list_type {
        ListType::Set => value_element(item),
        ListType::Map(keys) => key_element(item, keys, list.item()),
        ListType::Atomic => format!("i:{index}"),
    };
    display(&element)
}

/// The children of a value: path element, child value and child schema.
pub(super) fn children<'a>(
    value: &'a Value,
    schema: Option<&'a Schema>,
) -> Vec<(String, &'a Value, Option<&'a Schema>)> {
    match Shape::of(value, schema) {
        Shape::Leaf => Vec::new(),
        Shape::Map(map) => map
            .iter()
            .map(|(key, child)| (field_element(key), child, schema.and_then(|schema| schema.member(key))))
            .collect(),
        Shape::Set(items) => items.iter().map(|item| (value_element(item), item, None)).collect(),
        Shape::Keyed(items, keys) => {
            let schema = schema.and_then(Schema::item);
            items.iter().map(|item| (key_element(item, keys, schema), item, schema)).collect()
        }
    }
}

/// The fields that an applied configuration claims: its leaves, its list items, and what is empty.
pub(super) fn claimed(value: &Value, schema: Option<&Schema>) -> FieldSet {
    let mut set = FieldSet::default();
    collect(value, schema, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, schema: Option<&Schema>, path: &mut Vec<String>, set: &mut FieldSet) {
    for (element, child, child_schema) in children(value, schema) {
        let is_item = !element.starts_with("f:");
        path.push(element);
        if is_item || children(child, child_schema).is_empty() {
            set.insert(path);
        }
        collect(child, child_schema, path, set);
        path.pop();
    }
}
