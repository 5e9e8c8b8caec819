//! The state of the cluster, and access to it for the operations of the API.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::registry::Registry;
use crate::resource::{Resource, Rules};
use crate::settle::Work;
use crate::status::Refusal;
use crate::store::{Object, ObjectRef, Store};
use crate::write::Writer;

/// Namespaces that exist from the start.
const NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// As in Kubernetes, where it is a flag of the server.
const EVENT_LIFETIME: Duration = Duration::from_hours(1);

/// Everything behind one lock: operations are short and never wait, and what they see is consistent.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    /// What is left to do after the writes so far: see [`Cluster::settle`].
    pub(crate) work: VecDeque<Work>,
    /// Events by the time they were last written, with the revision of that write.
    events: VecDeque<(Instant, ObjectRef, u64)>,
}

impl Cluster {
    pub(crate) fn new(history: usize, watch_buffer: usize) -> Self {
        let mut cluster = Self {
            store: Store::new(history, watch_buffer),
            registry: Registry::new(),
            work: VecDeque::new(),
            events: VecDeque::new(),
        };
        let writer = Writer { manager: "capstan-devcluster".to_owned(), dry_run: false };
        if let Some(namespaces) = cluster.registry.of_collection("namespaces").cloned() {
            for name in NAMESPACES {
                let metadata = Map::from_iter([("name".to_owned(), Value::from(*name))]);
                let namespace = Value::Object(Map::from_iter([("metadata".to_owned(), Value::Object(metadata))]));
                let created = cluster.create(&namespaces, None, namespace, false, &writer);
                debug_assert!(created.is_ok(), "{created:?}");
            }
        }
        cluster
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

    /// Stores an object, and notes what follows from it.
    pub(crate) fn put(&mut self, resource: &Resource, at: &ObjectRef, value: Value, schema_id: u64) -> Arc<Object> {
        let generation = |object: &Object| object.value["metadata"]["generation"].clone();
        let known = self.store.get(at).map(|object| generation(object));
        let object = self.store.put(at, value, schema_id);
        if object.value["metadata"].get("ownerReferences").is_some() {
            self.work.push_back(Work::Dependent(at.clone()));
        }
        match resource.rules {
            Rules::Event | Rules::EventView => self.expire_events(at, object.revision),
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

    /// Removes events that were not written for an hour. Done on writes of events: nothing grows without them.
    fn expire_events(&mut self, written: &ObjectRef, revision: u64) {
        let now = Instant::now();
        self.events.push_back((now, written.clone(), revision));
        while let Some((_, at, revision)) = self.events.pop_front_if(|(time, ..)| now - *time > EVENT_LIFETIME) {
            if self.store.get(&at).is_some_and(|event| event.revision == revision) {
                self.remove(&at);
            }
        }
    }

    /// Removes an object, and notes what follows from that.
    pub(crate) fn remove(&mut self, at: &ObjectRef) -> Option<Arc<Object>> {
        let object = self.store.remove(at)?;
        self.work.push_back(Work::Gone(at.clone(), Arc::clone(&object)));
        Some(object)
    }
}
