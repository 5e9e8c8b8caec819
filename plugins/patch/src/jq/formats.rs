//! The formats `@text`, `@json`, `@html`, `@uri`, `@urid`, `@csv`, `@tsv`, `@sh`, `@base64` and `@base64d`.

use jaq_core::ValT as _;

use super::value::{Error, Result, Value};
use crate::go_base64;

/// Writes `value` in the format `name`, without its `@`.
pub(super) fn format(value: Value, name: &str) -> Result {
    let as_text = || value.clone().into_string();
    Ok(Value::from(match name {
        "text" => return Ok(value.into_string()),
        "json" => value.to_string(),
        "html" => html(as_text().as_text()?),
        "uri" => uri(as_text().as_text()?),
        "urid" => uri_decoded(as_text().as_text()?)?,
        "csv" => row(&value, ",", |text| format!("\"{}\"", text.replace('"', "\"\"")))?,
        "tsv" => row(&value, "\t", tsv_escaped)?,
        "sh" => match &value {
            Value::List(list) => list.iter().map(shell_word).collect::<Result<Vec<_>>>()?.join(" "),
            value => shell_word(value)?,
        },
        "base64" => go_base64::encode(as_text().as_text()?.as_bytes()),
        "base64d" => {
            let bytes = go_base64::decode_unpadded(as_text().as_text()?).map_err(Error::str)?;
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

/// Reverses [`uri`].
fn uri_decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let hex = tail.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
                rest = tail.get(2..).unwrap_or_default();
                code.ok_or_else(|| Error::str("invalid percent-encoding"))?
            }
            other => *other,
        });
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn row(value: &Value, separator: &str, text: impl Fn(&str) -> String) -> Result<String> {
    let cell = |value: &Value| match value {
        Value::Null => Ok(String::new()),
        Value::Text(value) => Ok(text(value)),
        Value::List(_) | Value::Map(_) => Err(Error::str(format_args!("cannot be a cell of a row: {value}"))),
        value => Ok(value.to_string()),
    };
    Ok(value.as_list()?.iter().map(cell).collect::<Result<Vec<_>>>()?.join(separator))
}

fn tsv_escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn shell_word(value: &Value) -> Result<String> {
    match value {
        Value::Text(text) => Ok(format!("'{}'", text.replace('\'', "'\\''"))),
        Value::List(_) | Value::Map(_) => Err(Error::str(format_args!("cannot be escaped for a shell: {value}"))),
        value => Ok(value.to_string()),
    }
}
