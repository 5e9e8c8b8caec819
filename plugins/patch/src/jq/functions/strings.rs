//! Texts.

use super::{Function, bome, native, v};
use crate::jq::errors::{self, unfit, unfit_with};
use crate::jq::value::{self, Error, Result, Value};

pub(super) fn all() -> Vec<Function> {
    vec![
        native!("utf8bytelength", |value: &Value| of_text("utf8bytelength", value, |text| Value::from(text.len()))),
        native!("trim", |value: &Value| of_text("trim", value, |text| Value::text(text.trim()))),
        native!("ltrim", |value: &Value| of_text("ltrim", value, |text| Value::text(text.trim_start()))),
        native!("rtrim", |value: &Value| of_text("rtrim", value, |text| Value::text(text.trim_end()))),
        native!("ascii_downcase", |value: &Value| of_text("ascii_downcase", value, |text| text
            .to_ascii_lowercase()
            .into())),
        native!("ascii_upcase", |value: &Value| of_text("ascii_upcase", value, |text| text
            .to_ascii_uppercase()
            .into())),
        native!("explode", |value: &Value| of_text("explode", value, |text| text
            .chars()
            .map(|c| Value::Int(u32::from(c).into()))
            .collect())),
        native!("implode", implode),
        native!(
            "startswith",
            |value: &Value, with: &Value| of_two("startswith", value, with, |text, with| text.starts_with(with).into()),
            1
        ),
        native!(
            "endswith",
            |value: &Value, with: &Value| of_two("endswith", value, with, |text, with| text.ends_with(with).into()),
            1
        ),
        native!(
            "ltrimstr",
            |value: &Value, start: &Value| of_two("ltrimstr", value, start, |text, start| Value::text(
                text.strip_prefix(start).unwrap_or(text)
            )),
            1
        ),
        native!(
            "rtrimstr",
            |value: &Value, end: &Value| of_two("rtrimstr", value, end, |text, end| Value::text(
                text.strip_suffix(end).unwrap_or(text)
            )),
            1
        ),
        native!("split", split, 1),
        native!("join", join, 1),
    ]
}

fn of_text(name: &str, value: &Value, answer: impl FnOnce(&str) -> Value) -> Result {
    value.as_text().map(answer).ok_or_else(|| unfit(name, value))
}

fn of_two(name: &str, value: &Value, argument: &Value, answer: impl FnOnce(&str, &str) -> Value) -> Result {
    match (value, argument) {
        (Value::Text(text), Value::Text(argument)) => Ok(answer(text, argument)),
        _ => Err(unfit_with(name, &[argument], value)),
    }
}

/// Numbers that are no character become the replacement character.
fn implode(value: &Value) -> Result {
    let unfit = || unfit("implode", value);
    let character = |item: &Value| {
        let code = item.as_integer().ok_or_else(unfit)?;
        Ok(u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER))
    };
    value.as_list().ok_or_else(unfit)?.iter().map(character).collect::<Result<String>>().map(Value::from)
}

fn split(value: &Value, separator: &Value) -> Result {
    let text = value.as_text().ok_or_else(|| unfit("split", value))?;
    match separator.as_text() {
        Some(separator) => Ok(value::split(text, separator)),
        // These are gojq's words.
        None => Err(unfit("split", &Value::text(""))),
    }
}

fn join(value: &Value, separator: &Value) -> Result {
    let unfit = || unfit_with("join", &[separator], value);
    let members = value.members().ok_or_else(unfit)?;
    if members.len() > 1 && separator.as_text().is_none() {
        return Err(unfit());
    }
    let part = |value: &Value| match value {
        Value::Null => Ok(String::new()),
        Value::Text(text) => Ok(text.to_string()),
        Value::List(_) | Value::Map(_) => {
            let item = errors::described(value);
            Err(Error::str(format_args!("join cannot be applied to an array including: {item}")))
        }
        value => Ok(value.to_string()),
    };
    let parts = members.iter().map(part).collect::<Result<Vec<_>>>()?;
    Ok(Value::from(parts.join(separator.as_text().unwrap_or_default())))
}
