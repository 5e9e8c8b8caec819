//! Daemon sets: ready on every node of a cluster that is taken to have one.

use serde_json::{Value, json};

use super::{count, observed};

/// There are no nodes here. One is what the smallest cluster has.
const NODES: u64 = 1;

pub(super) fn status(daemon_set: &Value, _now: &str) -> Value {
    let mut status = observed(daemon_set);
    for counter in ["currentNumberScheduled", "desiredNumberScheduled", "numberReady"] {
        status[counter] = json!(NODES);
    }
    status["numberMisscheduled"] = json!(0);
    count(&mut status, &["updatedNumberScheduled", "numberAvailable"], NODES);
    count(&mut status, &["numberUnavailable"], 0);
    status
}
