//! Between values and JSON text.

use std::collections::BTreeMap;
use std::rc::Rc;

use jaq_core::ValT as _;
use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Function, bome, native, v};
use crate::jq::errors::{failed, unfit};
use crate::jq::value::{Result, Value};

pub(super) fn all() -> Vec<Function> {
    vec![
        native!("tojson", |value: &Value| Ok(Value::from(value.to_string()))),
        native!("fromjson", from_json),
        native!("tonumber", to_number),
    ]
}

fn from_json(value: &Value) -> Result {
    let text = value.as_text().ok_or_else(|| unfit("fromjson", value))?;
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let document = match documents.next() {
        None => return Err(failed("fromjson", &[], value, "EOF")),
        Some(document) => document.map_err(|error| {
            let why = if error.is_eof() { "unexpected EOF".to_owned() } else { error.to_string() };
            failed("fromjson", &[], value, why)
        })?,
    };
    if documents.next().is_some() {
        return Err(unfit("fromjson", value));
    }
    let parsed: Parsed = serde_json::from_str(document.get()).map_err(|error| failed("fromjson", &[], value, error))?;
    Ok(parsed.0)
}

/// Decimal numbers, with leading zeros and without blanks around them.
fn to_number(value: &Value) -> Result {
    let text = match value {
        Value::Text(text) => text,
        number if number.is_number() => return Ok(number.clone()),
        other => return Err(unfit("tonumber", other)),
    };
    if is_number(text) {
        number(text).map_err(|_| failed("tonumber", &[], value, "invalid number"))
    } else {
        Err(failed("tonumber", &[], value, "invalid number"))
    }
}

/// Whether the language reads it as a number, with a sign in front of it.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(mantissa, rest)| (mantissa, Some(rest)));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && is_digits(digits)
    };
    is_digits(whole) && is_digits(fraction) && whole.len() + fraction.len() > 0 && exponent.is_none_or(is_exponent)
}

/// Floats out of range become the largest there are.
fn number(text: &str) -> Result {
    Value::from_num(text)
}

/// A document with integers of any length, which serde's own number types do not hold.
struct Parsed(Value);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use serde::de::Error as _;

        let raw = <&RawValue>::deserialize(deserializer)?.get();
        match raw.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => number(raw).map(Parsed).map_err(|_| D::Error::custom("invalid number")),
            Some(b'[') => serde_json::from_str::<Items>(raw).map(|items| Parsed(items.0)).map_err(D::Error::custom),
            Some(b'{') => serde_json::from_str::<Fields>(raw).map(|fields| Parsed(fields.0)).map_err(D::Error::custom),
            _ => {
                let scalar: serde_json::Value = serde_json::from_str(raw).map_err(D::Error::custom)?;
                Ok(Parsed(Value::from(&scalar)))
            }
        }
    }
}

struct Items(Value);
struct Fields(Value);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Vec::<Parsed>::deserialize(deserializer).map(|items| Items(items.into_iter().map(|item| item.0).collect()))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let fields = BTreeMap::<String, Parsed>::deserialize(deserializer)?;
        Ok(Fields(Value::map(fields.into_iter().map(|(key, value)| (Rc::from(key), value.0)).collect())))
    }
}
