//! Functions of templates: the provider's own, and replacements for those of the engine that answer otherwise than Go's.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use gotmpl::parse::SmolStr;
use gotmpl::{FuncMap, TemplateError, Value, html_escape, js_escape, url_encode};

use super::go_fmt;
use super::rewrite::{FIELDS, OUTPUT};
use super::to_json::to_json;
use crate::go_base64;

type Result<T = Value> = std::result::Result<T, TemplateError>;
type Function = fn(&[Value]) -> Result;

/// Functions of the engine that are used as they are.
const ENGINE: &[&str] = &["and", "call", "eq", "ge", "gt", "le", "len", "lt", "ne", "not", "or", "slice"];

/// Functions that are ours.
const OURS: &[(&str, Function)] = &[
    ("b64enc", |arguments| Ok(text(go_base64::encode(string("b64enc", one("b64enc", arguments)?)?.as_bytes())))),
    ("b64dec", |arguments| b64dec(string("b64dec", one("b64dec", arguments)?)?)),
    ("toJson", |arguments| Ok(text(to_json(one("toJson", arguments)?)))),
    ("print", |arguments| Ok(text(go_fmt::sprint(arguments)))),
    ("println", |arguments| Ok(text(go_fmt::sprintln(arguments)))),
    ("printf", printf),
    ("index", index),
    ("html", |arguments| Ok(text(html_escape(&joined(arguments))))),
    ("js", |arguments| Ok(text(js_escape(&joined(arguments))))),
    ("urlquery", |arguments| Ok(text(url_encode(&joined(arguments))))),
];

/// Functions that only a rewritten template calls.
const HIDDEN: &[(&str, Function)] =
    &[(OUTPUT, |arguments| Ok(text(arguments.first().map_or_else(String::new, output)))), (FIELDS, fields)];

/// What replaces or adds to the engine's functions, of those that are called.
pub(super) fn of(called: &BTreeSet<SmolStr>) -> FuncMap {
    let functions = OURS.iter().chain(HIDDEN).filter(|(name, _)| called.contains(*name));
    functions.map(|(name, function)| ((*name).to_owned(), Arc::new(function) as gotmpl::ValueFunc)).collect()
}

/// Whether a template may call a function of this name.
pub(super) fn exists(name: &str) -> bool {
    ENGINE.contains(&name) || OURS.iter().any(|(ours, _)| *ours == name)
}

fn text(text: String) -> Value {
    Value::String(text.into())
}

fn fail(message: String) -> TemplateError {
    TemplateError::Exec(message)
}

fn one<'v>(name: &str, arguments: &'v [Value]) -> Result<&'v Value> {
    match arguments {
        [argument] => Ok(argument),
        _ => Err(fail(format!("wrong number of args for {name}: want 1 got {}", arguments.len()))),
    }
}

fn string<'v>(name: &str, value: &'v Value) -> Result<&'v str> {
    let unfit = || fail(format!("{name}: wrong type for value; expected string; got {}", go_fmt::type_name(value)));
    value.as_str().ok_or_else(unfit)
}

/// Go would go on with bytes that are no text and damage them when the object is written.
fn b64dec(encoded: &str) -> Result {
    let bytes = go_base64::decode(encoded).map_err(|error| fail(format!("b64dec: illegal base64 data: {error}")))?;
    let decoded = String::from_utf8(bytes);
    decoded.map(text).map_err(|_| fail("b64dec: the decoded bytes are not text, which no field can hold".to_owned()))
}

fn printf(arguments: &[Value]) -> Result {
    let Some((format, arguments)) = arguments.split_first() else {
        return Err(fail("wrong number of args for printf: want at least 1 got 0".to_owned()));
    };
    Ok(text(go_fmt::sprintf(string("printf", format)?, arguments)))
}

/// Indexing with nothing gives the value itself.
fn index(arguments: &[Value]) -> Result {
    let Some((value, indices)) = arguments.split_first() else {
        return Err(fail("wrong number of args for index: want at least 1 got 0".to_owned()));
    };
    indices.iter().try_fold(value.clone(), |value, index| value.index(index))
}

/// How an action writes its value.
fn output(value: &Value) -> String {
    match value {
        Value::Nil => "<no value>".to_owned(),
        value => go_fmt::sprint(std::slice::from_ref(value)),
    }
}

/// The arguments of an escaper as one text.
fn joined(arguments: &[Value]) -> Cow<'_, str> {
    if let [Value::String(text)] = arguments {
        return Cow::Borrowed(text);
    }
    let printable = |value: &Value| match value {
        Value::Nil => text("<no value>".to_owned()),
        value => value.clone(),
    };
    Cow::Owned(go_fmt::sprint(&arguments.iter().map(printable).collect::<Vec<_>>()))
}

/// A missing key makes everything below it missing; a field of an explicit null is an error.
fn fields(arguments: &[Value]) -> Result {
    let Some((mut value, names)) = arguments.split_first() else {
        return Ok(Value::Nil);
    };
    // Go cannot tell what kind of nothing a variable holds.
    if matches!(value, Value::Nil) {
        return Ok(Value::Nil);
    }
    for name in names.iter().filter_map(Value::as_str) {
        match value {
            Value::Map(map) => match map.get(name) {
                Some(field) => value = field,
                None => return Ok(Value::Nil),
            },
            Value::Nil => return Err(fail(format!("nil pointer evaluating interface {{}}.{name}"))),
            other => {
                let kind = go_fmt::type_name(other);
                return Err(fail(format!("can't evaluate field {name} in type {kind}")));
            }
        }
    }
    Ok(value.clone())
}
