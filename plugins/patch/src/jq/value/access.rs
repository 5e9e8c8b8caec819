//! Reading parts of values, and what jaq wants to know of a value type.

use std::collections::BTreeMap;
use std::rc::Rc;

use jaq_core::path::Opt;
use jaq_core::val::{Range, ValX};
use num_bigint::BigInt;

use super::{Error, Result, Value};
use crate::jq::errors;

type Items<T> = Box<dyn Iterator<Item = Result<T>>>;

/// A stretch of a sequence, from `start` up to but not including `end`.
#[derive(Clone, Copy)]
pub(in crate::jq) struct Stretch {
    pub(in crate::jq) start: usize,
    pub(in crate::jq) end: usize,
}

impl Stretch {
    /// Negative bounds count from the end, missing and null ones are open, fractions are cut. The error is a bound that
    /// is no number.
    pub(in crate::jq) fn of(start: &Value, end: &Value, length: usize) -> std::result::Result<Stretch, Value> {
        let bound = |value: &Value, open: usize| match (value, value.as_integer()) {
            (Value::Null, _) => Ok(open),
            (_, Some(index)) => Ok(position(index, length).unwrap_or(0).min(length)),
            _ => Err(value.clone()),
        };
        let start = bound(start, 0)?;
        let end = bound(end, length)?;
        Ok(Stretch { start, end: end.max(start) })
    }
}

/// From the front, or from the back if negative; none if that is before the front.
pub(in crate::jq) fn position(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) if index > 0 => Some(usize::MAX),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX)),
    }
}

/// Positions at which `part` occurs in `whole`; overlapping ones count.
pub(in crate::jq) fn occurrences<T: PartialEq>(whole: &[T], part: &[T]) -> Vec<usize> {
    if part.is_empty() {
        return Vec::new();
    }
    whole.windows(part.len()).enumerate().filter(|(_, window)| *window == part).map(|(at, _)| at).collect()
}

fn slice(value: &Value, start: &Value, end: &Value) -> Result {
    match value {
        Value::Null => Ok(Value::Null),
        Value::List(list) => {
            let stretch = Stretch::of(start, end, list.len());
            let Stretch { start, end } =
                stretch.map_err(|bound| errors::expected("a number for indexing an array", &bound))?;
            Ok(list[start..end].iter().cloned().collect())
        }
        Value::Text(text) => {
            let stretch = Stretch::of(start, end, text.chars().count());
            let Stretch { start, end } =
                stretch.map_err(|bound| errors::expected("a number for indexing a string", &bound))?;
            Ok(Value::from(text.chars().skip(start).take(end - start).collect::<String>()))
        }
        other => Err(errors::expected("an array", other)),
    }
}

/// The bounds in an object `{start, end}`, both of which must be there.
pub(in crate::jq) fn bounds(slice: &BTreeMap<Rc<str>, Value>) -> Result<(&Value, &Value)> {
    if let (Some(start), Some(end)) = (slice.get("start"), slice.get("end")) {
        return Ok((start, end));
    }
    let slice = Value::map(slice.clone());
    Err(errors::expected("\"start\" and \"end\" for slicing", &slice))
}

impl jaq_core::ValT for Value {
    fn from_num(number: &str) -> Result {
        let is_whole = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'));
        match number.parse() {
            Ok(integer) if is_whole => Ok(Value::Int(integer)),
            _ => match number.parse::<BigInt>() {
                Ok(long) if is_whole => Ok(long.into()),
                _ => number.parse().map(Value::Float).map_err(Error::str),
            },
        }
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> Result {
        let entry = |(key, value)| match key {
            Value::Text(key) => Ok((key, value)),
            key => Err(errors::expected("a string for object key", &key)),
        };
        entries.into_iter().map(entry).collect::<Result<_>>().map(Value::map)
    }

    fn key_values(self) -> Items<(Self, Self)> {
        match self {
            Value::List(list) => {
                let items = Rc::unwrap_or_clone(list).into_iter().enumerate();
                Box::new(items.map(|(at, value)| Ok((Value::from(at), value))))
            }
            Value::Map(map) => {
                let entries = Rc::unwrap_or_clone(map).into_iter();
                Box::new(entries.map(|(key, value)| Ok((Value::Text(key), value))))
            }
            other => {
                let error = format_args!("cannot iterate over: {}", errors::described(&other)).to_string();
                Box::new(std::iter::once(Err(Error::str(error))))
            }
        }
    }

    fn values(self) -> Items<Self> {
        Box::new(self.key_values().map(|entry| entry.map(|(_, value)| value)))
    }

    fn index(self, index: &Self) -> Result {
        match (&self, index) {
            (Value::Null, Value::Text(_) | Value::Map(_) | Value::List(_)) => Ok(Value::Null),
            (Value::Map(map), Value::Text(key)) => Ok(map.get(key).cloned().unwrap_or(Value::Null)),
            (other, Value::Text(_)) => Err(errors::expected("an object", other)),
            (_, Value::Int(_) | Value::Long(_) | Value::Float(_)) => {
                let at = |length| index.as_integer().and_then(|index| position(index, length));
                match &self {
                    Value::Null => Ok(Value::Null),
                    Value::List(list) => Ok(at(list.len()).and_then(|at| list.get(at)).cloned().unwrap_or(Value::Null)),
                    Value::Text(text) => {
                        let c = at(text.chars().count()).and_then(|at| text.chars().nth(at));
                        Ok(c.map_or(Value::Null, |c| Value::from(String::from(c))))
                    }
                    other => Err(errors::expected("an array", other)),
                }
            }
            (Value::List(list), Value::List(part)) => {
                Ok(occurrences(list, part).into_iter().map(Value::from).collect())
            }
            (other, Value::List(_)) => Err(errors::expected("an array", other)),
            (_, Value::Map(part)) => {
                let (start, end) = bounds(part)?;
                slice(&self, start, end)
            }
            (Value::List(_), other) => Err(errors::expected("a number for indexing an array", other)),
            (Value::Text(_), other) => Err(errors::expected("a number for indexing a string", other)),
            (_, other) => Err(errors::expected("a string for object key", other)),
        }
    }

    fn range(self, range: Range<&Self>) -> Result {
        slice(&self, range.start.unwrap_or(&Value::Null), range.end.unwrap_or(&Value::Null))
    }

    // Updates are rewritten into reads and writes of paths before they are compiled, so the next three are not called.

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, _: impl Fn(Self) -> I) -> ValX<'a, Self> {
        opt.fail(self, |value| errors::expected("a path", &value).into())
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: &Self,
        opt: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        opt.fail(self, |value| errors::expected("a path", &value).into())
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Range<&Self>,
        opt: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        opt.fail(self, |value| errors::expected("a path", &value).into())
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Value::Null | Value::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Value::Text(_) => self,
            other => Value::from(other.to_string()),
        }
    }
}
