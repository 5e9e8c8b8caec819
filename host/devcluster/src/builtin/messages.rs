//! The types of Kubernetes: which field has which name and type in JSON, and which number in protobuf.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

/// The table, as `host/devcluster/messages` writes it.
const TABLE: &str = include_str!("messages.yaml");

/// The message types, and which of them are kinds.
#[derive(Debug)]
pub(crate) struct Table {
    kinds: HashMap<String, usize>,
    messages: Vec<Message>,
}

#[derive(Debug)]
pub(crate) struct Message {
    /// Such as `core/v1.PodSpec`.
    pub(crate) name: String,
    fields: HashMap<u64, Field>,
    /// A named list: in JSON it is its only field, not an object.
    pub(crate) is_list: bool,
    /// It has a type of its own in JSON, which is no field of the message.
    pub(crate) is_kind: bool,
}

#[derive(Debug)]
pub(crate) struct Field {
    /// The name in JSON.
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) ty: Type,
    /// Whether a scalar is in JSON even when it is empty.
    pub(crate) keep: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    One,
    /// The fields of the message are those of the message that it is in.
    Inline,
    List,
    /// With keys that are strings.
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Int,
    String,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    RawExtension,
    FieldsV1,
    /// By its place in the table.
    Message(usize),
}

impl Table {
    /// The message of a kind, by API version and kind.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<&Message> {
        // Options are registered in every API group under its own version.
        let api_version = if kind == "DeleteOptions" { "meta.k8s.io/v1" } else { api_version };
        self.kinds.get(&format!("{api_version}/{kind}")).map(|index| &self.messages[*index])
    }

    pub(crate) fn message(&self, index: usize) -> &Message {
        &self.messages[index]
    }
}

impl Message {
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }

    pub(crate) fn field(&self, number: u64) -> Option<&Field> {
        self.fields.get(&number)
    }
}

/// The file as it is written.
#[derive(Deserialize)]
struct Document {
    kinds: BTreeMap<String, String>,
    messages: BTreeMap<String, BTreeMap<String, String>>,
}

pub(crate) static MESSAGES: LazyLock<Table> = LazyLock::new(|| {
    // The file is part of this crate, and the tests read it.
    let document: Document = serde_saphyr::from_str(TABLE).expect("messages.yaml is valid");
    Table::from_document(&document).expect("messages.yaml is complete")
});

impl Table {
    /// `None` if a word is not understood or a message is missing.
    fn from_document(document: &Document) -> Option<Self> {
        let places: HashMap<&str, usize> = document.messages.keys().map(String::as_str).zip(0..).collect();
        let messages = document.messages.iter().map(|(name, fields)| {
            let is_list = fields.values().any(|field| field.contains("list inline"));
            let fields = fields.iter().map(|(name, words)| field(name, words, &places));
            let is_kind = document.kinds.values().any(|kind| kind == name);
            Some(Message { name: name.clone(), fields: fields.collect::<Option<_>>()?, is_list, is_kind })
        });
        let messages = messages.collect::<Option<_>>()?;
        let kinds = document.kinds.iter().map(|(kind, name)| Some((kind.clone(), *places.get(name.as_str())?)));
        Some(Self { kinds: kinds.collect::<Option<_>>()?, messages })
    }
}

fn field(name: &str, words: &str, places: &HashMap<&str, usize>) -> Option<(u64, Field)> {
    let mut words = words.split(' ');
    let number = words.next()?.parse().ok()?;
    let mut field = Field { name: name.to_owned(), shape: Shape::One, ty: Type::String, keep: false };
    for word in words {
        match word {
            "list" => field.shape = Shape::List,
            "map" => field.shape = Shape::Map,
            "inline" if field.shape == Shape::One => field.shape = Shape::Inline,
            "inline" => {}
            "keep" => field.keep = true,
            "bool" => field.ty = Type::Bool,
            "int" => field.ty = Type::Int,
            "string" => field.ty = Type::String,
            "bytes" => field.ty = Type::Bytes,
            "time" => field.ty = Type::Time,
            "microTime" => field.ty = Type::MicroTime,
            "quantity" => field.ty = Type::Quantity,
            "intOrString" => field.ty = Type::IntOrString,
            "rawExtension" => field.ty = Type::RawExtension,
            "fieldsV1" => field.ty = Type::FieldsV1,
            message => field.ty = Type::Message(*places.get(message)?),
        }
    }
    Some((number, field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::RESOURCES;

    #[test]
    fn every_built_in_kind_but_the_definition_of_kinds_is_in_the_table() {
        for resource in RESOURCES.iter() {
            let known = MESSAGES.kind(&resource.api_version(), &resource.kind).is_some();
            assert_eq!(known, resource.kind != "CustomResourceDefinition", "{}", resource.kind);
        }
    }

    /// Decoding and the schemas for clients recurse, so that what a message consists of must end somewhere.
    #[test]
    fn no_message_contains_itself() {
        fn depth(index: usize, above: &mut Vec<usize>) {
            assert!(!above.contains(&index), "{} contains itself", MESSAGES.message(index).name);
            above.push(index);
            for field in MESSAGES.message(index).fields.values() {
                if let Type::Message(inner) = field.ty {
                    depth(inner, above);
                }
            }
            above.pop();
        }
        (0..MESSAGES.messages.len()).for_each(|index| depth(index, &mut Vec::new()));
    }
}
