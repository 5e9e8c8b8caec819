//! JSON Patch (RFC 6902), as lenient as the library that Kubernetes uses.
//!
//! It departs from the RFC in ways that clients depend on: `test` for null passes when the path does not exist, which is
//! how a finalizer is added to an object that has none, and `replace` of a member that does not exist adds it.

use serde_json::Value;

/// More operations than this are refused, as by Kubernetes.
const MAX_OPERATIONS: usize = 10_000;

/// Why a patch was not applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonPatchError {
    /// The document is no list of operations.
    #[error("{0}")]
    Malformed(String),
    #[error("the allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {0}")]
    TooManyOperations(usize),
    /// An operation does not fit the object: a failed test, a missing path, or no operation at all.
    #[error("{operation} of {path} does not fit the object")]
    DoesNotFit { operation: String, path: String },
}

/// Applies all operations, or fails and leaves `target` in an unspecified state.
pub(crate) fn apply(target: &mut Value, patch: &Value) -> Result<(), JsonPatchError> {
    let operations =
        patch.as_array().ok_or_else(|| JsonPatchError::Malformed("a JSON patch is a list of operations".to_owned()))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(JsonPatchError::TooManyOperations(operations.len()));
    }
    operations.iter().try_for_each(|operation| apply_one(target, operation))
}

fn apply_one(target: &mut Value, operation: &Value) -> Result<(), JsonPatchError> {
    let text = |key: &str| {
        let text = operation[key].as_str();
        text.ok_or_else(|| JsonPatchError::Malformed(format!("operation without {key}: {operation}")))
    };
    let (name, path) = (text("op")?, text("path")?);
    let tokens = parse(path);
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    let done = match name {
        "add" => add(target, &tokens, value()),
        "remove" => remove(target, &tokens).map(drop),
        "replace" => replace(target, &tokens, value()),
        "move" => remove(target, &parse(text("from")?)).and_then(|moved| add(target, &tokens, moved)),
        "copy" => find(target, &parse(text("from")?)).cloned().and_then(|copy| add(target, &tokens, copy)),
        "test" => (*find(target, &tokens).unwrap_or(&Value::Null) == value()).then_some(()),
        _ => None,
    };
    done.ok_or_else(|| JsonPatchError::DoesNotFit { operation: name.to_owned(), path: path.to_owned() })
}

fn parse(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
}

/// The position a token names in a list; negative ones count from the end.
fn position(token: &str, length: usize) -> Option<usize> {
    match token.strip_prefix('-').filter(|back| !back.is_empty()) {
        Some(back) => length.checked_sub(back.parse().ok()?),
        None => token.parse().ok(),
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

fn add(target: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let Some((last, parents)) = tokens.split_last() else {
        *target = value;
        return Some(());
    };
    match find_mut(target, parents)? {
        Value::Object(map) => {
            map.insert(last.clone(), value);
        }
        Value::Array(items) => {
            let position = if last == "-" { items.len() } else { position(last, items.len())? };
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
    if let Some((last, parents)) = tokens.split_last()
        && let Value::Object(map) = find_mut(target, parents)?
    {
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
    fn what_does_not_fit_fails() {
        for patch in [
            json!([{"op": "remove", "path": "/nothing"}]),
            json!([{"op": "replace", "path": "/l/0", "value": 1}]),
            json!([{"op": "replace", "path": "/no/parent", "value": 1}]),
            json!([{"op": "twist", "path": "/l"}]),
            json!([{"op": "add", "path": "/no/parent", "value": 1}]),
            json!([{"op": "add", "path": "/l/7", "value": 1}]),
            json!([{"op": "test", "path": "/l", "value": 99}]),
        ] {
            let error = applied(&json!({"l": []}), &patch).unwrap_err();
            assert!(matches!(error, JsonPatchError::DoesNotFit { .. }), "{patch}");
        }
        assert!(matches!(applied(&json!({}), &json!({})), Err(JsonPatchError::Malformed(_))));
    }
}
