//! The state of the cluster, and access to it for the operations of the API.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::event_expiry::EventExpiry;
use crate::registry::Registry;
use crate::resource::{Resource, Rules};
use crate::settle::Work;
use crate::status::{Reason, Refusal};
use crate::store::{Object, ObjectRef, OpenError, Saved, Store};
use crate::write::Writer;

/// Namespaces that exist from the start.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// Everything behind one lock: operations are short and never wait, and what they see is consistent.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    /// What is left to do after the writes so far: see [`Cluster::settle`].
    pub(crate) work: VecDeque<Work>,
    events: EventExpiry,
}

impl Cluster {
    /// A cluster in memory.
    pub(crate) fn new(history: usize, watch_buffer: usize) -> Self {
        let mut cluster = Self::empty(history, watch_buffer);
        let prepared = cluster.make_namespaces();
        debug_assert!(prepared.is_ok(), "{prepared:?}");
        cluster
    }

    /// A cluster in a directory, as it was left there.
    pub(crate) fn open(history: usize, watch_buffer: usize, path: &Path) -> Result<Self, OpenError> {
        let mut cluster = Self::empty(history, watch_buffer);
        cluster.restore(Saved::open(path)?);
        cluster.make_namespaces().map_err(|refusal| OpenError::Prepare(refusal.to_string()))?;
        Ok(cluster)
    }

    fn empty(history: usize, watch_buffer: usize) -> Self {
        Self {
            store: Store::new(history, watch_buffer),
            registry: Registry::new(),
            work: VecDeque::new(),
            events: EventExpiry::default(),
        }
    }

    /// Transactions are saved as a whole, with what follows from them, so that there is no work left over.
    fn restore(&mut self, saved: Saved) {
        self.registry.restore(saved.values("customresourcedefinitions.apiextensions.k8s.io"));
        let registry = &self.registry;
        self.store.restore(saved, |collection, value| registry.schema_of(collection, value));
        self.events.restore(&self.store);
    }

    fn make_namespaces(&mut self) -> Result<(), Refusal> {
        let writer = Writer { manager: "capstan-devcluster".to_owned(), dry_run: false };
        let Some(namespaces) = self.registry.of_collection("namespaces").cloned() else { return Ok(()) };
        for name in NAMESPACES {
            if self.store.get(&Self::at(&namespaces, None, name)).is_none() {
                let metadata = Map::from_iter([("name".to_owned(), Value::from(*name))]);
                let namespace = Value::Object(Map::from_iter([("metadata".to_owned(), Value::Object(metadata))]));
                self.create(&namespaces, None, namespace, false, &writer)?;
            }
        }
        Ok(())
    }

    /// The place of an object of a resource.
    pub(crate) fn at(resource: &Resource, namespace: Option<&str>, name: &str) -> ObjectRef {
        ObjectRef {
            collection: Arc::clone(&resource.collection),
            namespace: namespace.unwrap_or_default().to_owned(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn get(&self, resource: &Resource, at: &ObjectRef) -> Result<Arc<Object>, Refusal> {
        self.store.get(at).cloned().ok_or_else(|| Refusal::not_found(resource, &at.name))
    }

    /// Stores an object, and notes what follows from it. To be finished or rolled back.
    pub(crate) fn put(&mut self, resource: &Resource, at: &ObjectRef, value: Value, schema_id: u64) -> Arc<Object> {
        let generation = |object: &Object| object.value["metadata"]["generation"].clone();
        let known = self.store.get(at).map(|object| generation(object));
        let object = self.store.put(at, value, schema_id);
        if object.value["metadata"].get("ownerReferences").is_some() {
            self.work.push_back(Work::Dependent(at.clone()));
        }
        match resource.rules {
            Rules::Event | Rules::EventView => {
                for expired in self.events.written(&self.store, at, object.revision) {
                    self.remove(&expired);
                }
            }
            Rules::CustomResourceDefinition => self.work.push_back(Work::Definition(at.name.clone())),
            Rules::Namespace if known.is_none() => self.work.push_back(Work::NewNamespace(at.name.clone())),
            Rules::Namespace => self.work.push_back(Work::Namespace(at.name.clone())),
            Rules::Workload(_) if known != Some(generation(&object)) => {
                self.work.push_back(Work::Workload(at.clone()));
            }
            _ => {}
        }
        object
    }

    /// Removes an object, and notes what follows from that. To be finished or rolled back.
    pub(crate) fn remove(&mut self, at: &ObjectRef) -> Option<Arc<Object>> {
        let object = self.store.remove(at)?;
        self.work.push_back(Work::Gone(at.clone(), Arc::clone(&object)));
        Some(object)
    }

    /// Does what follows from the changes of a request, and commits all of it together.
    ///
    /// # Errors
    /// It cannot be written. Nothing has changed then.
    pub(crate) fn finish(&mut self) -> Result<(), Refusal> {
        self.settle();
        if let Err(error) = self.store.commit() {
            tracing::error!(%error, "a change was refused");
            self.roll_back();
            let cause = error.to_string();
            return Err(Refusal::new(Reason::InternalError, format!("Internal error occurred: {cause}"))
                .with_details(json!({"causes": [{"message": cause}]})));
        }
        self.registry.commit();
        self.events.commit(&self.store);
        Ok(())
    }

    /// Undoes what was not committed.
    pub(crate) fn roll_back(&mut self) {
        self.work.clear();
        self.store.roll_back();
        self.registry.roll_back();
        self.events.roll_back(self.store.revision());
    }
}
