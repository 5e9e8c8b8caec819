//! Cells of the tables of built-in kinds that are computed from more than one field.

use serde_json::{Value, json};

use crate::table::columns::age_of;

/// Number of entries of a `ConfigMap` or Secret.
pub(super) fn data_count(object: &Value) -> Value {
    let count = |key: &str| object[key].as_object().map_or(0, serde_json::Map::len);
    json!(count("data") + count("binaryData"))
}

/// How long ago an event was last seen, whichever of its times says so.
pub(super) fn last_seen(event: &Value) -> Value {
    let times = [&event["series"]["lastObservedTime"], &event["lastTimestamp"], &event["eventTime"]];
    let time = times.into_iter().find_map(Value::as_str);
    json!(time.or(event["metadata"]["creationTimestamp"].as_str()).map_or_else(|| "<unknown>".to_owned(), age_of))
}

/// `kind/name` of what an event is about.
pub(super) fn involved_object(event: &Value) -> Value {
    let object = &event["involvedObject"];
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    json!(format!("{kind}/{}", object["name"].as_str().unwrap_or_default()))
}

/// `ready/wanted` replicas.
pub(super) fn ready_replicas(object: &Value) -> Value {
    let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
    json!(format!("{ready}/{}", object["spec"]["replicas"].as_u64().unwrap_or(1)))
}

/// `Kind/name` of the role that a binding grants.
pub(super) fn role(binding: &Value) -> Value {
    let role = &binding["roleRef"];
    let part = |key: &str| role[key].as_str().unwrap_or_default();
    json!(format!("{}/{}", part("kind"), part("name")))
}
