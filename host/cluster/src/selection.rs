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
        // What has a meaning in a selector is written with a backslash.
        let escaped = |name: &str| name.replace('\\', r"\\").replace(',', r"\,").replace('=', r"\=");
        self.name.as_ref().map(|name| format!("metadata.name={}", escaped(name)))
    }

    /// Whether an object is among them for sure. Label selectors are the API server's to judge: those never are.
    pub(crate) fn covers(&self, target: &ObjectRef) -> bool {
        self.labels.is_none()
            && self.kind == target.kind
            && (self.namespace.is_none() || self.namespace == target.key.namespace)
            && self.name.as_ref().is_none_or(|name| *name == target.key.name)
    }
}

/// How far a watch may look for the sake of one object, so that many objects can share one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// At this object only.
    #[default]
    Object,
    /// At all objects of the kind in its namespace.
    Namespace,
    /// At all objects of the kind.
    Cluster,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_part_of_a_selectors_grammar() {
        let kind = GroupVersionKind::gvk("", "v1", "A");
        let selection = Selection { name: Some(r"a=b,c\d".to_owned()), ..Selection::all(kind) };
        assert_eq!(selection.field_selector().unwrap(), r"metadata.name=a\=b\,c\\d");
    }
}
