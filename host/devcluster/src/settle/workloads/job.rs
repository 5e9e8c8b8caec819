//! Jobs: all completions have succeeded, unless the Job is suspended.

use serde_json::{Value, json};

use super::conditions::{self, Condition};
use super::count;
use crate::object::set_member;

/// Jobs have no `observedGeneration`.
pub(super) fn status(job: &Value, now: &str) -> Value {
    let mut status = job["status"].clone();
    if conditions::is_true(&status, "Complete") || conditions::is_true(&status, "Failed") {
        return status;
    }
    let set = |status: &mut Value, ty, truth, reason, message| {
        let condition = Condition::new(ty, truth, reason, message);
        conditions::set(status, &condition, Some("lastProbeTime"), now);
    };
    if job["spec"]["suspend"] == true {
        set(&mut status, "Suspended", "True", "JobSuspended", "Job suspended");
        set_member(&mut status, "startTime", None);
        return status;
    }
    if conditions::is_true(&status, "Suspended") {
        set(&mut status, "Suspended", "False", "JobResumed", "Job resumed");
    }
    if status.get("startTime").is_none() {
        status["startTime"] = now.into();
    }
    for counter in ["ready", "terminating"] {
        status[counter] = json!(0);
    }
    status["uncountedTerminatedPods"] = json!({});
    let spec = &job["spec"];
    let parallelism = spec["parallelism"].as_u64().unwrap_or(1);
    let completions = spec["completions"].as_u64().unwrap_or(parallelism);
    if parallelism == 0 && spec["completions"] != 0 {
        // Nothing may run, and something would have to.
        return status;
    }
    count(&mut status, &["succeeded"], completions);
    if spec["completionMode"] == "Indexed" {
        set_member(&mut status, "completedIndexes", indices(completions).map(Value::from));
    }
    let message = "Reached expected number of succeeded pods";
    for ty in ["SuccessCriteriaMet", "Complete"] {
        set(&mut status, ty, "True", "CompletionsReached", message);
    }
    status["completionTime"] = now.into();
    status
}

/// All indices of a Job, as it lists them: ranges from three on.
fn indices(completions: u64) -> Option<String> {
    match completions {
        0 => None,
        1 => Some("0".to_owned()),
        2 => Some("0,1".to_owned()),
        more => Some(format!("0-{}", more - 1)),
    }
}
