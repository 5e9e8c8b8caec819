//! Selectors: which objects of a collection a list or a watch is about.

mod field;
mod label;
mod text;

use std::borrow::Cow;

use serde_json::Value;

use crate::request::query::ListOptions;
use crate::resource::Resource;
use crate::status::Refusal;
use crate::store::ObjectRef;
use field::FieldSelector;
use label::LabelSelector;
pub(crate) use text::selector_text;

/// A namespace (or all), a label selector and a field selector.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) namespace: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Filter {
    pub(crate) fn parse(resource: &Resource, namespace: Option<&str>, options: &ListOptions) -> Result<Self, Refusal> {
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            labels: LabelSelector::parse(&options.label_selector).map_err(Refusal::bad_request)?,
            fields: FieldSelector::parse(&options.field_selector, resource).map_err(Refusal::bad_request)?,
        })
    }

    /// Whether a selector leaves objects out, beside the namespace.
    pub(crate) fn selects(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }

    pub(crate) fn matches(&self, at: &ObjectRef, object: &Value) -> bool {
        self.matches_named(&at.namespace, &at.name, object)
    }

    pub(crate) fn matches_named(&self, namespace: &str, name: &str, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
            && self.labels.matches(object)
            && self.fields.matches(namespace, name, object)
    }
}

/// The text of a scalar, as selectors compare it.
fn scalar_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    }
}
