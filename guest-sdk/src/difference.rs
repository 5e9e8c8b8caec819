//! Where the outside differs from the object.

use serde_json::Value;

use crate::equal;

/// A field in which the outside differs from the object. Shown in the log: no secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// `spec.replicas`; a member whose name is no plain word stands in brackets, `data["a.b"]`.
    pub path: String,
    /// What the object wants; none for absent.
    pub desired: Option<Value>,
    /// What is there; none for absent.
    pub actual: Option<Value>,
}

impl Difference {
    /// One field.
    pub fn new(path: impl Into<String>, desired: impl Into<Option<Value>>, actual: impl Into<Option<Value>>) -> Self {
        Self { path: path.into(), desired: desired.into(), actual: actual.into() }
    }

    /// Every value of `desired` that `actual` does not have. Objects are compared member by member, and what only
    /// `actual` has is not looked at; lists and everything else are compared as a whole, by [`equal`](fn@equal). `null` wants a
    /// member to be absent, and an object without members is there if it is absent: the API server stores neither.
    #[must_use]
    pub fn between(desired: &Value, actual: &Value) -> Vec<Self> {
        let mut found = Vec::new();
        collect("", desired, Some(actual), &mut found);
        found
    }
}

fn collect(path: &str, desired: &Value, actual: Option<&Value>, found: &mut Vec<Difference>) {
    match (desired, actual.filter(|value| !value.is_null())) {
        (Value::Object(desired), actual @ (None | Some(Value::Object(_)))) => {
            for (key, value) in desired {
                collect(&member(path, key), value, actual.and_then(|actual| actual.get(key)), found);
            }
        }
        (Value::Null, None) => {}
        (desired, Some(actual)) if equal(desired, actual) => {}
        (desired, actual) => {
            let desired = Some(desired.clone()).filter(|value| !value.is_null());
            found.push(Difference::new(path, desired, actual.cloned()));
        }
    }
}

fn member(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|each| each.is_alphanumeric() || each == '_' || each == '-');
    match (path, plain) {
        ("", true) => key.to_owned(),
        (path, true) => format!("{path}.{key}"),
        (path, false) => format!("{path}[{key:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_desired_is_compared() {
        let desired = json!({"data": {"a": "1", "b.c": "2", "gone": null}, "list": [1]});
        let actual = json!({"data": {"a": "1", "b.c": "3", "gone": "x", "own": 1}, "list": [1, 2]});
        let found = Difference::between(&desired, &actual);
        assert_eq!(
            found,
            [
                Difference::new("data[\"b.c\"]", json!("2"), json!("3")),
                Difference::new("data.gone", None, json!("x")),
                Difference::new("list", json!([1]), json!([1, 2])),
            ]
        );
    }

    #[test]
    fn null_and_absent_are_the_same() {
        assert_eq!(Difference::between(&json!({"a": null}), &json!({})), []);
        assert_eq!(Difference::between(&json!({"a": 1}), &json!({"a": null})), [Difference::new("a", json!(1), None)]);
    }

    #[test]
    fn what_the_api_server_would_not_store_is_not_missing() {
        for (desired, actual) in [
            (json!({"a": {"b": null}}), json!({})),
            (json!({"data": {}}), json!({})),
            (json!({"a": {"b": {}, "c": null}}), json!({"a": null})),
            (json!({"size": 3.0, "list": [3]}), json!({"size": 3, "list": [3.0]})),
        ] {
            assert_eq!(Difference::between(&desired, &actual), [], "{desired} in {actual}");
        }
    }

    #[test]
    fn an_object_where_there_was_none_differs_in_its_members() {
        let desired = json!({"a": {"b": 1, "c": null}});
        assert_eq!(Difference::between(&desired, &json!({})), [Difference::new("a.b", json!(1), None)]);
        let found = Difference::between(&desired, &json!({"a": 1}));
        assert_eq!(found, [Difference::new("a", desired["a"].clone(), json!(1))], "something else is in its place");
    }
}
