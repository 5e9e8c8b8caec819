//! Arrays and objects.

use std::collections::BTreeMap;

use super::{Function, bome, native, v};
use crate::jq::errors::{self, unfit, unfit_with};
use crate::jq::value::{Error, Result, Value, occurrences};

pub(super) fn all() -> Vec<Function> {
    vec![
        native!("null", |_| Ok(Value::Null)),
        native!("true", |_| Ok(Value::Bool(true))),
        native!("false", |_| Ok(Value::Bool(false))),
        native!("not", |value: &Value| Ok(Value::Bool(matches!(value, Value::Null | Value::Bool(false))))),
        native!("type", |value: &Value| Ok(Value::text(value.type_name()))),
        native!("length", length),
        native!("keys", keys),
        native!("has", has, 1),
        native!("contains", contains_value, 1),
        native!("to_entries", to_entries),
        native!("from_entries", from_entries),
        native!("add", add),
        native!("reverse", reverse),
        native!("flatten", |value: &Value| flatten(value, None)),
        native!("flatten", |value, depth| flatten(value, Some(depth)), 1),
        native!("transpose", transpose),
        native!("indices", |value, part| positions("indices", value, part, found), 1),
        native!("index", |value, part| positions("index", value, part, |at| or_null(at.first())), 1),
        native!("rindex", |value, part| positions("rindex", value, part, |at| or_null(at.last())), 1),
        native!("captured", |found| Ok(captured(found))),
        ("range", v(3), |mut cv| {
            let (step, end, start) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
            let unfit = [&start, &end, &step].into_iter().find(|bound| !bound.is_number()).map(|it| unfit("range", it));
            match unfit {
                Some(error) => bome(Err(error)),
                None => Box::new(range(start, end, step).map(Ok)),
            }
        }),
        ("tostream", v(0), |cv| Box::new(stream(&cv.1).into_iter().map(Ok))),
    ]
}

fn length(value: &Value) -> Result {
    match value {
        Value::Null => Ok(Value::Int(0)),
        Value::Int(_) | Value::Long(_) | Value::Float(_) => absolute(value),
        Value::Text(text) => Ok(Value::from(text.chars().count())),
        Value::List(list) => Ok(Value::from(list.len())),
        Value::Map(map) => Ok(Value::from(map.len())),
        Value::Bool(_) => Err(unfit("length", value)),
    }
}

/// Of a number.
pub(super) fn absolute(number: &Value) -> Result {
    match number {
        Value::Float(number) => Ok(Value::Float(number.abs())),
        number if *number < Value::Int(0) => -number.clone(),
        number => Ok(number.clone()),
    }
}

fn keys(value: &Value) -> Result {
    match value {
        Value::List(list) => Ok((0..list.len()).map(Value::from).collect()),
        Value::Map(map) => Ok(map.keys().cloned().map(Value::Text).collect()),
        other => Err(unfit("keys", other)),
    }
}

fn has(value: &Value, key: &Value) -> Result {
    match (value, key, key.as_integer()) {
        (Value::Null, ..) => Ok(Value::Bool(false)),
        (Value::Map(map), Value::Text(key), _) => Ok(Value::Bool(map.contains_key(key))),
        (Value::List(list), _, Some(at)) => Ok(Value::Bool(usize::try_from(at).is_ok_and(|at| at < list.len()))),
        _ => Err(unfit_with("has", &[key], value)),
    }
}

fn contains_value(value: &Value, part: &Value) -> Result {
    contains(value, part).map(Value::Bool)
}

fn contains(value: &Value, part: &Value) -> Result<bool> {
    match (value, part) {
        (Value::Text(value), Value::Text(part)) => Ok(value.contains(&**part)),
        (Value::List(value), Value::List(part)) => {
            // Items of other types cannot contain it, which is no error inside an array.
            Ok(part.iter().all(|part| value.iter().any(|value| contains(value, part).unwrap_or(false))))
        }
        (Value::Map(value), Value::Map(part)) => Ok(part
            .iter()
            .all(|(key, part)| value.get(key).is_some_and(|value| contains(value, part).unwrap_or(false)))),
        _ if value == part => Ok(true),
        _ if value.is_number() && part.is_number() => Ok(false),
        _ => Err(unfit_with("contains", &[part], value)),
    }
}

fn to_entries(value: &Value) -> Result {
    let entry = |(key, value): (Value, Value)| Value::map([("key".into(), key), ("value".into(), value)].into());
    match value {
        Value::List(list) => Ok(list.iter().cloned().enumerate().map(|(at, item)| entry((at.into(), item))).collect()),
        Value::Map(map) => {
            Ok(map.iter().map(|(key, value)| entry((Value::Text(key.clone()), value.clone()))).collect())
        }
        other => Err(unfit("to_entries", other)),
    }
}

/// From `{key, value}`, with `name` and capital letters as other spellings; keys must be strings.
fn from_entries(value: &Value) -> Result {
    let mut map = BTreeMap::new();
    for entry in value.as_list().ok_or_else(|| unfit("from_entries", value))? {
        let Value::Map(fields) = entry else {
            return Err(unfit("from_entries", entry));
        };
        let is_given = |value: &&Value| !matches!(value, Value::Null | Value::Bool(false));
        let key = ["key", "Key", "name", "Name"].iter().find_map(|name| fields.get(*name).filter(is_given));
        let Some(Value::Text(key)) = key else {
            let why = errors::expected("a string for object key", key.unwrap_or(&Value::Null));
            return Err(errors::failed("from_entries", &[], value, errors::message(why)));
        };
        let value = ["value", "Value"].iter().find_map(|name| fields.get(*name));
        map.insert(key.clone(), value.cloned().unwrap_or(Value::Null));
    }
    Ok(Value::map(map))
}

