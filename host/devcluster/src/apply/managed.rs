//! `metadata.managedFields`: who owns which fields, read and written.

use serde_json::{Value, json};

use super::field_set::FieldSet;
use super::owned::field_element;
use crate::object::{ObjectExt, set_or_remove};

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
        let subresource = match self.subresource.as_str() {
            "" => String::new(),
            subresource => format!(" with subresource {subresource:?}"),
        };
        match self.operation {
            Operation::Apply => format!("{:?}{subresource}", self.name),
            Operation::Update => format!("{:?}{subresource} using {}", self.name, self.api_version),
        }
    }
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    manager: Manager,
    /// RFC 3339, whole seconds.
    time: String,
    fields: FieldSet,
}

/// All owners of an object's fields, seen by one of them.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    entries: Vec<Entry>,
    manager: &'a Manager,
}

impl<'a> Owners<'a> {
    /// Reads `managedFields` for `manager`.
    pub(super) fn parse(managed_fields: &Value, manager: &'a Manager) -> Self {
        let entries = managed_fields.as_array().into_iter().flatten();
        let entries = entries.filter(|entry| entry["manager"].is_string()).map(Entry::parse);
        Self { entries: entries.collect(), manager }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives all fields to a manager of the past. What was there before the first apply is protected as such.
    pub(super) fn add_before_first_apply(&mut self, fields: FieldSet, now: &str) {
        let name = "before-first-apply".to_owned();
        let manager = Manager { name, operation: Operation::Update, ..self.manager.clone() };
        self.entries.push(Entry { manager, time: now.to_owned(), fields });
    }

    /// The fields of this manager.
    pub(super) fn own(&self) -> FieldSet {
        let own = self.entries.iter().find(|entry| entry.manager.is_same(self.manager));
        own.map(|entry| entry.fields.clone()).unwrap_or_default()
    }

    /// The other managers and their fields.
    pub(super) fn others(&self) -> impl Iterator<Item = (&Manager, &FieldSet)> {
        let others = self.entries.iter().filter(|entry| !entry.manager.is_same(self.manager));
        others.map(|entry| (&entry.manager, &entry.fields))
    }

    /// Takes fields away from the others.
    pub(super) fn take_from_others(&mut self, fields: &FieldSet) {
        for entry in self.entries.iter_mut().filter(|entry| !entry.manager.is_same(self.manager)) {
            entry.fields = entry.fields.difference(fields);
        }
    }

    /// Sets the fields of this manager. Its time moves when its fields did, or when `touched` says that it changed values.
    pub(super) fn set_own(&mut self, fields: FieldSet, touched: bool, now: &str) {
        let manager = self.manager.clone();
        if let Some(own) = self.entries.iter_mut().find(|entry| entry.manager.is_same(&manager)) {
            let moved = touched || own.fields != fields;
            let time = if moved { now.to_owned() } else { std::mem::take(&mut own.time) };
            *own = Entry { manager, time, fields };
        } else {
            self.entries.push(Entry { manager, time: now.to_owned(), fields });
        }
    }

    /// Writes `managedFields` into an object, without managers that own nothing.
    pub(super) fn write(mut self, object: &mut Value) {
        self.entries.retain(|entry| !entry.fields.is_empty());
        let order = |entry: &Entry| (entry.manager.operation, entry.time.clone(), entry.manager.name.clone());
        self.entries.sort_by_cached_key(order);
        let list: Vec<Value> = self.entries.iter().map(Entry::to_value).collect();
        set_or_remove(object.metadata_mut(), "managedFields", (!list.is_empty()).then_some(Value::Array(list)));
    }
}

impl Entry {
    fn parse(entry: &Value) -> Self {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let operation = if entry["operation"] == "Apply" { Operation::Apply } else { Operation::Update };
        Self {
            manager: Manager {
                name: text("manager"),
                operation,
                api_version: text("apiVersion"),
                subresource: text("subresource"),
            },
            time: text("time"),
            fields: FieldSet::from_fields_v1(&entry["fieldsV1"]),
        }
    }

    fn to_value(&self) -> Value {
        let mut value = json!({
            "manager": self.manager.name,
            "operation": match self.manager.operation {
                Operation::Apply => "Apply",
                Operation::Update => "Update",
            },
            "apiVersion": self.manager.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": self.fields.to_fields_v1(),
        });
        if !self.manager.subresource.is_empty() {
            value["subresource"] = self.manager.subresource.clone().into();
        }
        value
    }
}

/// Leaves out the fields that the server owns.
pub(super) fn owned_part(mut set: FieldSet) -> FieldSet {
    for path in [&["f:apiVersion"][..], &["f:kind"], &["f:metadata"]] {
        set.remove(path);
    }
    let server_owned =
        ["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"];
    for field in server_owned {
        set.remove_all(&["f:metadata", &field_element(field)]);
    }
    set
}
