//! What goes wrong, in the words of gojq: a `catch` may look at them.

use super::value::{Error, Value};

/// The longest preview of a value, in bytes.
const PREVIEW: usize = 30;

/// The value as JSON, cut to a length that fits a message.
pub(super) fn preview(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() <= PREVIEW {
        return text;
    }
    let rest = match value {
        Value::Text(_) => " ...\"",
        Value::List(_) => " ...]",
        Value::Map(_) => " ...}",
        _ => " ...",
    };
    let mut end = PREVIEW - rest.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text + rest
}

/// The value with its type: `number (1)`.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        value => format!("{} ({})", value.type_name(), preview(value)),
    }
}

/// `length cannot be applied to: boolean (true)`
pub(super) fn unfit(name: &str, value: &Value) -> Error {
    Error::str(format_args!("{name} cannot be applied to: {}", described(value)))
}

/// `has("a") cannot be applied to: number (1)`
pub(super) fn unfit_with(name: &str, arguments: &[&Value], value: &Value) -> Error {
    unfit(&call(name, arguments), value)
}

/// `fromjson cannot be applied to "{": unexpected EOF`, with or without arguments.
pub(super) fn failed(name: &str, arguments: &[&Value], value: &Value, why: impl std::fmt::Display) -> Error {
    Error::str(format_args!("{} cannot be applied to {}: {why}", call(name, arguments), preview(value)))
}

fn call(name: &str, arguments: &[&Value]) -> String {
    if arguments.is_empty() {
        return name.to_owned();
    }
    let arguments: Vec<String> = arguments.iter().map(|argument| preview(argument)).collect();
    format!("{name}({})", arguments.join("; "))
}

/// `cannot add: number (1) and string ("a")`
pub(super) fn operands(verb: &str, left: &Value, right: &Value) -> Error {
    Error::str(format_args!("cannot {verb}: {} and {}", described(left), described(right)))
}

/// `cannot divide number (1) by: number (0)`
pub(super) fn by_zero(verb: &str, left: &Value, right: &Value) -> Error {
    Error::str(format_args!("cannot {verb} {} by: {}", described(left), described(right)))
}

/// `expected an array but got: null`
pub(super) fn expected(what: &str, value: &Value) -> Error {
    Error::str(format_args!("expected {what} but got: {}", described(value)))
}

/// What a `catch` would see of an error, as text.
pub(super) fn message(error: Error) -> String {
    match error.into_val() {
        Value::Text(message) => message.to_string(),
        value => value.to_string(),
    }
}
