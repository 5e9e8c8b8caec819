//! The life of a CRD: names accepted, established, and at its end the deletion of its objects.

use std::sync::Arc;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::crd::{CLEANUP_FINALIZER, status, text};
use crate::object::ObjectExt;
use crate::request::path::GroupVersion;
use crate::resource::{Resource, qualify};
use crate::store::{Object, ObjectRef};
use crate::write::DeleteOptions;

impl Cluster {
    fn definitions(&self) -> Option<Arc<Resource>> {
        let group_version = GroupVersion { group: "apiextensions.k8s.io".to_owned(), version: "v1".to_owned() };
        self.registry.find(&group_version, "customresourcedefinitions").cloned()
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
        let conflict = self.registry.name_conflict(&crd);
        status::update(&mut crd, conflict);
        if crd != object.value {
            // This comes back here once more, and finds nothing to change.
            self.put(&definitions, &at, crd, object.schema_id);
        } else if status::has_condition(&crd, "Established", "True") && self.registry.serve(&crd) {
            self.store.end_watches(name);
        }
    }

    fn end_definition(&mut self, definitions: &Resource, at: &ObjectRef, object: &Arc<Object>) {
        let mut crd = object.value.clone();
        status::set_terminating(&mut crd);
        if crd != object.value {
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
    }
}
