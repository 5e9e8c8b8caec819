//! JSON Patch (RFC 6902), as lenient as the library that Kubernetes uses.
//!
//! It departs from the RFC in ways that clients depend on. A member that an object has not got counts as null: `test` for null
//! passes, which is how a finalizer is added to an object that has none, `replace` adds it, and `copy` copies null. Negative
//! positions count from the end of a list, for `add` from the place behind it.

use serde_json::Value;

use crate::object::{MAX_LEVELS, levels};

/// More operations than this are refused, as by Kubernetes.
const MAX_OPERATIONS: usize = 10_000;

/// Bytes of JSON that the `copy` operations of a patch may add, as in Kubernetes: each could double the object.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// Why a patch was not applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonPatchError {
    /// The document is no list of operations.
    #[error("{0}")]
    Malformed(String),
    /// In the words of Kubernetes, which are the answer.
    #[error("Request entity too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooManyOperations(usize),
    /// An operation does not fit the object: a failed test, a missing path, copies or levels beyond all measure, or no
    /// operation at all.
    #[error("{operation} of {path} does not fit the object")]
    DoesNotFit { operation: String, path: String },
}

/// Applies all operations, or fails and leaves `target` in an unspecified state.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), JsonPatchError> {
    let operations =
        patch.as_array().ok_or_else(|| JsonPatchError::Malformed("a JSON patch is a list of operations".to_owned()))?;
    operations.iter().try_for_each(check_form)?;
    if operations.len() > MAX_OPERATIONS {
        return Err(JsonPatchError::TooManyOperations(operations.len()));
    }
    let mut copied = 0;
    operations.iter().try_for_each(|operation| {
        let text = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
        let does_not_fit = || JsonPatchError::DoesNotFit { operation: text("op"), path: text("path") };
        apply_one(target, operation, &mut copied).ok_or_else(does_not_fit)
    })
}

/// What an operation lacks is found when it is applied; what is there must be of the right type.
fn check_form(operation: &Value) -> Result<(), JsonPatchError> {
    let is_text = |key: &str| operation[key].is_string() || operation[key].is_null();
    if (operation.is_object() || operation.is_null()) && ["op", "path", "from"].into_iter().all(is_text) {
        return Ok(());
    }
    Err(JsonPatchError::Malformed(format!("no operation of a JSON patch: {operation}")))
}

fn apply_one(target: &mut Value, operation: &Value, copied: &mut usize) -> Option<()> {
    let path = |key: &str| operation[key].as_str().map(parse);
    let tokens = path("path")?;
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match operation["op"].as_str()? {
        "add" => add(target, &tokens?, value()),
        "remove" => remove(target, &tokens?).map(drop),
        "replace" => replace(target, &tokens?, value()),
        "move" => {
            let moved = remove(target, &path("from")??)?;
            add(target, &tokens?, moved)
        }
        "copy" => {
            let copy = member(target, &path("from")??)?.clone();
            *copied += copy.to_string().len();
            if *copied > MAX_COPIED {
                return None;
            }
            add(target, &tokens?, copy)
        }
        "test" => {
            let tokens = tokens?;
            let found = if tokens.is_empty() { &*target } else { member(target, &tokens)? };
            (*found == value()).then_some(())
        }
        _ => None,
    }
}

/// The names and positions on a path. The empty path is that of the whole object; others have a slash.
fn parse(path: &str) -> Option<Vec<String>> {
    let (_, below) = match path {
        "" => return Some(Vec::new()),
        path => path.split_once('/')?,
    };
    Some(below.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

/// The position a token names in a list; negative ones count from the end.
fn position(token: &str, length: usize) -> Option<usize> {
    let index: i64 = token.parse().ok()?;
    let distance = usize::try_from(index.unsigned_abs()).ok()?;
    if index < 0 { length.checked_sub(distance) } else { Some(distance) }
}

/// The member at a path: null if its object has none of that name, nothing if there is no such object or position.
fn member<'a>(target: &'a Value, tokens: &[String]) -> Option<&'a Value> {
    let (last, parents) = tokens.split_last()?;
    match find(target, parents)? {
        Value::Object(map) => Some(map.get(last).unwrap_or(&Value::Null)),
        Value::Array(items) => items.get(position(last, items.len())?),
        _ => None,
    }
}

