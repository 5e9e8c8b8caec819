//! `OpenAPI` v3: enough for clients to validate objects, explain fields and see which options a write has.

mod types;

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value, json};

use crate::builtin::messages::MESSAGES;
use crate::registry::Registry;
use crate::request::path::GroupVersion;
use crate::resource::Resource;
use crate::schema;

const METADATA_NAME: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// `/openapi/v3`: one document per group and version. The hash in its URL changes with the document.
pub(crate) fn index(registry: &Registry) -> Value {
    let versions = registry.groups().flat_map(|group| registry.versions(group));
    let paths: Map<String, Value> = versions
        .filter_map(|group_version| {
            let path = prefix(group_version);
            let mut hasher = DefaultHasher::new();
            document(registry, group_version)?.to_string().hash(&mut hasher);
            let url = format!("/openapi/v3/{path}?hash={:016X}", hasher.finish());
            Some((path, json!({"serverRelativeURL": url})))
        })
        .collect();
    json!({"paths": paths})
}

fn prefix(group_version: &GroupVersion) -> String {
    let root = if group_version.group.is_empty() { "api" } else { "apis" };
    format!("{root}/{}", group_version.api_version())
}

/// The document of one group and version, if it is served.
pub(crate) fn document(registry: &Registry, group_version: &GroupVersion) -> Option<Value> {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for resource in registry.resources(group_version)? {
        add_paths(resource, &mut paths);
        let schema = schema_of(resource, &mut schemas);
        schemas.insert(schema_name(resource), schema);
        schemas.insert(format!("{}List", schema_name(resource)), list_schema(resource));
    }
    schemas.insert(METADATA_NAME.to_owned(), schema::METADATA_DOCUMENT.clone());
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

/// `example.demo.v1.Widget` for custom resources, `io.k8s.api.core.v1.ConfigMap` for built-in ones.
fn schema_name(resource: &Resource) -> String {
    let GroupVersion { group, version } = &resource.group_version;
    if resource.is_custom() {
        let reversed: Vec<&str> = group.rsplit('.').collect();
        return format!("{}.{version}.{}", reversed.join("."), resource.kind);
    }
    let short = group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
    format!("io.k8s.api.{short}.{version}.{}", resource.kind)
}

fn group_version_kind(resource: &Resource, kind: &str) -> Value {
    let GroupVersion { group, version } = &resource.group_version;
    json!({"group": group, "version": version, "kind": kind})
}

fn schema_of(resource: &Resource, schemas: &mut Map<String, Value>) -> Value {
    let message = MESSAGES.kind(&resource.api_version(), &resource.kind).filter(|_| !resource.is_custom());
    let mut document = match message {
        Some(message) => types::schema(message, schemas),
        None => resource.document.clone(),
    };
    let string = |description: &str| json!({"type": "string", "description": description});
    document["properties"]["apiVersion"] = string("The API version of this object.");
    document["properties"]["kind"] = string("The kind of this object.");
    document["properties"]["metadata"] = json!({
        "description": "Standard object metadata.",
        "allOf": [{"$ref": reference(METADATA_NAME)}],
    });
    document["x-kubernetes-group-version-kind"] = json!([group_version_kind(resource, &resource.kind)]);
    document
}

fn list_schema(resource: &Resource) -> Value {
    json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "items": {"type": "array", "items": {"$ref": reference(&schema_name(resource))}},
        },
        "x-kubernetes-group-version-kind": [group_version_kind(resource, &resource.list_kind)],
    })
}

fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn add_paths(resource: &Resource, paths: &mut Map<String, Value>) {
    let scope = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
    let collection = format!("/{}{scope}/{}", prefix(&resource.group_version), resource.plural);
    let operation = |action: &str, parameters: &[&str]| operation(resource, action, parameters);
    let write = ["dryRun", "fieldManager", "fieldValidation"];
    let patch = ["dryRun", "fieldManager", "fieldValidation", "force"];
    let delete = ["dryRun", "gracePeriodSeconds", "propagationPolicy"];
    paths.insert(
        collection.clone(),
        json!({
            "get": operation("list", &["labelSelector", "fieldSelector", "limit", "continue", "watch"]),
            "post": operation("post", &write),
            "delete": operation("deletecollection", &delete),
        }),
    );
    let object = format!("{collection}/{{name}}");
    let read_write = || {
        json!({
            "get": operation("get", &[]), "put": operation("put", &write), "patch": operation("patch", &patch),
        })
    };
    let mut main = read_write();
    main["delete"] = operation("delete", &delete);
    if resource.status {
        paths.insert(format!("{object}/status"), read_write());
    }
    paths.insert(object, main);
}

fn operation(resource: &Resource, action: &str, parameters: &[&str]) -> Value {
    let own = json!({"schema": {"$ref": reference(&schema_name(resource))}});
    let boolean = ["force", "watch"];
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| {
            let ty = if boolean.contains(name) { "boolean" } else { "string" };
            json!({"name": name, "in": "query", "schema": {"type": ty, "uniqueItems": true}})
        })
        .collect();
    let mut operation = json!({
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {"application/json": own}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": group_version_kind(resource, &resource.kind),
    });
    let body = match action {
        "post" | "put" => json!({"application/json": own, "application/yaml": own}),
        "patch" => {
            // The strategic merge patch of built-in kinds is not named: `kubectl apply` would compute it from the schemas
            // here, which do not say how each list merges, instead of from the types that it has itself.
            let patch = json!({"schema": {"type": "object"}});
            json!({
                "application/apply-patch+yaml": patch,
                "application/json-patch+json": patch,
                "application/merge-patch+json": patch,
            })
        }
        _ => return operation,
    };
    operation["requestBody"] = json!({"content": body, "required": true});
    operation
}
