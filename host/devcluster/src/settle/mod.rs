//! What follows from a write: garbage collection, the ends of namespaces and definitions, and the status of workloads.
//!
//! A real cluster has controllers for this, which act a little later. Here it happens before the write is answered, so that
//! there are no tasks of the server's own and tests need not wait.

mod accounts;
mod collect;
mod definitions;
mod namespaces;
mod workloads;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::object::{ObjectExt, set_or_remove};
use crate::resource::{Resource, Rules};
use crate::store::{Object, ObjectRef};

/// Holds an owner until the dependents that block it are gone.
pub(crate) const FOREGROUND_FINALIZER: &str = "foregroundDeletion";
/// Holds an owner until its dependents no longer name it.
pub(crate) const ORPHAN_FINALIZER: &str = "orphan";

/// One thing to look at.
#[derive(Debug)]
pub(crate) enum Work {
    /// An object with owner references: do its owners exist?
    Dependent(ObjectRef),
    /// An owner that is deleted in the foreground, or with its dependents orphaned.
    Owner(ObjectRef),
    /// An object that is gone.
    Gone(ObjectRef, Arc<Object>),
    /// A namespace, by name.
    Namespace(String),
    /// A namespace that was just created, by name.
    NewNamespace(String),
    /// A CRD, by name.
    Definition(String),
    /// A workload whose desired state is new.
    Workload(ObjectRef),
}

impl Cluster {
    /// Works off what the writes so far have left to do. Each step changes something or ends a chain, so this ends.
    pub(crate) fn settle(&mut self) {
        while let Some(work) = self.work.pop_front() {
            match work {
                Work::Dependent(at) => self.check_dependent(&at),
                Work::Owner(at) => self.release_owner(&at),
                Work::Gone(at, object) => self.after_removal(&at, &object.value),
                Work::Namespace(name) => self.end_namespace(&name),
                Work::NewNamespace(name) => self.create_account(&name),
                Work::Definition(name) => self.settle_definition(&name),
                Work::Workload(at) => self.settle_workload(&at),
            }
        }
    }

    fn after_removal(&mut self, at: &ObjectRef, object: &Value) {
        for dependent in self.store.dependents(object.meta_str("uid")) {
            // At once: the kind of the owner may be about to go, too, and then nobody could tell that its owner is gone.
            self.check_dependent(&dependent);
        }
        for reference in object["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            if let Some(owner) = self.store.by_uid(reference["uid"].as_str().unwrap_or_default()) {
                self.work.push_back(Work::Owner(owner.clone()));
            }
        }
        if !at.namespace.is_empty() {
            self.work.push_back(Work::Namespace(at.namespace.clone()));
        }
        match self.registry.of_collection(&at.collection).map(|resource| resource.rules) {
            Some(Rules::CustomResourceDefinition) => self.retire_definition(object),
            Some(Rules::CustomResource) => self.work.push_back(Work::Definition(at.collection.to_string())),
            _ => {}
        }
    }

    fn resource_of(&self, at: &ObjectRef) -> Option<Arc<Resource>> {
        self.registry.of_collection(&at.collection).cloned()
    }

    /// Takes a finalizer away, and the object with it if that was the last.
    fn drop_finalizer(&mut self, at: &ObjectRef, finalizer: &str) {
        let (Some(resource), Some(object)) = (self.resource_of(at), self.store.get(at).cloned()) else {
            return;
        };
        let left: Vec<&str> =
            object.value.meta_strings("finalizers").into_iter().filter(|name| *name != finalizer).collect();
        if left.is_empty() && object.value.is_deleting() {
            self.remove(at);
            return;
        }
        let left = (!left.is_empty()).then(|| json!(left));
        let mut value = object.value.clone();
        set_or_remove(value.metadata_mut(), "finalizers", left);
        self.put(&resource, at, value, object.schema_id);
    }
}
