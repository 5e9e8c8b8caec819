//! What becomes of a field that has a value already.

use capstan_sdk::equal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::map::Entry;

/// How a new value meets the one in the target field, in the words of Krateo and Crossplane. Without options at all the
/// new value replaces the old one.
///
/// | options | maps | lists | scalars |
/// |---|---|---|---|
/// | none | replaced | replaced | replaced |
/// | `{}` | merged, new value wins | replaced | replaced |
/// | `keepMapValues` | merged, old value wins | old stays | old stays |
/// | `appendSlice` | merged, new value wins | new items appended | replaced |
/// | both | merged, old value wins | new items appended | old stays |
///
/// An old value that is empty (`""`, `0`, `false`, `[]`, `{}`, null) never wins, and the first `keepMapValues` writes there is
/// the new value: that is how Go's mergo tells fields that were never set. Values of different kinds count as scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeOptions {
    /// Values that the target has already stay as they are, unless they are empty.
    #[serde(default)]
    pub keep_map_values: Option<bool>,
    /// Items that a list of the target does not have yet are appended to it.
    #[serde(default)]
    pub append_slice: Option<bool>,
}

/// The value that the target field must have: `new` merged into `old`. Merging the result again changes nothing, so a
/// target that was written once counts as up to date.
#[must_use]
pub fn merge(old: Option<&Value>, new: Value, options: Option<MergeOptions>) -> Value {
    match (old, options) {
        (Some(old), Some(options)) => {
            let mut merged = old.clone();
            merge_into(&mut merged, new, options);
            merged
        }
        _ => new,
    }
}

fn merge_into(old: &mut Value, new: Value, options: MergeOptions) {
    let keep = options.keep_map_values.unwrap_or(false);
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                match old.entry(key) {
                    Entry::Occupied(mut slot) => merge_into(slot.get_mut(), value, options),
                    Entry::Vacant(slot) => {
                        slot.insert(value);
                    }
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if options.append_slice.unwrap_or(false) => {
            for item in new {
                if !old.iter().any(|present| equal(present, &item)) {
                    old.push(item);
                }
            }
        }
        (old, new) if is_empty(old) || !keep => *old = new,
        _ => {}
    }
}

/// As mergo's `isEmptyValue`.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DEEP: MergeOptions = MergeOptions { keep_map_values: None, append_slice: None };
    const KEEP: MergeOptions = MergeOptions { keep_map_values: Some(true), append_slice: None };
    const APPEND: MergeOptions = MergeOptions { keep_map_values: None, append_slice: Some(true) };
    const BOTH: MergeOptions = MergeOptions { keep_map_values: Some(true), append_slice: Some(true) };

    fn all() -> [Option<MergeOptions>; 5] {
        [None, Some(DEEP), Some(KEEP), Some(APPEND), Some(BOTH)]
    }

    #[test]
    fn the_matrix_of_options_holds_for_maps_lists_and_scalars() {
        let old = json!({"same": "old", "mine": 1, "deep": {"x": 1}, "list": ["a", "b"], "null": null, "kind": "text"});
        let new =
            json!({"same": "new", "yours": 2, "deep": {"x": 2, "y": 3}, "list": ["b", "c"], "null": 5, "kind": [1]});
        let deep = json!({"same": "new", "mine": 1, "yours": 2, "deep": {"x": 2, "y": 3}, "list": ["b", "c"], "null": 5, "kind": [1]});
        let keep = json!({"same": "old", "mine": 1, "yours": 2, "deep": {"x": 1, "y": 3}, "list": ["a", "b"], "null": 5, "kind": "text"});
        let append = json!({"same": "new", "mine": 1, "yours": 2, "deep": {"x": 2, "y": 3}, "list": ["a", "b", "c"], "null": 5, "kind": [1]});
        let both = json!({"same": "old", "mine": 1, "yours": 2, "deep": {"x": 1, "y": 3}, "list": ["a", "b", "c"], "null": 5, "kind": "text"});
        for (options, expected) in all().into_iter().zip([new.clone(), deep, keep, append, both]) {
            assert_eq!(merge(Some(&old), new.clone(), options), expected, "{options:?}");
        }
    }

    #[test]
    fn a_scalar_field_is_replaced_unless_old_values_are_kept() {
        let expected = ["new", "new", "old", "new", "old"];
        for (options, expected) in all().into_iter().zip(expected) {
            assert_eq!(merge(Some(&json!("old")), json!("new"), options), json!(expected), "{options:?}");
        }
    }

    #[test]
    fn a_missing_or_null_field_takes_the_new_value_under_all_options() {
        for options in all() {
            assert_eq!(merge(None, json!([1]), options), json!([1]));
            assert_eq!(merge(Some(&Value::Null), json!([1]), options), json!([1]));
        }
    }

    /// What mergo 0.3.16 gives for the same.
    #[test]
    fn an_old_value_that_is_empty_does_not_win() {
        let empty = [json!(""), json!(0), json!(0.0), json!(false), json!([]), json!({}), json!(null)];
        for (options, old) in [KEEP, BOTH].into_iter().flat_map(|options| empty.iter().map(move |old| (options, old))) {
            for new in [json!("new"), json!(5), json!(true), json!(["new"]), json!({"new": 1}), json!(""), json!([])] {
                assert_eq!(merge(Some(old), new.clone(), Some(options)), new, "{old} with {options:?}");
                let within = merge(Some(&json!({"k": old})), json!({"k": new.clone()}), Some(options));
                assert_eq!(within, json!({"k": new}), "{old} within a map with {options:?}");
            }
        }
        for old in [json!("old"), json!(7), json!(0.5), json!(true), json!([""]), json!({"old": ""})] {
            assert_eq!(merge(Some(&old), json!("new"), Some(KEEP)), old);
        }
    }

    #[test]
    fn merging_twice_changes_nothing_more() {
        let new = json!({"list": ["b", 3], "x": {"y": 1}});
        for options in all() {
            for old in [json!({"list": [3.0, "a"], "x": 1, "z": 2}), json!({"list": "", "x": 0}), json!([])] {
                let once = merge(Some(&old), new.clone(), options);
                assert_eq!(merge(Some(&once), new.clone(), options), once, "{old} with {options:?}");
            }
        }
    }
}
