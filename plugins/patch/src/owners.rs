//! Whose the fields are that a JSON patch is about to change. The API server says so of an apply only, so it is asked by one that
//! is tried: of just those fields, with values that differ. What others own is in the way of that, by the schema's rules: a
//! list or map that has one owner as a whole is named as such.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::asked::{asked, has_list, has_substitute, has_unaskable, keeps_more};
use crate::change::{Assignment, identity, updated};

/// An apply that is only to be tried.
pub(crate) struct Question {
    /// The document to apply, without force.
    pub(crate) document: Value,
    /// `status` if the fields are part of it.
    pub(crate) subresource: Option<&'static str>,
    /// A value stands in it that is only tried, in the place of one that goes.
    pub(crate) has_substitute: bool,
    /// Something goes for which no other value can be named.
    is_partial: bool,
}

/// Why it stays open whose something is that would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// There is no other value of what goes.
    Empty,
    /// The fields leave no room for the object's identity.
    NoRoom,
    /// It is in elements that the API server keeps, whatever is applied.
    Elements,
    /// The API server refuses what is tried, and says nothing about elements of lists.
    Refused,
}

impl fmt::Display for Unknown {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Empty => {
                "an empty map or list is among it, and of those nobody says whose they are. Remove it first, or let onConflict be \
                 takeOver"
            }
            Self::NoRoom => {
                "the fields leave no room for the object's name in what would be asked with. Name fields below them, or let \
                 onConflict be takeOver"
            }
            Self::Elements => {
                "elements of a list have owners of their own. Name the fields of the elements, or let onConflict be takeOver"
            }
            Self::Refused => {
                "the API server refuses what is tried in the place of what goes, and of elements of lists it then says nothing. Let \
                 onConflict be takeOver"
            }
        })
    }
}

impl Question {
    /// Asks for the fields of an object that `pending` changes, which are all of one subresource; none if nothing changes.
    pub(crate) fn of(object: &Value, pending: &[Assignment]) -> Result<Option<Self>, Unknown> {
        let updated = updated(object, pending).map_err(|_| Unknown::NoRoom)?;
        let mut document = json!({});
        let mut is_partial = false;
        for each in pending {
            let path = each.path.outside_lists();
            let [old, new] = [object, &updated].map(|state| path.get(state).unwrap_or(&Value::Null));
            is_partial |= has_unaskable(old, new);
            if let Some(value) = asked(old, new) {
                path.set(&mut document, value).map_err(|_| Unknown::NoRoom)?;
            }
        }
        let is_empty = document.as_object().is_none_or(Map::is_empty);
        if is_empty && !is_partial {
            return Ok(None);
        }
        let has_substitute = has_substitute(&document, &updated);
        identify(&mut document, object).ok_or(Unknown::NoRoom)?;
        let subresource = pending.first().and_then(Assignment::subresource);
        Ok(Some(Self { document, subresource, has_substitute, is_partial }))
    }

