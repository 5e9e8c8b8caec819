//! Garbage collection by owner references.

use serde_json::{Value, json};

use super::{FOREGROUND_FINALIZER, ORPHAN_FINALIZER};
use crate::cluster::Cluster;
use crate::object::{ObjectExt, set_or_remove};
use crate::store::ObjectRef;
use crate::write::{DeleteOptions, Propagation};

/// What an owner reference leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Present,
    /// Being deleted in the foreground: it waits for its dependents.
    Waiting,
    Absent,
}

impl Cluster {
    /// What a reference leads to. `None` if that cannot be told, as for a kind that is not served: it may be defined later.
    fn owner(&self, dependent: &ObjectRef, reference: &Value) -> Option<Owner> {
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let resource = self.registry.of_kind(text("apiVersion"), text("kind"))?;
        if resource.namespaced && dependent.namespace.is_empty() {
            // Owners are in the same namespace or in none.
            return None;
        }
        let namespace = resource.namespaced.then_some(dependent.namespace.as_str());
        let owner = self.store.get(&Self::at(resource, namespace, text("name")));
        let Some(owner) = owner.filter(|owner| owner.value.meta_str("uid") == text("uid")) else {
            return Some(Owner::Absent);
        };
        let waits = owner.value.is_deleting() && owner.value.meta_strings("finalizers").contains(&FOREGROUND_FINALIZER);
        Some(if waits { Owner::Waiting } else { Owner::Present })
    }

    /// Deletes an object that has no owner left, and drops the references to those it has lost otherwise. Does nothing, as
    /// Kubernetes, while one of the references leads nobody knows where.
    pub(super) fn check_dependent(&mut self, at: &ObjectRef) {
        let (Some(resource), Some(object)) = (self.resource_of(at), self.store.get(at).cloned()) else {
            return;
        };
        let references = object.value["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
        let owners: Option<Vec<Owner>> = references.iter().map(|reference| self.owner(at, reference)).collect();
        let Some(owners) = owners else { return };
        if owners.iter().all(|owner| *owner == Owner::Present) {
            return;
        }
        if owners.contains(&Owner::Present) {
            let kept = references.into_iter().zip(&owners).filter(|(_, owner)| **owner == Owner::Present);
            let kept: Vec<Value> = kept.map(|(reference, _)| reference).collect();
            let mut value = object.value.clone();
            set_or_remove(value.metadata_mut(), "ownerReferences", Some(json!(kept)));
            self.put(&resource, at, value, object.schema_id);
            return;
        }
        // A dependent that is awaited is awaited with its own dependents.
        let propagation =
            if owners.contains(&Owner::Waiting) { Propagation::Foreground } else { Propagation::Background };
        if !object.value.is_deleting() {
            let options = DeleteOptions { propagation, ..DeleteOptions::default() };
            // The object was there a moment ago and there are no preconditions, so that nothing can refuse.
            let _ = self.mark_deleted(&resource, at, &options);
        }
    }

    /// Does for an owner what its propagation policy asks, and lets it go when that is done.
    pub(super) fn release_owner(&mut self, at: &ObjectRef) {
        let Some(owner) = self.store.get(at).cloned().filter(|owner| owner.value.is_deleting()) else {
            return;
        };
        let uid = owner.value.meta_str("uid");
        let finalizers = owner.value.meta_strings("finalizers");
        if finalizers.contains(&ORPHAN_FINALIZER) {
            for dependent in self.store.dependents(uid) {
                self.orphan(&dependent, uid);
            }
            self.drop_finalizer(at, ORPHAN_FINALIZER);
        } else if finalizers.contains(&FOREGROUND_FINALIZER) {
            for dependent in self.store.dependents(uid) {
                self.check_dependent(&dependent);
            }
            let blocks = |dependent: &ObjectRef| {
                let references = self.store.get(dependent).map(|object| &object.value["metadata"]["ownerReferences"]);
                let mut references = references.and_then(Value::as_array).into_iter().flatten();
                references.any(|reference| reference["uid"] == uid && reference["blockOwnerDeletion"] == true)
            };
            if !self.store.dependents(uid).iter().any(blocks) {
                self.drop_finalizer(at, FOREGROUND_FINALIZER);
            }
        }
    }

    fn orphan(&mut self, at: &ObjectRef, uid: &str) {
        let (Some(resource), Some(object)) = (self.resource_of(at), self.store.get(at).cloned()) else {
            return;
        };
        let mut value = object.value.clone();
        let references = value["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
        let kept: Vec<Value> = references.into_iter().filter(|reference| reference["uid"] != uid).collect();
        set_or_remove(value.metadata_mut(), "ownerReferences", (!kept.is_empty()).then(|| json!(kept)));
        self.put(&resource, at, value, object.schema_id);
    }
}
