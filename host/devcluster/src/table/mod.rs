//! Tables, as `kubectl get` asks for them: the server decides the columns.

pub(crate) mod columns;
pub(crate) mod json_path;

use serde_json::{Map, Value, json};

use crate::field_error::FieldError;
use crate::resource::Resource;
use columns::Column;

/// What `rows[].object` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    Metadata,
    Object,
}

impl IncludeObject {
    /// Reads the option of a request; without one it is the metadata.
    pub(crate) fn parse(value: Option<&str>) -> Result<Self, FieldError> {
        match value {
            Some("None") => Ok(Self::None),
            Some("Object") => Ok(Self::Object),
            None | Some("Metadata") => Ok(Self::Metadata),
            Some(other) => {
                let detail = "must be 'Metadata', 'Object', 'None', or empty";
                Err(FieldError::invalid("includeObject", &json!(other), detail))
            }
        }
    }
}

/// The definitions of a resource's columns.
pub(crate) fn column_definitions(resource: &Resource) -> Value {
    resource.columns.iter().map(Column::definition).collect()
}

/// The row of one object. `sent` is the object as the client would see it, `stored` as the columns read it.
pub(crate) fn row(resource: &Resource, stored: &Value, sent: &Value, include: IncludeObject) -> Value {
    let cells: Vec<Value> = resource.columns.iter().map(|column| column.cell(stored)).collect();
    let object = match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Metadata => partial_metadata(sent),
        IncludeObject::Object => sent.clone(),
    };
    json!({"cells": cells, "object": object})
}

/// A Table around rows. `list_metadata` is the `ListMeta` of what the rows came from.
pub(crate) fn table(definitions: &Value, rows: &[Value], list_metadata: &Map<String, Value>) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// An object reduced to its metadata.
pub(crate) fn partial_metadata(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}
