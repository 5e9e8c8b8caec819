//! A provider that keeps what it manages in memory. What it does with an object stands in the object's `spec`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Patch, Reach, Watches};
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

/// `relay: {from: a, to: b, step: 1}` in a `spec`: the number in one `ConfigMap` is that of the other and so much more. With
/// `fails: true` each write of it is followed by a failure that repeating does not help.
struct Relay {
    from: String,
    to: String,
    step: u64,
    fails: bool,
}

impl Relay {
    fn of(spec: &Value) -> Option<Self> {
        let relay = spec.get("relay")?;
        let text = |key: &str| relay[key].as_str().map(str::to_owned);
        let fails = relay["fails"] == true;
        Some(Self { from: text("from")?, to: text("to")?, step: relay["step"].as_u64()?, fails })
    }
}

fn config_map(name: &str) -> ObjectRef {
    let kind = GroupVersionKind::gvk("", "v1", "ConfigMap");
    ObjectRef { kind, key: ObjectKey::namespaced("ns", name) }
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

    async fn look(&self, relay: &Relay) -> Result<Observation, Failure> {
        let up_to_date = self.number(&relay.to).await == Some(self.number(&relay.from).await.unwrap_or(0) + relay.step);
        let readiness = if up_to_date { Readiness::Ready } else { Readiness::Unknown };
        Ok(Observation { exists: true, up_to_date, readiness, ..Observation::default() })
    }

    async fn number(&self, name: &str) -> Option<u64> {
        self.source(name).await?["x"].as_str()?.parse().ok()
    }

    /// As the sandbox writes for a guest.
    async fn write(&self, relay: &Relay) {
        let number = self.number(&relay.from).await.unwrap_or(0) + relay.step;
        let target = config_map(&relay.to);
        let body = json!({"data": {"x": number.to_string()}});
        let object = self.memory.cluster.patch(&target, None, Patch::Merge(&body)).await.unwrap();
        self.memory.watches.remember(&object);
        self.context.reads.wrote(&target, object.resource_version(), number);
    }

    /// The data of a `ConfigMap`, read as the sandbox reads for a guest.
    async fn source(&self, name: &str) -> Option<Value> {
        let target = config_map(name);
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
        if let Some(relay) = Relay::of(&spec) {
            return self.look(&relay).await;
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
        if let Some(relay) = Relay::of(&serde_json::from_str::<Value>(managed).unwrap()["spec"]) {
            self.write(&relay).await;
            let failure = || Failure::new("NotKept", "not all was kept", Retry::OnChange);
            return if relay.fails { Err(failure()) } else { Ok(Change::default()) };
        }
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
