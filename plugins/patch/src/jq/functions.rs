//! Functions written in Rust: those of jaq that agree with gojq, and our own.

use std::collections::BTreeMap;

use jaq_core::RunPtr;
use jaq_core::data::JustLut;
use jaq_core::native::{Filter, Fun, bome, run, unary, v};

use super::formats::format;
use super::value::{Error, Result, Value, occurrences, split};

/// What filters compute with.
pub(super) type Data = JustLut<Value>;

/// Functions of jaq that stay out: they end the process, read the clock, the environment or the local time zone, write
/// logs, or have one of ours in their place.
const LEFT_OUT: &[&str] = &[
    "halt",
    "env",
    "now",
    "localtime",
    "strflocaltime",
    "debug_empty",
    "stderr_empty",
    "escape_html",
    "unescape_html",
    "encode_uri",
    "decode_uri",
    "encode_base64",
    "decode_base64",
    "escape_sh",
    "todateiso8601",
];

/// Functions of jaq under the names that the prelude calls them by.
const RENAMED: &[(&str, &str)] = &[
    ("keys_unsorted", "keys"),
    ("error_empty", "error"),
    ("limit", "limit_positive"),
    ("skip", "skip_positive"),
    ("min_by_or_empty", "min_by_or_none"),
    ("max_by_or_empty", "max_by_or_none"),
];

/// All functions.
pub(super) fn all() -> impl Iterator<Item = Fun<Data>> {
    let theirs = jaq_core::funs::<Data>().chain(jaq_std::base_funs()).chain(jaq_std::extra_funs());
    let theirs = theirs.filter(|(name, ..)| !LEFT_OUT.contains(name)).map(|(name, arguments, function)| {
        let renamed = RENAMED.iter().find(|(theirs, _)| *theirs == name);
        (renamed.map_or(name, |(_, ours)| ours), arguments, function)
    });
    // The first of a name wins.
    ours().into_iter().map(run::<Data>).chain(theirs)
}

fn ours() -> Vec<Filter<RunPtr<Data>>> {
    vec![
        ("null", v(0), |_| bome(Ok(Value::Null))),
        ("true", v(0), |_| bome(Ok(Value::Bool(true)))),
        ("false", v(0), |_| bome(Ok(Value::Bool(false)))),
        ("not", v(0), |cv| bome(Ok(Value::Bool(matches!(cv.1, Value::Null | Value::Bool(false)))))),
        ("nan", v(0), |_| bome(Ok(Value::Float(f64::NAN)))),
        ("infinite", v(0), |_| bome(Ok(Value::Float(f64::INFINITY)))),
        ("isnan", v(0), |cv| bome(float(&cv.1).map(|number| Value::Bool(number.is_nan())))),
        ("isinfinite", v(0), |cv| bome(float(&cv.1).map(|number| Value::Bool(number.is_infinite())))),
        ("isnormal", v(0), |cv| bome(float(&cv.1).map(|number| Value::Bool(number.is_normal())))),
        ("abs", v(0), |cv| bome(float(&cv.1).and_then(|number| if number < 0.0 { -cv.1 } else { Ok(cv.1) }))),
        ("type", v(0), |cv| bome(Ok(Value::text(cv.1.type_name())))),
        ("length", v(0), |cv| bome(length(cv.1))),
        ("tojson", v(0), |cv| bome(Ok(Value::from(cv.1.to_string())))),
        ("fromjson", v(0), |cv| bome(from_json(&cv.1))),
        ("tonumber", v(0), |cv| bome(to_number(cv.1))),
        ("from_entries", v(0), |cv| bome(from_entries(&cv.1))),
        ("tostream", v(0), |cv| Box::new(stream(&cv.1).into_iter().map(Ok))),
        ("format", v(1), |cv| unary(cv, |value, name| format(value, name.as_text()?))),
        ("contains", v(1), |cv| unary(cv, |value, part| contains(&value, &part).map(Value::Bool))),
        ("has", v(1), |cv| unary(cv, |value, key| has(&value, &key))),
        ("indices", v(1), |cv| unary(cv, |value, part| indices(&value, &part))),
        ("split", v(1), |cv| unary(cv, |text, separator| Ok(split(text.as_text()?, separator.as_text()?)))),
        ("join", v(1), |cv| unary(cv, |list, separator| join(list.as_list()?, &separator))),
        ("bsearch", v(1), |cv| unary(cv, |list, wanted| Ok(binary_search(list.as_list()?, &wanted)))),
        ("delpaths", v(1), |cv| unary(cv, |value, paths| delete_paths(value, paths.as_list()?))),
    ]
}

fn float(value: &Value) -> Result<f64> {
    value.as_float().ok_or_else(|| Error::typ(value.clone(), "number"))
}

fn length(value: Value) -> Result {
    match &value {
        Value::Null => Ok(Value::Int(0)),
        Value::Int(number) if *number < 0 => -value,
        Value::Int(_) => Ok(value),
        Value::Float(number) => Ok(Value::Float(number.abs())),
        Value::Text(text) => Ok(Value::from(text.chars().count())),
        Value::List(list) => Ok(Value::from(list.len())),
        Value::Map(map) => Ok(Value::from(map.len())),
        Value::Bool(_) => Err(Error::str("a boolean has no length")),
    }
}

