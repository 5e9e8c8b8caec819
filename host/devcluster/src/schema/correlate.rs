//! Which part of an old object a part of the new one replaces.

use serde_json::Value;

use super::{ListType, Schema};

/// A value that replaces another one at the same place.
///
/// Items of lists have a place only if their list is a map list. Unlike in a plain comparison, what the schema does
/// not describe never counts as unchanged: Kubernetes cannot correlate it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement<'a> {
    old: &'a Value,
    new: &'a Value,
    schema: &'a Schema,
    /// The whole object. Its metadata is not described by the schema of its kind, so that it is never unchanged.
    whole: bool,
}

impl<'a> Replacement<'a> {
    /// The replacement of a whole object.
    pub(crate) fn of_object(old: &'a Value, new: &'a Value, schema: &'a Schema) -> Self {
        Self { old, new, schema, whole: true }
    }

    /// What is replaced.
    pub(crate) fn old(&self) -> &'a Value {
        self.old
    }

    /// The replacement of one member of an object.
    pub(crate) fn member(&self, key: &str) -> Option<Self> {
        let schema = self.schema.member(key)?;
        Some(Self { old: self.old.as_object()?.get(key)?, new: self.new.as_object()?.get(key)?, schema, whole: false })
    }

    /// The replacement of one item of a map list, wherever it was in the old list.
    pub(crate) fn item(&self, index: usize) -> Option<Self> {
        let new = self.new.as_array()?.get(index)?;
        let old = correlated_item(self.old, new, &self.schema.list_type)?;
        Some(Self { old, new, schema: self.schema.item()?, whole: false })
    }

    /// Whether nothing changed here.
    pub(crate) fn is_unchanged(&self) -> bool {
        if self.whole {
            return false;
        }
        match (self.old, self.new) {
            (Value::Array(old), Value::Array(new)) => match self.schema.list_type {
                ListType::Map(_) => {
                    let unchanged = |index| self.item(index).is_some_and(|item| item.is_unchanged());
                    old.len() == new.len() && (0..new.len()).all(unchanged)
                }
                _ => old == new,
            },
            (Value::Object(old), Value::Object(new)) => {
                let unchanged = |key: &String| self.member(key).is_some_and(|member| member.is_unchanged());
                old.len() == new.len() && new.keys().all(unchanged)
            }
            (old, new) => old == new,
        }
    }
}

/// The old item with the keys of a new one, if the list is a map list.
pub(crate) fn correlated_item<'a>(old: &'a Value, new: &Value, list_type: &ListType) -> Option<&'a Value> {
    let ListType::Map(keys) = list_type else { return None };
    let is_scalar = |value: &Value| !value.is_null() && !value.is_array() && !value.is_object();
    let wanted = keys.iter().map(|key| new.get(key).filter(|value| is_scalar(value)));
    let wanted: Vec<&Value> = wanted.collect::<Option<_>>()?;
    old.as_array()?.iter().find(|item| keys.iter().zip(&wanted).all(|(key, wanted)| item.get(key) == Some(wanted)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse;
    use super::*;

    #[test]
    fn map_lists_are_unchanged_in_any_order_and_other_lists_are_not() {
        let items = json!({"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}});
        let schema = parse(
            &json!({"type": "object", "properties": {
                "ports": {
                    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                    "items": items,
                },
                "list": {"type": "array", "items": items},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            }}),
            "",
            &mut Vec::new(),
        );
        let (a, b) = (json!({"name": "a", "n": 1}), json!({"name": "b", "n": 2}));
        let old = json!({"ports": [a, b], "list": [a, b], "free": {"any": 1}});
        let new = json!({"ports": [b, a], "list": [b, a], "free": {"any": 1}});
        let whole = Replacement::of_object(&old, &new, &schema);
        let unchanged = |key: &str| whole.member(key).unwrap().is_unchanged();
        assert!(unchanged("ports"));
        assert!(!unchanged("list"));
        assert!(!unchanged("free"), "what the schema does not describe cannot be compared");
        assert!(whole.member("list").unwrap().item(0).is_none());
        let object = json!({"list": [a]});
        assert!(!Replacement::of_object(&object, &object, &schema).is_unchanged());
    }
}
