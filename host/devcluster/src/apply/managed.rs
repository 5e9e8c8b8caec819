//! `metadata.managedFields`: reading it, writing it, and following what updates and applies do to it.

use serde_json::{Value, json};

use super::compare::compare;
use super::field_set::FieldSet;
use super::{conflict, merge, owned};
use crate::object::{ObjectExt, set_or_remove};
use crate::schema::Schema;
use crate::status::Refusal;

/// How a manager came to own its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Apply,
    Update,
}

/// Who owns fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) api_version: String,
    /// "" for the object itself.
    pub(crate) subresource: String,
}

impl Manager {
    /// Whether two entries belong to one manager. Appliers stay the same across API versions.
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// As conflicts name it.
    pub(super) fn describe(&self) -> String {
        let mut text = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.subresource);
        }
        if self.operation == Operation::Update {
            text += &format!(" using {}", self.api_version);
        }
        text
    }
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    manager: Manager,
    time: String,
    fields: FieldSet,
}

/// Why an apply was refused.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// Other managers own fields that the apply would change.
    Conflict(Refusal),
    /// The applied configuration does not fit the schema; the text says where.
    Untyped(String),
}

/// What an apply made of the live object.
pub(crate) struct Applied {
    pub(crate) object: Value,
}

/// Records in `new` that `manager` made it out of `old`. `old` is `None` for a create.
///
/// When the client sent its own `managedFields`, these are the starting point, and `[{}]` gives up tracking.
pub(crate) fn record_update(old: Option<&Value>, new: &mut Value, schema: &Schema, manager: &Manager, now: &str) {
    let empty = json!({});
    let before = old.unwrap_or(&empty);
    let sent = &new["metadata"]["managedFields"];
    let given_up = sent.as_array().is_some_and(|entries| entries.len() == 1 && entries[0] == json!({}));
    let starting_point = if sent.as_array().is_some_and(|entries| !entries.is_empty()) { sent } else { &before["metadata"]["managedFields"] };
    let mut entries = parse(starting_point);
    if given_up || (old.is_some() && entries.is_empty()) {
        new.metadata_mut().remove("managedFields");
        return;
    }
    let comparison = compare(before, new, schema);
    let (changed, removed) = (owned_part(comparison.changed), owned_part(comparison.removed));
    for entry in entries.iter_mut().filter(|entry| !entry.manager.is_same(manager)) {
        entry.fields = entry.fields.difference(&changed).difference(&removed);
    }
    let position = entries.iter().position(|entry| entry.manager.is_same(manager));
    let own = position.map(|position| entries[position].fields.clone()).unwrap_or_default();
    let fields = own.union(&changed).difference(&removed);
    put(&mut entries, position, manager, fields, now, false);
    write(entries, new);
}

