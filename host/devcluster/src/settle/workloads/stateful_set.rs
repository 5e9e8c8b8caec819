//! Stateful sets: all replicas are available and of the newest revision.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::{count, observed, replicas};
use crate::object::ObjectExt;

pub(super) fn status(stateful_set: &Value, _now: &str) -> Value {
    let mut status = observed(stateful_set);
    let replicas = replicas(stateful_set);
    count(&mut status, &["readyReplicas", "currentReplicas", "updatedReplicas"], replicas);
    // These two are never left out.
    status["replicas"] = json!(replicas);
    status["availableReplicas"] = json!(replicas);
    status["collisionCount"] = json!(0);
    let revision = revision(stateful_set);
    status["currentRevision"] = revision.clone().into();
    status["updateRevision"] = revision.into();
    status
}

/// The name that a `ControllerRevision` of the template would have: one name per template.
fn revision(stateful_set: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    stateful_set["spec"]["template"].to_string().hash(&mut hasher);
    format!("{}-{:010x}", stateful_set.meta_str("name"), hasher.finish() & 0xff_ffff_ffff)
}
