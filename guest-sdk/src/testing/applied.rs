//! Who applied which fields of an object: as much of server-side apply as a provider can lose data by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    cluster::{Error, Owner},
    equal,
};

/// The names of members that lead to a field.
pub(super) type Path = Vec<String>;

/// What an applied document carries to say which object it is, and does not claim.
const IDENTITY: [&[&str]; 6] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "uid"],
    &["metadata", "resourceVersion"],
];

/// The fields of one object that were applied, by manager.
#[derive(Debug, Clone, Default)]
pub(super) struct Applied(BTreeMap<String, BTreeSet<Path>>);

/// A document to be applied.
pub(super) struct Document<'a> {
    pub(super) body: &'a Value,
    pub(super) manager: &'a str,
    pub(super) force: bool,
    /// Where the maps of its kind are that have one owner as a whole.
    pub(super) atomic: &'a [Path],
}

impl Applied {
    /// Applies a document to an object. Fields that somebody else applied with another value are a conflict, unless it is
    /// forced. What the manager applied before and leaves out now is removed, unless somebody else applied it too.
    pub(super) fn apply(&mut self, document: &Document<'_>, object: &mut Value) -> Result<(), Error> {
        let mut claimed = BTreeSet::new();
        collect(document.body, &mut Vec::new(), document.atomic, &mut claimed);
        let old = object.clone();
        for path in IDENTITY.map(owned) {
            if let Some(value) = get(document.body, &path) {
                set(object, &path, value.clone());
            }
        }
        for path in &claimed {
            if let Some(value) = get(document.body, path) {
                set(object, path, value.clone());
            }
        }
        let others = |path: &Path| self.0.iter().any(|(name, own)| name != document.manager && own.contains(path));
        for path in self.0.get(document.manager).into_iter().flatten() {
            if !claimed.iter().any(|claim| claim.starts_with(path)) && !others(path) {
                remove(object, path);
            }
        }
        let owners = self.owners(document.manager, &old, object);
        if !owners.is_empty() && !document.force {
            return Err(Error::Conflict { message: "others own fields of the apply".to_owned(), owners });
        }
        self.0.remove(document.manager);
        self.written(&old, object);
        self.0.insert(document.manager.to_owned(), claimed);
        Ok(())
    }

    /// An object was written: who writes a field takes it from those who applied it.
    pub(super) fn written(&mut self, old: &Value, new: &Value) {
        for own in self.0.values_mut() {
            own.retain(|path| !differs(old, new, path));
        }
    }

    /// Who applied a field that differs, but for one.
    fn owners(&self, manager: &str, old: &Value, new: &Value) -> Vec<Owner> {
        let others = self.0.iter().filter(|(name, _)| *name != manager);
        let fields = others.flat_map(|(name, own)| own.iter().map(move |path| (name, path)));
        let lost = fields.filter(|(_, path)| differs(old, new, path));
        lost.map(|(name, path)| Owner { manager: name.clone(), field: format!(".{}", path.join(".")) }).collect()
    }
}

fn owned(path: &[&str]) -> Path {
    path.iter().map(|&name| name.to_owned()).collect()
}

/// The fields that a document claims: members with anything but members, and maps that are owned as a whole.
fn collect(value: &Value, path: &mut Path, atomic: &[Path], claimed: &mut BTreeSet<Path>) {
    match value {
        Value::Object(members) if path.is_empty() || !members.is_empty() && !atomic.contains(path) => {
            for (name, value) in members {
                path.push(name.clone());
                collect(value, path, atomic, claimed);
                path.pop();
            }
        }
        _ if IDENTITY.iter().any(|identity| path == identity) => {}
        _ => drop(claimed.insert(path.clone())),
    }
}

fn get<'v>(value: &'v Value, path: &Path) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

fn differs(old: &Value, new: &Value, path: &Path) -> bool {
    !equal(get(old, path).unwrap_or(&Value::Null), get(new, path).unwrap_or(&Value::Null))
}

fn set(object: &mut Value, path: &Path, value: Value) {
    let mut slot = object;
    for name in path {
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        slot = &mut slot[name];
    }
    *slot = value;
}

/// A map that this empties goes too.
fn remove(object: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(&mut *object, |value, name| value.get_mut(name));
    let Some(Value::Object(members)) = parent else { return };
    members.remove(last);
    if members.is_empty() {
        remove(object, parents);
    }
}