fn from_json(value: &Value) -> Result {
    let parsed: serde_json::Value = serde_json::from_str(value.as_text()?).map_err(Error::str)?;
    Ok(Value::from(&parsed))
}

/// Decimal numbers, with leading zeros but without blanks around them.
fn to_number(value: Value) -> Result {
    let Value::Text(text) = &value else {
        return if value.is_number() { Ok(value) } else { Err(Error::typ(value, "number")) };
    };
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'e' | b'E' | b'+'));
    match <Value as jaq_core::ValT>::from_num(text) {
        Ok(number) if numeric => Ok(number),
        _ => Err(Error::typ(value, "number")),
    }
}

/// From `{key, value}` or `{name, value}`; keys must be strings.
fn from_entries(value: &Value) -> Result {
    let mut map = BTreeMap::new();
    for entry in value.as_list()? {
        let Value::Map(fields) = entry else {
            return Err(Error::typ(entry.clone(), "object"));
        };
        let field = |name: &str| fields.get(name).filter(|value| !matches!(value, Value::Null | Value::Bool(false)));
        let key = field("key").or_else(|| field("name")).unwrap_or(&Value::Null);
        let Value::Text(key) = key else {
            return Err(Error::typ(key.clone(), "string"));
        };
        map.insert(key.clone(), fields.get("value").cloned().unwrap_or(Value::Null));
    }
    Ok(Value::map(map))
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
        _ if value.type_name() == part.type_name() => Ok(value == part),
        _ => Err(Error::str(format_args!("{} cannot contain {}", value.type_name(), part.type_name()))),
    }
}

fn has(value: &Value, key: &Value) -> Result {
    match (value, key) {
        (Value::Null, _) => Ok(Value::Bool(false)),
        (Value::Map(map), Value::Text(key)) => Ok(Value::Bool(map.contains_key(key))),
        (Value::List(list), key) if key.is_number() => {
            let at = key.as_integer().and_then(|at| usize::try_from(at).ok());
            Ok(Value::Bool(at.is_some_and(|at| at < list.len())))
        }
        _ => Err(Error::index(value.clone(), key.clone())),
    }
}

/// Where a part occurs: of a text (counted in characters), of an array, or as an item of an array.
fn indices(value: &Value, part: &Value) -> Result {
    let found = match (value, part) {
        (Value::Null, _) => return Ok(Value::Null),
        (Value::Text(value), Value::Text(part)) => {
            occurrences(&value.chars().collect::<Vec<_>>(), &part.chars().collect::<Vec<_>>())
        }
        (Value::List(value), Value::List(part)) => occurrences(value, part),
        (Value::List(value), part) => occurrences(value, std::slice::from_ref(part)),
        _ => return Err(Error::index(value.clone(), part.clone())),
    };
    Ok(found.into_iter().map(Value::from).collect())
}

fn join(list: &[Value], separator: &Value) -> Result {
    if list.is_empty() {
        return Ok(Value::text(""));
    }
    let part = |value: &Value| match value {
        Value::Null => Ok(String::new()),
        Value::List(_) | Value::Map(_) => Err(Error::str(format_args!("cannot join {}", value.type_name()))),
        Value::Text(text) => Ok(text.to_string()),
        value => Ok(value.to_string()),
    };
    let parts = list.iter().map(part).collect::<Result<Vec<_>>>()?;
    Ok(Value::from(parts.join(separator.as_text()?)))
}

/// The index of `wanted` in a sorted array, or `-1 - i` if it would have to be inserted at `i`.
fn binary_search(list: &[Value], wanted: &Value) -> Value {
    let at = list.partition_point(|item| item < wanted);
    if list.get(at) == Some(wanted) {
        Value::from(at)
    } else {
        Value::Int(-1 - i64::try_from(at).unwrap_or(i64::MAX - 1))
    }
}

/// Longest and last paths first, so that removing one does not move the others.
fn delete_paths(mut value: Value, paths: &[Value]) -> Result {
    let mut paths = paths.to_vec();
    paths.sort();
    for path in paths.iter().rev() {
        value = delete_path(value, path.as_list()?)?;
    }
    Ok(value)
}

fn delete_path(value: Value, path: &[Value]) -> Result {
    use jaq_core::ValT as _;

    let Some((key, rest)) = path.split_first() else {
        return Ok(Value::Null);
    };
    let child = value.clone().index(key)?;
    // Nothing to remove below what is not there.
    if value == Value::Null || (!rest.is_empty() && child == Value::Null) {
        return Ok(value);
    }
    let remaining = if rest.is_empty() { None } else { Some(delete_path(child, rest)?) };
    if matches!(&value, Value::Map(_) | Value::List(_)) && !is_present(&value, key) {
        return Ok(value);
    }
    let updated = value.map_index(key, jaq_core::path::Opt::Essential, |_| remaining.clone().into_iter().map(Ok));
    updated.map_err(|exception| exception.get_err().unwrap_or_else(|_| Error::str("cannot delete a path")))
}

fn is_present(value: &Value, key: &Value) -> bool {
    match (value, key) {
        (Value::Map(map), Value::Text(key)) => map.contains_key(key),
        (Value::List(list), key) if key.is_number() => {
            let at = key.as_integer().map(|at| if at < 0 { at + i64::try_from(list.len()).unwrap_or(0) } else { at });
            at.and_then(|at| usize::try_from(at).ok()).is_some_and(|at| at < list.len())
        }
        // A slice.
        _ => true,
    }
}
