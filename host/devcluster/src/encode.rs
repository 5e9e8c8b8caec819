//! From stored objects to what clients see: the right `apiVersion` and `kind`, the right view, the current schema.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::events_view;
use crate::resource::{Resource, Rules};
use crate::schema::{Schema, defaults, prune};
use crate::store::Object;

/// Encodes the objects of one resource.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    pub(crate) resource: Arc<Resource>,
    /// `{"apiVersion":"…","kind":"…",`, which takes the place of the opening brace of the stored text.
    header: String,
}

impl Encoder {
    pub(crate) fn new(resource: Arc<Resource>) -> Self {
        let header = format!(
            "{{\"apiVersion\":{},\"kind\":{},",
            Value::String(resource.api_version()),
            Value::String(resource.kind.clone())
        );
        Self { resource, header }
    }

    /// The object as the client sees it, as a value.
    pub(crate) fn value(&self, object: &Object) -> Value {
        let mut value = self.without_type(object);
        add_type(&self.resource, &mut value);
        value
    }

    /// Appends the object as JSON text, with or without its type.
    pub(crate) fn write(&self, object: &Object, typed: bool, out: &mut Vec<u8>) {
        let converted;
        let text: &[u8] = if self.is_current(object) {
            object.json()
        } else {
            // As in `Object::json`: a JSON value serialises.
            converted = serde_json::to_vec(&self.without_type(object)).expect("a JSON value serialises");
            &converted
        };
        if typed {
            out.extend_from_slice(self.header.as_bytes());
            // The stored text has at least `metadata`, so that the header's comma is right.
            out.extend_from_slice(&text[1..]);
        } else {
            out.extend_from_slice(text);
        }
    }

    fn is_current(&self, object: &Object) -> bool {
        self.resource.rules != Rules::EventView
            && (!self.resource.is_custom() || object.schema_id == self.resource.schema_id)
    }

    fn without_type(&self, object: &Object) -> Value {
        if self.resource.rules == Rules::EventView {
            let mut value = object.value.clone();
            events_view::to_events_api(&mut value);
            value
        } else if self.is_current(object) {
            object.value.clone()
        } else {
            by_schema(&object.value, &self.resource.schema)
        }
    }
}

/// An object that was written under another schema: without what this one does not know, and with its defaults.
pub(crate) fn by_schema(value: &Value, schema: &Schema) -> Value {
    let mut value = value.clone();
    prune::prune(&mut value, schema, "", &mut Vec::new());
    defaults::apply_defaults(&mut value, schema);
    value
}

/// Adds `apiVersion` and `kind`.
pub(crate) fn add_type(resource: &Resource, value: &mut Value) {
    value["apiVersion"] = resource.api_version().into();
    value["kind"] = resource.kind.clone().into();
}

/// The list around items that are JSON text already.
pub(crate) fn list(resource: &Resource, metadata: &Map<String, Value>, items: &[u8]) -> Vec<u8> {
    let metadata = Value::Object(metadata.clone());
    let kind = Value::String(resource.list_kind.clone());
    let api_version = Value::String(resource.api_version());
    let mut out =
        format!("{{\"kind\":{kind},\"apiVersion\":{api_version},\"metadata\":{metadata},\"items\":[").into_bytes();
    out.extend_from_slice(items);
    out.extend_from_slice(b"]}");
    out
}
