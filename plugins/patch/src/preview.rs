//! What a `Patch` would write, for its status, while the policy forbids it to write.

use serde_json::{Value, json};

use crate::plan::Difference;

/// The annotation that may forbid writes. What it means is the host's.
pub(crate) const POLICY: &str = "krateo.io/management-policy";

/// Whether nothing is written under a policy: `observe`, `observe-delete`, and any that the host does not know.
pub(crate) fn forbids_writes(policy: Option<&str>) -> bool {
    !matches!(policy, None | Some("default" | "observe-create-update"))
}

/// The longest value that is shown, in bytes of JSON.
const MAX_SHOWN: usize = 256;
/// The longest value that is told to the log, likewise.
const MAX_LOGGED: usize = 4 << 10;
/// The most fields that are shown.
const MAX_FIELDS: usize = 20;

/// One field of one target. Values of Secrets are not in the differences, and not here.
pub(crate) fn entry(target: &str, difference: &Difference) -> Value {
    json!({
        "target": target,
        "fieldPath": difference.path,
        "desired": shown(difference.desired.as_ref()),
        "actual": shown(difference.actual.as_ref()),
    })
}

/// The merge patch for `status`; none if nothing changes.
pub(crate) fn status(is_observing: bool, entries: impl Iterator<Item = Value>, status: &Value) -> Option<Value> {
    match (is_observing, &status["preview"]) {
        (true, _) => Some(json!({"preview": entries.take(MAX_FIELDS).collect::<Vec<_>>()})),
        (false, Value::Null) => None,
        (false, _) => Some(json!({"preview": null})),
    }
}

/// As JSON text, because columns and schemas know one type only; cut if it is long.
pub(crate) fn shown(value: Option<&Value>) -> String {
    cut(value.map_or_else(|| "(none, or not shown)".to_owned(), Value::to_string), MAX_SHOWN)
}

/// The value itself for the log, or the start of its text if it is long: the host takes a few MiB of one answer, and a hundred
/// objects may differ.
pub(crate) fn short(value: &Value) -> Value {
    match value.to_string() {
        text if text.len() > MAX_LOGGED => Value::String(cut(text, MAX_LOGGED)),
        _ => value.clone(),
    }
}

fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}
