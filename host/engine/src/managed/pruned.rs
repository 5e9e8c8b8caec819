//! Fields that a definition does not keep.

use serde_json::{Map, Value};

/// Where a field is, whichever item of an array it is in.
pub(super) type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a member of an object.
    Member(Box<str>),
    /// Into every item of an array.
    Items,
}

/// What was wished and is not there at all; of a field that is not there, the outermost. What is there with another value is
/// not meant: that one depends on the value.
pub(super) fn pruned(wished: &Value, stored: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    find(wished, stored, &mut Vec::new(), &mut found);
    found
}

fn find(wished: &Value, stored: &Value, path: &mut Path, found: &mut Vec<Path>) {
    match (wished, stored) {
        (Value::Object(wished), Value::Object(stored)) => {
            for (name, wished) in wished {
                path.push(Step::Member(name.as_str().into()));
                match stored.get(name) {
                    Some(stored) => find(wished, stored, path, found),
                    // What would stand in an object that is empty this time is another matter.
                    None if wished.as_object().is_some_and(Map::is_empty) || found.contains(path) => {}
                    None => found.push(path.clone()),
                }
                path.pop();
            }
        }
        (Value::Array(wished), Value::Array(stored)) if wished.len() == stored.len() => {
            path.push(Step::Items);
            wished.iter().zip(stored).for_each(|(wished, stored)| find(wished, stored, path, found));
            path.pop();
        }
        _ => {}
    }
}

/// Takes a field out of what is wished, wherever it is not stored.
pub(super) fn strip(wished: &mut Value, stored: &Value, path: &[Step]) {
    match (path, wished, stored) {
        ([Step::Member(name)], Value::Object(wished), stored) if stored.get(&**name).is_none() => {
            wished.remove(&**name);
        }
        ([Step::Member(name), rest @ ..], Value::Object(wished), Value::Object(stored)) => {
            if let (Some(wished), Some(stored)) = (wished.get_mut(&**name), stored.get(&**name)) {
                strip(wished, stored, rest);
            }
        }
        ([Step::Items, rest @ ..], Value::Array(wished), Value::Array(stored)) => {
            wished.iter_mut().zip(stored).for_each(|(wished, stored)| strip(wished, stored, rest));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_is_found_once_and_taken_out_again() {
        let wished = json!({
            "seen": 1, "url": "x", "size": "1000m",
            "items": [{"a": 1, "b": 1}, {"a": 2, "b": 2}], "more": [1], "deep": {"in": {"it": 1}}, "empty": {},
        });
        let stored = json!({
            "url": "x", "size": "1", "items": [{"a": 1, "c": 0}, {"a": 2, "c": 0}], "more": [], "deep": {"in": {}},
        });
        let paths = pruned(&wished, &stored);
        assert_eq!(paths.len(), 3, "seen, b of all items, it: {paths:?}");
        let mut stripped = wished;
        for path in &paths {
            strip(&mut stripped, &stored, path);
        }
        let expected = json!({
            "url": "x", "size": "1000m", "items": [{"a": 1}, {"a": 2}], "more": [1], "deep": {"in": {}}, "empty": {},
        });
        assert_eq!(stripped, expected);
    }

    #[test]
    fn what_is_kept_by_now_and_what_is_new_stays() {
        let paths = pruned(&json!({"seen": 1, "items": [{"b": 1}]}), &json!({"items": [{}]}));
        let mut wished = json!({"seen": 2, "items": [{"b": 2}, {"b": 3}]});
        for path in &paths {
            strip(&mut wished, &json!({"seen": 1, "items": [{}]}), path);
        }
        assert_eq!(wished, json!({"seen": 2, "items": [{}, {"b": 3}]}));
    }
}
