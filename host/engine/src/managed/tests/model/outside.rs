//! What is outside, and the promises that every call of the lifecycle must keep.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use capstan_api::keys;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Arc, Pause, Store};
use crate::{Creation, Observation, Readiness, managed::snapshot::Snapshot};

/// An external system that holds the resources of one object.
pub(super) struct Outside {
    findable: bool,
    shows_after: Duration,
    state: Mutex<State>,
    /// The truth about the object, and whether its provider is paused.
    truth: OnceLock<(Arc<Store>, Pause)>,
}

#[derive(Default)]
struct State {
    resources: Vec<Resource>,
    named: usize,
    /// Intents for which a create was asked.
    intents: HashSet<String>,
    /// What the last observe of this reconcile said.
    seen: Option<bool>,
    creates: usize,
    /// Deleting the object left its resource behind, as a policy or a user wished.
    left_behind: bool,
    broken: Vec<String>,
}

struct Resource {
    name: String,
    spec: Value,
    /// `None`: from the beginning.
    born: Option<Instant>,
}

impl Outside {
    pub(super) fn new(findable: bool, shows_after: Duration) -> Self {
        Self { findable, shows_after, state: Mutex::default(), truth: OnceLock::new() }
    }

    /// Checks the calls against the truth about the object.
    pub(super) fn watch(&self, store: &Arc<Store>, pause: &Pause) {
        let _ = self.truth.set((Arc::clone(store), pause.clone()));
    }

    pub(super) fn findable(&self) -> bool {
        self.findable
    }

    /// A resource that exists already, with a name and a spec.
    pub(super) fn add(&self, spec: &Value) -> String {
        let mut state = self.lock();
        state.named += 1;
        let name = format!("ext-{}", state.named);
        state.resources.push(Resource { name: name.clone(), spec: spec.clone(), born: None });
        name
    }

    /// Somebody changes the resource.
    pub(super) fn drift(&self) {
        if let Some(resource) = self.lock().resources.first_mut() {
            resource.spec = json!({"drifted": true});
        }
    }

    /// Somebody deletes it.
    pub(super) fn vanish(&self) {
        self.lock().resources.clear();
    }

    /// A new reconcile has seen nothing yet.
    pub(super) fn begin(&self) {
        self.lock().seen = None;
    }

    pub(super) fn specs(&self) -> Vec<Value> {
        self.lock().resources.iter().map(|resource| resource.spec.clone()).collect()
    }

    pub(super) fn creates(&self) -> usize {
        self.lock().creates
    }

    pub(super) fn was_left_behind(&self) -> bool {
        self.lock().left_behind
    }

    /// The name of the only resource, if there is one.
    pub(super) fn only(&self) -> Option<String> {
        let state = self.lock();
        state.resources.first().map(|resource| resource.name.clone())
    }

    pub(super) fn broken(&self) -> Vec<String> {
        self.lock().broken.clone()
    }

    /// A call begins: not while the object is paused, not against its policies; a create at most once for each intent, and
    /// not while the last one's resource lives.
    pub(super) fn called(&self, call: &str) {
        let Some(object) = self.truth() else { return };
        if self.is_paused(&object) {
            self.complain(format!("{call} of a paused object"));
        }
        let (allowed, deleting) = (object.allowed(), object.is_deleting());
        let may = match call {
            "create" => allowed.create && !deleting,
            "update" => allowed.update && !deleting,
            "delete" => allowed.delete && deleting && object.foreign_finalizers().next().is_none(),
            _ => true,
        };
        if !may {
            self.complain(format!("{call} against the policy"));
        }
        if call == "create" {
            self.created_under(object.annotation(keys::CREATE_PENDING).unwrap_or_default());
            if !object.creates().is_unclear() {
                self.complain("create without an intent".to_owned());
            }
            if !self.lock().resources.is_empty() {
                self.complain("create of a second resource".to_owned());
            }
        }
    }

    fn created_under(&self, intent: &str) {
        if !self.lock().intents.insert(intent.to_owned()) {
            self.complain(format!("second create for the intent of {intent}"));
        }
    }

