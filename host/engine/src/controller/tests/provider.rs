//! A provider that keeps what it manages in memory. What it does with an object stands in the object's `spec`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Reach, Watches};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Change, Context, Creation, ExternalSession, ExternalSystem, Failure, Observation, Read, Readiness, Retry, Seen,
};

#[derive(Clone)]
pub(super) struct Memory {
    cluster: Cluster,
    watches: Watches,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What exists, by object name.
    exists: HashMap<String, Value>,
    /// `observe a`, in their order.
    calls: Vec<String>,
}

struct Session {
    memory: Memory,
    context: Context,
}

impl Memory {
    pub(super) fn new(cluster: Cluster, watches: Watches) -> Self {
        Self { cluster, watches, state: Arc::default() }
    }

    /// Calls so far, counted, and forgets them.
    pub(super) fn calls(&self) -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for call in std::mem::take(&mut self.state.lock().unwrap().calls) {
            *counted.entry(call).or_default() += 1;
        }
        counted
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.state.lock().unwrap().exists.contains_key(name)
    }

    /// Somebody changes or removes outside what an object stands for.
    pub(super) fn edit(&self, name: &str, change: impl FnOnce(&mut HashMap<String, Value>)) {
        let mut state = self.state.lock().unwrap();
        assert!(state.exists.contains_key(name));
        change(&mut state.exists);
    }
}

impl Session {
    fn called(&self, call: &str) {
        let name = &self.context.object.key.name;
        self.memory.state.lock().unwrap().calls.push(format!("{call} {name}"));
    }

    fn name(&self) -> String {
        self.context.object.key.name.clone()
    }

    fn keep(&self, managed: &str) {
        let spec = serde_json::from_str::<Value>(managed).unwrap()["spec"].clone();
        self.memory.state.lock().unwrap().exists.insert(self.name(), spec);
    }

    /// The data of a `ConfigMap`, read as the sandbox reads for a guest.
    async fn source(&self, name: &str) -> Option<Value> {
        let kind = GroupVersionKind::gvk("", "v1", "ConfigMap");
        let target = ObjectRef { kind, key: ObjectKey::namespaced("ns", name) };
        self.context.reads.record(Read::Object(target.clone()));
        let object = match self.memory.watches.cached(&target) {
            Some(object) => Some(object),
            None => self.memory.cluster.get(&target).await.ok(),
        };
        let seen = object.as_ref().map_or(Seen::Absent, |object| Seen::Version(object.resource_version().into()));
        self.context.reads.saw(&target, seen);
        Some(object?.value()["data"].clone())
    }
}

#[async_trait]
impl ExternalSystem for Memory {
    async fn connect(&self, context: &Context, _: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        Ok(Box::new(Session { memory: self.clone(), context: context.clone() }))
    }

    fn reach(&self, _: &ObjectRef) -> Reach {
        Reach::Namespace
    }
}

#[async_trait]
impl ExternalSession for Session {
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        self.called("observe");
        let spec = serde_json::from_str::<Value>(managed).unwrap()["spec"].clone();
        match spec["behaviour"].as_str() {
            Some("panic") => panic!("as told"),
            Some("invalid") => return Err(Failure::new("InvalidSpec", "no such behaviour", Retry::OnChange)),
            Some("fail") => return Err(Failure::new("", "as told", Retry::Backoff)),
            Some("slow") => sleep(Duration::from_secs(10)).await,
            Some("hang") => std::future::pending().await,
            _ => {}
        }
        let mut status = json!({});
        if let Some(name) = spec["source"].as_str() {
            status["copied"] = self.source(name).await.unwrap_or_default();
        }
        let exists = self.memory.state.lock().unwrap().exists.get(&self.name()).cloned();
        Ok(Observation {
            exists: exists.is_some(),
            up_to_date: exists == Some(spec),
            status: Some(status),
            readiness: Readiness::Ready,
            ..Observation::default()
        })
    }

    async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        self.called("create");
        self.keep(managed);
        Ok(Creation::default())
    }

    async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        self.called("update");
        self.keep(managed);
        Ok(Change::default())
    }

    async fn delete(&mut self, _: &str) -> Result<(), Failure> {
        self.called("delete");
        self.memory.state.lock().unwrap().exists.remove(&self.name());
        Ok(())
    }

    async fn disconnect(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}
