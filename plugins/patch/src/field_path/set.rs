//! Writing a field, creating what is missing on the way.

use serde_json::{Map, Value};

use super::{FieldPath, Segment};

/// The highest index that [`FieldPath::set`] creates. Without a limit a path such as `a[4294967295]` would fill memory
/// with nulls. The value is Crossplane's.
pub const MAX_INDEX: u32 = 1024;

/// Why a field cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The path goes through something that is neither a map nor missing.
    #[error("{0} is not an object")]
    NotAnObject(FieldPath),
    /// The path indexes something that is neither a list nor missing.
    #[error("{0} is not an array")]
    NotAnArray(FieldPath),
    /// The list would have to grow beyond [`MAX_INDEX`].
    #[error("index {index} in {path} is above the highest that can be created, {MAX_INDEX}")]
    IndexTooLarge {
        /// Up to and including the index.
        path: FieldPath,
        /// What was asked for.
        index: u32,
    },
}

impl FieldPath {
    /// Puts `value` at this path. Missing and null maps and lists are created, lists are filled up with nulls. With the
    /// empty path nothing happens. When it fails, parts of the way may have been created in `root`.
    pub fn set(&self, root: &mut Value, value: Value) -> Result<(), SetError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut slot = root;
        for (position, segment) in self.segments().iter().enumerate() {
            slot = match segment {
                Segment::Field(name) => {
                    if slot.is_null() {
                        *slot = Value::Object(Map::new());
                    }
                    let Value::Object(map) = slot else {
                        return Err(SetError::NotAnObject(self.prefix(position)));
                    };
                    map.entry(name.as_str()).or_insert(Value::Null)
                }
                Segment::Index(index) => {
                    if slot.is_null() {
                        *slot = Value::Array(Vec::new());
                    }
                    let Value::Array(list) = slot else {
                        return Err(SetError::NotAnArray(self.prefix(position)));
                    };
                    let at = usize::try_from(*index).unwrap_or(usize::MAX);
                    if at >= list.len() {
                        if *index > MAX_INDEX {
                            return Err(SetError::IndexTooLarge { path: self.prefix(position + 1), index: *index });
                        }
                        list.resize(at + 1, Value::Null);
                    }
                    &mut list[at]
                }
            };
        }
        *slot = value;
        Ok(())
    }

    /// Takes the field out: a member of a map, or an element of a list, whose followers move up. What is not there stays so.
    pub fn remove(&self, root: &mut Value) {
        let Some((last, parents)) = self.segments().split_last() else { return };
        let parent = parents.iter().try_fold(root, |value, segment| match segment {
            Segment::Field(name) => value.get_mut(name),
            Segment::Index(index) => value.get_mut(usize::try_from(*index).ok()?),
        });
        match (parent, last) {
            (Some(Value::Object(map)), Segment::Field(name)) => drop(map.remove(name)),
            (Some(Value::Array(elements)), Segment::Index(index)) => {
                if let Some(at) = usize::try_from(*index).ok().filter(|at| *at < elements.len()) {
                    elements.remove(at);
                }
            }
            _ => {}
        }
    }
}