    pub(super) fn observe(&self, managed: &Value) -> Observation {
        let mut state = self.lock();
        let found = self.find(&state, managed);
        let resource = found.map(|index| &state.resources[index]);
        let observation = Observation {
            exists: resource.is_some(),
            up_to_date: resource.is_some_and(|resource| resource.spec == managed["spec"]),
            readiness: Readiness::Ready,
            external_name: resource.map(|resource| resource.name.clone()),
            status: resource.map(|resource| json!({"name": resource.name})),
            ..Observation::default()
        };
        state.seen = Some(observation.exists);
        observation
    }

    pub(super) fn create(&self, managed: &Value) -> Creation {
        let mut state = self.lock();
        state.creates += 1;
        state.named += 1;
        let name = format!("ext-{}", state.named);
        state.resources.push(Resource {
            name: name.clone(),
            spec: managed["spec"].clone(),
            born: Some(Instant::now()),
        });
        Creation { external_name: Some(name), ..Creation::default() }
    }

    pub(super) fn update(&self, managed: &Value) {
        let mut state = self.lock();
        if let Some(index) = self.find(&state, managed) {
            state.resources[index].spec = managed["spec"].clone();
        }
    }

    pub(super) fn delete(&self, managed: &Value) {
        let mut state = self.lock();
        if let Some(index) = self.find(&state, managed) {
            state.resources.remove(index);
        }
    }

    /// The finalizer is about to be taken off: only after an observe that found nothing, and when there is nothing; or if
    /// a policy or the user says to leave it.
    pub(super) fn released(&self) {
        let Some(object) = self.truth() else { return };
        let leaves = !object.allowed().delete || self.is_paused(&object) && object.is_let_go_while_paused();
        let mut state = self.lock();
        if leaves {
            state.left_behind = true;
        } else if state.seen != Some(false) || !state.resources.is_empty() {
            let broken = format!("let go with {} resources alive", state.resources.len());
            state.broken.push(broken);
        }
    }

    fn find(&self, state: &State, managed: &Value) -> Option<usize> {
        let annotations = managed["metadata"]["annotations"].as_object();
        let name = annotations.and_then(|annotations| annotations.get(keys::EXTERNAL_NAME)).and_then(Value::as_str);
        state.resources.iter().position(|resource| {
            let shows = resource.born.is_none_or(|born| born.elapsed() >= self.shows_after);
            shows && (self.findable || Some(resource.name.as_str()) == name)
        })
    }

    fn is_paused(&self, object: &Snapshot) -> bool {
        object.is_paused() || self.truth.get().is_some_and(|(_, pause)| pause.is_set())
    }

    fn truth(&self) -> Option<Snapshot> {
        let object = self.truth.get()?.0.stored()?;
        Some(Snapshot::of(capstan_cluster::Object::from_value(object).unwrap()))
    }

    /// Noted and not panicked: a panic would be one more end of a reconcile.
    pub(super) fn complain(&self, what: String) {
        self.lock().broken.push(what);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// All that another process needs to go on.
    pub(super) fn saved(&self) -> Value {
        let state = self.lock();
        let names: Vec<_> = state.resources.iter().map(|resource| json!([resource.name, resource.spec])).collect();
        json!({"resources": names, "named": state.named, "creates": state.creates, "intents": state.intents, "broken": state.broken})
    }

    pub(super) fn restored(findable: bool, saved: &Value) -> Self {
        let outside = Self::new(findable, Duration::ZERO);
        let texts =
            |member: &str| saved[member].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let number = |member: &str| usize::try_from(saved[member].as_u64().unwrap_or_default()).unwrap();
        let mut state = outside.lock();
        state.resources = saved["resources"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| Resource { name: pair[0].as_str().unwrap().to_owned(), spec: pair[1].clone(), born: None })
            .collect();
        state.named = number("named");
        state.creates = number("creates");
        state.intents = texts("intents").collect();
        state.broken = texts("broken").collect();
        drop(state);
        outside
    }
}