fn add(value: &Value) -> Result {
    let members = value.members().ok_or_else(|| unfit("add", value))?;
    members.into_iter().try_fold(Value::Null, |sum, member| sum + member)
}

fn reverse(value: &Value) -> Result {
    let list = value.as_list().ok_or_else(|| unfit("reverse", value))?;
    Ok(list.iter().rev().cloned().collect())
}

/// Down to a depth; none is all the way.
fn flatten(value: &Value, depth: Option<&Value>) -> Result {
    fn walk(items: Vec<Value>, depth: f64, out: &mut Vec<Value>) {
        for item in items {
            match item {
                Value::List(list) if depth != 0.0 => walk(list.to_vec(), depth - 1.0, out),
                item => out.push(item),
            }
        }
    }
    let members = value.members().ok_or_else(|| unfit("flatten", value))?;
    let depth = match depth.map(|depth| (depth, depth.as_float())) {
        None => -1.0,
        Some((_, Some(depth))) if depth < 0.0 => {
            let depth = errors::preview(&Value::Float(depth));
            return Err(Error::str(format_args!("flatten depth should not be negative: {depth}")));
        }
        Some((_, Some(depth))) => depth,
        Some((depth, None)) => return Err(unfit("flatten", depth)),
    };
    let mut out = Vec::new();
    walk(members, depth, &mut out);
    Ok(out.into_iter().collect())
}

fn transpose(value: &Value) -> Result {
    let unfit = || unfit("transpose", value);
    let rows = value.as_list().ok_or_else(unfit)?;
    let rows = rows.iter().map(|row| row.as_list().ok_or_else(unfit)).collect::<Result<Vec<_>>>()?;
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let column = |at: usize| rows.iter().map(|row| row.get(at).cloned().unwrap_or(Value::Null)).collect();
    Ok((0..width).map(column).collect())
}

fn found(at: &[usize]) -> Value {
    at.iter().copied().map(Value::from).collect()
}

fn or_null(at: Option<&usize>) -> Value {
    at.copied().map_or(Value::Null, Value::from)
}

/// Where a part occurs: of a text (counted in characters), of an array, or as an item of an array.
fn positions(name: &str, value: &Value, part: &Value, answer: impl Fn(&[usize]) -> Value) -> Result {
    let found = match (value, part) {
        (Value::Null, _) => return Ok(Value::Null),
        (Value::Text(value), Value::Text(part)) => {
            occurrences(&value.chars().collect::<Vec<_>>(), &part.chars().collect::<Vec<_>>())
        }
        (Value::List(value), Value::List(part)) => occurrences(value, part),
        (Value::List(value), part) => occurrences(value, std::slice::from_ref(part)),
        _ => return Err(unfit_with(name, &[part], value)),
    };
    Ok(answer(&found))
}

/// The named groups of a match, with their texts.
fn captured(found: &Value) -> Value {
    let mut groups = BTreeMap::new();
    if let Value::Map(found) = found
        && let Some(Value::List(captures)) = found.get("captures")
    {
        for capture in captures.iter() {
            if let Value::Map(capture) = capture
                && let Some(Value::Text(name)) = capture.get("name")
            {
                groups.insert(name.clone(), capture.get("string").cloned().unwrap_or(Value::Null));
            }
        }
    }
    Value::map(groups)
}

/// Nothing if the step leads away from the end, or nowhere.
fn range(start: Value, end: Value, step: Value) -> impl Iterator<Item = Value> {
    let mut next = Some(start);
    std::iter::from_fn(move || {
        let value = next.take()?;
        let zero = Value::Int(0);
        let goes_on = (step > zero && value < end) || (step < zero && value > end);
        if !goes_on {
            return None;
        }
        // Numbers can always be added.
        next = (value.clone() + step.clone()).ok();
        Some(value)
    })
}

/// `[path, leaf]` for every leaf, and `[path]` of its last member after every array and object.
fn stream(value: &Value) -> Vec<Value> {
    fn walk(value: &Value, path: &mut Vec<Value>, out: &mut Vec<Value>) {
        let children: Vec<(Value, &Value)> = match value {
            Value::List(list) => list.iter().enumerate().map(|(at, value)| (Value::from(at), value)).collect(),
            Value::Map(map) => map.iter().map(|(key, value)| (Value::Text(key.clone()), value)).collect(),
            _ => Vec::new(),
        };
        let here = |path: &[Value]| path.iter().cloned().collect::<Value>();
        let Some(last) = children.len().checked_sub(1) else {
            out.push([here(path), value.clone()].into_iter().collect());
            return;
        };
        for (position, (key, child)) in children.into_iter().enumerate() {
            path.push(key);
            walk(child, path, out);
            if position == last {
                out.push([here(path)].into_iter().collect());
            }
            path.pop();
        }
    }
    let mut out = Vec::new();
    walk(value, &mut Vec::new(), &mut out);
    out
}