fn find<'a>(target: &'a Value, tokens: &[String]) -> Option<&'a Value> {
    tokens.iter().try_fold(target, |value, token| match value {
        Value::Object(map) => map.get(token),
        Value::Array(items) => items.get(position(token, items.len())?),
        _ => None,
    })
}

fn find_mut<'a>(target: &'a mut Value, tokens: &[String]) -> Option<&'a mut Value> {
    tokens.iter().try_fold(target, |value, token| match value {
        Value::Object(map) => map.get_mut(token),
        Value::Array(items) => {
            let position = position(token, items.len())?;
            items.get_mut(position)
        }
        _ => None,
    })
}

/// Whether a value may stand at a place: nothing that recurses over objects could bear what operations can pile up.
fn is_too_deep(tokens: &[String], value: &Value) -> bool {
    tokens.len() + levels(value) > MAX_LEVELS
}

fn add(target: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    if is_too_deep(tokens, &value) {
        return None;
    }
    let (last, parents) = tokens.split_last()?;
    match find_mut(target, parents)? {
        Value::Object(map) => {
            map.insert(last.clone(), value);
        }
        Value::Array(items) => {
            // One place more than there are items.
            let position = if last == "-" { items.len() } else { position(last, items.len() + 1)? };
            if position > items.len() {
                return None;
            }
            items.insert(position, value);
        }
        _ => return None,
    }
    Some(())
}

fn replace(target: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    if is_too_deep(tokens, &value) {
        return None;
    }
    let Some((last, parents)) = tokens.split_last() else {
        return (value.is_object() || value.is_array()).then(|| *target = value);
    };
    if let Value::Object(map) = find_mut(target, parents)? {
        map.insert(last.clone(), value);
        return Some(());
    }
    find_mut(target, tokens).map(|place| *place = value)
}

