//! Whether a JSON text can be read to its end.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};

/// What can be read as a [`serde_json::Value`], looked at without making one.
///
/// Text that is only passed on is never taken apart, so that much goes through that no value can be made of: more levels of
/// nesting than the parser's stack is allowed, numbers beyond all bounds, halves of characters.
pub(crate) struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Key, Self>()?.is_some() {}
        Ok(self)
    }
}

/// The name of a member. One is special to `serde_json` where it keeps text: what is behind it would be read in place of the object.
struct Key;

const KEPT_TEXT: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Key)
    }
}

impl Visitor<'_> for Key {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self, E> {
        if name == KEPT_TEXT { Err(E::custom(format_args!("a member may not be named {KEPT_TEXT}"))) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{KEPT_TEXT, Readable};

    #[test]
    fn a_member_that_would_be_read_as_something_else_is_refused() {
        let named = format!("{{\"a\": {{\"{KEPT_TEXT}\": 1}}}}");
        assert!(serde_json::from_str::<Readable>(&named).is_err());
        assert!(serde_json::from_str::<Readable>(&named.replace("private", "public")).is_ok());
    }

    #[test]
    fn what_can_be_read_is_what_a_value_is_made_of() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let (most, more) = (nested(127), nested(128));
        for (text, readable) in [
            (r#"{"a": [null, true, -1, 1.5, 18446744073709551616, "\ud83d\ude00"], "b": {}}"#, true),
            (&most, true),
            (&more, false),
            ("1e400", false),
            (r#""\ud800""#, false),
            (r#"{"\ud800": 1}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<Readable>(text).is_ok(), readable, "{text}");
            assert_eq!(serde_json::from_str::<Value>(text).is_ok(), readable, "{text}");
        }
    }
}
