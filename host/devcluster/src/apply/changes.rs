//! What updates and applies do to an object and to the ownership of its fields.

use serde_json::{Value, json};

use super::compare::compare;
use super::field_set::FieldSet;
use super::managed::{Manager, Owners, owned_part};
use super::{conflict, merge, owned, typed};
use crate::object::ObjectExt;
use crate::schema::Schema;
use crate::status::Refusal;

/// Why an apply was refused.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// Other managers own fields that the apply would change.
    Conflict(Refusal),
    /// The applied configuration does not fit the schema; the text says where.
    Untyped(String),
}

/// Records in `new` that `manager` created it. `inherent` are the places, as JSON pointers, of members that an object of its kind has before anybody sets
/// anything: nobody owns them, only what stands in them.
pub(crate) fn record_create(new: &mut Value, inherent: &[&str], schema: &Schema, manager: &Manager, now: &str) {
    let mut blank = json!({});
    for place in inherent {
        let empty = match new.pointer(place) {
            None => continue,
            Some(Value::Object(_)) => json!({}),
            Some(Value::String(_)) => "".into(),
            Some(_) => Value::Null,
        };
        let (parent, member) = place.rsplit_once('/').unwrap_or_default();
        if let Some(parent) = blank.pointer_mut(parent) {
            parent[member] = empty;
        }
    }
    record(&blank, true, new, schema, manager, now);
}

/// Records in `new` that `manager` made it out of `old`.
///
/// When the client sent its own `managedFields`, these are the starting point, and `[{}]` gives up tracking.
pub(crate) fn record_update(old: &Value, new: &mut Value, schema: &Schema, manager: &Manager, now: &str) {
    record(old, false, new, schema, manager, now);
}

fn record(before: &Value, created: bool, new: &mut Value, schema: &Schema, manager: &Manager, now: &str) {
    let sent = new["metadata"]["managedFields"].as_array().filter(|entries| !entries.is_empty());
    let given_up = sent.is_some_and(|entries| entries[..] == [json!({})]);
    let current = if sent.is_some() { &new["metadata"]["managedFields"] } else { &before["metadata"]["managedFields"] };
    let mut owners = Owners::parse(current, manager);
    if given_up || (!created && owners.is_empty()) {
        new.metadata_mut().remove("managedFields");
        return;
    }
    let comparison = compare(before, new, schema);
    let (changed, removed) = (owned_part(comparison.changed), owned_part(comparison.removed));
    owners.take_from_others(&changed.union(&removed));
    let own = owners.own().union(&changed).difference(&removed);
    owners.set_own(own, false, now);
    owners.write(new);
}

/// Takes a field away from whoever owns it. `path` are the names of the fields that lead there.
pub(crate) fn disown(object: &mut Value, path: &[&str], manager: &Manager) {
    let mut owners = Owners::parse(&object["metadata"]["managedFields"], manager);
    let mut field = FieldSet::default();
    field.insert(&path.iter().map(|name| owned::field_element(name)).collect::<Vec<_>>());
    owners.take_from_others(&field);
    owners.write(object);
}

