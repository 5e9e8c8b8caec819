//! Schemas of the built-in types: the names and types of all their fields, without descriptions.

use serde_json::{Map, Value, json};

use super::reference;
use crate::builtin::messages::{Field, MESSAGES, Message, Shape, Type};

/// The schema of a message. Those it refers to are added to `schemas`, under the names that Kubernetes gives them.
pub(super) fn schema(message: &Message, schemas: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    add_properties(message, &mut properties, schemas);
    if message.is_list {
        return properties.into_iter().next().map_or_else(|| json!({"type": "array"}), |(_, list)| list);
    }
    json!({"type": "object", "properties": properties})
}

fn add_properties(message: &Message, properties: &mut Map<String, Value>, schemas: &mut Map<String, Value>) {
    for field in message.fields() {
        if let (Shape::Inline, Type::Message(index)) = (field.shape, field.ty) {
            add_properties(MESSAGES.message(index), properties, schemas);
        } else {
            properties.insert(field.name.clone(), field_schema(field, schemas));
        }
    }
}

fn field_schema(field: &Field, schemas: &mut Map<String, Value>) -> Value {
    let value = type_schema(field.ty, schemas);
    match field.shape {
        Shape::List => json!({"type": "array", "items": value}),
        Shape::Map => json!({"type": "object", "additionalProperties": value}),
        Shape::One | Shape::Inline => value,
    }
}

fn type_schema(ty: Type, schemas: &mut Map<String, Value>) -> Value {
    match ty {
        Type::Bool => json!({"type": "boolean"}),
        Type::Int => json!({"type": "integer"}),
        Type::String | Type::Quantity => json!({"type": "string"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Time | Type::MicroTime => json!({"type": "string", "format": "date-time"}),
        Type::IntOrString => json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]}),
        Type::RawExtension | Type::FieldsV1 => json!({"type": "object"}),
        Type::Message(index) => {
            let message = MESSAGES.message(index);
            let name = component(&message.name);
            if !schemas.contains_key(&name) {
                let schema = schema(message, schemas);
                schemas.insert(name.clone(), schema);
            }
            json!({"allOf": [{"$ref": reference(&name)}]})
        }
    }
}

/// `core/v1.PodSpec` is `io.k8s.api.core.v1.PodSpec`.
fn component(message: &str) -> String {
    let package = if message.starts_with("meta/") { "io.k8s.apimachinery.pkg.apis" } else { "io.k8s.api" };
    format!("{package}.{}", message.replace('/', "."))
}
