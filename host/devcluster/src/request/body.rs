//! Request bodies: JSON or YAML, with duplicate keys reported by path.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::object::member_path;

/// A decoded body.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) value: Value,
    /// Paths of keys that were given more than once (the last one counts), such as `spec.size`.
    pub(crate) duplicates: Vec<String>,
}

/// Decodes a body; the error is the parser's text.
///
/// What begins with a brace or bracket is read as JSON, whatever the media type says: JSON is YAML, and clients send JSON
/// under YAML types.
pub(crate) fn decode(bytes: &[u8]) -> Result<Body, String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{' | b'[')) { decode_json(bytes) } else { decode_yaml(bytes) }
}

/// Decodes JSON; the error is the parser's text.
pub(crate) fn decode_json(bytes: &[u8]) -> Result<Body, String> {
    let duplicates = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let path = String::new();
    let value = Node { path: &path, duplicates: &duplicates }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| error.to_string())?;
    Ok(Body { value, duplicates: duplicates.into_inner() })
}

fn decode_yaml(bytes: &[u8]) -> Result<Body, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    Ok(Body { value, duplicates: Vec::new() })
}

/// Deserializes one value while knowing its path.
struct Node<'a> {
    path: &'a str,
    duplicates: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, items.len());
            match sequence.next_element_seed(Node { path: &path, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = member_path(self.path, &key);
            let value = access.next_value_seed(Node { path: &path, duplicates: self.duplicates })?;
            if map.insert(key, value).is_some() {
                self.duplicates.borrow_mut().push(path);
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_are_reported_by_path() {
        let body = decode(br#"{"spec":{"size":1,"size":2},"list":[{"a":1,"a":1}]}"#).unwrap();
        assert_eq!(body.value["spec"]["size"], 2);
        assert_eq!(body.duplicates, ["spec.size", "list[0].a"]);
    }

    #[test]
    fn yaml_is_read() {
        let body = decode(b"kind: Widget\nspec:\n  size: 3\n").unwrap();
        assert_eq!(body.value, serde_json::json!({"kind": "Widget", "spec": {"size": 3}}));
    }

    #[test]
    fn text_after_the_document_is_an_error() {
        assert!(decode(b"{} {}").is_err());
    }
}
