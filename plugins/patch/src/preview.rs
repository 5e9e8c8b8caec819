//! What a `Patch` would write, for its status, while the policy forbids it to write.

use serde_json::{Value, json};

use crate::plan::Difference;

/// The annotation that forbids writes.
pub(crate) const POLICY: &str = "krateo.io/management-policy";
/// Its value that does.
pub(crate) const OBSERVE: &str = "observe";

/// The longest value that is shown, in bytes of JSON.
const MAX_SHOWN: usize = 256;
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
pub(crate) fn status(is_observing: bool, mut entries: Vec<Value>, status: &Value) -> Option<Value> {
    entries.truncate(MAX_FIELDS);
    match (is_observing, &status["preview"]) {
        (true, _) => Some(json!({"preview": entries})),
        (false, Value::Null) => None,
        (false, _) => Some(json!({"preview": null})),
    }
}

/// As JSON text, because columns and schemas know one type only; cut if it is long.
pub(crate) fn shown(value: Option<&Value>) -> String {
    let mut text = value.map_or_else(|| "(none, or not shown)".to_owned(), Value::to_string);
    if text.len() > MAX_SHOWN {
        let mut end = MAX_SHOWN;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}
