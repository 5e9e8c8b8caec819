//! Faults at chosen operations. Between two operations the lifecycle only computes, so a host that dies before or after
//! the effect of each of them dies at every point that anybody could tell apart.

use std::{
    future::pending,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use capstan_api::{ObjectRef, keys};
use capstan_cluster::{Error, Object};
use serde_json::{Value, json};
use tokio::{sync::Notify, time::sleep};

use super::{Arc, Outside, Store};
use crate::{
    Change, Context, Creation, ExternalSession, ExternalSystem, Failure, Observation, Retry,
    managed::{
        tests::store::{conflict, unavailable},
        writes::ManagedObjects,
    },
};

/// What goes wrong with one operation: a request to the API server, or a call of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The host dies; it has had no effect.
    DiesBefore,
    /// It has had its effect, and then the host dies.
    DiesAfter,
    /// Refused as a conflict; a provider's call fails.
    Conflict,
    /// Not reachable; a provider's call fails.
    Away,
    /// It has its effect and seems to have failed; a provider's call is cut off.
    AnswerLost,
    /// Has its effect, and takes too long to answer.
    Hangs,
    /// The provider's host code panics after the effect; a request seems to have failed.
    Panics,
}

impl Fault {
    pub(super) const ALL: [Self; 7] =
        [Self::DiesBefore, Self::DiesAfter, Self::Conflict, Self::Away, Self::AnswerLost, Self::Hangs, Self::Panics];
}

/// Counts operations, and knows which will fail.
#[derive(Default)]
pub(super) struct Trouble {
    state: Mutex<State>,
    death: Notify,
}

type Deed = Box<dyn FnOnce() + Send>;
type Always = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    operations: usize,
    fault: Option<(usize, Fault)>,
    /// What somebody else does when an operation has had its effect, before its answer arrives.
    meanwhile: Option<(usize, Deed)>,
    /// After each effect.
    saves: Option<Always>,
    /// In place of dying in this process.
    dies: Option<Always>,
    /// What became of a create may be known to the external system alone.
    lost: bool,
}

impl Trouble {
    /// From now on, the operation of this number (the next one is 0) fails.
    pub(super) fn plan(&self, operation: usize, fault: Fault) {
        let mut state = self.lock();
        state.fault = Some((state.operations + operation, fault));
    }

    /// Somebody does something while the answer to the operation of this number is on its way.
    pub(super) fn meanwhile(&self, operation: usize, deed: Deed) {
        let mut state = self.lock();
        state.meanwhile = Some((state.operations + operation, deed));
    }

    pub(super) fn after_each_effect(&self, save: Always) {
        self.lock().saves = Some(save);
    }

    pub(super) fn instead_of_dying(&self, die: Always) {
        self.lock().dies = Some(die);
    }

