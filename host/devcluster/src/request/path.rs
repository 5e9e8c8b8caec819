//! Request paths. Resources are data (CRDs add them), so one parser replaces a routing table.

use percent_encoding::percent_decode_str;

/// The place that a path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/healthz`, `/livez`, `/readyz`.
    Health,
    /// `/version`.
    Version,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/<group>`.
    Group(String),
    /// `/api/v1` and `/apis/<group>/<version>`.
    GroupVersion(GroupVersion),
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/api/v1` and `/openapi/v3/apis/<group>/<version>`.
    OpenApi(GroupVersion),
    /// A collection, an object or a subresource.
    Resource(Address),
    /// Anything else.
    Unknown,
}

/// An API group and a version of it; the core group is "".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupVersion {
    pub(crate) group: String,
    pub(crate) version: String,
}

impl GroupVersion {
    /// `v1` or `group/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// Where an object or a collection lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) group_version: GroupVersion,
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Route {
    pub(crate) fn parse(path: &str) -> Self {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["healthz" | "livez" | "readyz", ..] => Self::Health,
            ["version"] => Self::Version,
            ["api"] => Self::CoreVersions,
            ["apis"] => Self::Groups,
            ["apis", group] => Self::Group(group.to_owned()),
            ["openapi", "v3"] => Self::OpenApiIndex,
            ["openapi", "v3", "api", version] => Self::OpenApi(group_version("", version)),
            ["openapi", "v3", "apis", group, version] => Self::OpenApi(group_version(group, version)),
            ["api", version, ref rest @ ..] => Self::below(group_version("", version), rest),
            ["apis", group, version, ref rest @ ..] => Self::below(group_version(group, version), rest),
            _ => Self::Unknown,
        }
    }

    fn below(group_version: GroupVersion, rest: &[&str]) -> Self {
        let address = |namespace: Option<&str>, plural: &str, name: Option<&str>, subresource: Option<&str>| {
            Self::Resource(Address {
                group_version: group_version.clone(),
                namespace: namespace.map(str::to_owned),
                plural: plural.to_owned(),
                name: name.map(str::to_owned),
                subresource: subresource.map(str::to_owned),
            })
        };
        match *rest {
            [] => Self::GroupVersion(group_version),
            ["namespaces", name, sub @ ("status" | "finalize")] => address(None, "namespaces", Some(name), Some(sub)),
            ["namespaces", namespace, plural] => address(Some(namespace), plural, None, None),
            ["namespaces", namespace, plural, name] => address(Some(namespace), plural, Some(name), None),
            ["namespaces", namespace, plural, name, sub] => address(Some(namespace), plural, Some(name), Some(sub)),
            [plural] => address(None, plural, None, None),
            [plural, name] => address(None, plural, Some(name), None),
            [plural, name, sub] => address(None, plural, Some(name), Some(sub)),
            _ => Self::Unknown,
        }
    }
}

fn group_version(group: &str, version: &str) -> GroupVersion {
    GroupVersion { group: group.to_owned(), version: version.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> Address {
        match Route::parse(path) {
            Route::Resource(address) => address,
            other => panic!("{path} is {other:?}"),
        }
    }

    #[test]
    fn namespaces_are_objects_and_prefixes() {
        let object = resource("/api/v1/namespaces/prod");
        assert_eq!((object.plural.as_str(), object.name.as_deref()), ("namespaces", Some("prod")));
        let status = resource("/api/v1/namespaces/prod/status");
        assert_eq!((status.plural.as_str(), status.subresource.as_deref()), ("namespaces", Some("status")));
        let collection = resource("/api/v1/namespaces/prod/configmaps");
        assert_eq!((collection.namespace.as_deref(), collection.plural.as_str()), (Some("prod"), "configmaps"));
    }

    #[test]
    fn names_are_percent_decoded() {
        let role = resource("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode");
        assert_eq!(role.name.as_deref(), Some("system:node"));
    }

    #[test]
    fn other_paths_are_unknown() {
        assert_eq!(Route::parse("/metrics"), Route::Unknown);
        assert_eq!(Route::parse("/apis/a/v1/namespaces/b/c/d/e/f"), Route::Unknown);
    }
}
