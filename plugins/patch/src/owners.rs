//! Whose the fields are that a JSON patch is about to change. The API server says so of an apply only, so it is asked by one that
//! is tried: of just those fields, with values that differ. What others own is in the way of that, by the schema's rules: a
//! list or map that has one owner as a whole is named as such.

use std::collections::BTreeSet;

use capstan_sdk::equal;
use serde_json::{Map, Value, json};

use crate::change::{Assignment, identity, updated};
use crate::field_path::FieldPath;

/// An apply that is only to be tried.
pub(crate) struct Question {
    /// The document to apply, without force.
    pub(crate) document: Value,
    /// `status` if the fields are part of it.
    pub(crate) subresource: Option<&'static str>,
    /// The fields, lists as a whole, with the values that they are to have.
    fields: Vec<(FieldPath, Value)>,
    /// Something would go for which no other value could be named.
    is_partial: bool,
}

impl Question {
    /// Asks for the fields of an object that `pending` changes, which are all of one subresource; none if there is nothing to
    /// ask.
    pub(crate) fn of(object: &Value, pending: &[Assignment]) -> Option<Self> {
        let updated = updated(object, pending).ok()?;
        let mut document = json!({});
        let (mut fields, mut is_partial) = (Vec::new(), false);
        for each in pending {
            let path = each.path.outside_lists();
            let [old, new] = [object, &updated].map(|state| path.get(state).unwrap_or(&Value::Null));
            is_partial |= has_unaskable(old, new);
            if let Some(value) = asked(old, new) {
                path.set(&mut document, value).ok()?;
            }
            fields.push((path, new.clone()));
        }
        let is_empty = document.as_object().is_none_or(Map::is_empty);
        if is_empty && !is_partial {
            return None;
        }
        identify(&mut document, object)?;
        let subresource = pending.first().and_then(Assignment::subresource);
        Some(Self { document, subresource, fields, is_partial })
    }

    /// Whether something that would go may still be somebody's although nobody is in the way. `then` is what the API server
    /// would make of the document: elements of lists that are owned one by one stay in it, and nobody was asked about them.
    pub(crate) fn leaves_open(&self, then: &Value) -> bool {
        let stays = |(path, new): &(FieldPath, Value)| has_more(path.get(then).unwrap_or(&Value::Null), new);
        self.is_partial || self.fields.iter().any(stays)
    }
}

/// Says which object a document is for, whatever it holds. None if it has no room for that.
fn identify(document: &mut Value, object: &Value) -> Option<()> {
    let identity = identity(object);
    for field in ["apiVersion", "kind"] {
        document[field] = identity[field].clone();
    }
    let metadata = document.as_object_mut()?.entry("metadata").or_insert_with(|| json!({}));
    let metadata = metadata.as_object_mut()?;
    metadata.extend(identity["metadata"].as_object().cloned().unwrap_or_default());
    Some(())
}

/// What to apply so that everybody who owns what changes between two values is in the way; none if nothing changes.
fn asked(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        _ if equal(old, new) => None,
        (Value::Object(_), Value::Object(_) | Value::Null) => {
            let member = |name: &String| Some((name.clone(), asked(&old[name.as_str()], &new[name.as_str()])?));
            let members: Map<String, Value> = names(old, new).into_iter().filter_map(member).collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        (Value::Array(_), Value::Null) => Some(json!([])),
        (_, Value::Null) => Some(other(old)),
        _ => Some(new.clone()),
    }
}

fn names<'v>(old: &'v Value, new: &'v Value) -> BTreeSet<&'v String> {
    [old, new].into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect()
}

/// Another value of the same type, one that labels and base64 may be too.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(flag) => json!(!flag),
        Value::Number(_) => json!(i64::from(equal(value, &json!(0)))),
        _ => json!(if value == "none" { "some" } else { "none" }),
    }
}

/// Whether an empty list or map goes: there is no other value of it.
fn has_unaskable(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Array(items), Value::Null) => items.is_empty(),
        (Value::Object(members), Value::Null) if members.is_empty() => true,
        (Value::Object(members), Value::Object(_) | Value::Null) => {
            members.iter().any(|(name, value)| has_unaskable(value, &new[name.as_str()]))
        }
        _ => false,
    }
}

/// Whether a list has elements that the wanted one has not.
fn has_more(then: &Value, wanted: &Value) -> bool {
    match (then, wanted) {
        (Value::Object(members), _) => members.iter().any(|(name, value)| has_more(value, &wanted[name.as_str()])),
        (Value::Array(items), Value::Array(wanted)) => {
            items.len() > wanted.len() || items.iter().zip(wanted).any(|(item, wanted)| has_more(item, wanted))
        }
        (Value::Array(items), Value::Null) => !items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "map": {"a": "1", "b": 2, "c": {"on": true}}, "list": ["x", "y"], "empty": {}, "none": "none",
        })
    }

    fn question(path: &str, value: Value) -> Option<Question> {
        Question::of(&object(), &[Assignment { path: path.parse().unwrap(), value }])
    }

    /// What is asked for, besides the object's identity.
    fn document(path: &str, value: Value) -> Value {
        let mut document = question(path, value).unwrap().document;
        let identity = json!({"name": "a", "namespace": "n", "uid": "u"});
        assert_eq!(document["metadata"], identity);
        for name in ["apiVersion", "kind", "metadata"] {
            drop(document.as_object_mut().unwrap().remove(name));
        }
        document
    }

    #[test]
    fn what_changes_is_asked_for_and_what_goes_with_another_value() {
        for (path, value, expected) in [
            ("map", json!({"a": "2", "b": 2, "c": {"on": true}}), json!({"map": {"a": "2"}})),
            ("map", json!({"a": "1"}), json!({"map": {"b": 0, "c": {"on": false}}})),
            ("map.a", Value::Null, json!({"map": {"a": "none"}})),
            ("none", Value::Null, json!({"none": "some"})),
            ("list[1]", json!("z"), json!({"list": ["x", "z"]})),
            ("list[0]", Value::Null, json!({"list": ["y"]})),
            ("list", Value::Null, json!({"list": []})),
            ("new.list[0].name", json!("x"), json!({"new": {"list": [{"name": "x"}]}})),
        ] {
            assert_eq!(document(path, value.clone()), expected, "{path} = {value}");
        }
        assert!(question("map.a", json!("1")).is_none());
    }

    #[test]
    fn what_may_be_somebodys_unasked_is_open() {
        let open = |path: &str, value: Value, then: Value| question(path, value).unwrap().leaves_open(&then);
        assert!(!open("list", json!(["y"]), json!({"list": ["y"]})), "a list with one owner");
        assert!(open("list", json!(["y"]), json!({"list": ["x", "y"]})), "one of single elements");
        assert!(open("list", Value::Null, json!({"list": ["x", "y"]})));
        assert!(!open("list", Value::Null, json!({"list": []})));
        assert!(open("empty", Value::Null, json!({"empty": {}})));
        assert!(!open("map.a", Value::Null, json!({"map": {"a": "none"}})));
    }

    #[test]
    fn a_document_without_room_for_the_identity_asks_nothing() {
        assert!(question("metadata", json!("text")).is_none());
        assert_eq!(document("metadata", json!({"name": "other"})), json!({}), "the identity counts");
    }
}
