//! Reading parts of values, and what jaq wants to know of a value type.

use std::collections::BTreeMap;
use std::rc::Rc;

use jaq_core::path::Opt;
use jaq_core::val::{Range, ValX};

use super::{Error, Result, Value};

type Items<T> = Box<dyn Iterator<Item = Result<T>>>;

/// A stretch of a sequence, from `start` up to but not including `end`.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Stretch {
    /// Negative bounds count from the end, missing and null ones are open; fractions are cut.
    pub(super) fn of(range: &Range<&Value>, length: usize) -> Result<Stretch> {
        let bound = |value: Option<&Value>, open: usize| match value {
            None | Some(Value::Null) => Ok(open),
            Some(value) => match value.as_float() {
                Some(number) => Ok(position(number.floor(), length).unwrap_or(0).min(length)),
                None => Err(Error::typ(value.clone(), "integer")),
            },
        };
        let start = bound(range.start, 0)?;
        let end = bound(range.end, length)?;
        Ok(Stretch { start, end: end.max(start) })
    }
}

/// From the front, or from the back if negative; none if that is before the front.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and the cast saturates")]
pub(super) fn position(index: f64, length: usize) -> Option<usize> {
    if index >= 0.0 { Some(index as usize) } else { length.checked_sub(-index as usize) }
}

/// The bounds in an object `{start, end}`.
pub(super) fn bounds(slice: &BTreeMap<Rc<str>, Value>) -> Range<&Value> {
    slice.get("start")..slice.get("end")
}

/// Positions at which `part` occurs in `whole`; overlapping ones count.
pub(in crate::jq) fn occurrences<T: PartialEq>(whole: &[T], part: &[T]) -> Vec<usize> {
    if part.is_empty() {
        return Vec::new();
    }
    whole.windows(part.len()).enumerate().filter(|(_, window)| *window == part).map(|(at, _)| at).collect()
}

impl jaq_core::ValT for Value {
    fn from_num(number: &str) -> Result {
        let float = || number.parse().map(Value::Float).map_err(Error::str);
        number.parse().map(Value::Int).or_else(|_| float())
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> Result {
        let entry = |(key, value)| match key {
            Value::Text(key) => Ok((key, value)),
            key => Err(Error::str(format_args!("expected a string for an object's key but got: {key}"))),
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
            other => Box::new(std::iter::once(Err(Error::typ(other, "iterable (array or object)")))),
        }
    }

    fn values(self) -> Items<Self> {
        Box::new(self.key_values().map(|entry| entry.map(|(_, value)| value)))
    }

    fn index(self, index: &Self) -> Result {
        match (&self, index) {
            (Value::Null, Value::Text(_) | Value::Int(_) | Value::Float(_) | Value::Null | Value::Map(_)) => {
                Ok(Value::Null)
            }
            (Value::Map(map), Value::Text(key)) => Ok(map.get(key).cloned().unwrap_or(Value::Null)),
            (Value::List(list), Value::Int(_) | Value::Float(_)) => {
                let at = index.as_float().and_then(|index| position(index.floor(), list.len()));
                Ok(at.and_then(|at| list.get(at)).cloned().unwrap_or(Value::Null))
            }
            (Value::Text(text), Value::Int(_) | Value::Float(_)) => {
                let at = index.as_float().and_then(|index| position(index.floor(), text.chars().count()));
                let c = at.and_then(|at| text.chars().nth(at));
                Ok(c.map_or(Value::Null, |c| Value::from(String::from(c))))
            }
            (Value::List(list), Value::List(part)) => {
                Ok(occurrences(list, part).into_iter().map(Value::from).collect())
            }
            (Value::List(_) | Value::Text(_), Value::Map(slice)) => self.range(bounds(slice)),
            _ => Err(Error::index(self, index.clone())),
        }
    }

    fn range(self, range: Range<&Self>) -> Result {
        match &self {
            Value::Null => Ok(Value::Null),
            Value::List(list) => {
                let Stretch { start, end } = Stretch::of(&range, list.len())?;
                Ok(list[start..end].iter().cloned().collect())
            }
            Value::Text(text) => {
                let Stretch { start, end } = Stretch::of(&range, text.chars().count())?;
                Ok(Value::from(text.chars().skip(start).take(end - start).collect::<String>()))
            }
            _ => Err(Error::typ(self, "rangeable (array or string)")),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        self.update_values(opt, f)
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.update_index(index, opt, f)
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        self.update_range(&range, opt, f)
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

impl jaq_std::ValT for Value {
    fn into_seq<S: FromIterator<Self>>(self) -> std::result::Result<S, Self> {
        match self {
            Value::List(list) => Ok(Rc::unwrap_or_clone(list).into_iter().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        match self {
            Value::Float(number) => super::whole(*number).is_some(),
            _ => matches!(self, Value::Int(_)),
        }
    }

    fn as_isize(&self) -> Option<isize> {
        self.is_int().then(|| self.as_integer())?.and_then(|integer| isize::try_from(integer).ok())
    }

    fn as_f64(&self) -> Option<f64> {
        self.as_float()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Value::Text(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Value::from(String::from_utf8_lossy(part).into_owned())
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Value::from(String::from_utf8_lossy(bytes.as_ref()).into_owned())
    }
}
