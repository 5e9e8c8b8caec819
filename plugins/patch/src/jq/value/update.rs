//! Changing parts of values: `.[] |= f`, `.[i] |= f`, `.[i:j] |= f`. The first output of `f` counts; without one the part is
//! removed.

use std::rc::Rc;

use jaq_core::path::Opt;
use jaq_core::val::{Range, ValX};

use super::access::{Stretch, bounds, position};
use super::{Error, Value};

/// The highest index to which an update makes an array grow.
const MAX_LENGTH: usize = 1 << 20;

impl Value {
    pub(super) fn update_values<'a, I: Iterator<Item = ValX<'a, Value>>>(
        self,
        opt: Opt,
        f: impl Fn(Value) -> I,
    ) -> ValX<'a, Value> {
        match self {
            Value::List(list) => {
                let items = Rc::unwrap_or_clone(list).into_iter();
                items.filter_map(|item| f(item).next()).collect()
            }
            Value::Map(map) => {
                let entries = Rc::unwrap_or_clone(map).into_iter();
                let updated = entries.filter_map(|(key, value)| Some(f(value).next()?.map(|value| (key, value))));
                Ok(Value::map(updated.collect::<Result<_, _>>()?))
            }
            other => opt.fail(other, |other| Error::typ(other, "iterable (array or object)").into()),
        }
    }

    pub(super) fn update_index<'a, I: Iterator<Item = ValX<'a, Value>>>(
        mut self,
        index: &Value,
        opt: Opt,
        f: impl Fn(Value) -> I,
    ) -> ValX<'a, Value> {
        if self == Value::Null {
            self = match index {
                Value::Text(_) => Value::map([].into()),
                _ => Value::from_iter([]),
            };
        }
        match (&mut self, index) {
            (Value::Map(map), Value::Text(key)) => {
                let map = Rc::make_mut(map);
                match f(map.remove(key).unwrap_or(Value::Null)).next().transpose()? {
                    Some(value) => map.insert(key.clone(), value),
                    None => None,
                };
                Ok(self)
            }
            (Value::List(list), Value::Int(_) | Value::Float(_)) => {
                let at = index.as_float().and_then(|index| position(index.floor(), list.len()));
                let Some(at) = at.filter(|at| *at < MAX_LENGTH) else {
                    return opt.fail(self, |_| Error::str(format_args!("index {index} is out of bounds")).into());
                };
                let list = Rc::make_mut(list);
                let old = list.get_mut(at).map_or(Value::Null, |slot| std::mem::replace(slot, Value::Null));
                match f(old).next().transpose()? {
                    Some(value) => {
                        if at >= list.len() {
                            list.resize(at + 1, Value::Null);
                        }
                        list[at] = value;
                    }
                    None if at < list.len() => {
                        list.remove(at);
                    }
                    None => {}
                }
                Ok(self)
            }
            (Value::List(_), Value::Map(slice)) => self.update_range(&bounds(slice), opt, f),
            _ => opt.fail(self, |value| Error::index(value, index.clone()).into()),
        }
    }

    pub(super) fn update_range<'a, I: Iterator<Item = ValX<'a, Value>>>(
        mut self,
        range: &Range<&Value>,
        opt: Opt,
        f: impl Fn(Value) -> I,
    ) -> ValX<'a, Value> {
        if self == Value::Null {
            self = Value::from_iter([]);
        }
        let Value::List(list) = &mut self else {
            return opt.fail(self, |value| Error::typ(value, "array").into());
        };
        let Stretch { start, end } = match Stretch::of(range, list.len()) {
            Ok(stretch) => stretch,
            Err(error) => return opt.fail(self, |_| error.into()),
        };
        let list = Rc::make_mut(list);
        let part = list[start..end].iter().cloned().collect();
        let new = f(part).next().transpose()?;
        let new = new.unwrap_or_else(|| Value::from_iter([]));
        list.splice(start..end, new.as_list()?.iter().cloned());
        Ok(self)
    }
}
