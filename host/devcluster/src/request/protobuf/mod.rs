//! Bodies in protobuf, which typed clients send for built-in kinds: `kubectl create namespace`, `kubectl auth can-i`.
//!
//! They become the JSON that the same client would have sent, and go the way of any other body from there. Answers are
//! always JSON, which all clients accept beside protobuf.

mod json;
mod wire;

use serde_json::Value;

use crate::builtin::messages::MESSAGES;
use wire::{Content, Fields};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

/// The first bytes of every object in this form.
const MAGIC: &[u8] = b"k8s\0";

/// Why a body in protobuf was not understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoPrefix,
    #[error("unexpected EOF")]
    Truncated,
    #[error("proto: {0}")]
    Malformed(&'static str),
    #[error("proto: field {number} of {message} is not of the type that it has in Kubernetes 1.37")]
    WrongType { message: String, number: u64 },
    /// It is not empty. Dropping it, as Kubernetes does, would lose what the client wanted without a word.
    #[error("proto: {message} has no field {number} in Kubernetes 1.37; send JSON to have it dropped or warned about")]
    UnknownField { message: String, number: u64 },
    #[error("proto: more than {} messages in one object", json::MAX_MESSAGES)]
    TooManyMessages,
    #[error("protobuf of apiVersion {api_version:?}, kind {kind:?} is not supported: send JSON or YAML")]
    UnknownKind { api_version: String, kind: String },
    #[error("the encoding {0:?} of protobuf is not supported: send it as it is, or JSON")]
    UnknownEncoding(String),
}

/// Decodes an object, which says itself of which kind it is.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let envelope = Envelope::parse(bytes)?;
    if !envelope.content_encoding.is_empty() {
        return Err(ProtobufError::UnknownEncoding(envelope.content_encoding));
    }
    if !matches!(envelope.content_type.as_str(), "" | MEDIA_TYPE) {
        return Err(ProtobufError::UnknownEncoding(envelope.content_type));
    }
    let Envelope { api_version, kind, raw, .. } = envelope;
    let Some(message) = MESSAGES.kind(&api_version, &kind) else {
        return Err(ProtobufError::UnknownKind { api_version, kind });
    };
    let mut object = json::object(message, raw)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

/// What stands around every object (`runtime.Unknown`).
#[derive(Default)]
struct Envelope<'a> {
    api_version: String,
    kind: String,
    raw: &'a [u8],
    content_encoding: String,
    content_type: String,
}

impl<'a> Envelope<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ProtobufError> {
        let mut envelope = Self::default();
        for field in Fields::new(bytes.strip_prefix(MAGIC).ok_or(ProtobufError::NoPrefix)?) {
            match field? {
                (1, Content::Bytes(type_meta)) => {
                    for field in Fields::new(type_meta) {
                        match field? {
                            (1, Content::Bytes(api_version)) => envelope.api_version = json::text(api_version)?,
                            (2, Content::Bytes(kind)) => envelope.kind = json::text(kind)?,
                            (number, _) => return Err(unknown("runtime.TypeMeta", number)),
                        }
                    }
                }
                (2, Content::Bytes(raw)) => envelope.raw = raw,
                (3, Content::Bytes(encoding)) => envelope.content_encoding = json::text(encoding)?,
                (4, Content::Bytes(content_type)) => envelope.content_type = json::text(content_type)?,
                (number, _) => return Err(unknown("runtime.Unknown", number)),
            }
        }
        Ok(envelope)
    }
}

fn unknown(message: &str, number: u64) -> ProtobufError {
    ProtobufError::UnknownField { message: message.to_owned(), number }
}

#[cfg(test)]
mod tests;