    /// What stays open of an object although nobody is in the way. `then` is what the API server would make of the document: elements of
    /// lists that are owned one by one stay in it, and so do members of elements that it tells apart in a way of its own. Nobody
    /// was asked about them.
    ///
    /// None stands for a document whose content was refused. Conflicts are told before content is looked at (the patch handler
    /// merges by `managedfields` before admission and validation), so nobody is in the way of what was asked then either.
    /// Which elements would stay is not to be seen.
    pub(crate) fn unknown(&self, object: &Value, then: Option<&Value>) -> Option<Unknown> {
        if self.is_partial {
            return Some(Unknown::Empty);
        }
        match then {
            Some(then) => keeps_more(then, &self.document, object).then_some(Unknown::Elements),
            None => has_list(&self.document).then_some(Unknown::Refused),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "n", "uid": "u"},
            "map": {"a": "1", "b": 2, "c": {"on": true}}, "list": ["x", "y"], "empty": {}, "none": "none", "size": "10Gi",
            "parts": [{"name": "one", "dir": "/", "env": [{"name": "e", "value": "v"}]}, {"name": "two", "room": {}}],
            "bare": [{"dir": "/"}],
        })
    }

    fn question(path: &str, value: Value) -> Result<Option<Question>, Unknown> {
        Question::of(&object(), &[Assignment { path: path.parse().unwrap(), value }])
    }

    /// What is asked for, besides the object's identity.
    fn document(path: &str, value: Value) -> Value {
        let mut document = question(path, value).unwrap().unwrap().document;
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
            ("map.a", Value::Null, json!({"map": {"a": "1000"}})),
            ("none", Value::Null, json!({"none": "some"})),
            ("size", Value::Null, json!({"size": "1000"})),
            ("list[1]", json!("z"), json!({"list": ["x", "z"]})),
            ("list[0]", Value::Null, json!({"list": ["y"]})),
            ("list", Value::Null, json!({"list": []})),
            ("new.list[0].name", json!("x"), json!({"new": {"list": [{"name": "x"}]}})),
        ] {
            assert_eq!(document(path, value.clone()), expected, "{path} = {value}");
        }
        assert!(question("map.a", json!("1")).unwrap().is_none());
    }

    #[test]
    fn what_goes_from_an_element_is_asked_for_with_another_value_too() {
        let env = json!([{"name": "e", "value": "v"}]);
        let two = json!({"name": "two", "room": {}});
        for (path, value, expected) in [
            ("parts[0].dir", Value::Null, json!([{"name": "one", "dir": "none", "env": env}, two])),
            ("parts[0]", json!({"name": "one", "env": env}), json!([{"name": "one", "dir": "none", "env": env}, two])),
            (
                "parts[0].env[0].value",
                Value::Null,
                json!([{"name": "one", "dir": "/", "env": [{"name": "e", "value": "none"}]}, two]),
            ),
            // Elements are found by what they are called, wherever they are.
            (
                "parts",
                json!([{"name": "new"}, {"name": "one", "env": env}, two]),
                json!([{"name": "new"}, {"name": "one", "dir": "none", "env": env}, two]),
            ),
        ] {
            assert_eq!(document(path, value.clone())["parts"], expected, "{path} = {value}");
        }
        assert_eq!(document("bare[0]", json!({"x": "y"})), json!({"bare": [{"dir": "none", "x": "y"}]}));
    }

    #[test]
    fn elements_with_two_keys_are_told_apart_wherever_they_are() {
        let mut object = object();
        object["ports"] = json!([{"port": 53}, {"port": 53, "protocol": "UDP", "nodePort": 30053}]);
        let path = "ports".parse().unwrap();
        let value = json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]);
        let question = Question::of(&object, &[Assignment { path, value }]).unwrap().unwrap();
        let expected = json!([{"port": 53, "protocol": "UDP", "nodePort": 1}, {"port": 53, "protocol": "TCP"}]);
        let mut asked = question.document["ports"].clone();
        assert_ne!(asked[0]["nodePort"], 30053, "another one than it has");
        asked[0]["nodePort"] = json!(1);
        assert_eq!(asked, expected);
    }

    #[test]
    fn what_may_be_somebodys_unasked_is_unknown_and_why() {
        let unknown = |path: &str, value: Value, then: Value| {
            question(path, value).unwrap().unwrap().unknown(&object(), Some(&then))
        };
        let elements = Some(Unknown::Elements);
        assert_eq!(unknown("list", json!(["y"]), json!({"list": ["y"]})), None, "a list with one owner");
        assert_eq!(unknown("list", json!(["y"]), json!({"list": ["x", "y"]})), elements, "one of single elements");
        assert_eq!(unknown("list", Value::Null, json!({"list": ["x", "y"]})), elements);
        assert_eq!(unknown("list", Value::Null, json!({"list": []})), None);
        assert_eq!(unknown("map.a", Value::Null, json!({"map": {"a": "none"}})), None);
        for (path, value) in
            [("empty", Value::Null), ("parts[1].room", Value::Null), ("parts[1]", json!({"name": "two"}))]
        {
            assert_eq!(unknown(path, value, json!({})), Some(Unknown::Empty), "{path}");
        }
    }

    #[test]
    fn a_list_that_goes_from_an_element_is_unknown_if_its_elements_stay() {
        let then =
            |env: Value| json!({"parts": [{"name": "one", "dir": "/", "env": env}, {"name": "two", "room": {}}]});
        let question = question("parts[0].env", Value::Null).unwrap().unwrap();
        assert_eq!(question.unknown(&object(), Some(&then(json!([])))), None);
        assert_eq!(question.unknown(&object(), Some(&then(json!([{"name": "e"}])))), Some(Unknown::Elements));
    }

    /// Keyed by `id`, of which nothing here knows. By place, and by what is called a name, they are taken for others.
    #[test]
    fn members_that_stay_in_elements_are_unknown_whatever_tells_these_apart() {
        let nested = |on: bool| json!({"x": {"on": on}});
        for (old, new, then, expected) in [
            (
                json!([{"id": 1, "x": 1, "y": 1}, {"id": 2, "x": 2}]),
                json!([{"id": 2, "x": 2}, {"id": 1, "x": 1}]),
                json!([{"id": 2, "x": 2, "y": 0}, {"id": 1, "x": 1, "y": 1}]),
                Some(Unknown::Elements),
            ),
            (
                json!([{"id": 1, "name": "one", "y": 1}]),
                json!([{"id": 1, "name": "two"}]),
                json!([{"id": 1, "name": "two", "y": 1}]),
                Some(Unknown::Elements),
            ),
            (
                json!([{"id": 1, "name": "one", "map": {"a": 1, "b": 2}}]),
                json!([{"id": 1, "name": "two", "map": {"a": 1}}]),
                json!([{"id": 1, "name": "two", "map": {"a": 1, "b": 2}}]),
                Some(Unknown::Elements),
            ),
            (
                json!([{"id": 1, "name": "one", "in": [nested(true), nested(false)]}]),
                json!([{"id": 1, "name": "two", "in": [nested(true)]}]),
                json!([{"id": 1, "name": "two", "in": [nested(true), nested(false)]}]),
                Some(Unknown::Elements),
            ),
            // What is added is from nobody.
            (
                json!([{"id": 1, "mode": "off"}]),
                json!([{"id": 1, "mode": "off"}, {"id": 2}]),
                json!([{"id": 1, "mode": "off"}, {"id": 2, "mode": "on"}]),
                None,
            ),
        ] {
            let object = json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a"}, "list": old});
            let assignment = Assignment { path: "list".parse().unwrap(), value: new };
            let question = Question::of(&object, &[assignment]).unwrap().unwrap();
            assert_eq!(question.unknown(&object, Some(&json!({"list": then}))), expected, "{then}");
            assert_eq!(question.unknown(&object, Some(&question.document)), None, "a list with one owner: {then}");
        }
    }

    #[test]
    fn a_refused_substitute_says_enough_outside_of_lists_only() {
        let refused = |path: &str, value: Value| {
            let question = question(path, value).unwrap().unwrap();
            (question.has_substitute, question.unknown(&object(), None))
        };
        assert_eq!(refused("map.a", Value::Null), (true, None));
        assert_eq!(refused("map", json!({"a": "1"})), (true, None));
        assert_eq!(refused("map.a", json!("2")), (false, None), "it is the value itself that is refused");
        assert_eq!(refused("parts[0].dir", Value::Null), (true, Some(Unknown::Refused)));
        assert_eq!(refused("list", Value::Null), (true, Some(Unknown::Refused)));
        assert!(!refused("list[1]", json!("z")).0);
    }

    #[test]
    fn a_document_without_room_for_the_identity_asks_nothing() {
        assert_eq!(question("metadata", json!("text")).err(), Some(Unknown::NoRoom));
        assert_eq!(document("metadata", json!({"name": "other"})), json!({}), "the identity counts");
    }
}