fn remove(target: &mut Value, tokens: &[String]) -> Option<Value> {
    let (last, parents) = tokens.split_last()?;
    match find_mut(target, parents)? {
        Value::Object(map) => map.remove(last),
        Value::Array(items) => {
            let position = position(last, items.len())?;
            (position < items.len()).then(|| items.remove(position))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(target: &Value, patch: &Value) -> Result<Value, JsonPatchError> {
        let mut target = target.clone();
        apply(&mut target, patch).map(|()| target)
    }

    #[test]
    fn a_finalizer_is_added_to_an_object_without_any() {
        let patch = json!([
            {"op": "test", "path": "/metadata/finalizers", "value": null},
            {"op": "add", "path": "/metadata/finalizers", "value": ["a"]},
        ]);
        assert_eq!(applied(&json!({"metadata": {}}), &patch).unwrap(), json!({"metadata": {"finalizers": ["a"]}}));
        assert!(applied(&json!({"metadata": {"finalizers": ["b"]}}), &patch).is_err());
    }

    #[test]
    fn copies_cannot_double_an_object_without_end() {
        let doubling = |times: usize| Value::Array(vec![json!({"op": "copy", "from": "/a", "path": "/a/-"}); times]);
        let target = json!({"a": ["0123456789"]});
        assert!(applied(&target, &doubling(10)).is_ok());
        assert!(matches!(applied(&target, &doubling(60)), Err(JsonPatchError::DoesNotFit { .. })));
    }

    #[test]
    fn moves_cannot_pile_up_levels_without_end() {
        let into = |from: &str, to: &str| {
            let add = json!({"op": "add", "path": format!("/{to}"), "value": {}});
            [add, json!({"op": "move", "from": format!("/{from}"), "path": format!("/{to}/x")})]
        };
        let piling = |times: usize| Value::Array(vec![[into("a", "b"), into("b", "a")].concat(); times].concat());
        let target = json!({"a": {}});
        assert!(applied(&target, &piling(50)).is_ok());
        assert!(matches!(applied(&target, &piling(2_000)), Err(JsonPatchError::DoesNotFit { .. })));
    }

    #[test]
    fn lists_and_escapes() {
        let target = json!({"l": [1, 2], "a/b": {"~": 1}});
        let patch = json!([
            {"op": "add", "path": "/l/-", "value": 3},
            {"op": "add", "path": "/l/0", "value": 0},
            {"op": "remove", "path": "/l/1"},
            {"op": "replace", "path": "/a~1b/~0", "value": 2},
            {"op": "copy", "from": "/l/0", "path": "/first"},
            {"op": "move", "from": "/first", "path": "/moved"},
        ]);
        assert_eq!(applied(&target, &patch).unwrap(), json!({"l": [0, 2, 3], "a/b": {"~": 2}, "moved": 0}));
    }

    #[test]
    fn a_member_that_is_not_there_can_be_replaced() {
        let patch = json!([{"op": "replace", "path": "/a/new", "value": 1}]);
        assert_eq!(applied(&json!({"a": {}}), &patch).unwrap(), json!({"a": {"new": 1}}));
    }

    #[test]
    fn negative_positions_count_from_the_end() {
        let at = |operation: &str, position: &str| {
            let patch = json!([{"op": operation, "path": format!("/l/{position}"), "value": 3}]);
            applied(&json!({"l": [1, 2]}), &patch).map(|done| done["l"].clone()).ok()
        };
        assert_eq!(at("add", "-1"), Some(json!([1, 2, 3])));
        assert_eq!(at("add", "-2"), Some(json!([1, 3, 2])));
        assert_eq!(at("add", "-3"), Some(json!([3, 1, 2])));
        assert_eq!(at("add", "-4"), None);
        assert_eq!(at("add", "-0"), Some(json!([3, 1, 2])));
        assert_eq!(at("replace", "-1"), Some(json!([1, 3])));
        assert_eq!(at("replace", "-3"), None);
        assert_eq!(at("remove", "-2"), Some(json!([2])));
    }

    #[test]
    fn a_member_that_is_not_there_is_copied_as_null() {
        let patch = json!([{"op": "copy", "from": "/nothing", "path": "/copy"}]);
        assert_eq!(applied(&json!({"l": []}), &patch).unwrap(), json!({"l": [], "copy": null}));
    }

    #[test]
    fn null_is_found_only_where_something_could_be() {
        let test = |path: &str, value: Value| {
            applied(&json!({"l": [null], "n": null}), &json!([{"op": "test", "path": path, "value": value}])).is_ok()
        };
        assert!(test("/nothing", json!(null)) && test("/n", json!(null)) && test("/l/0", json!(null)));
        assert!(!test("/no/parent", json!(null)) && !test("/n/below", json!(null)));
        assert!(!test("/l/1", json!(null)) && !test("/l/-2", json!(null)) && !test("/l/-", json!(null)));
        assert!(test("", json!({"l": [null], "n": null})) && !test("", json!(null)));
    }

    #[test]
    fn an_operation_of_wrong_types_is_malformed_whatever_precedes_it() {
        for operation in [json!(1), json!({"op": 1, "path": "/l"}), json!({"op": "test", "path": ["l"]})] {
            let patch = json!([{"op": "remove", "path": "/nothing"}, operation]);
            assert!(matches!(applied(&json!({}), &patch), Err(JsonPatchError::Malformed(_))), "{patch}");
        }
    }

    #[test]
    fn what_does_not_fit_fails() {
        for patch in [
            json!([{"op": "remove", "path": "/nothing"}]),
            json!([{"op": "replace", "path": "/l/0", "value": 1}]),
            json!([{"op": "replace", "path": "/no/parent", "value": 1}]),
            json!([{"op": "twist", "path": "/l"}]),
            json!([{"op": "add", "path": "/no/parent", "value": 1}]),
            json!([{"op": "add", "path": "/l/7", "value": 1}]),
            json!([{"op": "test", "path": "/l", "value": 99}]),
            json!([{"op": "copy", "from": "/l/0", "path": "/copy"}]),
            json!([{"op": "copy", "from": "/no/parent", "path": "/copy"}]),
            json!([{"op": "move", "from": "/nothing", "path": "/moved"}]),
            json!([{"op": "add", "path": "", "value": {}}]),
            json!([{"op": "add", "path": "l", "value": {}}]),
            json!([{"op": "replace", "path": "", "value": null}]),
            json!([{"op": "copy", "path": "/copy"}]),
            json!([{"op": "remove"}]),
            json!([{"path": "/l"}]),
        ] {
            let error = applied(&json!({"l": []}), &patch).unwrap_err();
            assert!(matches!(error, JsonPatchError::DoesNotFit { .. }), "{patch}");
        }
        assert!(matches!(applied(&json!({}), &json!({})), Err(JsonPatchError::Malformed(_))));
    }
}
