//! Create, update, patch and delete.

use axum::response::Response;
use http::StatusCode;
use serde_json::Value;

use super::read::{self, Page};
use super::{ResourceRequest, body, response};
use crate::cluster::Cluster;
use crate::request::query::{ListOptions, WriteOptions};
use crate::resource::Resource;
use crate::selector::Filter;
use crate::status::{self, Refusal};
use crate::store::ObjectRef;
use crate::write::decode::{Decoded, decode};
use crate::write::{DeleteOptions, Deleted, Part, PatchFormat, Writer, Written, bytes};

fn options(request: &ResourceRequest<'_>, kind: &str, apply: bool) -> Result<(WriteOptions, Writer), Refusal> {
    let options = WriteOptions::parse(&request.query, kind, request.user_agent(), apply)?;
    let writer = Writer { manager: options.manager.clone(), dry_run: options.dry_run };
    Ok((options, writer))
}

fn place(request: &ResourceRequest<'_>, name: &str) -> ObjectRef {
    Cluster::at(&request.resource, request.address.namespace.as_deref(), name)
}

fn decoded(request: &ResourceRequest<'_>, options: &WriteOptions) -> Result<Decoded, Refusal> {
    let decoded = decode(&request.resource, body::object(request)?, options.field_validation)?;
    bytes::check(&request.resource, &decoded.value)?;
    Ok(decoded)
}

pub(super) fn create(request: &ResourceRequest<'_>) -> Result<Response, Refusal> {
    let (options, writer) = options(request, "CreateOptions", false)?;
    let Decoded { value, warnings } = decoded(request, &options)?;
    let namespace = request.address.namespace.as_deref();
    let created = request.server.cluster().create(&request.resource, namespace, value, false, &writer);
    answer(request, StatusCode::CREATED, created, warnings)
}

pub(super) fn update(request: &ResourceRequest<'_>, name: &str, part: Part) -> Result<Response, Refusal> {
    let (options, writer) = options(request, "UpdateOptions", false)?;
    let Decoded { value, warnings } = decoded(request, &options)?;
    let at = place(request, name);
    let updated = request.server.cluster().update(&request.resource, &at, value, part, false, &writer);
    answer(request, StatusCode::OK, updated, warnings)
}

/// Answers with what was written. Warnings about the request come before those about the object.
fn answer(
    request: &ResourceRequest<'_>,
    status: StatusCode,
    written: Result<Written, Refusal>,
    mut warnings: Vec<String>,
) -> Result<Response, Refusal> {
    let Written { object, warnings: more } = match written {
        Ok(written) => written,
        Err(refusal) => {
            warnings.extend_from_slice(refusal.warnings());
            return Err(refusal.with_warnings(warnings));
        }
    };
    warnings.extend(more);
    Ok(response::object(request, status, &object, &warnings))
}

pub(super) fn patch(request: &ResourceRequest<'_>, name: &str, part: Part) -> Result<Response, Refusal> {
    let format = PatchFormat::parse(request.media_type(), &request.resource)?;
    let (options, _) = options(request, "PatchOptions", format == PatchFormat::Apply)?;
    let at = place(request, name);
    let patched = request.server.cluster().patch(&request.resource, &at, part, format, &request.body, &options)?;
    let status = if patched.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(response::object(request, status, &patched.written.object, &patched.written.warnings))
}

pub(super) fn delete(request: &ResourceRequest<'_>, name: &str) -> Result<Response, Refusal> {
    let options = delete_options(request)?;
    let at = place(request, name);
    let deleted = request.server.cluster().delete(&request.resource, &at, &options)?;
    Ok(match deleted {
        Deleted::Gone(object) if returns_deleted(&request.resource) => {
            response::object(request, StatusCode::OK, &object, &[])
        }
        Deleted::Gone(object) => {
            let uid = object.value["metadata"]["uid"].as_str().unwrap_or_default();
            response::json(StatusCode::OK, &status::deleted(&request.resource, name, uid))
        }
        Deleted::Waiting(object) => response::object(request, StatusCode::OK, &object, &[]),
    })
}

/// Deletes what a list would show, and answers that list.
pub(super) fn delete_collection(request: &ResourceRequest<'_>) -> Result<Response, Refusal> {
    let options = delete_options(request)?;
    let list_options = ListOptions::parse(&request.query)?;
    let resource = &request.resource;
    let filter = Filter::parse(resource, request.address.namespace.as_deref(), &list_options)?;
    let mut cluster = request.server.cluster();
    let selected: Vec<ObjectRef> = {
        let collection = cluster.store.collection(&resource.collection);
        let objects = collection.into_iter().flat_map(|collection| collection.objects(filter.namespace.as_deref()));
        let objects = objects.filter(|(namespace, name, object)| filter.matches_named(namespace, name, &object.value));
        objects.map(|(namespace, name, _)| Cluster::at(resource, Some(namespace), name)).collect()
    };
    let mut objects = Vec::new();
    for at in selected {
        // An earlier delete may have taken this one with it.
        if cluster.store.get(&at).is_some() {
            match cluster.delete(resource, &at, &options)? {
                Deleted::Gone(object) | Deleted::Waiting(object) => objects.push(object),
            }
        }
    }
    let revision = Value::from(cluster.store.revision().to_string());
    drop(cluster);
    let metadata = [("resourceVersion".to_owned(), revision)].into_iter().collect();
    Ok(read::answer(request, &Page { objects, metadata }))
}

fn delete_options(request: &ResourceRequest<'_>) -> Result<DeleteOptions, Refusal> {
    let body = if request.body.is_empty() { Value::Null } else { body::object(request)?.value };
    DeleteOptions::parse(&request.query, &body)
}

/// A few built-in kinds answer a delete with the object instead of a `Status`.
fn returns_deleted(resource: &Resource) -> bool {
    matches!(&*resource.collection, "pods" | "services" | "serviceaccounts" | "persistentvolumeclaims")
}
