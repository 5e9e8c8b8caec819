//! The rules of built-in kinds that their schemas cannot express.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::names;
use crate::builtin;
use crate::crd;
use crate::events_view;
use crate::field_error::FieldError;
use crate::object::{ObjectExt, set_member};
use crate::resource::{Resource, Rules};

/// Fields of an event that an update through `events.k8s.io/v1` leaves alone: stored as, reported as.
const FIXED_EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "involvedObject"),
    ("reason", "reason"),
    ("message", "message"),
    ("source", "source"),
    ("firstTimestamp", "firstTimestamp"),
    ("lastTimestamp", "lastTimestamp"),
    ("count", "count"),
    ("type", "type"),
    ("eventTime", "eventTime"),
    ("action", "action"),
    ("related", "related"),
    ("reportingComponent", "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

/// All data of a `ConfigMap` or Secret together.
const MAX_DATA: u64 = 1024 * 1024;

/// Fills in what belongs to a new object as its writer means it, who comes to own it. `generated` tells a generated name.
pub(super) fn prepare_create(resource: &Resource, new: &mut Value, generated: bool) {
    match resource.rules {
        Rules::Namespace if !generated => label_with_name(new),
        Rules::Namespace => {}
        Rules::CustomResourceDefinition => crd::default_fields(new),
        _ => prepare(resource, new),
    }
}

/// Fills in what the server adds to a new object by itself, and nobody owns.
pub(super) fn complete_create(resource: &Resource, new: &mut Value) {
    match resource.rules {
        Rules::Namespace => {
            new["spec"] = json!({"finalizers": ["kubernetes"]});
            new["status"] = json!({"phase": "Active"});
            label_with_name(new);
        }
        Rules::CustomResourceDefinition => new["status"] = crd::status::initial(new),
        _ => {}
    }
}

/// Fills in what the server adds to an object that replaces `old`.
pub(super) fn prepare_update(resource: &Resource, old: &Value, new: &mut Value) {
    match resource.rules {
        Rules::Namespace => {
            set_member(new, "spec", old.get("spec").cloned());
            label_with_name(new);
        }
        Rules::CustomResourceDefinition => crd::default_fields(new),
        _ => prepare(resource, new),
    }
}

fn prepare(resource: &Resource, new: &mut Value) {
    match resource.rules {
        Rules::Secret => {
            encode_string_data(new);
            if new["type"].as_str().unwrap_or_default().is_empty() {
                new["type"] = "Opaque".into();
            }
        }
        Rules::Event | Rules::EventView => events_view::complete(new),
        Rules::Lease if new["spec"].is_null() => new["spec"] = json!({}),
        Rules::CustomResource => {}
        _ => builtin::complete(resource, new),
    }
}

/// `stringData` is written as text and kept as `data`.
pub(super) fn encode_string_data(secret: &mut Value) {
    for (key, text) in secret["stringData"].as_object().cloned().unwrap_or_default() {
        secret["data"][key] = STANDARD.encode(text.as_str().unwrap_or_default()).into();
    }
    set_member(secret, "stringData", None);
}

/// Selectors of namespaces go by this label.
fn label_with_name(namespace: &mut Value) {
    let name = namespace.meta_str("name").to_owned();
    let labels = namespace.metadata_mut().entry("labels").or_insert_with(|| json!({}));
    labels["kubernetes.io/metadata.name"] = name.into();
}

/// What is wrong with an object by the rules of its kind. `old` is the state before an update.
pub(super) fn validate(resource: &Resource, old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    match resource.rules {
        Rules::ConfigMap | Rules::Secret => validate_data(old, new, errors),
        Rules::Lease => {
            let transitions = &new["spec"]["leaseTransitions"];
            if transitions.as_i64().is_some_and(|count| count < 0) {
                let detail = "must be greater than or equal to 0";
                errors.push(FieldError::invalid("spec.leaseTransitions", transitions, detail));
            }
            let duration = &new["spec"]["leaseDurationSeconds"];
            if duration.as_i64().is_some_and(|seconds| seconds <= 0) {
                errors.push(FieldError::invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"));
            }
        }
        Rules::Event => validate_involved(new, errors),
        Rules::EventView => validate_event(old, new, errors),
        Rules::CustomResourceDefinition => crd::validate::validate(old, new, errors),
        Rules::None | Rules::CustomResource | Rules::Namespace | Rules::Workload(_) => {}
    }
}

fn validate_data(old: Option<&Value>, new: &Value, errors: &mut Vec<FieldError>) {
    let mut size = 0;
    for field in ["data", "binaryData"] {
        for (key, value) in new[field].as_object().into_iter().flatten() {
            if !names::is_config_key(key) {
                let key_value = Value::from(key.as_str());
                errors.push(FieldError::invalid(format!("{field}[{key}]"), &key_value, names::CONFIG_KEY_RULE));
            }
            if field == "data" && new["binaryData"].get(key).is_some() {
                let detail = "duplicate of key present in binaryData";
                errors.push(FieldError::invalid(format!("data[{key}]"), &Value::from(key.as_str()), detail));
            }
            let text = value.as_str().unwrap_or_default();
            let encoded = field == "binaryData" || new.get("type").is_some();
            size += if encoded { STANDARD.decode(text).map_or(text.len(), |bytes| bytes.len()) } else { text.len() };
        }
    }
    if size as u64 > MAX_DATA {
        // The two kinds are checked by different code in Kubernetes.
        errors.push(FieldError::too_long(if new.get("type").is_some() { "data" } else { "[]" }, MAX_DATA));
    }
    let Some(old) = old else { return };
    if old["immutable"] == true {
        let detail = "field is immutable when `immutable` is set";
        for field in ["immutable", "data", "binaryData"] {
            if old[field] != new[field] {
                errors.push(FieldError::forbidden(field, detail));
            }
        }
    }
    if old["type"] != new["type"] {
        errors.push(FieldError::invalid("type", &new["type"], "field is immutable"));
    }
}

/// An event is in the namespace of what it is about; one about a cluster-scoped object is in `default`.
fn validate_involved(event: &Value, errors: &mut Vec<FieldError>) {
    let namespace = event.meta_str("namespace");
    let involved = event["involvedObject"]["namespace"].as_str().unwrap_or_default();
    let agrees = if involved.is_empty() { namespace == "default" } else { involved == namespace };
    if !agrees {
        let detail = "does not match event.namespace";
        errors.push(FieldError::invalid("involvedObject.namespace", &json!(involved), detail));
    }
}

/// `events.k8s.io/v1` asks for more than `v1`. An update may only move a series on.
fn validate_event(old: Option<&Value>, event: &Value, errors: &mut Vec<FieldError>) {
    if let Some(old) = old {
        for (stored, name) in FIXED_EVENT_FIELDS.iter().filter(|(stored, _)| old[stored] != event[stored]) {
            errors.push(FieldError::invalid(*name, &event[stored], "field is immutable"));
        }
        return;
    }
    if event["eventTime"].is_null() {
        errors.push(FieldError::required("eventTime", ""));
        return;
    }
    let fields = [
        ("reportingController", "reportingComponent", 253),
        ("reportingInstance", "reportingInstance", 128),
        ("action", "action", 128),
        ("reason", "reason", 128),
    ];
    for (name, stored, max) in fields {
        let text = event[stored].as_str().unwrap_or_default();
        if text.is_empty() {
            errors.push(FieldError::required(name, ""));
        } else if text.chars().count() > max {
            errors.push(FieldError::invalid(name, &json!(""), &format!("can have at most {max} characters")));
        }
    }
    if !matches!(event["type"].as_str(), Some("Normal" | "Warning")) {
        let value = event["type"].as_str().unwrap_or_default();
        errors.push(FieldError::invalid("type", &json!(""), &format!("has invalid value: {value}")));
    }
    if event["message"].as_str().is_some_and(|note| note.chars().count() > 1024) {
        errors.push(FieldError::invalid("message", &json!(""), "can have at most 1024 characters"));
    }
    validate_involved(event, errors);
}
