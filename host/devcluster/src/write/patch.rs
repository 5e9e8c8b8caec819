//! Patch: the new state is computed from the current one, then written as an update.

use std::sync::Arc;

use serde_json::{Value, json};

use super::decode::{Decoded, decode, drop_nulls, kind_fields, unreadable};
use super::{Part, Writer, Written, rules};
use crate::apply::{ApplyError, Operation, changes};
use crate::builtin::fields::{self, WrongType};
use crate::cluster::Cluster;
use crate::encode::Encoder;
use crate::events_view;
use crate::field_error::FieldError;
use crate::object::{MAX_LEVELS, ObjectExt, levels, now};
use crate::patch::{json_patch, json_patch::JsonPatchError, merge, strategic};
use crate::request::body::{self, Body};
use crate::request::query::{FieldValidation, WriteOptions};
use crate::resource::{Resource, Rules};
use crate::status::{Reason, Refusal};
use crate::store::{Object, ObjectRef};

/// The formats of a patch, by media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchFormat {
    Apply,
    Json,
    Merge,
    Strategic,
}

impl PatchFormat {
    /// Reads the media type. Strategic merge needs the types of built-in kinds, so that custom resources refuse it.
    pub(crate) fn parse(media_type: &str, resource: &Resource) -> Result<Self, Refusal> {
        match media_type {
            "application/apply-patch+yaml" => Ok(Self::Apply),
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" if !resource.is_custom() => Ok(Self::Strategic),
            _ if resource.is_custom() => {
                let message = "the body of the request was in an unknown format - accepted media types include: \
                               application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
                Err(Refusal::new(Reason::UnsupportedMediaType, message))
            }
            // Built-in kinds are served through a router that looks at the media type by itself.
            _ => Err(Refusal::new(Reason::UnsupportedMediaType, "415: Unsupported Media Type").with_details(json!({}))),
        }
    }
}

/// An object after a patch.
#[derive(Debug)]
pub(crate) struct Patched {
    pub(crate) written: Written,
    pub(crate) created: bool,
}

impl Cluster {
    pub(crate) fn patch(
        &mut self,
        resource: &Arc<Resource>,
        at: &ObjectRef,
        part: Part,
        format: PatchFormat,
        bytes: &[u8],
        options: &WriteOptions,
    ) -> Result<Patched, Refusal> {
        let writer = Writer { manager: options.manager.clone(), dry_run: options.dry_run };
        if format == PatchFormat::Apply {
            return self.apply(resource, at, part, bytes, options, &writer);
        }
        let current = self.get(resource, at)?;
        let mut value = Encoder::new(Arc::clone(resource)).value(&current);
        let duplicates = patch_value(resource, format, &mut value, bytes)?;
        let patched = value.clone();
        let Decoded { value, warnings } = decode(resource, Body { value, duplicates }, options.field_validation)
            .map_err(|refusal| Refusal::unreadable_patched(&patched, &refusal.to_string()))?;
        check_uid(resource, at, &current.value, &value)?;
        let mut written = self.update(resource, at, value, part, false, &writer)?;
        written.warnings.splice(..0, warnings);
        Ok(Patched { written, created: false })
    }

    fn apply(
        &mut self,
        resource: &Arc<Resource>,
        at: &ObjectRef,
        part: Part,
        bytes: &[u8],
        options: &WriteOptions,
        writer: &Writer,
    ) -> Result<Patched, Refusal> {
        let mut body =
            body::decode(bytes).map_err(|error| Refusal::bad_request(format!("error decoding YAML: {error}")))?;
        if options.field_validation == FieldValidation::Strict && !body.duplicates.is_empty() {
            let duplicates = std::mem::take(&mut body.duplicates);
            return Err(Refusal::bad_request(format!(
                "error strict decoding YAML: duplicate {}",
                duplicates.join(", ")
            )));
        }
        let config = self.applied_configuration(resource, at, part, &body.value)?;
        let live = self.store.get(at).cloned();
        let brought_up = live.as_deref().map(|live| self.registry.brought_up(resource, live));
        let manager = writer.as_manager(resource, Operation::Apply, part);
        let schema = resource.storage_schema();
        let applied = match changes::apply(brought_up.as_deref(), &config, schema, &manager, options.force, &now()) {
            Err(ApplyError::Untyped(cause)) => return Err(untyped(&body.value, &cause)),
            Err(ApplyError::Conflict(refusal)) => Err(refusal),
            Ok(value) => Ok(value),
        };
        // What is no object of its kind is told before what is in its way.
        check_kind_fields(resource, &body.value)?;
        let mut value = applied?;
        crate::schema::defaults::apply_defaults(&mut value, schema);
        let (written, created) = match live {
            Some(live) => {
                check_uid(resource, at, &live.value, &value)?;
                (self.update(resource, at, value, part, true, writer)?, false)
            }
            None if part == Part::Main => {
                value.metadata_mut().remove("uid");
                let namespace = resource.namespaced.then_some(at.namespace.as_str());
                (self.create(resource, namespace, value, true, writer)?, true)
            }
            None => return Err(Refusal::not_found(resource, &at.name)),
        };
        Ok(Patched { written, created })
    }

