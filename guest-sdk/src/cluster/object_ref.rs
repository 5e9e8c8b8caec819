//! Names of objects.

use std::fmt;

/// Names one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// `v1`, or `group/version`.
    pub api_version: String,
    /// The kind's name.
    pub kind: String,
    /// None for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

impl ObjectRef {
    /// A cluster-scoped object, until [`in_namespace`](Self::in_namespace) says otherwise. For an object in the namespace
    /// of the one being reconciled, [`Managed::beside`](crate::Managed::beside) is shorter.
    pub fn new(api_version: impl Into<String>, kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { api_version: api_version.into(), kind: kind.into(), namespace: None, name: name.into() }
    }

    /// The same in a namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }
}

/// `ConfigMap team-a/greeting`
impl fmt::Display for ObjectRef {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(to, "{} {namespace}/{}", self.kind, self.name),
            None => write!(to, "{} {}", self.kind, self.name),
        }
    }
}