/// Applies a configuration to the live object (`None` to create it). The result has the new `managedFields`.
pub(crate) fn apply(
    live: Option<&Value>,
    applied: &Value,
    schema: &Schema,
    manager: &Manager,
    force: bool,
    now: &str,
) -> Result<Value, ApplyError> {
    typed::check(applied, schema).map_err(ApplyError::Untyped)?;
    let empty = json!({});
    let before = live.unwrap_or(&empty);
    let mut owners = Owners::parse(&before["metadata"]["managedFields"], manager);
    if let Some(live) = live
        && owners.is_empty()
    {
        owners.add_before_first_apply(owned_part(compare(&empty, live, schema).changed), now);
    }
    let claimed = owned_part(owned::claimed(applied, Some(schema)));

    let mut object = before.clone();
    merge::merge(&mut object, applied, Some(schema));
    let kept = owners.others().fold(claimed.clone(), |kept, (_, fields)| kept.union(fields));
    merge::remove(&mut object, &owners.own().difference(&kept), &kept, Some(schema));

    let comparison = compare(before, &object, schema);
    let (changed, removed) = (owned_part(comparison.changed), owned_part(comparison.removed));
    let conflicts: Vec<(Manager, FieldSet)> = owners
        .others()
        .map(|(manager, fields)| (manager.clone(), fields.intersection(&changed)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    if !conflicts.is_empty() && !force {
        return Err(ApplyError::Conflict(conflict::refusal(&conflicts)));
    }
    let touched = changed.union(&removed);
    owners.take_from_others(&touched);
    owners.set_own(claimed, !touched.is_empty(), now);
    owners.write(&mut object);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::Operation;
    use crate::schema::parse as parse_schema;

    fn schema() -> Schema {
        let document = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "size": {"type": "integer"},
            "mode": {"type": "string"},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "args": {"type": "array", "items": {"type": "string"}},
            "ports": {
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {
                    "name": {"type": "string"}, "port": {"type": "integer"}, "proto": {"type": "string"},
                }},
            },
        }}}});
        parse_schema(&document, "", &mut Vec::new()).with_object_fields()
    }

    fn manager(name: &str, operation: Operation) -> Manager {
        Manager { name: name.into(), operation, api_version: "demo.example/v1".into(), subresource: String::new() }
    }

    fn applied(live: Option<&Value>, config: &Value, name: &str, force: bool) -> Result<Value, String> {
        match apply(live, config, &schema(), &manager(name, Operation::Apply), force, "2026-01-01T00:00:00Z") {
            Ok(object) => Ok(object),
            Err(ApplyError::Conflict(refusal)) => Err(refusal.to_string()),
            Err(ApplyError::Untyped(text)) => Err(text),
        }
    }

    fn fields(object: &Value, name: &str) -> Value {
        let entries = object["metadata"]["managedFields"].as_array().unwrap();
        entries.iter().find(|entry| entry["manager"] == name).map_or(Value::Null, |entry| entry["fieldsV1"].clone())
    }

    #[test]
    fn an_apply_claims_leaves_and_items() {
        let config = json!({"spec": {"size": 2, "ports": [{"name": "http", "port": 80}], "tags": ["x"]}});
        let object = applied(None, &config, "one", false).unwrap();
        assert_eq!(
            fields(&object, "one"),
            json!({"f:spec": {
                "f:size": {},
                "f:ports": {"k:{\"name\":\"http\"}": {".": {}, "f:name": {}, "f:port": {}}},
                "f:tags": {"v:\"x\"": {}},
            }})
        );
    }

    #[test]
    fn conflicts_name_owner_and_fields_and_force_takes_over() {
        let config = json!({"spec": {"size": 2, "ports": [{"name": "http", "port": 80}]}});
        let live = applied(None, &config, "one", false).unwrap();
        let other = json!({"spec": {"size": 3, "ports": [{"name": "http", "port": 81}]}});
        assert_eq!(
            applied(Some(&live), &other, "two", false).unwrap_err(),
            "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.size\n- .spec.ports[name=\"http\"].port"
        );
        let forced = applied(Some(&live), &json!({"spec": {"size": 3}}), "two", true).unwrap();
        assert_eq!(forced["spec"]["size"], 3);
        assert_eq!(fields(&forced, "two"), json!({"f:spec": {"f:size": {}}}));
        assert_eq!(fields(&forced, "one")["f:spec"].get("f:size"), None);
        let single = applied(Some(&live), &json!({"spec": {"size": 4}}), "two", false).unwrap_err();
        assert_eq!(single, "Apply failed with 1 conflict: conflict with \"one\": .spec.size");
    }

    #[test]
    fn what_is_no_longer_applied_goes_unless_others_own_it() {
        let config = json!({"spec": {"size": 2, "tags": ["a", "b"], "ports": [{"name": "http", "port": 80}]}});
        let live = applied(None, &config, "one", false).unwrap();
        let shared = applied(Some(&live), &json!({"spec": {"size": 2, "tags": ["b"]}}), "two", false).unwrap();
        let dropped = applied(Some(&shared), &json!({"spec": {"ports": []}}), "one", false).unwrap();
        assert_eq!(dropped["spec"]["size"], 2);
        assert_eq!(dropped["spec"]["tags"], json!(["b"]));
        let ports = dropped["spec"]["ports"].as_array().map_or(0, Vec::len);
        assert_eq!(ports, 0);
    }

    #[test]
    fn fields_that_nobody_owns_stay() {
        let mut live = applied(None, &json!({"spec": {"size": 2}}), "one", false).unwrap();
        live["spec"]["mode"] = "slow".into();
        let dropped = applied(Some(&live), &json!({}), "one", false).unwrap();
        assert_eq!(dropped["spec"], json!({"mode": "slow"}));
        assert_eq!(dropped["metadata"].get("managedFields"), None);
    }

    #[test]
    fn the_same_apply_again_changes_nothing() {
        let config = json!({"spec": {"size": 2, "ports": [{"name": "http", "port": 80}]}});
        let live = applied(None, &config, "one", false).unwrap();
        assert_eq!(applied(Some(&live), &config, "one", false).unwrap(), live);
    }

    #[test]
    fn a_create_owns_what_stands_in_inherent_members_and_not_these() {
        let created = |inherent: &[&str]| {
            let mut new = json!({"metadata": {}, "spec": {"size": 2}, "text": ""});
            record_create(&mut new, inherent, &schema(), &manager("make", Operation::Update), "2026-01-02T00:00:00Z");
            fields(&new, "make")
        };
        assert_eq!(created(&[]), json!({"f:spec": {".": {}, "f:size": {}}, "f:text": {}}));
        assert_eq!(created(&["/spec", "/status", "/text"]), json!({"f:spec": {"f:size": {}}}));
        assert_eq!(created(&["/spec", "/spec/size", "/text"])["f:spec"], json!({"f:size": {}}));
    }

    #[test]
    fn an_update_takes_ownership_of_what_it_changes() {
        let live = applied(None, &json!({"spec": {"size": 2, "mode": "fast"}}), "one", false).unwrap();
        let mut new = live.clone();
        new["spec"]["size"] = 3.into();
        new["metadata"]["labels"] = json!({"a": "b"});
        record_update(&live, &mut new, &schema(), &manager("edit", Operation::Update), "2026-01-02T00:00:00Z");
        assert_eq!(
            fields(&new, "edit"),
            json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:size": {}}})
        );
        assert_eq!(fields(&new, "one"), json!({"f:spec": {"f:mode": {}}}));
    }

    #[test]
    fn unknown_fields_and_duplicate_keys_are_refused() {
        assert_eq!(
            applied(None, &json!({"spec": {"bogus": 1}}), "one", false).unwrap_err(),
            ".spec.bogus: field not declared in schema"
        );
        let twice = json!({"spec": {"ports": [{"name": "a"}, {"name": "a"}]}});
        assert!(applied(None, &twice, "one", false).unwrap_err().contains("duplicate entries"));
    }

    #[test]
    fn giving_up_tracking_and_the_first_apply_after_it() {
        let live = json!({"metadata": {}, "spec": {"size": 2}});
        let error = applied(Some(&live), &json!({"spec": {"size": 3}}), "one", false).unwrap_err();
        assert!(error.contains("before-first-apply"), "{error}");
        let mut new = applied(None, &json!({"spec": {"size": 2}}), "one", false).unwrap();
        let old = new.clone();
        new["metadata"]["managedFields"] = json!([{}]);
        record_update(&old, &mut new, &schema(), &manager("edit", Operation::Update), "2026-01-02T00:00:00Z");
        assert_eq!(new["metadata"].get("managedFields"), None);
    }
}
