//! Which objects of a kind are meant.

use std::fmt;

use capstan_api::{GroupVersionKind, ObjectKey};

use crate::{Error, path};

/// A part of the objects of a kind. What is given narrows it down.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selection {
    /// As the API server serves it.
    pub kind: GroupVersionKind,
    /// `None`: in all namespaces, or without one.
    pub namespace: Option<String>,
    /// A label selector in kubectl's grammar.
    pub labels: Option<String>,
    /// The only object of that name.
    pub name: Option<String>,
}

impl Selection {
    /// All objects of a kind.
    #[must_use]
    pub fn all(kind: GroupVersionKind) -> Self {
        Self {
            kind,
            namespace: None,
            labels: None,
            name: None,
        }
    }

    /// Names that could not be those of any object, and must not become part of a request.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.namespace.as_deref().map_or(Ok(()), path::check_namespace)?;
        self.name.as_deref().map_or(Ok(()), path::check_name)
    }

    /// Whether an object of that name, of the right kind, would be part of it if it had the labels.
    pub(crate) fn has_place_for(&self, key: &ObjectKey) -> bool {
        let namespace = self.namespace.is_none() || self.namespace == key.namespace;
        namespace && self.name.as_ref().is_none_or(|name| *name == key.name)
    }

    /// By name, as a field selector: every kind can be selected by it.
    pub(crate) fn fields(&self) -> Option<String> {
        self.name.as_ref().map(|name| format!("metadata.name={name}"))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, " in {namespace}")?;
        }
        if let Some(name) = &self.name {
            write!(f, " named {name}")?;
        }
        if let Some(labels) = &self.labels {
            write!(f, " with {labels}")?;
        }
        Ok(())
    }
}
