//! What is written into.

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};

/// One object, whichever version of its kind names it: the API server keeps one and serves it in all of them, so what is
/// written through one version is news in the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    group: String,
    kind: String,
    key: ObjectKey,
}

impl Place {
    pub(crate) fn of(target: &ObjectRef) -> Self {
        let GroupVersionKind { group, kind, .. } = &target.kind;
        Self { group: group.clone(), kind: kind.clone(), key: target.key.clone() }
    }

    /// Whether it is the place of an object, as [`Place::of`] would say.
    pub(crate) fn is_of(&self, target: &ObjectRef) -> bool {
        self.group == target.kind.group && self.kind == target.kind.kind && self.key == target.key
    }

    /// Whether a list of a kind has it; `namespace` is none for all of them.
    pub(super) fn is_within(&self, kind: &GroupVersionKind, namespace: Option<&str>) -> bool {
        let is_of_kind = self.group == kind.group && self.kind == kind.kind;
        is_of_kind && (namespace.is_none() || self.key.namespace.as_deref() == namespace)
    }
}
