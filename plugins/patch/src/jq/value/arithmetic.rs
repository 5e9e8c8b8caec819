//! `+`, `-`, `*`, `/` and `%`. Integers that leave 64 bits become long ones.

use std::collections::BTreeMap;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use num_bigint::BigInt;

use super::{Error, Result, Value, cut};
use crate::jq::errors;

/// The longest text that `*` makes, in bytes. Beyond it memory would run out rather than a field be filled.
const MAX_REPEATED: usize = 16 << 20;

fn numbers(
    left: &Value,
    right: &Value,
    integers: impl FnOnce(i64, i64) -> Option<i64>,
    long: impl FnOnce(&BigInt, &BigInt) -> BigInt,
    floats: impl FnOnce(f64, f64) -> f64,
) -> Option<Value> {
    if let (Value::Int(left), Value::Int(right)) = (left, right)
        && let Some(result) = integers(*left, *right)
    {
        return Some(Value::Int(result));
    }
    if let (Some(left), Some(right)) = (left.as_long(), right.as_long()) {
        return Some(long(&left, &right).into());
    }
    Some(Value::Float(floats(left.as_float()?, right.as_float()?)))
}

impl Add for Value {
    type Output = Result;

    fn add(self, other: Value) -> Result {
        if let Some(sum) =
            numbers(&self, &other, i64::checked_add, |left, right| left + right, |left, right| left + right)
        {
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
            (left, right) => Err(errors::operands("add", &left, &right)),
        }
    }
}

impl Sub for Value {
    type Output = Result;

    fn sub(self, other: Value) -> Result {
        let difference =
            numbers(&self, &other, i64::checked_sub, |left, right| left - right, |left, right| left - right);
        if let Some(difference) = difference {
            return Ok(difference);
        }
        match (self, other) {
            (Value::List(mut left), Value::List(right)) => {
                Rc::make_mut(&mut left).retain(|item| !right.contains(item));
                Ok(Value::List(left))
            }
            (left, right) => Err(errors::operands("subtract", &left, &right)),
        }
    }
}

impl Mul for Value {
    type Output = Result;

    fn mul(self, other: Value) -> Result {
        if let Some(product) =
            numbers(&self, &other, i64::checked_mul, |left, right| left * right, |left, right| left * right)
        {
            return Ok(product);
        }
        match (self, other) {
            (Value::Text(text), times) | (times, Value::Text(text)) if times.is_number() => repeat(&text, &times),
            (Value::Map(left), Value::Map(right)) => Ok(Value::Map(merge(left, &right))),
            (left, right) => Err(errors::operands("multiply", &left, &right)),
        }
    }
}

fn repeat(text: &str, times: &Value) -> Result {
    let Some(times) = times.as_float().filter(|times| *times >= 0.0) else {
        return Ok(Value::Null);
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and the cast saturates")]
    let times = times as usize;
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

    /// Exact where the quotient of two integers is whole, else a float.
    fn div(self, other: Value) -> Result {
        if let (Value::Text(text), Value::Text(separator)) = (&self, &other) {
            return Ok(if text.is_empty() { Value::from_iter([]) } else { split(text, separator) });
        }
        let (Some(left), Some(right)) = (self.as_float(), other.as_float()) else {
            return Err(errors::operands("divide", &self, &other));
        };
        if right == 0.0 {
            return Err(errors::by_zero("divide", &self, &other));
        }
        if let (Some(left), Some(right)) = (self.as_long(), other.as_long())
            && (&*left % &*right) == BigInt::ZERO
        {
            return Ok((&*left / &*right).into());
        }
        Ok(Value::Float(left / right))
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
        if let (Some(left), Some(right)) = (self.as_long(), other.as_long()) {
            return match right.as_ref() {
                zero if *zero == BigInt::ZERO => Err(errors::by_zero("modulo", &self, &other)),
                right => Ok((&*left % right).into()),
            };
        }
        let (Some(left), Some(right)) = (self.as_float(), other.as_float()) else {
            return Err(errors::operands("modulo", &self, &other));
        };
        match cut(right) {
            0 => Err(errors::by_zero("modulo", &self, &other)),
            _ if left.is_nan() || right.is_nan() => Ok(Value::Float(f64::NAN)),
            right => Ok(Value::Int(cut(left).checked_rem(right).unwrap_or(0))),
        }
    }
}

impl Neg for Value {
    type Output = Result;

    fn neg(self) -> Result {
        match self {
            Value::Float(number) => Ok(Value::Float(-number)),
            number if number.is_number() => Value::Int(0) - number,
            other => Err(Error::str(format_args!("cannot negate: {}", errors::described(&other)))),
        }
    }
}
