//! One object in memory, with the parts of an API server's behaviour that the lifecycle relies on.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use capstan_api::{ObjectRef, keys};
use capstan_cluster::{Clash, Error, Object};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Log;
use crate::managed::{merge, writes::ManagedObjects};

pub(super) struct Store {
    state: Mutex<State>,
    log: Log,
}

struct State {
    object: Option<Value>,
    /// Errors for the next writes of a label.
    refusals: VecDeque<(&'static str, Error)>,
    /// The label whose next write is done, and its answer lost.
    unanswered: Option<&'static str>,
    /// What is done to the object by the next write of a label.
    mutation: Option<(&'static str, Mutation)>,
    /// What is done to it by every write, as a definition prunes and fills in.
    schema: Option<Mutation>,
    /// The lease is lost, so that every write is refused.
    lost: bool,
    /// How long the next write of a label takes.
    delay: Option<(&'static str, Duration)>,
}

pub(super) fn conflict() -> Error {
    Error::Conflict(Clash { message: "the object has been modified".to_owned(), owners: Vec::new() })
}

pub(super) fn unavailable() -> Error {
    Error::Unavailable { message: "no route to host".to_owned(), retry_after: None }
}

impl Store {
    pub(super) fn new(object: Value, log: Log) -> Self {
        let state = State {
            object: Some(object),
            refusals: VecDeque::new(),
            unanswered: None,
            mutation: None,
            schema: None,
            lost: false,
            delay: None,
        };
        Self { state: Mutex::new(state), log }
    }

    /// From now on another replica reconciles it.
    pub(super) fn lose(&self) {
        self.state.lock().unwrap().lost = true;
    }

    /// Lets the next write of a label take its time.
    pub(super) fn delay(&self, label: &'static str, time: Duration) {
        self.state.lock().unwrap().delay = Some((label, time));
    }

    /// Stores only what a definition keeps, from now on.
    pub(super) fn define(&self, schema: Mutation) {
        self.state.lock().unwrap().schema = Some(schema);
    }

    /// Refuses the next write of a label (`hold`, `intent`, `success`, `status` ...).
    pub(super) fn refuse(&self, label: &'static str, error: Error) {
        self.state.lock().unwrap().refusals.push_back((label, error));
    }

    /// Does the next write of a label, and loses the answer.
    pub(super) fn lose_answer(&self, label: &'static str) {
        self.state.lock().unwrap().unanswered = Some(label);
    }

    /// Changes what the next write of a label stores, as an admission webhook does.
    pub(super) fn mutate(&self, label: &'static str, mutation: Mutation) {
        self.state.lock().unwrap().mutation = Some((label, mutation));
    }

    pub(super) fn value(&self) -> Value {
        self.state.lock().unwrap().object.clone().expect("the object is gone")
    }

    pub(super) fn is_gone(&self) -> bool {
        self.state.lock().unwrap().object.is_none()
    }

    pub(super) fn object(&self) -> Object {
        Object::from_value(self.value()).unwrap()
    }

    /// Somebody else changes it.
    pub(super) fn edit(&self, patch: &Value) {
        let mut state = self.state.lock().unwrap();
        let schema = state.schema;
        let object = state.object.as_mut().expect("the object is gone");
        apply(object, patch, schema);
        if is_released(object) {
            state.object = None;
        }
    }

    /// What is stored, if the object is not gone.
    pub(super) fn stored(&self) -> Option<Value> {
        self.state.lock().unwrap().object.clone()
    }

    fn label(subresource: Option<&str>, patch: &Value) -> &'static str {
        let metadata = &patch["metadata"];
        let annotation = |key: &str| metadata["annotations"].get(key).is_some();
        if subresource.is_some() {
            return "status";
        }
        match metadata["finalizers"].as_array() {
            Some(finalizers) if finalizers.contains(&json!(keys::FINALIZER)) => return "hold",
            Some(_) => return "release",
            None => {}
        }
        // A result that comes late is guarded too, and says whose it is.
        let guarded = metadata.get("resourceVersion").is_some() && metadata.get("uid").is_none();
        match (guarded, annotation(keys::CREATE_PENDING), annotation(keys::CREATE_FAILED)) {
            (true, true, _) => "intent",
            (true, ..) => "record",
            (false, _, true) => "failure",
            (false, ..) if annotation(keys::CREATE_SUCCEEDED) => "success",
            (false, ..) => "unguarded",
        }
    }
}

/// Being deleted, and nobody holds it any more.
fn is_released(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_some() && object["metadata"]["finalizers"] == json!([])
}

/// As the API server: nothing changes by an equal patch, `spec` counts generations.
fn apply(object: &mut Value, patch: &Value, schema: Option<Mutation>) {
    let mut patch = patch.clone();
    if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    let before = object.clone();
    merge::apply(object, &patch);
    if let Some(schema) = schema {
        schema(object);
    }
    if *object == before {
        return;
    }
    if object["spec"] != before["spec"] {
        object["metadata"]["generation"] = json!(before["metadata"]["generation"].as_i64().unwrap() + 1);
    }
    let version: u64 = before["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    object["metadata"]["resourceVersion"] = json!((version + 1).to_string());
}

#[async_trait]
impl ManagedObjects for Store {
    /// A watch without delay.
    fn heard(&self, _: &ObjectRef) -> Option<Object> {
        Some(Object::from_value(self.stored()?).unwrap())
    }

    async fn get(&self, target: &ObjectRef) -> Result<Object, Error> {
        self.log.lock().unwrap().push("get".to_owned());
        let state = self.state.lock().unwrap();
        let object = state.object.clone().ok_or_else(|| Error::NotFound(target.to_string()))?;
        Ok(Object::from_value(object).unwrap())
    }

    fn may_write(&self) -> bool {
        !self.state.lock().unwrap().lost
    }

    async fn patch(&self, target: &ObjectRef, subresource: Option<&str>, patch: &Value) -> Result<Object, Error> {
        let label = Self::label(subresource, patch);
        self.log.lock().unwrap().push(label.to_owned());
        let delay = self.state.lock().unwrap().delay.take_if(|(during, _)| *during == label);
        if let Some((_, time)) = delay {
            sleep(time).await;
        }
        let mut state = self.state.lock().unwrap();
        if state.lost {
            return Err(Error::NotLeader);
        }
        if let Some(index) = state.refusals.iter().position(|(refused, _)| *refused == label) {
            return Err(state.refusals.remove(index).unwrap().1);
        }
        let schema = state.schema;
        let mutation = state.mutation.take_if(|(during, _)| *during == label);
        let unanswered = state.unanswered.take_if(|during| *during == label).is_some();
        let object = state.object.as_mut().ok_or_else(|| Error::NotFound(target.to_string()))?;
        for precondition in ["resourceVersion", "uid"] {
            if patch["metadata"].get(precondition).is_some_and(|wanted| *wanted != object["metadata"][precondition]) {
                return Err(conflict());
            }
        }
        let mut patch = patch.clone();
        let members = patch.as_object_mut().unwrap();
        members.retain(|member, _| (member == "status") == subresource.is_some() || member == "metadata");
        if subresource.is_some() {
            members.remove("metadata");
        }
        apply(object, &patch, schema);
        if let Some((_, mutate)) = mutation {
            mutate(object);
        }
        let answer = if unanswered { Err(unavailable()) } else { Ok(Object::from_value(object.clone()).unwrap()) };
        if is_released(object) {
            state.object = None;
        }
        answer
    }
}

/// What an admission webhook does.
pub(super) type Mutation = fn(&mut Value);

/// What somebody else does during a call.
pub(super) type Meddling = Arc<dyn Fn(&Store) + Send + Sync>;
