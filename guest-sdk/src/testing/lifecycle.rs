//! One reconcile, by the steps of the real host.

use std::fmt;

use serde_json::{Value, json};

use super::{Host, imports};
use crate::{Change, Creation, Failure, Observation, Provider, cluster::ObjectRef, provider::Session};

const FINALIZER: &str = "finalizer.managedresource.krateo.io";
const EXTERNAL_NAME: &str = "krateo.io/external-name";

/// What was done after observing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Everything was as it should be.
    Nothing,
    /// It was missing, and was made.
    Create,
    /// It differed, and was changed.
    Update,
    /// The object is to be deleted, and so was it.
    Delete,
    /// The object was to be deleted, its resource is gone, and so is the object now.
    Release,
}

/// A reconcile that went well.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciled {
    /// What the provider saw.
    pub observation: Observation,
    /// What was done about it.
    pub action: Action,
}

/// A call of the lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the calls")]
pub enum Step {
    Connect,
    Observe,
    Create,
    Update,
    Delete,
    Disconnect,
}

/// A reconcile in which a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Which call.
    pub step: Step,
    /// What it returned.
    pub failure: Failure,
}

impl fmt::Display for Failed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:?} failed: {}", self.step, self.failure)
    }
}

impl std::error::Error for Failed {}

fn at(step: Step) -> impl Fn(Failure) -> Failed {
    move |failure| Failed { step, failure }
}

pub(super) fn reconcile(host: &Host, provider: &Provider, target: &ObjectRef) -> Result<Reconciled, Failed> {
    let _entered = imports::enter(host);
    {
        let state = &mut *host.state.borrow_mut();
        state.namespace.clone_from(&target.namespace);
        state.manager = target.to_string();
    }
    let object = read(host, target);
    let mut session = provider.connect(&object.to_string()).map_err(at(Step::Connect))?;
    let outcome = act(host, &mut *session, target, &object);
    let closed = session.disconnect().map_err(at(Step::Disconnect));
    let outcome = outcome?;
    closed?;
    Ok(outcome)
}

/// What is found and done is reported in one write of `status` at the end, so that a step sees the status as it was before.
fn act(host: &Host, session: &mut dyn Session, target: &ObjectRef, object: &Value) -> Result<Reconciled, Failed> {
    let mut reported = Vec::new();
    let outcome = steps(host, session, target, object, &mut reported);
    let is_gone = matches!(&outcome, Ok(Reconciled { action: Action::Release, .. }));
    for status in reported.iter().filter(|_| !is_gone) {
        write(host, target, &json!({ "status": status }));
    }
    outcome
}

fn steps(
    host: &Host,
    session: &mut dyn Session,
    target: &ObjectRef,
    object: &Value,
    reported: &mut Vec<Value>,
) -> Result<Reconciled, Failed> {
    let observation = session.observe(object.to_string()).map_err(at(Step::Observe))?;
    reported.extend(observation.status.clone());
    let done = |action| Ok(Reconciled { observation: observation.clone(), action });
    if !object["metadata"]["deletionTimestamp"].is_null() {
        if !observation.exists {
            write(host, target, &json!({"metadata": {"finalizers": null}}));
            return done(Action::Release);
        }
        session.delete(object.to_string()).map_err(at(Step::Delete))?;
        return done(Action::Delete);
    }
    let mut patch = json!({"metadata": {"finalizers": [FINALIZER]}});
    if let Some(spec) = &observation.late_initialize {
        patch["spec"] = spec.clone();
    }
    name(&mut patch, observation.external_name.as_deref());
    let object = write(host, target, &patch);
    if !observation.exists {
        let Creation { external_name, annotations, status } =
            session.create(object.to_string()).map_err(at(Step::Create))?;
        reported.extend(status);
        let mut patch = json!({"metadata": {"annotations": {}}});
        for (key, value) in annotations {
            patch["metadata"]["annotations"][key] = json!(value);
        }
        name(&mut patch, external_name.as_deref());
        write(host, target, &patch);
        return done(Action::Create);
    }
    if !observation.up_to_date {
        let Change { status } = session.update(object.to_string()).map_err(at(Step::Update))?;
        reported.extend(status);
        return done(Action::Update);
    }
    done(Action::Nothing)
}

fn name(patch: &mut Value, external_name: Option<&str>) {
    if let Some(name) = external_name {
        patch["metadata"]["annotations"][EXTERNAL_NAME] = json!(name);
    }
}

fn read(host: &Host, target: &ObjectRef) -> Value {
    match host.state.borrow().store.get(target) {
        Ok(object) => object,
        Err(error) => panic!("{error}"),
    }
}

/// The host's own writes are not calls of the provider, and are not recorded.
fn write(host: &Host, target: &ObjectRef, patch: &Value) -> Value {
    match host.state.borrow_mut().store.merge(target, patch) {
        Ok(object) => object,
        Err(error) => panic!("{error}"),
    }
}
