//! From messages to JSON, by the table.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::wire::{Content, Fields};
use super::{ProtobufError, unknown};
use crate::builtin::messages::{Field, MESSAGES, Message, Shape, Type};
use crate::object::set_or_remove;

/// A message of two bytes becomes an object of some hundred, so that the size of a body alone does not bound memory.
/// Far more than any real object has.
pub(super) const MAX_MESSAGES: usize = 65_536;

/// The object that a message is in JSON.
pub(super) fn object(message: &Message, bytes: &[u8]) -> Result<Map<String, Value>, ProtobufError> {
    let mut object = Map::new();
    Decoder { messages: 0 }.merge(message, bytes, &mut object)?;
    Ok(object)
}

pub(super) fn text(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Malformed("a string that is not UTF-8"))
}

struct Decoder {
    messages: usize,
}

impl Decoder {
    fn count(&mut self) -> Result<(), ProtobufError> {
        self.messages += 1;
        if self.messages > MAX_MESSAGES { Err(ProtobufError::TooManyMessages) } else { Ok(()) }
    }

    /// Adds the fields of a message to an object, which is how a message that comes in pieces is put together.
    fn merge(&mut self, message: &Message, bytes: &[u8], out: &mut Map<String, Value>) -> Result<(), ProtobufError> {
        self.count()?;
        for entry in Fields::new(bytes) {
            let (number, content) = entry?;
            let field = match message.field(number) {
                Some(field) => field,
                // Clients that are newer write their fields even when there is nothing in them.
                None if matches!(content, Content::Varint(0) | Content::Bytes([])) => continue,
                None => return Err(unknown(&message.name, number)),
            };
            self.field(field, content, out).map_err(|error| match error {
                // Only here it is known of which field.
                ProtobufError::WrongType { message: name, .. } if name.is_empty() => {
                    ProtobufError::WrongType { message: message.name.clone(), number }
                }
                other => other,
            })?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        field: &Field,
        content: Content<'_>,
        out: &mut Map<String, Value>,
    ) -> Result<(), ProtobufError> {
        let name = &field.name;
        match (field.shape, field.ty) {
            (Shape::Inline, Type::Message(index)) => self.merge(MESSAGES.message(index), bytes(content)?, out),
            (Shape::One, Type::Message(index)) if !MESSAGES.message(index).is_list => {
                let inner = out.entry(name.clone()).or_insert_with(|| json!({}));
                match inner.as_object_mut() {
                    Some(inner) => self.merge(MESSAGES.message(index), bytes(content)?, inner),
                    None => Err(ProtobufError::Malformed("two fields of one name")),
                }
            }
            (Shape::List, _) => {
                let item = self.value(field.ty, content)?;
                push(out, name, item)
            }
            (Shape::Map, _) => {
                self.count()?;
                let (key, value) = self.entry(field.ty, bytes(content)?)?;
                match out.entry(name.clone()).or_insert_with(|| json!({})).as_object_mut() {
                    Some(map) => drop(map.insert(key, value)),
                    None => return Err(ProtobufError::Malformed("two fields of one name")),
                }
                Ok(())
            }
            (Shape::One | Shape::Inline, _) => {
                let value = self.value(field.ty, content)?;
                let kept = !value.is_null() && (field.keep || !is_empty(field.ty, &value));
                set_or_remove(out, name, kept.then_some(value));
                Ok(())
            }
        }
    }

    /// An entry of a map is a message of a key and a value, either of which may be left out when empty.
    fn entry(&mut self, ty: Type, entry: &[u8]) -> Result<(String, Value), ProtobufError> {
        let mut key = String::new();
        let mut value = None;
        for field in Fields::new(entry) {
            match field? {
                (1, content) => key = text(bytes(content)?)?,
                (2, content) => value = Some(self.value(ty, content)?),
                (number, _) => return Err(unknown("the entry of a map", number)),
            }
        }
        let value = match value {
            Some(value) => value,
            None if matches!(ty, Type::Bool | Type::Int) => self.value(ty, Content::Varint(0))?,
            None => self.value(ty, Content::Bytes(&[]))?,
        };
        Ok((key, value))
    }

    fn value(&mut self, ty: Type, content: Content<'_>) -> Result<Value, ProtobufError> {
        Ok(match ty {
            Type::Bool => json!(varint(content)? != 0),
            // Integers are signed; a negative one is written in two's complement.
            Type::Int => json!(varint(content)?.cast_signed()),
            Type::String => text(bytes(content)?)?.into(),
            Type::Bytes => STANDARD.encode(bytes(content)?).into(),
            Type::Time => time(bytes(content)?, "%Y-%m-%dT%H:%M:%SZ")?,
            Type::MicroTime => time(bytes(content)?, "%Y-%m-%dT%H:%M:%S%.6fZ")?,
            Type::Quantity => match only_field(bytes(content)?)? {
                None => "0".into(),
                Some(number) => text(number)?.into(),
            },
            Type::IntOrString => int_or_string(bytes(content)?)?,
            Type::RawExtension | Type::FieldsV1 => match only_field(bytes(content)?)? {
                None => Value::Null,
                Some(raw) => serde_json::from_slice(raw)
                    .map_err(|_| ProtobufError::Malformed("an embedded object that is not JSON"))?,
            },
            Type::Message(index) => {
                let message = MESSAGES.message(index);
                let mut object = Map::new();
                self.merge(message, bytes(content)?, &mut object)?;
                if message.is_list {
                    object.into_iter().next().map_or_else(|| json!([]), |(_, items)| items)
                } else {
                    Value::Object(object)
                }
            }
        })
    }
}

fn push(out: &mut Map<String, Value>, name: &str, item: Value) -> Result<(), ProtobufError> {
    match out.entry(name).or_insert_with(|| json!([])).as_array_mut() {
        Some(items) => items.push(item),
        None => return Err(ProtobufError::Malformed("two fields of one name")),
    }
    Ok(())
}

/// What `omitempty` leaves out. Quantities and the like are structures in Go, which are never empty.
fn is_empty(ty: Type, value: &Value) -> bool {
    match ty {
        Type::Bool => value == false,
        Type::Int => value == 0,
        Type::String | Type::Bytes => value == "",
        _ => false,
    }
}

fn varint(content: Content<'_>) -> Result<u64, ProtobufError> {
    match content {
        Content::Varint(value) => Ok(value),
        Content::Bytes(_) => Err(wrong_type()),
    }
}

fn bytes(content: Content<'_>) -> Result<&[u8], ProtobufError> {
    match content {
        Content::Bytes(bytes) => Ok(bytes),
        Content::Varint(_) => Err(wrong_type()),
    }
}

/// Completed with message and number where those are known.
fn wrong_type() -> ProtobufError {
    ProtobufError::WrongType { message: String::new(), number: 0 }
}

/// The content of a message that has one field of bytes.
fn only_field(message: &[u8]) -> Result<Option<&[u8]>, ProtobufError> {
    let mut found = None;
    for field in Fields::new(message) {
        match field? {
            (1, content) => found = Some(bytes(content)?),
            (number, _) => return Err(unknown("a value of one field", number)),
        }
    }
    Ok(found.filter(|content| !content.is_empty()))
}

/// Seconds since 1970 and nanoseconds; nothing at all is the time that is not set.
fn time(message: &[u8], format: &str) -> Result<Value, ProtobufError> {
    if message.is_empty() {
        return Ok(Value::Null);
    }
    let (mut seconds, mut nanoseconds) = (0, 0);
    for field in Fields::new(message) {
        match field? {
            (1, content) => seconds = varint(content)?.cast_signed(),
            (2, content) => nanoseconds = varint(content)?.cast_signed(),
            (number, _) => return Err(unknown("meta/v1.Time", number)),
        }
    }
    let out_of_range = || ProtobufError::Malformed("a time that is out of range");
    let nanoseconds = i32::try_from(nanoseconds).map_err(|_| out_of_range())?;
    let time = jiff::Timestamp::new(seconds, nanoseconds).map_err(|_| out_of_range())?;
    Ok(time.strftime(format).to_string().into())
}

fn int_or_string(message: &[u8]) -> Result<Value, ProtobufError> {
    let (mut is_string, mut number, mut string) = (false, 0, String::new());
    for field in Fields::new(message) {
        match field? {
            (1, content) => is_string = varint(content)? == 1,
            (2, content) => number = varint(content)?.cast_signed(),
            (3, content) => string = text(bytes(content)?)?,
            (number, _) => return Err(unknown("util/intstr.IntOrString", number)),
        }
    }
    Ok(if is_string { string.into() } else { number.into() })
}
