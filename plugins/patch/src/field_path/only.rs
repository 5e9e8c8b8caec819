//! Reading no more of an object than a path leads to.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{FieldPath, Segment};

impl FieldPath {
    /// What is at this path in an object's text, below the maps and lists that lead there, which have nothing else:
    /// [`get`](Self::get) and [`expand`](Self::expand) find the same in it as in the whole object. Most objects are read for one
    /// field, and what is skipped costs a tenth of what is kept.
    pub fn only(&self, json: &str) -> serde_json::Result<Value> {
        Only(self.segments()).deserialize(&mut serde_json::Deserializer::from_str(json))
    }
}

/// What is at a path.
struct Only<'p>(&'p [Segment]);

impl<'de> DeserializeSeed<'de> for Only<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        match self.0.split_first() {
            Some((first, rest)) => from.deserialize_any(Step { first, rest }),
            None => Value::deserialize(from),
        }
    }
}

/// What is at a path that goes on. Whatever is no map or list is the end of it, and only has to be told apart from those.
struct Step<'p> {
    first: &'p Segment,
    rest: &'p [Segment],
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(name) = members.next_key_seed(Name(self.first))? {
            match name {
                Some(name) => drop(found.insert(name, members.next_value_seed(Only(self.rest))?)),
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(found))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        for index in 0.. {
            let is_wanted = match self.first {
                Segment::Index(wanted) => *wanted == index,
                name @ Segment::Field(_) => name.is_wildcard(),
            };
            let element = if is_wanted {
                elements.next_element_seed(Only(self.rest))?
            } else {
                elements.next_element::<IgnoredAny>()?.map(|_| Value::Null)
            };
            match element {
                Some(element) => found.push(element),
                None => break,
            }
        }
        Ok(Value::Array(found))
    }
}

/// The name of a member if a step leads there.
struct Name<'p>(&'p Segment);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<String>, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<String>;

    fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<String>, E> {
        let is_wanted = matches!(self.0, Segment::Field(wanted) if wanted == name) || self.0.is_wildcard();
        Ok(is_wanted.then(|| name.to_owned()))
    }
}
