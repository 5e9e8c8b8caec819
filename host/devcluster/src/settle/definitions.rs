//! The life of a CRD: names accepted, established, and at its end the deletion of its objects.

use std::sync::Arc;

use serde_json::Value;

use crate::apply::{Manager, Operation, changes};
use crate::cluster::Cluster;
use crate::crd::names::{self, Taken};
use crate::crd::{CLEANUP_FINALIZER, status, text};
use crate::object::{ObjectExt, now};
use crate::resource::{Resource, qualify};
use crate::settle::Work;
use crate::store::{Object, ObjectRef};
use crate::write::DeleteOptions;

/// Where CRDs are.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl Cluster {
    fn definitions(&self) -> Option<Arc<Resource>> {
        self.registry.of_collection(DEFINITIONS).cloned()
    }

    /// The CRD of a collection.
    pub(crate) fn definition(&self, collection: &str) -> Option<&Arc<Object>> {
        self.store.get(&Self::at(self.definitions()?.as_ref(), None, collection))
    }

    /// Brings status and served resources up to the state of a CRD.
    pub(super) fn settle_definition(&mut self, name: &str) {
        let Some(definitions) = self.definitions() else { return };
        let at = Self::at(&definitions, None, name);
        let Some(object) = self.store.get(&at).cloned() else {
            return;
        };
        if object.value.is_deleting() {
            self.end_definition(&definitions, &at, &object);
            return;
        }
        let mut crd = object.value.clone();
        let (accepted, conflict) = names::accept(&crd, &self.taken_names(&definitions, &crd));
        let frees = accepted != crd["status"]["acceptedNames"];
        status::update(&mut crd, accepted, conflict);
        if crd != object.value {
            if frees {
                self.reconsider_names(&definitions, &crd);
            }
            record(&definitions, &object.value, &mut crd);
            // This comes back here once more, and finds nothing to change.
            self.put(&definitions, &at, crd, object.schema_id);
        } else if status::has_condition(&crd, "Established", "True") && self.registry.serve(&crd) {
            self.store.end_watches(name);
            // References to objects of this kind can be followed now.
            self.work.extend(self.store.without_owner().into_iter().map(Work::Dependent));
        }
    }

    /// The names that the other CRDs of a group have.
    fn taken_names(&self, definitions: &Resource, crd: &Value) -> Taken {
        let mut taken = Taken::default();
        for other in self.others_of_group(definitions, crd) {
            taken.add(&other.value);
        }
        taken
    }

    fn others_of_group<'a>(&'a self, definitions: &Resource, crd: &'a Value) -> impl Iterator<Item = &'a Arc<Object>> {
        let collection = self.store.collection(&definitions.collection);
        let all = collection.into_iter().flat_map(|collection| collection.objects(None));
        let group = text(crd, "/spec/group");
        all.filter(move |(_, name, other)| *name != crd.meta_str("name") && text(&other.value, "/spec/group") == group)
            .map(|(_, _, other)| other)
    }

    /// The others of a group may get names that a CRD no longer has.
    fn reconsider_names(&mut self, definitions: &Resource, crd: &Value) {
        let names = self.others_of_group(definitions, crd).map(|other| other.value.meta_str("name").to_owned());
        let work: Vec<Work> = names.map(Work::Definition).collect();
        self.work.extend(work);
    }

    fn end_definition(&mut self, definitions: &Resource, at: &ObjectRef, object: &Arc<Object>) {
        let mut crd = object.value.clone();
        status::set_terminating(&mut crd);
        if crd != object.value {
            record(definitions, &object.value, &mut crd);
            self.put(definitions, at, crd, object.schema_id);
            return;
        }
        if !crd.meta_strings("finalizers").contains(&CLEANUP_FINALIZER) {
            return;
        }
        if let Some(resource) = self.registry.of_collection(&at.name).cloned() {
            for instance in self.instances(&resource) {
                // The object was just listed and there are no preconditions, so that nothing can refuse.
                let _ = self.mark_deleted(&resource, &instance, &DeleteOptions::default());
            }
            if !self.instances(&resource).is_empty() {
                return;
            }
        }
        self.drop_finalizer(at, CLEANUP_FINALIZER);
    }

    fn instances(&self, resource: &Resource) -> Vec<ObjectRef> {
        let collection = self.store.collection(&resource.collection);
        let objects = collection.into_iter().flat_map(|collection| collection.objects(None));
        objects.map(|(namespace, name, _)| Self::at(resource, Some(namespace), name)).collect()
    }

    /// Stops serving the kind of a CRD that is gone.
    pub(super) fn retire_definition(&mut self, crd: &Value) {
        let (group, plural) = (text(crd, "/spec/group"), text(crd, "/spec/names/plural"));
        self.registry.remove(group, plural);
        self.store.end_watches(&qualify(plural, group));
        if let Some(definitions) = self.definitions() {
            self.reconsider_names(&definitions, crd);
        }
    }
}

/// Records who wrote the status: in Kubernetes these are controllers in the API server itself.
fn record(definitions: &Resource, old: &Value, new: &mut Value) {
    let manager = Manager {
        name: "kube-apiserver".to_owned(),
        operation: Operation::Update,
        api_version: definitions.api_version(),
        subresource: "status".to_owned(),
    };
    changes::record_update(old, new, &definitions.schema, &manager, &now());
}
