//! Field selectors: equality on the few fields that a kind offers.

use serde_json::Value;

use super::scalar_text;
use crate::resource::Resource;
use crate::table::json_path::JsonPath;

#[derive(Debug, Default)]
pub(super) struct FieldSelector(Vec<Term>);

#[derive(Debug)]
struct Term {
    field: Field,
    value: String,
    negated: bool,
}

#[derive(Debug)]
enum Field {
    Name,
    Namespace,
    At(JsonPath),
}

impl FieldSelector {
    /// Parses a selector for a resource; the error is the whole message.
    pub(super) fn parse(text: &str, resource: &Resource) -> Result<Self, String> {
        let terms = text.split(',').filter(|term| !term.trim().is_empty()).map(|term| {
            let (field, value, negated) = match term.split_once("!=") {
                Some((field, value)) => (field, value, true),
                None => match term.split_once("==").or_else(|| term.split_once('=')) {
                    Some((field, value)) => (field, value, false),
                    None => return Err(format!("invalid selector: '{text}'; can't understand '{term}'")),
                },
            };
            let field = match field.trim() {
                "metadata.name" => Field::Name,
                "metadata.namespace" => Field::Namespace,
                name => match resource.selectable.iter().find(|selectable| selectable.name == name) {
                    Some(selectable) => Field::At(selectable.path.clone()),
                    None => return Err(format!("field label not supported: {name}")),
                },
            };
            Ok(Term { field, value: value.trim().to_owned(), negated })
        });
        terms.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn matches(&self, namespace: &str, name: &str, object: &Value) -> bool {
        self.0.iter().all(|term| {
            let equal = match &term.field {
                Field::Name => name == term.value,
                Field::Namespace => namespace == term.value,
                Field::At(path) => {
                    path.find(object).first().map_or(term.value.is_empty(), |value| scalar_text(value) == term.value)
                }
            };
            equal != term.negated
        })
    }
}
