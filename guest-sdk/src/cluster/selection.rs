//! Which objects to list.

/// Objects of one kind, in one namespace or all, with or without certain labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// `v1`, or `group/version`.
    pub api_version: String,
    /// The kind's name.
    pub kind: String,
    /// None: all namespaces, which is refused if the grant names some.
    pub namespace: Option<String>,
    /// A label selector in kubectl's grammar; none for all.
    pub labels: Option<String>,
}

impl Selection {
    /// All objects of a kind; refused if the grant names namespaces.
    pub fn new(api_version: impl Into<String>, kind: impl Into<String>) -> Self {
        Self { api_version: api_version.into(), kind: kind.into(), namespace: None, labels: None }
    }

    /// Only those in a namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only those with these labels, in kubectl's grammar: `app=web,tier!=test`.
    #[must_use]
    pub fn labelled(mut self, selector: impl Into<String>) -> Self {
        self.labels = Some(selector.into());
        self
    }
}
