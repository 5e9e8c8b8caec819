//! Discovery: which groups, versions and resources there are, plain and aggregated.

use serde_json::{Map, Value, json};

use crate::api::{REVIEW_GROUP, REVIEW_KIND, REVIEW_PLURAL};
use crate::registry::Registry;
use crate::request::path::GroupVersion;
use crate::resource::{Resource, Rules};

/// `/version`. The version is that of the Kubernetes whose behaviour is followed.
pub(crate) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "37",
        "gitVersion": concat!("v1.37.1+capstan-dev-", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// `/api`.
pub(crate) fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// `/apis`.
pub(crate) fn groups(registry: &Registry) -> Value {
    let named = registry.groups().filter(|group| !group.is_empty());
    let mut groups: Vec<Value> = named.filter_map(|name| group_entry(registry, name)).collect();
    groups.push(review_group());
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`.
pub(crate) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let mut group = if name == REVIEW_GROUP { review_group() } else { group_entry(registry, name)? };
    group["kind"] = "APIGroup".into();
    group["apiVersion"] = "v1".into();
    Some(group)
}

fn group_entry(registry: &Registry, name: &str) -> Option<Value> {
    let versions: Vec<Value> = registry.versions(name).into_iter().map(version_entry).collect();
    let preferred = versions.first()?.clone();
    Some(json!({"name": name, "versions": versions, "preferredVersion": preferred}))
}

fn version_entry(group_version: &GroupVersion) -> Value {
    json!({"groupVersion": group_version.api_version(), "version": group_version.version})
}

fn review_group_version() -> GroupVersion {
    GroupVersion { group: REVIEW_GROUP.to_owned(), version: "v1".to_owned() }
}

fn review_group() -> Value {
    let version = version_entry(&review_group_version());
    json!({"name": REVIEW_GROUP, "versions": [version], "preferredVersion": version})
}

/// `/api/v1` and `/apis/<group>/<version>`.
pub(crate) fn resources(registry: &Registry, group_version: &GroupVersion) -> Option<Value> {
    let resources: Vec<Value> = if *group_version == review_group_version() {
        vec![json!({
            "name": REVIEW_PLURAL, "singularName": "selfsubjectaccessreview", "namespaced": false,
            "kind": REVIEW_KIND, "verbs": ["create"],
        })]
    } else {
        registry.resources(group_version)?.flat_map(|resource| resource_entries(resource)).collect()
    };
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version.api_version(),
        "resources": resources,
    }))
}

fn resource_entries(resource: &Resource) -> Vec<Value> {
    let mut main = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs(),
    });
    add_names(&mut main, resource);
    let mut entries = vec![main];
    for (name, group, version, kind, verbs) in subresources(resource) {
        let mut entry = json!({
            "name": format!("{}/{name}", resource.plural),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": kind,
            "verbs": verbs,
        });
        if group != resource.group_version.group {
            entry["group"] = group.into();
            entry["version"] = version.into();
        }
        entries.push(entry);
    }
    entries
}

fn add_names(entry: &mut Value, resource: &Resource) {
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
}

type Subresource<'a> = (&'static str, &'a str, &'a str, &'a str, &'static [&'static str]);

/// Name, group, version, kind and verbs of the subresources.
fn subresources(resource: &Resource) -> Vec<Subresource<'_>> {
    const READ_WRITE: &[&str] = &["get", "patch", "update"];
    let GroupVersion { group, version } = &resource.group_version;
    let mut found: Vec<Subresource<'_>> = Vec::new();
    if resource.rules == Rules::Namespace {
        found.push(("finalize", group, version, &resource.kind, &["update"]));
    }
    if resource.status {
        found.push(("status", group, version, &resource.kind, READ_WRITE));
    }
    if resource.scale.is_some() {
        found.push(("scale", "autoscaling", "v1", "Scale", READ_WRITE));
    }
    found
}

/// Aggregated discovery (`apidiscovery.k8s.io/v2`): of the core group for `/api`, of all others for `/apis`.
pub(crate) fn aggregated(registry: &Registry, core: bool) -> Value {
    let groups = registry.groups().filter(|group| group.is_empty() == core);
    let mut items: Vec<Value> = groups
        .map(|group| {
            let versions = registry.versions(group).into_iter().map(|group_version| {
                let resources = registry.resources(group_version).into_iter().flatten();
                let resources: Vec<Value> = resources.map(|resource| aggregated_resource(resource)).collect();
                json!({"version": group_version.version, "resources": resources, "freshness": "Current"})
            });
            let metadata = if core { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
        })
        .collect();
    if !core {
        items.push(json!({
            "metadata": {"name": REVIEW_GROUP},
            "versions": [{
                "version": "v1",
                "resources": [{
                    "resource": REVIEW_PLURAL,
                    "responseKind": {"group": REVIEW_GROUP, "version": "v1", "kind": REVIEW_KIND},
                    "scope": "Cluster",
                    "singularResource": "selfsubjectaccessreview",
                    "verbs": ["create"],
                }],
                "freshness": "Current",
            }],
        }));
    }
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated_resource(resource: &Resource) -> Value {
    let GroupVersion { group, version } = &resource.group_version;
    let mut entry = json!({
        "resource": resource.plural,
        // Clients ask for a group again when its kinds come without group and version.
        "responseKind": {"group": group, "version": version, "kind": resource.kind},
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs(),
    });
    add_names(&mut entry, resource);
    let subresources: Vec<Value> = subresources(resource)
        .into_iter()
        .map(|(name, group, version, kind, verbs)| {
            let response = Map::from_iter(
                [("group", group), ("version", version), ("kind", kind)]
                    .map(|(key, value)| (key.to_owned(), json!(value))),
            );
            json!({"subresource": name, "responseKind": response, "verbs": verbs})
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = json!(subresources);
    }
    entry
}
