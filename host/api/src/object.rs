//! Names of objects and kinds.

use std::fmt;

use kube_core::GroupVersionKind;

/// Names an object among those of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object in `namespace`.
    pub fn namespaced(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), name: name.into() }
    }

    /// The key of a cluster-scoped object.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self { namespace: None, name: name.into() }
    }
}

/// `namespace/name`, or `name`.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Names one object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// As the API server serves it.
    pub kind: GroupVersionKind,
    /// Its name, and namespace if it has one.
    pub key: ObjectKey,
}

/// `Kind namespace/name`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.kind, self.key)
    }
}

/// `v1`, or `group/version`.
#[must_use]
pub fn api_version(kind: &GroupVersionKind) -> String {
    if kind.group.is_empty() { kind.version.clone() } else { format!("{}/{}", kind.group, kind.version) }
}

/// The opposite of [`api_version`]. `None` if either part is empty or `api_version` has more than one slash.
#[must_use]
pub fn kind_of(api_version: &str, kind: &str) -> Option<GroupVersionKind> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let grouped = api_version.contains('/');
    if kind.is_empty() || version.is_empty() || version.contains('/') || (grouped && group.is_empty()) {
        return None;
    }
    Some(GroupVersionKind::gvk(group, version, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_survive_a_round_trip() {
        for text in ["v1", "apps/v1", "krateo.io/v1alpha1"] {
            assert_eq!(api_version(&kind_of(text, "Kind").unwrap()), text);
        }
    }

    #[test]
    fn senseless_api_versions_are_refused() {
        for text in ["", "/v1", "apps/", "a/b/c"] {
            assert_eq!(kind_of(text, "Kind"), None, "{text}");
        }
        assert_eq!(kind_of("v1", ""), None);
    }
}
