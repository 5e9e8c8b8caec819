//! Pods: scheduled, initialized and running, with every container ready.
//!
//! They have no node and no address: there is nothing that a connection could reach.

use serde_json::{Value, json};

use super::conditions::{self, Condition};
use super::observed;
use crate::object::set_member;

pub(super) fn status(pod: &Value, now: &str) -> Value {
    let mut status = observed(pod);
    if matches!(status["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return status;
    }
    let spec = &pod["spec"];
    status["qosClass"] = quality_of_service(spec).into();
    if spec["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
        status["phase"] = "Pending".into();
        let message = "Scheduling is blocked due to non-empty scheduling gates";
        let gated = Condition::new("PodScheduled", "False", "SchedulingGated", message);
        conditions::set(&mut status, &gated, None, now);
        return status;
    }
    status["phase"] = "Running".into();
    if status.get("startTime").is_none() {
        status["startTime"] = now.into();
    }
    for ty in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"] {
        conditions::set(&mut status, &Condition::new(ty, "True", "", ""), None, now);
    }
    for (list, statuses, initial) in
        [("initContainers", "initContainerStatuses", true), ("containers", "containerStatuses", false)]
    {
        let known = status[statuses].as_array().cloned().unwrap_or_default();
        let containers = spec[list].as_array().map(Vec::as_slice).unwrap_or_default();
        let all: Vec<Value> = containers.iter().map(|one| container_status(one, initial, &known, now)).collect();
        set_member(&mut status, statuses, (!all.is_empty()).then(|| all.into()));
    }
    status
}

/// A container that runs, or that had its turn before the others. `known` are the statuses so far.
fn container_status(container: &Value, initial: bool, known: &[Value], now: &str) -> Value {
    let known = known.iter().find(|status| status["name"] == container["name"]);
    // An initial container that restarts always is one that runs beside the others.
    let ends = initial && container["restartPolicy"] != "Always";
    let state = match known.map(|status| &status["state"]) {
        Some(state) if state.get("running").is_some() && !ends => state.clone(),
        _ if ends => {
            json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}})
        }
        _ => json!({"running": {"startedAt": now}}),
    };
    let image = container["image"].as_str().unwrap_or_default();
    json!({
        "name": container["name"],
        "image": image,
        "imageID": image,
        "ready": true,
        "started": !ends,
        "restartCount": known.and_then(|status| status["restartCount"].as_u64()).unwrap_or(0),
        "state": state,
        "lastState": {},
    })
}

/// `Guaranteed` when every container has the same limits and requests of both processor and memory, `BestEffort` when no
/// container says anything about them.
fn quality_of_service(spec: &Value) -> &'static str {
    let lists = [&spec["initContainers"], &spec["containers"]];
    let containers: Vec<&Value> = lists.into_iter().filter_map(Value::as_array).flatten().collect();
    let guaranteed = |resources: &Value, name: &str| {
        let limit = &resources["limits"][name];
        // Requests that are not given are the limits.
        !limit.is_null() && resources["requests"].get(name).is_none_or(|request| request == limit)
    };
    let named = ["cpu", "memory"];
    if containers.iter().all(|container| named.iter().all(|name| guaranteed(&container["resources"], name))) {
        return "Guaranteed";
    }
    let says_something = |container: &&Value| {
        let resources = &container["resources"];
        ["limits", "requests"].iter().any(|kind| named.iter().any(|name| resources[kind].get(name).is_some()))
    };
    if containers.iter().any(says_something) { "Burstable" } else { "BestEffort" }
}
