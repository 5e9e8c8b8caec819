//! The document that asks whose fields are: what changes with its new value, and what goes with another one than it has.

use std::collections::BTreeSet;

use capstan_sdk::equal;
use serde_json::{Map, Value, json};

/// Members that tell elements of a list apart in Kubernetes' own kinds, the more telling ones first: elements that are mounts
/// have names too, which are not theirs.
const KEYS: [&str; 10] =
    ["mountPath", "devicePath", "containerPort", "port", "uid", "ip", "topologyKey", "name", "type", "key"];

/// Members that tell elements apart that are the same by the first, with what they are when left out.
const SECOND_KEYS: [(&str, &str); 2] = [("protocol", "TCP"), ("whenUnsatisfiable", "")];

/// What to apply so that everybody who owns what changes between two values is in the way; none if nothing changes. Lists are
/// asked for as a whole.
pub(crate) fn asked(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        _ if equal(old, new) => None,
        (Value::Object(_), Value::Object(_) | Value::Null) => {
            let member = |name: &String| Some((name.clone(), asked(&old[name.as_str()], &new[name.as_str()])?));
            let members: Map<String, Value> = names(old, new).into_iter().filter_map(member).collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        (Value::Array(_), Value::Null) => Some(json!([])),
        (_, Value::Null) => Some(other(old)),
        _ => Some(whole(old, new)),
    }
}

/// A new value, with what goes from elements of its lists: what an apply leaves out there stays, and nobody is asked.
fn whole(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(_), Value::Object(_)) => {
            let member = |name: &String| {
                let (old, new) = (&old[name.as_str()], &new[name.as_str()]);
                let value = if new.is_null() { asked(old, new)? } else { whole(old, new) };
                Some((name.clone(), value))
            };
            Value::Object(names(old, new).into_iter().filter_map(member).collect())
        }
        (Value::Array(old), Value::Array(new)) => {
            pairs(old, new).map(|(old, new)| old.map_or_else(|| new.clone(), |old| whole(old, new))).collect()
        }
        _ => new.clone(),
    }
}

fn names<'v>(old: &'v Value, new: &'v Value) -> BTreeSet<&'v String> {
    [old, new].into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect()
}

/// The elements of a list with what each was before: what has the same key, or the same place if they have none. In a kind that
/// tells elements apart by other members this may be wrong, which [`keeps_more`] sees.
fn pairs<'v>(old: &'v [Value], new: &'v [Value]) -> impl Iterator<Item = (Option<&'v Value>, &'v Value)> {
    new.iter().enumerate().map(move |(index, item)| {
        let here = old.get(index);
        let Some(key) = KEYS.into_iter().find(|key| item.get(key).is_some()) else { return (here, item) };
        let second = |each: &Value| SECOND_KEYS.map(|(key, absent)| each[key].as_str().unwrap_or(absent).to_owned());
        let is_same = |each: &&Value| each.get(key) == item.get(key) && second(each) == second(item);
        (here.filter(is_same).or_else(|| old.iter().find(is_same)), item)
    })
}

/// Another value of the same type, one that labels and base64 may be too, and quantities where it may be one.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(_) => json!(i64::from(equal(value, &json!(0)))),
        Value::String(text) if text.starts_with(|first: char| first.is_ascii_digit()) => {
            json!(if text == "1000" { "2000" } else { "1000" })
        }
        _ => json!(if value == "none" { "some" } else { "none" }),
    }
}

/// Whether an empty list or map goes: there is no other value of it.
pub(crate) fn has_unaskable(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(items), Value::Null) => items.is_empty(),
        (Value::Array(old), Value::Array(new)) => {
            pairs(old, new).any(|(old, new)| old.is_some_and(|old| has_unaskable(old, new)))
        }
        (Value::Object(members), Value::Null) if members.is_empty() => true,
        (Value::Object(members), Value::Object(_) | Value::Null) => {
            members.iter().any(|(name, value)| has_unaskable(value, &new[name.as_str()]))
        }
        _ => false,
    }
}

/// Whether lists that were asked for keep something in `then` that goes unasked: elements, or members of elements that the API
/// server took for the same as others than [`pairs`] does. Which members tell elements apart is in schemas that a provider need
/// not be granted to read, so it is seen by what stays. `old` is the state that was asked about.
pub(crate) fn keeps_more(then: &Value, asked: &Value, old: &Value) -> bool {
    match (then, asked) {
        (_, Value::Object(members)) => {
            members.iter().any(|(name, asked)| keeps_more(&then[name.as_str()], asked, &old[name.as_str()]))
        }
        (Value::Array(_), Value::Array(_)) => element_keeps_more(then, asked, &[old]),
        _ => false,
    }
}

/// The same within a list, where all that is not asked for goes. It may be from any element that was there, and what was in
/// none of them the API server added by itself.
fn element_keeps_more(then: &Value, asked: &Value, old: &[&Value]) -> bool {
    match (then, asked) {
        (Value::Object(then), Value::Object(asked)) => then.iter().any(|(name, then)| {
            let old: Vec<&Value> = old.iter().filter_map(|old| old.get(name)).collect();
            match asked.get(name) {
                Some(asked) => element_keeps_more(then, asked, &old),
                None => !then.is_null() && old.iter().any(|old| equal(old, then)),
            }
        }),
        (Value::Array(items), Value::Array(asked)) => {
            let old: Vec<&Value> = old.iter().filter_map(|old| old.as_array()).flatten().collect();
            items.len() > asked.len()
                || items.iter().zip(asked).any(|(item, asked)| element_keeps_more(item, asked, &old))
        }
        _ => false,
    }
}

/// Whether something is asked for that is not to be there.
pub(crate) fn has_substitute(asked: &Value, updated: &Value) -> bool {
    match asked {
        Value::Object(members) => members.iter().any(|(name, asked)| has_substitute(asked, &updated[name.as_str()])),
        Value::Array(items) if updated.is_array() => {
            items.iter().enumerate().any(|(index, asked)| has_substitute(asked, &updated[index]))
        }
        Value::Null => false,
        _ => updated.is_null(),
    }
}

/// Whether a list is asked for.
pub(crate) fn has_list(asked: &Value) -> bool {
    match asked {
        Value::Object(members) => members.values().any(has_list),
        value => value.is_array(),
    }
}
