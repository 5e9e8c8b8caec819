//! The formats `@text`, `@json`, `@html`, `@uri`, `@urid`, `@csv`, `@tsv`, `@sh`, `@base64` and `@base64d`.

use super::errors::{self, failed, unfit};
use super::value::{Error, Result, Value};
use crate::go_base64::{self, DecodeError};

/// Writes `value` in the format `name`, without its `@`.
pub(super) fn by_name(value: &Value, name: &Value) -> Result {
    let Value::Text(name) = name else {
        return Err(unfit("format", name));
    };
    let text = match value {
        Value::Text(text) => text.to_string(),
        other => other.to_string(),
    };
    Ok(Value::from(match &**name {
        "text" => text,
        "json" => value.to_string(),
        "html" => html(&text),
        "uri" => uri(&text),
        "urid" => uri_decoded(&text).map_err(|why| failed("@urid", &[], value, why))?,
        "csv" => row("csv", value, ",", |text| format!("\"{}\"", text.replace('"', "\"\"").replace('\0', "\\0")))?,
        "tsv" => row("tsv", value, "\t", tsv_escaped)?,
        "sh" => {
            let word = [value.clone()].into_iter().collect();
            let words = if matches!(value, Value::List(_)) { value } else { &word };
            row("sh", words, " ", |text| format!("'{}'", text.replace('\'', "'\\''").replace('\0', "\\0")))?
        }
        "base64" => go_base64::encode(text.as_bytes()),
        "base64d" => {
            // What follows the first padding does not count.
            let padded = text.split('=').next().unwrap_or_default();
            let bytes = go_base64::decode_unpadded(padded);
            let bytes = bytes.map_err(|error| {
                let at = match error {
                    DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
                    _ => padded.len().saturating_sub(1),
                };
                failed("@base64d", &[], value, format_args!("illegal base64 data at input byte {at}"))
            })?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => return Err(Error::str(format_args!("format not defined: @{name}"))),
    }))
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// Percent-encoding for query strings, with `+` for blanks.
fn uri(text: &str) -> String {
    let encoded = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

/// Reverses [`uri`]. The error is in the words of Go's `net/url`.
fn uri_decoded(text: &str) -> std::result::Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = rest;
        rest = tail;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let hex = tail.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                rest = tail.get(2..).unwrap_or_default();
                code.ok_or_else(|| {
                    let escape = String::from_utf8_lossy(escape.get(..3).unwrap_or(escape));
                    format!("invalid URL escape {escape:?}")
                })?
            }
            other => *other,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Texts are escaped; null is left empty, except for a shell.
fn row(name: &str, value: &Value, separator: &str, text: impl Fn(&str) -> String) -> Result<String> {
    let cell = |value: &Value| match value {
        Value::Null if name != "sh" => Ok(String::new()),
        // What JSON has no number for is written as null.
        Value::Float(number) if number.is_nan() && name != "sh" => Ok(String::new()),
        Value::Text(value) => Ok(text(value)),
        Value::List(_) | Value::Map(_) => {
            let item = errors::described(value);
            Err(Error::str(format_args!("@{name} cannot format an array including: {item}")))
        }
        value => Ok(value.to_string()),
    };
    let list = value.as_list().ok_or_else(|| unfit(&format!("@{name}"), value))?;
    Ok(list.iter().map(cell).collect::<Result<Vec<_>>>()?.join(separator))
}

fn tsv_escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
    text.replace('\r', "\\r").replace('\0', "\\0")
}
