//! The scale subresource: a replica count, wherever the kind keeps it.

use std::sync::Arc;

use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::objects::not_allowed;
use super::{ResourceRequest, response};
use crate::cluster::Cluster;
use crate::field_error::FieldError;
use crate::patch::{json_patch, merge};
use crate::request::body;
use crate::request::query::WriteOptions;
use crate::resource::ScalePaths;
use crate::selector::selector_text;
use crate::status::{Reason, Refusal};
use crate::store::Object;
use crate::write::{Part, PatchFormat, Writer};

pub(super) fn answer(request: &ResourceRequest<'_>, name: &str) -> Result<Response, Refusal> {
    let Some(paths) = &request.resource.scale else {
        return Err(not_allowed(request));
    };
    let at = Cluster::at(&request.resource, request.address.namespace.as_deref(), name);
    let builtin = !request.resource.is_custom();
    let mut cluster = request.server.cluster();
    let current = cluster.get(&request.resource, &at)?;
    let scale = match request.method {
        Method::GET => return Ok(response::json(StatusCode::OK, &scale(paths, builtin, &current, true)?)),
        Method::PUT => super::body::object(request)?.value,
        Method::PATCH => patched(request, scale(paths, builtin, &current, false)?)?,
        _ => return Err(not_allowed(request)),
    };
    let replicas = wanted_replicas(&scale)?;
    if builtin && replicas < 0 {
        let error = FieldError::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(Refusal::invalid_scale(name, error));
    }
    let mut value = current.value.clone();
    if let Some(version) = scale["metadata"]["resourceVersion"].as_str() {
        value["metadata"]["resourceVersion"] = version.into();
    }
    // Validation of the CRD admits only paths of fields here.
    for_path(&mut value, &paths.spec_replicas.fields().unwrap_or_default(), replicas);
    let options = WriteOptions::parse(&request.query, "PatchOptions", request.user_agent(), false)?;
    let writer = Writer { manager: options.manager, dry_run: options.dry_run };
    let updated = cluster.update(&request.resource, &at, value, Part::Scale, false, &writer)?;
    Ok(response::json(StatusCode::OK, &self::scale(paths, builtin, &updated.object, true)?))
}

/// None is as good as 0, which is never written.
fn wanted_replicas(scale: &Value) -> Result<i64, Refusal> {
    match &scale["spec"]["replicas"] {
        Value::Null => Ok(0),
        replicas => replicas.as_i64().ok_or_else(|| Refusal::bad_request("spec.replicas must be an integer")),
    }
}

fn patched(request: &ResourceRequest<'_>, mut scale: Value) -> Result<Value, Refusal> {
    let patch = body::decode_json(&request.body).map_err(Refusal::bad_request)?.value;
    match PatchFormat::parse(request.media_type(), &request.resource)? {
        PatchFormat::Merge | PatchFormat::Strategic => merge::merge(&mut scale, &patch),
        PatchFormat::Json => {
            json_patch::apply(&mut scale, &patch).map_err(|error| Refusal::bad_request(error.to_string()))?;
        }
        PatchFormat::Apply => {
            let message = "server-side apply is not supported on the scale subresource";
            return Err(Refusal::new(Reason::UnsupportedMediaType, message));
        }
    }
    Ok(scale)
}

/// The `Scale` of an object. Kinds that are built in keep their selector as an object. Reading fails when there is no
/// replica count; writing may set the first one.
fn scale(paths: &ScalePaths, builtin: bool, object: &Arc<Object>, strict: bool) -> Result<Value, Refusal> {
    let metadata = &object.value["metadata"];
    let mut own = json!({});
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = metadata.get(key) {
            own[key] = value.clone();
        }
    }
    let replicas = paths.spec_replicas.find(&object.value).first().map(|value| (*value).clone());
    if replicas.is_none() && strict {
        let path = paths.spec_replicas.fields().unwrap_or_default().join(".");
        let cause = format!("the spec replicas field \".{path}\" does not exist");
        return Err(Refusal::new(Reason::InternalError, format!("Internal error occurred: {cause}"))
            .with_details(json!({"causes": [{"message": cause}]})));
    }
    let current = paths.status_replicas.find(&object.value).first().map_or(json!(0), |value| (*value).clone());
    let mut status = json!({"replicas": current});
    if let Some(selector) = paths.selector.as_ref().and_then(|path| path.find(&object.value).first().copied()) {
        status["selector"] = selector.clone();
    } else if let Some(selector) = object.value.pointer("/spec/selector").filter(|_| builtin) {
        status["selector"] = selector_text(selector).into();
    }
    let replicas = replicas.filter(|replicas| *replicas != 0);
    let spec = replicas.map_or_else(|| json!({}), |replicas| json!({"replicas": replicas}));
    Ok(json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": own, "spec": spec, "status": status}))
}

fn for_path(value: &mut Value, path: &[&str], replicas: i64) {
    let mut place = value;
    for field in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[*field];
    }
    *place = json!(replicas);
}
