//! Reading, writing and deleting what an array of keys leads to.

use std::rc::Rc;

use jaq_core::ValT as _;

use super::errors;
use super::value::{Error, Result, Stretch, Value, bounds, position};

/// The highest index to which a write makes an array grow.
const MAX_INDEX: i64 = 1 << 20;

/// What `path` leads to; null if it is not there.
pub(super) fn get(value: &Value, path: &Value) -> Result {
    let unfit = || errors::unfit_with("getpath", &[path], value);
    let mut found = value.clone();
    for key in path.as_list().ok_or_else(unfit)? {
        if !matches!(found, Value::Null | Value::List(_) | Value::Map(_)) {
            return Err(unfit());
        }
        let next = found.index(key);
        found = next.map_err(|error| errors::failed("getpath", &[path], value, errors::message(error)))?;
    }
    Ok(found)
}

/// `value` with `new` at `path`.
pub(super) fn set(value: &Value, path: &Value, new: &Value) -> Result {
    let keys = path.as_list().ok_or_else(|| errors::unfit_with("setpath", &[path], value))?;
    let written = Write { new, is_deletion: false }.at(value.clone(), keys);
    written.map_err(|error| errors::failed("setpath", &[path, new], value, errors::message(error)))
}

/// `value` without what `paths` lead to.
pub(super) fn delete(value: &Value, paths: &Value) -> Result {
    let failed = |error| errors::failed("delpaths", &[paths], value, errors::message(error));
    // What is to go is marked first, so that it does not matter that removing one item moves the others.
    let mark: Rc<str> = Rc::from("");
    let gone = Value::Text(mark.clone());
    let mut marked = value.clone();
    for path in paths.as_list().ok_or_else(|| errors::unfit_with("delpaths", &[paths], value))? {
        let keys = path.as_list().ok_or_else(|| failed(errors::expected("an array", path)))?;
        marked = Write { new: &gone, is_deletion: true }.at(marked, keys).map_err(failed)?;
    }
    Ok(swept(marked, &mark).unwrap_or(Value::Null))
}

/// Whether it is the very mark, not just a text like it.
fn is(value: &Value, mark: &Value) -> bool {
    matches!((value, mark), (Value::Text(value), Value::Text(mark)) if Rc::ptr_eq(value, mark))
}

/// Without what is marked.
fn swept(value: Value, mark: &Rc<str>) -> Option<Value> {
    match value {
        Value::Text(text) if Rc::ptr_eq(&text, mark) => None,
        Value::List(list) => Some(Rc::unwrap_or_clone(list).into_iter().filter_map(|item| swept(item, mark)).collect()),
        Value::Map(map) => {
            let entries = Rc::unwrap_or_clone(map).into_iter();
            Some(Value::map(entries.filter_map(|(key, value)| Some((key, swept(value, mark)?))).collect()))
        }
        other => Some(other),
    }
}

struct Write<'w> {
    new: &'w Value,
    /// Nothing is made on the way then.
    is_deletion: bool,
}

impl Write<'_> {
    fn at(&self, value: Value, path: &[Value]) -> Result {
        let Some((key, rest)) = path.split_first() else {
            return Ok(self.new.clone());
        };
        if self.is_deletion && is(&value, self.new) {
            return Ok(value);
        }
        match key {
            Value::Text(name) => self.field(value, name, rest),
            Value::Map(_) => self.part(value, key, rest),
            key if key.is_number() => self.item(value, key.as_integer().unwrap_or(0), rest),
            key if matches!(value, Value::List(_)) => Err(errors::expected("a number for indexing an array", key)),
            key => Err(errors::expected("a string for object key", key)),
        }
    }

    fn field(&self, value: Value, name: &Rc<str>, rest: &[Value]) -> Result {
        let mut map = match value {
            Value::Map(map) => map,
            Value::Null => Rc::default(),
            other => return Err(errors::expected("an object", &other)),
        };
        let entries = Rc::make_mut(&mut map);
        match entries.remove(name) {
            None if self.is_deletion => {}
            old => {
                entries.insert(name.clone(), self.at(old.unwrap_or(Value::Null), rest)?);
            }
        }
        Ok(Value::Map(map))
    }

    fn item(&self, value: Value, index: i64, rest: &[Value]) -> Result {
        let mut list = match value {
            Value::List(list) => list,
            Value::Null => Rc::default(),
            other => return Err(errors::expected("an array", &other)),
        };
        let Some(at) = position(index, list.len()).filter(|at| *at < list.len() || !self.is_deletion) else {
            return if self.is_deletion {
                Ok(Value::List(list))
            } else {
                Err(Error::str(format_args!("array index should not be negative: {index}")))
            };
        };
        if index >= MAX_INDEX && at >= list.len() {
            return Err(Error::str(format_args!("array index too large: {index}")));
        }
        let items = Rc::make_mut(&mut list);
        let old = items.get_mut(at).map_or(Value::Null, |slot| std::mem::replace(slot, Value::Null));
        let new = self.at(old, rest)?;
        if at >= items.len() {
            items.resize(at + 1, Value::Null);
        }
        items[at] = new;
        Ok(Value::List(list))
    }

    fn part(&self, value: Value, key: &Value, rest: &[Value]) -> Result {
        let mut list = match value {
            Value::List(list) => list,
            Value::Null => Rc::default(),
            other => return Err(errors::expected("an array", &other)),
        };
        let Value::Map(slice) = key else {
            return Ok(Value::List(list));
        };
        let (start, end) = bounds(slice)?;
        let open = |bound: &Value| if bound.is_number() { bound.clone() } else { Value::Null };
        let stretch = Stretch::of(&open(start), &open(end), list.len());
        let Stretch { start, end } = stretch.unwrap_or(Stretch { start: 0, end: list.len() });
        if start == end && self.is_deletion {
            return Ok(Value::List(list));
        }
        let items = Rc::make_mut(&mut list);
        let new = self.at(items[start..end].iter().cloned().collect(), rest)?;
        match &new {
            mark if self.is_deletion && is(mark, self.new) => items[start..end].fill(new),
            Value::List(part) => drop(items.splice(start..end, part.iter().cloned())),
            other => return Err(errors::expected("an array", other)),
        }
        Ok(Value::List(list))
    }
}
