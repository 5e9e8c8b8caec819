//! Replica sets: all replicas are available.

use serde_json::{Value, json};

use super::{count, observed, replicas};

pub(super) fn status(replica_set: &Value, _now: &str) -> Value {
    let mut status = observed(replica_set);
    let replicas = replicas(replica_set);
    count(&mut status, &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], replicas);
    // This counter alone is never left out.
    status["replicas"] = json!(replicas);
    status["terminatingReplicas"] = json!(0);
    status
}
