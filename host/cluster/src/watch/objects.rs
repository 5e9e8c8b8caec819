//! The objects of a watch, and the ways to find them.

use std::{
    borrow::Borrow,
    collections::{HashMap, HashSet},
    hash::{Hash, Hasher},
};

use capstan_api::ObjectKey;

use crate::{Object, object::ByKey};

/// Each object is kept once; what it is found by points into it.
#[derive(Default)]
pub(super) struct Objects {
    by_key: HashSet<ByKey>,
    by_uid: HashSet<ByUid>,
    /// Owned objects by the uid of each owner.
    owned: HashMap<Box<str>, HashSet<ByKey>>,
}

struct ByUid(Object);

impl Objects {
    pub(super) fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.by_key.get(key).map(|ByKey(object)| object)
    }

    pub(super) fn with_uid(&self, uid: &str) -> Option<&Object> {
        self.by_uid.get(uid).map(|ByUid(object)| object)
    }

    pub(super) fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Object> {
        self.owned.get(uid).into_iter().flatten().map(|ByKey(object)| object)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Object> {
        self.by_key.iter().map(|ByKey(object)| object)
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Puts an object in the place of the one of its key.
    pub(super) fn put(&mut self, object: &Object) {
        self.remove(object.key());
        self.by_key.insert(ByKey(object.clone()));
        self.by_uid.replace(ByUid(object.clone()));
        for owner in object.owner_uids() {
            match self.owned.get_mut(owner) {
                Some(owned) => drop(owned.replace(ByKey(object.clone()))),
                None => drop(self.owned.insert(owner.into(), HashSet::from([ByKey(object.clone())]))),
            }
        }
    }

    pub(super) fn remove(&mut self, key: &ObjectKey) {
        let Some(ByKey(object)) = self.by_key.take(key) else { return };
        // Not one of the same uid under another key, which no API server has.
        if self.with_uid(object.uid()).is_some_and(|other| other.key() == key) {
            self.by_uid.remove(object.uid());
        }
        for owner in object.owner_uids() {
            if let Some(owned) = self.owned.get_mut(owner) {
                owned.remove(key);
                if owned.is_empty() {
                    self.owned.remove(owner);
                }
            }
        }
    }
}

impl Borrow<str> for ByUid {
    fn borrow(&self) -> &str {
        self.0.uid()
    }
}

impl PartialEq for ByUid {
    fn eq(&self, other: &Self) -> bool {
        self.0.uid() == other.0.uid()
    }
}

impl Eq for ByUid {}

impl Hash for ByUid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.uid().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, uid: &str, owners: &[&str]) -> Object {
        let owners: Vec<_> = owners.iter().map(|uid| json!({"uid": uid})).collect();
        Object::from_value(json!({
            "apiVersion": "v1", "kind": "A", "metadata": {"name": name, "uid": uid, "ownerReferences": owners},
        }))
        .unwrap()
    }

    fn owned(objects: &Objects, uid: &str) -> Vec<String> {
        let mut names: Vec<_> = objects.owned_by(uid).map(|object| object.key().name.clone()).collect();
        names.sort();
        names
    }

    #[test]
    fn objects_are_found_by_uid_and_by_owner_wherever_they_move() {
        let mut objects = Objects::default();
        objects.put(&object("a", "1", &["x", "y"]));
        objects.put(&object("b", "2", &["x"]));
        assert_eq!(objects.with_uid("1").unwrap().key().name, "a");
        assert_eq!((owned(&objects, "x"), owned(&objects, "y")), (vec!["a".into(), "b".into()], vec!["a".into()]));
        objects.put(&object("a", "1", &["z"]));
        assert_eq!((owned(&objects, "x"), owned(&objects, "z")), (vec!["b".into()], vec!["a".into()]));
        objects.put(&object("a", "3", &[]));
        assert!(objects.with_uid("1").is_none());
        objects.remove(&ObjectKey::cluster("a"));
        objects.remove(&ObjectKey::cluster("b"));
        assert_eq!((objects.len(), objects.by_uid.len(), objects.owned.len()), (0, 0, 0));
    }
}
