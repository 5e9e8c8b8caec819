//! The bodies of writes, in any format that is accepted.

use std::fmt::Write;

use super::ResourceRequest;
use crate::request::body::{self, Body};
use crate::request::protobuf::{self, ProtobufError};
use crate::status::{Reason, Refusal};
use crate::write::decode::unreadable;

/// How much of an unreadable body is shown, in characters.
const EXCERPT: usize = 100;

/// Reads an object, or the options of a delete.
pub(super) fn object(request: &ResourceRequest<'_>) -> Result<Body, Refusal> {
    let bytes = &request.body;
    let decoded = match request.media_type() {
        protobuf::MEDIA_TYPE => return from_protobuf(bytes, &request.resource.kind),
        "" | "application/json" => body::decode_json(bytes),
        "application/yaml" => body::decode(bytes),
        _ => return Err(unsupported()),
    };
    decoded.map_err(|error| unreadable(&request.resource, &error, bytes))
}

/// Reads a review, which is not an object of any resource.
pub(super) fn review(media_type: &str, bytes: &[u8], kind: &str) -> Result<Body, Refusal> {
    match media_type {
        protobuf::MEDIA_TYPE => from_protobuf(bytes, kind),
        "" | "application/json" | "application/yaml" => body::decode(bytes).map_err(Refusal::bad_request),
        _ => Err(unsupported()),
    }
}

fn from_protobuf(bytes: &[u8], kind: &str) -> Result<Body, Refusal> {
    match protobuf::decode(bytes) {
        Ok(value) => Ok(Body { value, duplicates: Vec::new() }),
        Err(error @ (ProtobufError::UnknownKind { .. } | ProtobufError::UnknownEncoding(_))) => {
            Err(Refusal::new(Reason::UnsupportedMediaType, error.to_string()))
        }
        Err(error) => {
            let excerpt: String = shown(bytes).chars().take(EXCERPT).collect();
            let message = format!("the object provided is unrecognized (must be of type {kind}): {error} ({excerpt})");
            Err(Refusal::bad_request(message))
        }
    }
}

/// Bytes as they are shown in a message: as text if they are printable, otherwise as hexadecimal digits.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}

fn unsupported() -> Refusal {
    let message = "the body of the request was in an unknown format - accepted media types include: \
                   application/json, application/yaml, application/vnd.kubernetes.protobuf";
    Refusal::new(Reason::UnsupportedMediaType, message)
}
