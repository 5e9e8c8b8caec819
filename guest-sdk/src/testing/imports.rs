//! What a component imports, answered from memory.

use std::cell::RefCell;

use serde_json::Value;

pub(crate) use super::outside::{CredentialHandle, config, fetch, fingerprint, open_credential, version};
use super::{Call, Event, Host, Line, State};
use crate::{
    cluster::{Error, ObjectRef, Patch, Selection},
    events::Kind,
    log::Level,
};

thread_local! {
    /// The host of the running test; a stack, so that a host can be used inside another's.
    static ENTERED: RefCell<Vec<Host>> = const { RefCell::new(Vec::new()) };
}

/// Makes `host` the one that is called, until the guard is dropped.
pub(super) fn enter(host: &Host) -> Entered {
    ENTERED.with_borrow_mut(|entered| entered.push(host.clone()));
    Entered
}

/// See [`enter`].
#[must_use]
pub(super) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        ENTERED.with_borrow_mut(Vec::pop);
    }
}

pub(super) fn current() -> Option<Host> {
    ENTERED.with_borrow(|entered| entered.last().cloned())
}

/// Records a call, and answers it unless it was told to fail.
fn answer<T>(call: Call, act: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
    let Some(host) = current() else {
        return Err(Error::Unavailable("no host: run this in `capstan_sdk::testing::Host::run` or a reconcile".into()));
    };
    let state = &mut *host.state.borrow_mut();
    let verb = call.verb();
    state.calls.push(call);
    match state.faults.iter().position(|(wanted, _)| *wanted == verb).and_then(|at| state.faults.remove(at)) {
        Some((_, error)) => Err(error),
        None => act(state),
    }
}

/// An object as the real host sends it.
fn text(object: &Value) -> String {
    object.to_string()
}

pub(crate) fn get(target: &ObjectRef) -> Result<String, Error> {
    answer(Call::Get(target.clone()), |state| state.store.get(target).map(|object| text(&object)))
}

pub(crate) fn list(selection: &Selection) -> Result<Vec<String>, Error> {
    answer(Call::List(selection.clone()), |state| Ok(state.store.list(selection)?.iter().map(text).collect()))
}

pub(crate) fn create(json: &str) -> Result<String, Error> {
    let object: Value = serde_json::from_str(json).map_err(|error| Error::Unexpected(error.into()))?;
    answer(Call::Create(object.clone()), |state| state.store.create(&object).map(|object| text(&object)))
}

pub(crate) fn patch(target: &ObjectRef, patch: &Patch) -> Result<String, Error> {
    let call = Call::Patch(target.clone(), patch.clone());
    answer(call, |state| state.store.patch(target, patch, &state.manager).map(|object| text(&object)))
}

pub(crate) fn delete(target: &ObjectRef) -> Result<(), Error> {
    answer(Call::Delete(target.clone()), |state| state.store.delete(target))
}

pub(crate) fn emit(kind: Kind, reason: &str, action: &str, note: &str) {
    if let Some(host) = current() {
        let event = Event { kind, reason: reason.into(), action: action.into(), note: note.into() };
        host.state.borrow_mut().events.push(event);
    }
}

pub(crate) fn log(level: Level, message: &str, fields: &[(&str, String)]) {
    if let Some(host) = current() {
        let fields = fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        host.state.borrow_mut().lines.push(Line { level, message: message.to_owned(), fields });
    }
}

pub(crate) fn log_enabled(_: Level) -> bool {
    current().is_some()
}
