//! Kinds of objects.

/// A kind as the API server serves it, with its definition if the provider brings one along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    api_version: &'static str,
    name: &'static str,
    definition: Option<&'static str>,
}

impl Kind {
    /// A kind that somebody else installs, which the administrator has to grant under `manages`. `api_version` is `v1`, or `group/version`.
    #[must_use]
    pub const fn existing(api_version: &'static str, kind: &'static str) -> Self {
        Self { api_version, name: kind, definition: None }
    }

    /// A kind with its `CustomResourceDefinition` as JSON. [`crd!`](crate::crd) makes this call from a YAML file, and
    /// takes care that the three agree.
    #[must_use]
    pub const fn defined(api_version: &'static str, kind: &'static str, definition: &'static str) -> Self {
        Self { api_version, name: kind, definition: Some(definition) }
    }

    /// `v1`, or `group/version`.
    #[must_use]
    pub const fn api_version(&self) -> &'static str {
        self.api_version
    }

    /// The kind's name, `ConfigMap`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The `CustomResourceDefinition` as JSON; none if somebody else installs it.
    #[must_use]
    pub const fn definition(&self) -> Option<&'static str> {
        self.definition
    }
}