/// Applies a configuration to the live object (`None` to create it). The result has the new `managedFields`.
pub(crate) fn apply(
    live: Option<&Value>,
    applied: &Value,
    schema: &Schema,
    manager: &Manager,
    force: bool,
    now: &str,
) -> Result<Applied, ApplyError> {
    check_typed(applied, Some(schema), "").map_err(ApplyError::Untyped)?;
    let empty = json!({});
    let before = live.unwrap_or(&empty);
    let mut entries = parse(&before["metadata"]["managedFields"]);
    if let Some(live) = live
        && entries.is_empty()
    {
        // Nobody owns anything yet: what is there came before the first apply, and is protected as such.
        let mut everything = Vec::new();
        let fields = owned_part(owned::claimed(live, Some(schema)));
        let first = Manager { name: "before-first-apply".to_owned(), operation: Operation::Update, ..manager.clone() };
        put(&mut everything, None, &first, fields, now, false);
        entries = everything;
    }
    let position = entries.iter().position(|entry| entry.manager.is_same(manager));
    let last = position.map(|position| entries[position].fields.clone()).unwrap_or_default();
    let claimed = owned_part(owned::claimed(applied, Some(schema)));

    let mut object = before.clone();
    merge::merge(&mut object, applied, Some(schema));
    let kept = entries
        .iter()
        .filter(|entry| !entry.manager.is_same(manager))
        .fold(claimed.clone(), |kept, entry| kept.union(&entry.fields));
    merge::remove(&mut object, &last.difference(&kept), &kept, Some(schema));

    let comparison = compare(before, &object, schema);
    let (changed, removed) = (owned_part(comparison.changed), owned_part(comparison.removed));
    let conflicts: Vec<(Manager, FieldSet)> = entries
        .iter()
        .filter(|entry| !entry.manager.is_same(manager))
        .map(|entry| (entry.manager.clone(), entry.fields.intersection(&changed)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    if !conflicts.is_empty() && !force {
        return Err(ApplyError::Conflict(conflict::refusal(&conflicts)));
    }
    for entry in entries.iter_mut().filter(|entry| !entry.manager.is_same(manager)) {
        entry.fields = entry.fields.difference(&changed).difference(&removed);
    }
    let touched = !changed.is_empty() || !removed.is_empty();
    put(&mut entries, position, manager, claimed, now, touched);
    write(entries, &mut object);
    Ok(Applied { object })
}

/// Leaves out the fields that the server owns.
fn owned_part(mut set: FieldSet) -> FieldSet {
    for path in [&["f:apiVersion"][..], &["f:kind"], &["f:metadata"]] {
        set.remove(path);
    }
    let server_owned = [
        "name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion",
    ];
    for field in server_owned {
        set.remove_all(&["f:metadata", &owned::field_element(field)]);
    }
    set
}

/// Sets the fields of one manager. Its time moves when its fields did, or when `touched` says that it changed values.
fn put(
    entries: &mut Vec<Entry>,
    position: Option<usize>,
    manager: &Manager,
    fields: FieldSet,
    now: &str,
    touched: bool,
) {
    match position {
        Some(position) => {
            let entry = &mut entries[position];
            if touched || entry.fields != fields {
                now.clone_into(&mut entry.time);
            }
            entry.manager = manager.clone();
            entry.fields = fields;
        }
        None => entries.push(Entry { manager: manager.clone(), time: now.to_owned(), fields }),
    }
}

fn parse(managed_fields: &Value) -> Vec<Entry> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    managed_fields
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["manager"].is_string())
        .map(|entry| Entry {
            manager: Manager {
                name: text(entry, "manager"),
                operation: if entry["operation"] == "Apply" { Operation::Apply } else { Operation::Update },
                api_version: text(entry, "apiVersion"),
                subresource: text(entry, "subresource"),
            },
            time: text(entry, "time"),
            fields: FieldSet::from_fields_v1(&entry["fieldsV1"]),
        })
        .collect()
}

fn write(mut entries: Vec<Entry>, object: &mut Value) {
    entries.retain(|entry| !entry.fields.is_empty());
    let order = |entry: &Entry| (entry.manager.operation, entry.time.clone(), entry.manager.name.clone());
    entries.sort_by_cached_key(order);
    let list: Vec<Value> = entries
        .into_iter()
        .map(|entry| {
            let mut written = json!({
                "manager": entry.manager.name,
                "operation": match entry.manager.operation {
                    Operation::Apply => "Apply",
                    Operation::Update => "Update",
                },
                "apiVersion": entry.manager.api_version,
                "time": entry.time,
                "fieldsType": "FieldsV1",
                "fieldsV1": entry.fields.to_fields_v1(),
            });
            if !entry.manager.subresource.is_empty() {
                written["subresource"] = entry.manager.subresource.into();
            }
            written
        })
        .collect();
    set_or_remove(object.metadata_mut(), "managedFields", (!list.is_empty()).then_some(Value::Array(list)));
}

/// Refuses what cannot be merged: fields that the schema does not have, and list items with the same key.
fn check_typed(value: &Value, schema: Option<&Schema>, path: &str) -> Result<(), String> {
    let Some(known) = schema else { return Ok(()) };
    if let Value::Object(map) = value
        && let Some(key) = map.keys().find(|key| known.member(key).is_none())
        && !known.preserve_unknown
        && !known.embedded_resource
    {
        return Err(format!("{path}.{key}: field not declared in schema"));
    }
    let children = owned::children(value, schema);
    for (index, (element, child, child_schema)) in children.iter().enumerate() {
        let name = match element.strip_prefix("f:") {
            Some(name) => format!("{path}.{name}"),
            None if children[..index].iter().any(|(other, ..)| other == element) => {
                return Err(format!("{path}: duplicate entries for key {}", &element[2..]));
            }
            None => format!("{path}[{}]", &element[2..]),
        };
        check_typed(child, *child_schema, &name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
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
            Ok(applied) => Ok(applied.object),
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
    fn an_update_takes_ownership_of_what_it_changes() {
        let live = applied(None, &json!({"spec": {"size": 2, "mode": "fast"}}), "one", false).unwrap();
        let mut new = live.clone();
        new["spec"]["size"] = 3.into();
        new["metadata"]["labels"] = json!({"a": "b"});
        record_update(Some(&live), &mut new, &schema(), &manager("edit", Operation::Update), "2026-01-02T00:00:00Z");
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
        record_update(Some(&old), &mut new, &schema(), &manager("edit", Operation::Update), "2026-01-02T00:00:00Z");
        assert_eq!(new["metadata"].get("managedFields"), None);
    }
}
