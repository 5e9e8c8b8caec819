//! From the JSON of an object to the values that rules see.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube_cel::cel::objects::{Key, Map, Opaque, OptionalValue, Value};
use serde_json::Value as Json;

use super::functions;
use super::names::{escape, is_reserved};
use super::types::property;
use crate::schema::{ListType, Schema, Type, duration};

/// A list whose order does not count when it is compared.
#[derive(Debug)]
pub(super) struct Unordered {
    items: Vec<Value>,
    /// The keys, as identifiers, of the items of a map list; none for a set.
    keys: Vec<String>,
}

impl Opaque for Unordered {
    fn runtime_type_name(&self) -> &'static str {
        "list"
    }
}

impl PartialEq for Unordered {
    fn eq(&self, other: &Self) -> bool {
        same_items(self, &other.items)
    }
}

impl Eq for Unordered {}

/// The value of some JSON by its schema. Nulls count as absent from objects, as they do for the rules of Kubernetes.
pub(super) fn value(json: &Json, schema: &Schema, resource: bool) -> Value {
    let nested = |json: &Json, schema: &Schema| value(json, schema, schema.embedded_resource);
    match json {
        Json::Array(items) => {
            let items = items.iter().map(|item| match schema.item() {
                Some(schema) => nested(item, schema),
                None => untyped(item),
            });
            list(items.collect(), &schema.list_type)
        }
        Json::Object(fields) => match &schema.additional {
            Some(additional) if !resource => {
                map(fields.iter().map(|(key, child)| (key.clone(), nested(child, additional))))
            }
            _ => map(fields.iter().filter(|(_, child)| !child.is_null()).flat_map(|(name, child)| {
                let child = match property(schema, resource, name) {
                    Some(schema) => nested(child, schema),
                    None => untyped(child),
                };
                let escaped = escape(name).unwrap_or_else(|| name.clone());
                // Words that CEL keeps for itself are understood after a dot, too.
                let plain = is_reserved(name).then(|| (name.clone(), child.clone()));
                [(escaped, child)].into_iter().chain(plain)
            })),
        },
        Json::Number(number) if schema.ty == Some(Type::Number) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        Json::Number(number) if schema.ty == Some(Type::Integer) && number.is_f64() => {
            #[expect(clippy::cast_possible_truncation, reason = "the schema admits numbers without fraction alone")]
            let whole = number.as_f64().unwrap_or_default() as i64;
            Value::Int(whole)
        }
        Json::String(text) if schema.ty == Some(Type::String) && !schema.int_or_string => {
            formatted(text, schema.limits.format.as_deref().unwrap_or_default())
        }
        other => untyped(other),
    }
}

/// The value of JSON without a schema.
fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(untyped).collect())),
        Json::Object(fields) => map(fields.iter().map(|(key, child)| (key.clone(), untyped(child)))),
    }
}

/// A text of a format that has a type of its own. What does not parse stays a text: the schema refused it before.
fn formatted(text: &str, format: &str) -> Value {
    let convert = |name, text: String| functions::call(name, None, &[text.into()]).ok();
    let converted = match format {
        "duration" => duration::parse(text).and_then(|nanoseconds| convert("duration", format!("{nanoseconds}ns"))),
        "date" => convert("timestamp", format!("{text}T00:00:00Z")),
        "date-time" => convert("timestamp", text.to_owned()),
        "byte" => {
            let bytes = STANDARD.decode(text);
            bytes.ok().map(|bytes| Value::Bytes(Arc::new(bytes)))
        }
        _ => None,
    };
    converted.unwrap_or_else(|| Value::String(Arc::new(text.to_owned())))
}

fn list(items: Vec<Value>, list_type: &ListType) -> Value {
    let keys = match list_type {
        ListType::Atomic => return Value::List(Arc::new(items)),
        ListType::Set => Vec::new(),
        ListType::Map(keys) => keys.iter().map(|key| escape(key).unwrap_or_else(|| key.clone())).collect(),
    };
    Value::Opaque(Arc::new(Unordered { items, keys }))
}

pub(super) fn map(entries: impl Iterator<Item = (String, Value)>) -> Value {
    let entries: HashMap<Key, Value> = entries.map(|(key, value)| (Key::from(key), value)).collect();
    Value::Map(Map { map: Arc::new(entries) })
}

