//! Deployments: rolled out, with all replicas available.

use serde_json::{Value, json};

use super::conditions::{self, Condition};
use super::{count, observed, replicas};
use crate::object::ObjectExt;

pub(super) fn status(deployment: &Value, now: &str) -> Value {
    let mut status = observed(deployment);
    let counters = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
    count(&mut status, &counters, replicas(deployment));
    count(&mut status, &["unavailableReplicas"], 0);
    status["terminatingReplicas"] = json!(0);
    let message = format!("Deployment {:?} has successfully progressed.", deployment.meta_str("name"));
    let progressing = if deployment["spec"]["paused"] == true {
        Condition::new("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    } else {
        Condition::new("Progressing", "True", "NewReplicaSetAvailable", &message)
    };
    let text = "Deployment has minimum availability.";
    let available = Condition::new("Available", "True", "MinimumReplicasAvailable", text);
    for condition in [available, progressing] {
        conditions::set(&mut status, &condition, Some("lastUpdateTime"), now);
    }
    status
}
