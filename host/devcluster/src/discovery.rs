//! Discovery: which groups, versions and resources there are, plain and aggregated.

use serde_json::{Map, Value, json};

use crate::api::{REVIEW_VERSION, REVIEWS};
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
    groups.extend(review_groups().into_iter().map(review_group_entry));
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/apis/<group>`.
pub(crate) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let mut group = match review_groups().into_iter().find(|group| *group == name) {
        Some(group) => review_group_entry(group),
        None => group_entry(registry, name)?,
    };
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

/// Groups that have reviews and nothing else.
fn review_groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = REVIEWS.iter().map(|review| review.group).collect();
    groups.dedup();
    groups
}

fn review_group_entry(group: &str) -> Value {
    let version = GroupVersion { group: group.to_owned(), version: REVIEW_VERSION.to_owned() };
    let version = version_entry(&version);
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

/// `/api/v1` and `/apis/<group>/<version>`.
pub(crate) fn resources(registry: &Registry, group_version: &GroupVersion) -> Option<Value> {
    let reviews =
        REVIEWS.iter().filter(|review| review.group == group_version.group && group_version.version == REVIEW_VERSION);
    let mut resources: Vec<Value> = reviews
        .map(|review| {
            json!({
                "name": review.plural, "singularName": review.singular, "namespaced": false, "kind": review.kind,
                "verbs": ["create"],
            })
        })
        .collect();
    if resources.is_empty() {
        resources = registry.resources(group_version)?.flat_map(|resource| resource_entries(resource)).collect();
    }
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

/// Name, group, version, kind and verbs of the subresources, in the order in which Kubernetes lists them.
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
    if !resource.is_custom() {
        found.sort_unstable_by_key(|&(name, ..)| name);
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
        items.extend(review_groups().into_iter().map(aggregated_reviews));
    }
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated_reviews(group: &str) -> Value {
    let reviews = REVIEWS.iter().filter(|review| review.group == group);
    let resources = reviews.map(|review| {
        json!({
            "resource": review.plural,
            "responseKind": {"group": group, "version": REVIEW_VERSION, "kind": review.kind},
            "scope": "Cluster",
            "singularResource": review.singular,
            "verbs": ["create"],
        })
    });
    let version = json!({
        "version": REVIEW_VERSION, "resources": resources.collect::<Vec<_>>(), "freshness": "Current",
    });
    json!({"metadata": {"name": group}, "versions": [version]})
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
