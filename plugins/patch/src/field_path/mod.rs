//! Paths to a field of a Kubernetes object, such as `spec.containers[0].image` or `data[tls.crt]`.
//!
//! The grammar is the one of Crossplane and Krateo: `name(.name | [index] | [name] | ['name'] | ["name"])*`. Dots inside
//! brackets are literal. An unsigned 32-bit integer in brackets is an index, everything else a field; quotes around
//! a name are dropped. `*` stands for every element of a list or map, see [`FieldPath::expand`]. There are no negative
//! indices, no filters and no escape for `]`.

mod expand;
mod get;
mod only;
mod parse;
mod set;

use std::fmt;
use std::str::FromStr;

pub use get::LookupError;
pub use parse::ParseError;
pub use set::{MAX_INDEX, SetError};

/// The name that stands for every element of a list or map.
pub(crate) const WILDCARD: &str = "*";

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A key of a map.
    Field(String),
    /// A position in a list, from 0.
    Index(u32),
}

impl Segment {
    fn is_wildcard(&self) -> bool {
        matches!(self, Segment::Field(name) if name == WILDCARD)
    }
}

/// A parsed path. Displayed in its canonical spelling: `a.b[0][c.d]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// The path's steps from the object's root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether a step is `*`, so that the path may stand for several fields.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.0.iter().any(Segment::is_wildcard)
    }

    /// Whether a step is a position in a list, so that the path may mean another element when the list changes.
    #[must_use]
    pub fn has_index(&self) -> bool {
        self.0.iter().any(|segment| matches!(segment, Segment::Index(_)))
    }

    /// The path up to the first list that it leads into, or all of it.
    pub(crate) fn outside_lists(&self) -> FieldPath {
        let names = self.0.iter().take_while(|segment| matches!(segment, Segment::Field(_)));
        names.cloned().collect()
    }

    /// Whether the path is empty and stands for the whole object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path's first `length` steps.
    fn prefix(&self, length: usize) -> FieldPath {
        FieldPath(self.0[..length].to_vec())
    }
}

impl FromIterator<Segment> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl FromStr for FieldPath {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse::parse(text).map(FieldPath)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                // A name with a dot keeps its brackets; digits outside brackets are a name already.
                Segment::Field(name) if name.contains('.') => write!(f, "[{name}]")?,
                Segment::Field(name) if position == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
