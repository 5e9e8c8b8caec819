//! Reading a field.

use serde_json::Value;

use super::{FieldPath, Segment};

/// Why a path leads to nothing in an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The map has no such key.
    #[error("{0}: no such field")]
    NoSuchField(FieldPath),
    /// The list is shorter.
    #[error("{0}: no such element")]
    NoSuchElement(FieldPath),
    /// The path names a key of something that is not a map.
    #[error("{0}: not an object")]
    NotAnObject(FieldPath),
    /// The path names an element of something that is not a list.
    #[error("{0}: not an array")]
    NotAnArray(FieldPath),
}

impl LookupError {
    /// Whether the field is merely missing and could appear (or be created), as opposed to a path that contradicts
    /// the object's shape.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, LookupError::NoSuchField(_) | LookupError::NoSuchElement(_))
    }
}

impl FieldPath {
    /// The value at this path. The empty path gives `root` itself; `*` is a name like any other here. Below an explicit
    /// null everything is missing.
    pub fn get<'v>(&self, root: &'v Value) -> Result<&'v Value, LookupError> {
        let mut value = root;
        for (position, segment) in self.segments().iter().enumerate() {
            value = step(value, segment).map_err(|miss| match miss {
                Miss::Missing => match segment {
                    Segment::Field(_) => LookupError::NoSuchField(self.prefix(position + 1)),
                    Segment::Index(_) => LookupError::NoSuchElement(self.prefix(position + 1)),
                },
                Miss::Shape => match segment {
                    Segment::Field(_) => LookupError::NotAnObject(self.prefix(position)),
                    Segment::Index(_) => LookupError::NotAnArray(self.prefix(position)),
                },
            })?;
        }
        Ok(value)
    }
}

enum Miss {
    Missing,
    Shape,
}

fn step<'v>(value: &'v Value, segment: &Segment) -> Result<&'v Value, Miss> {
    match (value, segment) {
        (Value::Null, _) => Err(Miss::Missing),
        (Value::Object(map), Segment::Field(name)) => map.get(name).ok_or(Miss::Missing),
        (Value::Array(list), Segment::Index(index)) => {
            usize::try_from(*index).ok().and_then(|index| list.get(index)).ok_or(Miss::Missing)
        }
        _ => Err(Miss::Shape),
    }
}