    /// Checks an applied configuration and reduces it to what this part of the object can own.
    fn applied_configuration(
        &self,
        resource: &Resource,
        at: &ObjectRef,
        part: Part,
        sent: &Value,
    ) -> Result<Value, Refusal> {
        if levels(sent) > MAX_LEVELS {
            return Err(Refusal::too_deep());
        }
        if sent["apiVersion"] != resource.api_version() || sent["kind"] != resource.kind {
            return Err(Refusal::bad_request(format!("invalid object type: {}", type_name(sent))));
        }
        if sent["metadata"].get("managedFields").is_some_and(|fields| !fields.is_null()) {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        let name = sent.meta_str("name");
        if !name.is_empty() && name != at.name {
            let expected = &at.name;
            let message = format!("the name of the object ({name}) does not match the name on the URL ({expected})");
            return Err(Refusal::bad_request(message));
        }
        let mut config = sent.clone();
        if !resource.is_custom() {
            // Custom objects keep them where their schema says so.
            drop_nulls(&mut config);
        }
        let version = config.meta_str("resourceVersion").to_owned();
        let stale = |live: &Arc<Object>| live.value.meta_str("resourceVersion") != version;
        if !version.is_empty() && self.store.get(at).is_none_or(stale) {
            return Err(Refusal::modified(resource, &at.name));
        }
        let uid = config.meta_str("uid");
        if !uid.is_empty() && self.store.get(at).is_none() {
            let cause =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(Refusal::conflict(resource, &at.name, &cause));
        }
        if resource.rules == Rules::EventView {
            events_view::to_core(&mut config);
        }
        if let Value::Object(map) = &mut config {
            map.remove("apiVersion");
            map.remove("kind");
            match part {
                Part::Status => map.retain(|key, _| key == "status" || key == "metadata"),
                _ if resource.status => drop(map.remove("status")),
                _ => {}
            }
        }
        let metadata = config.metadata_mut();
        if part == Part::Status {
            metadata.clear();
        }
        metadata.insert("name".into(), at.name.clone().into());
        if resource.namespaced {
            let namespace = metadata.entry("namespace").or_insert_with(|| json!(at.namespace));
            if *namespace != json!(at.namespace) {
                let message = "the namespace of the provided object does not match the namespace sent on the request";
                return Err(Refusal::bad_request(message));
            }
        }
        if resource.rules == Rules::Secret && config.get("stringData").is_some() {
            rules::encode_string_data(&mut config);
        }
        Ok(config)
    }
}

/// Applies a patch to the object as the client sees it. Returns the duplicate keys of the patch itself.
fn patch_value(
    resource: &Resource,
    format: PatchFormat,
    value: &mut Value,
    bytes: &[u8],
) -> Result<Vec<String>, Refusal> {
    let body = body::decode_json(bytes).map_err(|error| match format {
        PatchFormat::Merge => Refusal::bad_request("invalid JSON patch"),
        _ => unreadable(resource, &error, bytes),
    })?;
    match format {
        PatchFormat::Merge => merge::merge(value, &body.value),
        PatchFormat::Strategic => {
            strategic::merge(value, &body.value, Some(&resource.schema)).map_err(Refusal::unclassified)?;
        }
        PatchFormat::Json => {
            json_patch::apply(value, &body.value).map_err(|error| match error {
                JsonPatchError::DoesNotFit { .. } => {
                    let message = "the server rejected our request due to an error in our request";
                    Refusal::new(Reason::Invalid, message).with_details(json!({}))
                }
                JsonPatchError::Malformed(_) => Refusal::bad_request(error.to_string()),
                JsonPatchError::TooManyOperations(_) => Refusal::new(Reason::RequestEntityTooLarge, error.to_string()),
            })?;
            return Ok(Vec::new());
        }
        // Apply has its own way.
        PatchFormat::Apply => {}
    }
    if !value.is_object() {
        return Err(Refusal::bad_request("the patch does not result in an object"));
    }
    Ok(body.duplicates)
}

/// A patch may say which object it means. One that has another's name meanwhile is refused otherwise than at a PUT.
fn check_uid(resource: &Resource, at: &ObjectRef, live: &Value, patched: &Value) -> Result<(), Refusal> {
    let uid = patched.meta_str("uid");
    if uid.is_empty() || uid == live.meta_str("uid") {
        return Ok(());
    }
    let error = FieldError::invalid("metadata.uid", &json!(uid), "field is immutable");
    Err(Refusal::invalid(resource, &at.name, &[error]))
}

/// Refuses the fields that a built-in kind has not got where its schema is open.
fn check_kind_fields(resource: &Resource, sent: &Value) -> Result<(), Refusal> {
    let Some(message) = kind_fields(resource) else { return Ok(()) };
    let mut unknown = Vec::new();
    let lists = Some(&resource.schema);
    fields::prune(message, &mut sent.clone(), lists, &mut unknown).map_err(|WrongType { found, path, wanted }| {
        untyped(sent, &format!(".{path}: expected {wanted}, got {found}"))
    })?;
    match unknown.first() {
        Some(path) => Err(untyped(sent, &format!(".{path}: field not declared in schema"))),
        None => Ok(()),
    }
}

/// An applied configuration that is none of its kind.
fn untyped(sent: &Value, cause: &str) -> Refusal {
    let (namespace, name, kind) = (sent.meta_str("namespace"), sent.meta_str("name"), type_name(sent));
    Refusal::unclassified(format!("failed to create typed patch object ({namespace}/{name}; {kind}): {cause}"))
}

/// Group, version and kind of an object as Kubernetes prints them: `/v1, Kind=ConfigMap`.
fn type_name(object: &Value) -> String {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let slash = if version.contains('/') { "" } else { "/" };
    format!("{slash}{version}, Kind={}", object["kind"].as_str().unwrap_or_default())
}