/// The items of a list, ordered or not.
pub(super) fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) => Some(items),
        Value::Opaque(opaque) => opaque.downcast_ref::<Unordered>().map(|list| list.items.as_slice()),
        _ => None,
    }
}

/// A value as an optional, if it is one.
pub(super) fn optional(value: &Value) -> Option<&OptionalValue> {
    value.try_into().ok()
}

pub(super) fn some(value: Value) -> Value {
    Value::Opaque(Arc::new(OptionalValue::of(value)))
}

pub(super) fn none() -> Value {
    Value::Opaque(Arc::new(OptionalValue::none()))
}

/// The value with plain lists throughout, which is what library functions understand.
pub(super) fn plain(value: &Value) -> Value {
    if let Some(items) = items(value) {
        return Value::List(Arc::new(items.iter().map(plain).collect()));
    }
    match value {
        Value::Map(map) => {
            let entries = map.map.iter().map(|(key, value)| (key.clone(), plain(value)));
            Value::Map(Map { map: Arc::new(entries.collect()) })
        }
        other => match optional(other).and_then(OptionalValue::value) {
            Some(inner) => some(plain(inner)),
            None => other.clone(),
        },
    }
}

/// Whether two values are the same. The order of a list counts unless the left one is a set or a map list.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    if let (Value::Opaque(opaque), Some(others)) = (a, items(b))
        && let Some(list) = opaque.downcast_ref::<Unordered>()
    {
        return same_items(list, others);
    }
    match (items(a), items(b)) {
        (Some(a), Some(b)) => return a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (None, None) => {}
        _ => return false,
    }
    if let (Value::Map(a), Value::Map(b)) = (a, b) {
        let same = |(key, value)| b.map.get::<Key>(key).is_some_and(|other| equal(value, other));
        return a.map.len() == b.map.len() && a.map.iter().all(same);
    }
    match (optional(a).and_then(OptionalValue::value), optional(b).and_then(OptionalValue::value)) {
        (Some(a), Some(b)) => equal(a, b),
        _ => a == b,
    }
}

fn same_items(list: &Unordered, others: &[Value]) -> bool {
    let holds = |items: &[Value], wanted: &Value| items.iter().any(|item| equal(item, wanted));
    list.items.len() == others.len()
        && others.iter().all(|other| holds(&list.items, other))
        && list.items.iter().all(|item| holds(others, item))
}

/// `a + b` of lists: a set takes what it does not have, a map list replaces items by their keys.
pub(super) fn concatenated(a: &Value, b: &Value) -> Option<Value> {
    let (mut all, more) = (items(a)?.to_vec(), items(b)?);
    let unordered = match a {
        Value::Opaque(opaque) => opaque.downcast_ref::<Unordered>(),
        _ => None,
    };
    for item in more {
        let known = unordered.and_then(|list| all.iter().position(|other| same_key(other, item, &list.keys)));
        match known {
            Some(index) => all[index] = item.clone(),
            None => all.push(item.clone()),
        }
    }
    let keys = unordered.map(|list| list.keys.clone());
    Some(match keys {
        Some(keys) => Value::Opaque(Arc::new(Unordered { items: all, keys })),
        None => Value::List(Arc::new(all)),
    })
}

fn same_key(a: &Value, b: &Value, keys: &[String]) -> bool {
    if keys.is_empty() {
        return equal(a, b);
    }
    let (Value::Map(a), Value::Map(b)) = (a, b) else { return false };
    keys.iter().map(|key| Key::from(key.as_str())).all(|key| match (a.map.get(&key), b.map.get(&key)) {
        (Some(a), Some(b)) => equal(a, b),
        (a, b) => a.is_none() && b.is_none(),
    })
}

/// How much there is of a value: its parts, and a tenth of the bytes of its texts, as Kubernetes counts traversals.
pub(super) fn size(value: &Value) -> u64 {
    let bytes = |length: usize| 1 + length as u64 / 10;
    if let Some(items) = items(value) {
        return 1 + items.iter().map(size).sum::<u64>();
    }
    match value {
        Value::Map(map) => 1 + map.map.values().map(size).sum::<u64>(),
        Value::String(text) => bytes(text.len()),
        Value::Bytes(data) => bytes(data.len()),
        _ => 1,
    }
}
