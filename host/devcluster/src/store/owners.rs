//! An index from uids to objects and to the objects they own, for garbage collection.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Object, ObjectRef};
use crate::object::ObjectExt;

#[derive(Debug, Default)]
pub(super) struct Owners {
    objects: HashMap<String, ObjectRef>,
    dependents: HashMap<String, BTreeSet<ObjectRef>>,
}

impl Owners {
    /// Follows a change of an object from one state to another.
    pub(super) fn replace(&mut self, at: &ObjectRef, previous: Option<&Object>, current: Option<&Object>) {
        if let Some(previous) = previous {
            self.objects.remove(previous.value.meta_str("uid"));
            for uid in owner_uids(&previous.value) {
                if let Some(dependents) = self.dependents.get_mut(uid) {
                    dependents.remove(at);
                    if dependents.is_empty() {
                        self.dependents.remove(uid);
                    }
                }
            }
        }
        if let Some(current) = current {
            self.objects.insert(current.value.meta_str("uid").to_owned(), at.clone());
            for uid in owner_uids(&current.value) {
                self.dependents.entry(uid.to_owned()).or_default().insert(at.clone());
            }
        }
    }

    pub(super) fn object(&self, uid: &str) -> Option<&ObjectRef> {
        self.objects.get(uid)
    }

    pub(super) fn dependents(&self, uid: &str) -> Vec<ObjectRef> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// The dependents of objects that are not there.
    pub(super) fn without_owner(&self) -> Vec<ObjectRef> {
        let lost = self.dependents.iter().filter(|(uid, _)| !self.objects.contains_key(*uid));
        let mut found: Vec<ObjectRef> = lost.flat_map(|(_, dependents)| dependents).cloned().collect();
        // What follows from a write has one order.
        found.sort();
        found
    }
}

fn owner_uids(value: &Value) -> impl Iterator<Item = &str> {
    let references = value["metadata"]["ownerReferences"].as_array();
    references.into_iter().flatten().filter_map(|reference| reference["uid"].as_str())
}