    /// Nothing more is going to happen.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        (state.fault, state.meanwhile) = (None, None);
    }

    /// Whether the planned fault is still to come.
    pub(super) fn is_planned(&self) -> bool {
        self.lock().fault.is_some()
    }

    /// What the host knew of a create is lost: it died, or the create was cut off.
    pub(super) fn lose(&self) {
        self.lock().lost = true;
    }

    /// The object says how its last create ended.
    pub(super) fn regain(&self) {
        self.lock().lost = false;
    }

    /// Whether a person may be asked what became of a create.
    pub(super) fn has_lost(&self) -> bool {
        self.lock().lost
    }

    /// Waits for the host to die.
    pub(super) async fn died(&self) {
        self.death.notified().await;
    }

    fn next(&self) -> Option<Fault> {
        let mut state = self.lock();
        let operation = state.operations;
        state.operations += 1;
        state.fault.take_if(|(at, _)| *at == operation).map(|(_, fault)| fault)
    }

    /// The operation had its effect.
    fn happened(&self) {
        let mut state = self.lock();
        let last = state.operations - 1;
        let deed = state.meanwhile.take_if(|(at, _)| *at == last);
        drop(state);
        if let Some((_, deed)) = deed {
            deed();
        }
        if let Some(save) = &self.lock().saves {
            save();
        }
    }

    async fn die<T>(&self) -> T {
        if let Some(die) = &self.lock().dies {
            die();
        }
        self.death.notify_one();
        pending().await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The API server, or the provider, with what may go wrong.
pub(super) struct Troubled<T> {
    pub(super) inner: Arc<T>,
    pub(super) trouble: Arc<Trouble>,
    pub(super) outside: Arc<Outside>,
}

#[async_trait]
impl ManagedObjects for Troubled<Store> {
    fn heard(&self, target: &ObjectRef) -> Option<Object> {
        self.inner.heard(target)
    }

    async fn get(&self, target: &ObjectRef) -> Result<Object, Error> {
        match self.trouble.next() {
            Some(Fault::DiesBefore | Fault::DiesAfter) => self.trouble.die().await,
            Some(_) => Err(unavailable()),
            None => self.inner.get(target).await,
        }
    }

    fn may_write(&self) -> bool {
        self.inner.may_write()
    }

    async fn patch(&self, target: &ObjectRef, subresource: Option<&str>, patch: &Value) -> Result<Object, Error> {
        let fault = self.trouble.next();
        match fault {
            Some(Fault::DiesBefore) => return self.trouble.die().await,
            Some(Fault::Conflict) => return Err(conflict()),
            Some(Fault::Away) => return Err(unavailable()),
            _ => {}
        }
        let releases = patch["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|finalizers| !finalizers.contains(&json!(keys::FINALIZER)));
        let current = patch["metadata"]["resourceVersion"]
            == self.inner.stored().unwrap_or_default()["metadata"]["resourceVersion"];
        if releases && current {
            self.outside.released();
        }
        let answer = self.inner.patch(target, subresource, patch).await;
        self.trouble.happened();
        match fault {
            Some(Fault::DiesAfter) => self.trouble.die().await,
            Some(Fault::Hangs) => {
                sleep(Duration::from_secs(30)).await;
                Err(unavailable())
            }
            Some(_) => Err(unavailable()),
            None => answer,
        }
    }
}

struct Session {
    outside: Arc<Outside>,
    trouble: Arc<Trouble>,
    cut: bool,
}

impl Session {
    /// One call; `effect` is what it does outside.
    async fn call<T>(&mut self, call: &str, effect: impl FnOnce(&Outside) -> T) -> Result<T, Failure> {
        let failed = || Failure::new("", "as told", Retry::Backoff);
        self.outside.called(call);
        let fault = self.trouble.next();
        match fault {
            Some(Fault::DiesBefore) => return self.trouble.die().await,
            Some(Fault::Conflict | Fault::Away) => return Err(failed()),
            Some(_) if call == "create" => self.trouble.lose(),
            _ => {}
        }
        let answer = effect(&self.outside);
        self.trouble.happened();
        match fault {
            Some(Fault::DiesAfter) => self.trouble.die().await,
            Some(Fault::Hangs) => pending().await,
            Some(Fault::Panics) => panic!("as told"),
            Some(_) => {
                self.cut = true;
                Err(failed())
            }
            None => Ok(answer),
        }
    }
}

fn value(managed: &str) -> Value {
    serde_json::from_str(managed).unwrap()
}

#[async_trait]
impl ExternalSystem for Troubled<Outside> {
    async fn connect(&self, _: &Context, _: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let (outside, trouble) = (Arc::clone(&self.outside), Arc::clone(&self.trouble));
        let mut session = Session { outside, trouble, cut: false };
        session.call("connect", |_| ()).await?;
        Ok(Box::new(session))
    }
}

#[async_trait]
impl ExternalSession for Session {
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure> {
        let managed = value(managed);
        self.call("observe", |outside| outside.observe(&managed)).await
    }

    async fn create(&mut self, managed: &str) -> Result<Creation, Failure> {
        let managed = value(managed);
        self.call("create", |outside| outside.create(&managed)).await
    }

    async fn update(&mut self, managed: &str) -> Result<Change, Failure> {
        let managed = value(managed);
        self.call("update", |outside| outside.update(&managed)).await?;
        Ok(Change::default())
    }

    async fn delete(&mut self, managed: &str) -> Result<(), Failure> {
        let managed = value(managed);
        self.call("delete", |outside| outside.delete(&managed)).await
    }

    async fn disconnect(mut self: Box<Self>) -> Result<(), Failure> {
        self.call("disconnect", |_| ()).await
    }

    fn is_interrupted(&self) -> bool {
        self.cut
    }
}
