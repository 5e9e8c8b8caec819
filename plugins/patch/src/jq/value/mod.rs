//! Values as gojq sees them: JSON, with the keys of objects in order and integers apart from floats.
//!
//! jaq's own value type keeps the order of insertion and writes `1.0` where gojq writes `1`. Hence this one.

mod access;
mod arithmetic;
mod order;
mod text;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use jaq_core::val::Range;
use num_bigint::BigInt;

use crate::go_float;

pub(super) use access::{Stretch, bounds, occurrences, position};
pub(super) use arithmetic::split;
pub(super) use order::sorting;

pub(super) type Error = jaq_core::Error<Value>;
pub(super) type Result<T = Value> = std::result::Result<T, Error>;

/// A JSON value that is cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer that needs more than 64 bits.
    Long(Rc<BigInt>),
    Float(f64),
    Text(Rc<str>),
    List(Rc<Vec<Value>>),
    Map(Rc<BTreeMap<Rc<str>, Value>>),
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Value {
        Value::Text(text.as_ref().into())
    }

    pub(super) fn map(entries: BTreeMap<Rc<str>, Value>) -> Value {
        Value::Map(Rc::new(entries))
    }

    /// The name that `type` gives.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) | Value::Long(_) | Value::Float(_) => "number",
            Value::Text(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "object",
        }
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Long(_) | Value::Float(_))
    }

    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "this is what float arithmetic does to large integers")]
            Value::Int(number) => Some(*number as f64),
            Value::Long(number) => Some(rounded(number)),
            Value::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// An integer of any length; none for floats, whole ones included.
    fn as_long(&self) -> Option<Cow<'_, BigInt>> {
        match self {
            Value::Int(number) => Some(Cow::Owned(BigInt::from(*number))),
            Value::Long(number) => Some(Cow::Borrowed(number)),
            _ => None,
        }
    }

    /// A number cut to an integer; beyond 64 bits to the nearest there is.
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Long(_) | Value::Float(_) => self.as_float().map(cut),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The items of an array, or the values of an object by key.
    pub(super) fn members(&self) -> Option<Vec<Value>> {
        match self {
            Value::List(list) => Some(list.to_vec()),
            Value::Map(map) => Some(map.values().cloned().collect()),
            _ => None,
        }
    }
}

/// A float cut to an integer: not a number to the smallest there is, as gojq has it.
#[expect(clippy::cast_possible_truncation, reason = "cutting is what is asked for, and the cast saturates")]
pub(super) fn cut(number: f64) -> i64 {
    if number.is_nan() { i64::MIN } else { number as i64 }
}

/// The nearest float.
fn rounded(number: &BigInt) -> f64 {
    // Reads any run of digits.
    number.to_string().parse().unwrap_or(f64::NAN)
}

impl From<BigInt> for Value {
    fn from(number: BigInt) -> Self {
        i64::try_from(&number).map_or_else(|_| Value::Long(Rc::new(number)), Value::Int)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<isize> for Value {
    fn from(value: isize) -> Self {
        i64::try_from(value).map_or(Value::Null, Value::Int)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // No length or offset comes near 2^63.
        Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value.into())
    }
}

impl From<Range<Value>> for Value {
    fn from(range: Range<Value>) -> Self {
        let bound = |name: &str, value: Option<Value>| (Rc::from(name), value.unwrap_or(Value::Null));
        Value::map([bound("start", range.start), bound("end", range.end)].into())
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Value::List(Rc::new(items.into_iter().collect()))
    }
}

impl From<&serde_json::Value> for Value {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => Value::Int(integer),
                (None, Some(integer)) => BigInt::from(integer).into(),
                _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::text(text),
            serde_json::Value::Array(list) => list.iter().map(Value::from).collect(),
            serde_json::Value::Object(map) => {
                Value::map(map.iter().map(|(key, value)| (Rc::from(key.as_str()), Value::from(value))).collect())
            }
        }
    }
}

impl From<&Value> for serde_json::Value {
    /// Whole floats become integers, as in gojq's output; integers beyond 64 bits become floats, because no field could hold
    /// them. What JSON has no number for becomes null (not a number) or the
    /// largest float there is (infinity).
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(number) => (*number).into(),
            Value::Long(number) => match u64::try_from(&**number) {
                Ok(number) => number.into(),
                Err(_) => rounded(number).clamp(f64::MIN, f64::MAX).into(),
            },
            Value::Float(number) => match whole(*number) {
                Some(integer) => integer.into(),
                None if number.is_nan() => serde_json::Value::Null,
                None => number.clamp(f64::MIN, f64::MAX).into(),
            },
            Value::Text(text) => serde_json::Value::String(text.to_string()),
            Value::List(list) => list.iter().map(serde_json::Value::from).collect(),
            Value::Map(map) => {
                map.iter().map(|(key, value)| (key.to_string(), serde_json::Value::from(value))).collect()
            }
        }
    }
}

/// The integer that a float is written as, if it is whole and fits 64 bits: its shortest digits with zeros behind them,
/// like Go's encoder has it.
fn whole(number: f64) -> Option<i64> {
    go_float::json(number).parse().ok()
}
