//! Conditions of workloads.

use serde_json::{Value, json};

/// What is said about one aspect.
pub(super) struct Condition<'a> {
    pub(super) ty: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl<'a> Condition<'a> {
    pub(super) fn new(ty: &'a str, status: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { ty, status, reason, message }
    }
}

/// Sets a condition. It keeps its times while its status and reason are the same.
///
/// `second` names the time that some kinds have beside that of the transition, such as `lastUpdateTime`.
pub(super) fn set(status: &mut Value, condition: &Condition<'_>, second: Option<&str>, now: &str) {
    let Condition { ty, status: truth, reason, message } = *condition;
    let mut new = json!({"type": ty, "status": truth, "lastTransitionTime": now});
    for (key, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            new[key] = text.into();
        }
    }
    if let Some(second) = second {
        new[second] = now.into();
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(conditions) = status["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|known| known["type"] == ty) {
        None => conditions.push(new),
        Some(known) if known["status"] == truth && known["reason"].as_str().unwrap_or_default() == reason => {}
        Some(known) => {
            if known["status"] == truth {
                new["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = new;
        }
    }
}

/// Whether a condition is there with status True.
pub(super) fn is_true(status: &Value, ty: &str) -> bool {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == ty && condition["status"] == "True")
}
