//! Objects that Kubernetes' own types encoded, in both forms.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

/// Per kind one object with a value in every field, and one with empty values wherever there can be any.
const SAMPLES: &str = include_str!("samples.json");

fn samples() -> Vec<(String, Vec<u8>, Value)> {
    let samples: Vec<Value> = serde_json::from_str(SAMPLES).unwrap();
    let samples = samples.into_iter().map(|mut sample| {
        let bytes = STANDARD.decode(sample["protobuf"].as_str().unwrap()).unwrap();
        (sample["name"].as_str().unwrap().to_owned(), bytes, sample["json"].take())
    });
    samples.collect()
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, v)| !v.is_null()).map(|(key, v)| (key, without_nulls(v))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// A field of bytes as it is on the wire.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        out.push(0x80 | u8::try_from(length & 0x7f).unwrap());
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(content);
    out
}

/// A runtime.Unknown around a message.
fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), field(1, &type_meta), field(2, raw)].concat()
}

#[test]
fn every_field_of_every_kind_is_what_it_is_in_json() {
    let samples = samples();
    assert!(samples.len() > 50);
    for (name, bytes, expected) in samples {
        assert_eq!(decode(&bytes).unwrap(), without_nulls(expected), "{name}");
    }
}

#[test]
fn a_body_that_is_cut_off_or_damaged_is_an_error_or_another_object_but_never_a_panic() {
    let (_, pod, expected) = samples().into_iter().find(|(name, ..)| name == "v1/Pod").unwrap();
    // The last four bytes are the empty encoding and type of the content.
    for length in (0..pod.len() - 4).step_by(17) {
        assert!(decode(&pod[..length]).map_or(true, |cut| cut != expected), "{length} bytes");
    }
    for place in (4..pod.len()).step_by(17) {
        let mut damaged = pod.clone();
        damaged[place] ^= 0xff;
        let _ = decode(&damaged);
    }
    assert!(matches!(decode(b"{}"), Err(ProtobufError::NoPrefix)));
}

#[test]
fn options_of_a_delete_come_under_the_version_of_any_group() {
    let options = decode(&envelope("policy/v1", "DeleteOptions", b"\x22\x06Orphan")).unwrap();
    assert_eq!(options["propagationPolicy"], "Orphan");
}

#[test]
fn a_message_may_come_in_pieces() {
    // The metadata of a ConfigMap twice: its name, then its namespace.
    let pieces = envelope("v1", "ConfigMap", b"\x0a\x03\x0a\x01a\x0a\x03\x1a\x01n");
    assert_eq!(decode(&pieces).unwrap()["metadata"], json!({"name": "a", "namespace": "n"}));
}

#[test]
fn what_is_not_known_is_refused_and_not_dropped() {
    assert!(matches!(decode(&envelope("v1", "Node", b"")), Err(ProtobufError::UnknownKind { .. })));
    let newer = decode(&envelope("v1", "ConfigMap", b"\xca\x3e\x01a")).unwrap_err();
    assert!(
        matches!(newer, ProtobufError::UnknownField { ref message, number: 1001 } if message == "core/v1.ConfigMap")
    );
    let wrong = decode(&envelope("v1", "ConfigMap", b"\x0a\x02\x08\x01")).unwrap_err();
    assert!(matches!(wrong, ProtobufError::WrongType { ref message, number: 1 } if message == "meta/v1.ObjectMeta"));
    let zipped = [&envelope("v1", "ConfigMap", b"")[..], b"\x1a\x04gzip"].concat();
    assert!(matches!(decode(&zipped), Err(ProtobufError::UnknownEncoding(_))));
}

#[test]
fn fields_that_are_not_known_may_come_empty() {
    let newer = decode(&envelope("v1", "ConfigMap", b"\xca\x3e\x00\xd0\x3e\x00")).unwrap();
    assert_eq!(newer, json!({"apiVersion": "v1", "kind": "ConfigMap"}));
}

#[test]
fn the_number_of_messages_is_bounded() {
    // Empty containers of a Pod: two bytes each.
    let spec = field(2, &field(2, &[]).repeat(70_000));
    assert!(matches!(decode(&envelope("v1", "Pod", &spec)), Err(ProtobufError::TooManyMessages)));
}
