//! Whether an object is as somebody expects it.

use serde_json::Value;

/// The first place where `actual` does not have what is expected, in words; `None` if it has everything.
///
/// Members that are not expected may be there. Lists have the same length, but for lists of conditions, of which those with
/// an expected `type` are looked at.
pub(super) fn difference(expected: &Value, actual: &Value) -> Option<String> {
    at("", expected, actual)
}

fn at(path: &str, expected: &Value, actual: &Value) -> Option<String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => expected.iter().find_map(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            at(&path, value, actual.get(key).unwrap_or(&Value::Null))
        }),
        (Value::Array(expected), Value::Array(actual)) if expected.iter().all(|entry| kind(entry).is_some()) => {
            expected.iter().find_map(|entry| {
                let wanted = kind(entry)?;
                let found = actual.iter().find(|other| kind(other) == Some(wanted));
                at(&format!("{path}[{wanted}]"), entry, found.unwrap_or(&Value::Null))
            })
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let mut pairs = expected.iter().zip(actual).enumerate();
            pairs.find_map(|(index, (expected, actual))| at(&format!("{path}[{index}]"), expected, actual))
        }
        _ if expected == actual => None,
        _ => Some(format!("{path}: expected {expected}, found {actual}")),
    }
}

/// What a condition is about.
fn kind(entry: &Value) -> Option<&str> {
    entry.get("type")?.as_str().filter(|_| entry.get("status").is_some() || entry.get("reason").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_place_is_named() {
        let actual = json!({
            "data": {"a": "1", "b": "2"}, "list": [1, {"x": 1, "y": 2}],
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False", "reason": "Conflict"}],
        });
        for fine in [
            json!({}),
            json!({"data": {"b": "2"}}),
            json!({"list": [1, {"y": 2}]}),
            json!({"conditions": [{"type": "Synced", "reason": "Conflict"}]}),
            json!({"data": {"c": null}}),
        ] {
            assert_eq!(difference(&fine, &actual), None, "{fine}");
        }
        for (wrong, place) in [
            (json!({"data": {"b": "3"}}), "data.b: expected \"3\", found \"2\""),
            (json!({"data": {"c": "3"}}), "data.c: expected \"3\", found null"),
            (json!({"list": [1]}), "list: expected [1]"),
            (json!({"list": [1, {"y": 3}]}), "list[1].y: expected 3"),
            (
                json!({"conditions": [{"type": "Synced", "status": "True"}]}),
                "conditions[Synced].status: expected \"True\"",
            ),
            (json!({"conditions": [{"type": "Other", "status": "True"}]}), "conditions[Other]: expected"),
        ] {
            let found = difference(&wrong, &actual).unwrap_or_default();
            assert!(found.starts_with(place), "{found}");
        }
    }
}
