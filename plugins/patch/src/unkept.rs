//! What the API server makes of a write: it may lose what stood beside the field, or keep the value otherwise.

use capstan_sdk::equal;
use serde_json::Value;

use crate::change::Assignment;

/// Whether a member of `before` has gone in `after`. That is what becomes of the neighbours of an applied field in a map
/// that has one owner as a whole, and of a field that was applied before and is not any more.
pub(crate) fn loses(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => before.iter().any(|(key, value)| match after.get(key) {
            Some(then) => loses(value, then),
            None => !value.is_null(),
        }),
        (Value::Object(before), _) => !before.is_empty(),
        _ => false,
    }
}

/// Whether two states of an object are the same but for what the API server counts.
pub(crate) fn is_same(before: &Value, after: &Value) -> bool {
    let [before, after] = [before, after].map(|object| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in ["resourceVersion", "generation", "managedFields"] {
                metadata.remove(key);
            }
        }
        object
    });
    equal(&before, &after)
}

/// The first field that is not stored as it was written.
pub(crate) fn unkept<'a>(assignments: &'a [Assignment], stored: &Value) -> Option<&'a Assignment> {
    assignments.iter().find(|each| {
        // An element that was removed has others in its place.
        let is_checked = !each.value.is_null() || !each.path.has_index();
        is_checked && !equal(each.path.get(stored).unwrap_or(&Value::Null), &each.value)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_go_are_a_loss_and_values_that_change_are_none() {
        let before = json!({"spec": {"selector": {"app": "web", "version": "1"}, "list": [1, 2]}});
        for (after, expected) in [
            (json!({"spec": {"selector": {"app": "web", "version": "2"}, "list": []}, "new": 1}), false),
            (json!({"spec": {"selector": {"version": "2"}, "list": [1, 2]}}), true),
            (json!({"spec": {"selector": "text", "list": [1, 2]}}), true),
            (json!({}), true),
        ] {
            assert_eq!(loses(&before, &after), expected, "{after}");
        }
        assert!(!loses(&json!({"a": null}), &json!({})));
    }

    #[test]
    fn what_the_server_counts_is_no_change() {
        let object =
            |version: &str, data: &str| json!({"metadata": {"name": "a", "resourceVersion": version}, "data": data});
        assert!(is_same(&object("1", "x"), &object("2", "x")));
        assert!(!is_same(&object("1", "x"), &object("1", "y")));
    }

    #[test]
    fn a_field_that_is_stored_otherwise_is_found() {
        let assignment = |path: &str, value: Value| Assignment { path: path.parse().unwrap(), value };
        let stored = json!({"cpu": "1", "size": 3, "list": ["b"]});
        for (path, value, is_kept) in [
            ("cpu", json!("1000m"), false),
            ("cpu", json!("1"), true),
            ("size", json!(3.0), true),
            ("gone", json!("x"), false),
            ("gone", Value::Null, true),
            ("size", Value::Null, false),
            ("list[0]", Value::Null, true),
        ] {
            assert_eq!(unkept(&[assignment(path, value.clone())], &stored).is_none(), is_kept, "{path} = {value}");
        }
    }
}
