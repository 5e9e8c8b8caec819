//! A host in memory, on which a provider is tested as plain Rust.
//!
//! ```
//! # use capstan_sdk::{*, cluster::ObjectRef};
//! # struct Nothing;
//! # impl External for Nothing {
//! #     const KIND: Kind = Kind::existing("test.example.org/v1", "Nothing");
//! #     type Spec = Value;
//! #     fn connect(_: &Managed<Value>) -> Result<Self> { Ok(Self) }
//! #     fn observe(&mut self, object: &Managed<Value>) -> Result<Observation> {
//! #         cluster::get::<Value>(&object.beside("v1", "Secret", "token"))?;
//! #         Ok(Observation::missing())
//! #     }
//! #     fn create(&mut self, _: &Managed<Value>) -> Result<Creation> { Ok(Creation::done().external_name("n-17")) }
//! #     fn update(&mut self, _: &Managed<Value>) -> Result<Change> { Ok(Change::done()) }
//! #     fn delete(&mut self, _: &Managed<Value>) -> Result<()> { Ok(()) }
//! # }
//! # export! { name: "nothing", version: "0.1.0", kinds: [Nothing] }
//! # fn main() {
//! use capstan_sdk::testing::{Action, Host, Step, Verb};
//!
//! let host = Host::new();
//! host.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "n"}}));
//! let object = host.put(json!({
//!     "apiVersion": "test.example.org/v1", "kind": "Nothing", "metadata": {"name": "a", "namespace": "n"},
//! }));
//!
//! let done = host.reconcile(&PROVIDER, &object).unwrap();
//! assert_eq!(done.action, Action::Create);
//! assert_eq!(host.object(&object).unwrap()["metadata"]["annotations"]["krateo.io/external-name"], "n-17");
//!
//! host.fail_next(Verb::Get, cluster::Error::Unavailable("a storm".into()));
//! let failed = host.reconcile(&PROVIDER, &object).unwrap_err();
//! assert_eq!(failed.step, Step::Observe);
//! assert!(!failed.failure.is_terminal());
//! # }
//! ```
//!
//! An apply does what it does on an API server as far as data can be lost by it: what the same object applied before and
//! leaves out now is removed; what another object of a test applied with another value is a conflict; a uid or resourceVersion
//! that is not the object's is one too. Each object being reconciled is a field manager. Lists have one owner as a whole, and
//! so have the maps that [`Host::declare_atomic`] names. Nobody owns what a test [`put`](Host::put) there: where somebody
//! should, let [`Host::fail_next`] say so.
//!
//! What it does not have: schemas, defaulting and validation but those that [`Host::admit`] makes, grants (everything is
//! allowed), and time. Policies, retries and conditions are the real host's business and need no test of a provider. Requests to other systems are answered by the test, see
//! [`Host::serve`]; credentials are read from the `stringData` of Secrets that were [`put`](Host::put) there.

mod admission;
mod applied;
pub(crate) mod imports;
mod lifecycle;
mod outside;
mod record;
mod selector;
mod store;

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use serde_json::Value;

pub use self::{
    lifecycle::{Action, Failed, Reconciled, Step},
    record::{Call, Event, Line, Verb},
};
use self::{outside::Outside, store::Store};
use crate::{
    Provider,
    cluster::{Error, ObjectRef},
};

/// A host and its cluster, for one test. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Host {
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    store: Store,
    calls: Vec<Call>,
    events: Vec<Event>,
    lines: Vec<Line>,
    faults: VecDeque<(Verb, Error)>,
    outside: Outside,
    /// Of the object being reconciled.
    namespace: Option<String>,
    /// Stands for it as a field manager.
    manager: String,
}

impl Host {
    /// An empty cluster.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object there, as a user would: a new one, or one in the place of its predecessor. The object gets uid,
    /// resourceVersion and generation.
    ///
    /// # Panics
    ///
    /// If the object lacks `apiVersion`, `kind` or `metadata.name`.
    #[expect(clippy::must_use_candidate, reason = "it is the putting that matters")]
    #[expect(clippy::needless_pass_by_value, reason = "the argument is nearly always a `json!` literal")]
    pub fn put(&self, object: Value) -> ObjectRef {
        match self.state.borrow_mut().store.put(&object) {
            Ok(target) => target,
            Err(error) => panic!("{error}: {object}"),
        }
    }

    /// The object as stored, without being counted as a call.
    #[must_use]
    pub fn object(&self, target: &ObjectRef) -> Option<Value> {
        self.state.borrow().store.get(target).ok()
    }

    /// Asks for the deletion of an object, as a user would.
    ///
    /// # Panics
    ///
    /// If there is no such object.
    pub fn delete(&self, target: &ObjectRef) {
        if let Err(error) = self.state.borrow_mut().store.delete(target) {
            panic!("{error}");
        }
    }

    /// Says that the map at `path`, `spec.selector` for example, has one owner as a whole in all objects of a kind, as schemas
    /// say with `x-kubernetes-map-type: atomic`: who applies one member of it replaces all of them.
    pub fn declare_atomic(&self, api_version: &str, kind: &str, path: &str) {
        self.state.borrow_mut().store.declare_atomic(api_version, kind, path);
    }

    /// Lets the next call of that kind fail. Faults of one kind are used up in the order they were given.
    pub fn fail_next(&self, verb: Verb, error: Error) {
        self.state.borrow_mut().faults.push_back((verb, error));
    }

    /// Calls to the cluster since the last time this was asked, those that failed included.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.borrow_mut().calls)
    }

    /// Events since the last time this was asked.
    #[must_use]
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.state.borrow_mut().events)
    }

    /// Log lines since the last time this was asked, of every level.
    #[must_use]
    pub fn take_log(&self) -> Vec<Line> {
        std::mem::take(&mut self.state.borrow_mut().lines)
    }

    /// Runs code that calls the host, [`cluster`](crate::cluster) for example, without a reconcile around it.
    pub fn run<T>(&self, code: impl FnOnce() -> T) -> T {
        let _entered = imports::enter(self);
        code()
    }

    /// One reconcile of an object, by the steps of the real host: connect and observe; then create what is missing, update
    /// what differs, or delete what has to go; at the end disconnect. What the provider reports is written to the object.
    /// An object to be deleted vanishes with the reconcile that observes its resource missing.
    ///
    /// # Panics
    ///
    /// If there is no such object.
    pub fn reconcile(&self, provider: &Provider, target: &ObjectRef) -> Result<Reconciled, Failed> {
        lifecycle::reconcile(self, provider, target)
    }
}
