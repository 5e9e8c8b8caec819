//! `+`, `-`, `*`, `/` and `%`. Integers that leave 64 bits become floats, where gojq goes on with long integers: no field
//! of a Kubernetes object could hold them.

use std::collections::BTreeMap;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use jaq_core::ops::Math;

use super::{Error, Result, Value};

/// The longest text that `*` makes, in bytes. Beyond it memory would run out rather than a field be filled.
const MAX_REPEATED: usize = 16 << 20;

fn numbers(
    left: &Value,
    right: &Value,
    integers: impl FnOnce(i64, i64) -> Option<i64>,
    floats: impl FnOnce(f64, f64) -> f64,
) -> Option<Value> {
    if let (Value::Int(left), Value::Int(right)) = (left, right)
        && let Some(result) = integers(*left, *right)
    {
        return Some(Value::Int(result));
    }
    Some(Value::Float(floats(left.as_float()?, right.as_float()?)))
}

impl Add for Value {
    type Output = Result;

    fn add(self, other: Value) -> Result {
        if let Some(sum) = numbers(&self, &other, i64::checked_add, |left, right| left + right) {
            return Ok(sum);
        }
        match (self, other) {
            (Value::Null, value) | (value, Value::Null) => Ok(value),
            (Value::Text(left), Value::Text(right)) => Ok(Value::from([&*left, &*right].concat())),
            (Value::List(mut left), Value::List(right)) => {
                Rc::make_mut(&mut left).extend(right.iter().cloned());
                Ok(Value::List(left))
            }
            (Value::Map(mut left), Value::Map(right)) => {
                Rc::make_mut(&mut left).extend(right.iter().map(|(key, value)| (key.clone(), value.clone())));
                Ok(Value::Map(left))
            }
            (left, right) => Err(Error::math(left, Math::Add, right)),
        }
    }
}

impl Sub for Value {
    type Output = Result;

    fn sub(self, other: Value) -> Result {
        if let Some(difference) = numbers(&self, &other, i64::checked_sub, |left, right| left - right) {
            return Ok(difference);
        }
        match (self, other) {
            (Value::List(mut left), Value::List(right)) => {
                Rc::make_mut(&mut left).retain(|item| !right.contains(item));
                Ok(Value::List(left))
            }
            (left, right) => Err(Error::math(left, Math::Sub, right)),
        }
    }
}

impl Mul for Value {
    type Output = Result;

    fn mul(self, other: Value) -> Result {
        if let Some(product) = numbers(&self, &other, i64::checked_mul, |left, right| left * right) {
            return Ok(product);
        }
        match (self, other) {
            (Value::Text(text), times) | (times, Value::Text(text)) if times.is_number() => repeat(&text, &times),
            (Value::Map(left), Value::Map(right)) => Ok(Value::Map(merge(left, &right))),
            (left, right) => Err(Error::math(left, Math::Mul, right)),
        }
    }
}

fn repeat(text: &str, times: &Value) -> Result {
    let Some(times) = times.as_float().filter(|times| *times >= 0.0) else {
        return Ok(Value::Null);
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and the cast saturates")]
    let times = times.ceil() as usize;
    match times.checked_mul(text.len()) {
        Some(length) if length <= MAX_REPEATED => Ok(Value::from(text.repeat(times))),
        _ => Err(Error::str("the repeated string would be too long")),
    }
}

fn merge(mut left: Rc<BTreeMap<Rc<str>, Value>>, right: &BTreeMap<Rc<str>, Value>) -> Rc<BTreeMap<Rc<str>, Value>> {
    let merged = Rc::make_mut(&mut left);
    for (key, value) in right {
        let value = match (merged.remove(key), value) {
            (Some(Value::Map(old)), Value::Map(new)) => Value::Map(merge(old, new)),
            (_, value) => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    left
}

impl Div for Value {
    type Output = Result;

    fn div(self, other: Value) -> Result {
        if let (Value::Text(text), Value::Text(separator)) = (&self, &other) {
            return Ok(split(text, separator));
        }
        let exact = |left: i64, right: i64| left.checked_rem(right).filter(|rest| *rest == 0).map(|_| left / right);
        match numbers(&self, &other, exact, |left, right| left / right) {
            Some(quotient) if other.as_float() != Some(0.0) => Ok(quotient),
            _ => Err(Error::math(self, Math::Div, other)),
        }
    }
}

/// The parts of `text` between occurrences of `separator`; its characters if that is empty.
pub(in crate::jq) fn split(text: &str, separator: &str) -> Value {
    if separator.is_empty() {
        return text.chars().map(|c| Value::from(String::from(c))).collect();
    }
    text.split(separator).map(Value::text).collect()
}

impl Rem for Value {
    type Output = Result;

    /// Of the integer parts, with the sign of the left side.
    fn rem(self, other: Value) -> Result {
        match (self.as_integer(), other.as_integer()) {
            (Some(left), Some(right)) if right != 0 => Ok(Value::Int(left.checked_rem(right).unwrap_or(0))),
            _ => Err(Error::math(self, Math::Rem, other)),
        }
    }
}

impl Neg for Value {
    type Output = Result;

    fn neg(self) -> Result {
        match self {
            Value::Float(number) => Ok(Value::Float(-number)),
            other => Value::Int(0) - other,
        }
    }
}
