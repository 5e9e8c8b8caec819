//! Which objects of a kind are meant.

use capstan_api::{GroupVersionKind, ObjectRef};

/// Objects of one kind, narrowed down by what is given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selection {
    /// The kind.
    pub kind: GroupVersionKind,
    /// `None`: in all namespaces, or of a cluster-scoped kind.
    pub namespace: Option<String>,
    /// A label selector in kubectl's grammar.
    pub labels: Option<String>,
    /// Only the object of this name.
    pub name: Option<String>,
}

impl Selection {
    /// All objects of a kind.
    #[must_use]
    pub fn all(kind: GroupVersionKind) -> Self {
        Self { kind, namespace: None, labels: None, name: None }
    }

    /// One object.
    #[must_use]
    pub fn one(target: &ObjectRef) -> Self {
        Self {
            kind: target.kind.clone(),
            namespace: target.key.namespace.clone(),
            labels: None,
            name: Some(target.key.name.clone()),
        }
    }

    pub(crate) fn field_selector(&self) -> Option<String> {
        self.name.as_ref().map(|name| format!("metadata.name={name}"))
    }

    /// Whether an object is among them for sure. Label selectors are the API server's to judge: those never are.
    pub(crate) fn covers(&self, target: &ObjectRef) -> bool {
        self.labels.is_none()
            && self.kind == target.kind
            && (self.namespace.is_none() || self.namespace == target.key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == target.key.name)
    }
}
