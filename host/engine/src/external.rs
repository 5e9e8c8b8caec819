//! The seam between the lifecycle and what knows one external system. The sandbox implements it with WebAssembly, tests
//! with plain structs.

use std::{borrow::Cow, sync::Arc, time::Duration};

use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::Reach;
use serde_json::Value;

use crate::Reads;

/// Opens sessions with an external system. One value serves all objects of one provider.
#[async_trait]
pub trait ExternalSystem: Send + Sync {
    /// Opens a session for one reconcile.
    ///
    /// Expected flow: `connect`, then on the session `observe`, then at most one of `create`, `update` and `delete`,
    /// then `disconnect`. A session that is dropped instead has been given up (its budget ran out, the object was paused
    /// meanwhile, the host stops).
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure>;

    /// How far the host may look to hear of changes of an object that a session has read. The more, the fewer watches; no
    /// further than the provider itself might look.
    fn reach(&self, _target: &ObjectRef) -> Reach {
        Reach::Object
    }
}

/// One reconcile's conversation with an external system. `managed` is the object as JSON text, always the newest the
/// host knows: its annotations may have changed between two calls.
#[async_trait]
pub trait ExternalSession: Send {
    /// Looks, and changes nothing outside.
    async fn observe(&mut self, managed: &str) -> Result<Observation, Failure>;
    /// Makes the external resource.
    async fn create(&mut self, managed: &str) -> Result<Creation, Failure>;
    /// Makes it as the object says.
    async fn update(&mut self, managed: &str) -> Result<Change, Failure>;
    /// Asks for its deletion; absent already is success.
    async fn delete(&mut self, managed: &str) -> Result<(), Failure>;
    /// Ends the session.
    async fn disconnect(self: Box<Self>) -> Result<(), Failure>;
    /// Whether a call was cut off (its budget ran out, it trapped), so that nobody knows what it did outside. The lifecycle
    /// does not call such a session again.
    fn is_interrupted(&self) -> bool {
        false
    }
    /// Whether nobody knows what the last create did that failed: it was cut off, or what it had sent was not answered. The
    /// lifecycle does not claim then that nothing was made.
    fn is_unclear(&self) -> bool {
        self.is_interrupted()
    }
}

/// What a session knows of the reconcile it serves.
#[derive(Debug, Clone)]
pub struct Context {
    /// The object being reconciled.
    pub object: ObjectRef,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Names this reconcile in logs; unique in this process.
    pub reconcile_id: u64,
    /// The object asks for a verbose log (`krateo.io/connector-verbose`).
    pub verbose: bool,
    /// Where reads of the cluster are written down, so that a change of what was read wakes the object.
    pub reads: Arc<Reads>,
}

/// What an observe found. Field by field the record of the same name in the contract (`wit/external.wit`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Whether the external resource exists.
    pub exists: bool,
    /// Whether it is as the object says; meaningless unless it exists.
    pub up_to_date: bool,
    /// Where it differs; may be empty.
    pub differences: Vec<Difference>,
    /// Merge patch for `spec`.
    pub late_initialize: Option<Value>,
    /// Merge patch for `status`, without `conditions`.
    pub status: Option<Value>,
    /// What to say in `Ready`.
    pub readiness: Readiness,
    /// The name in the external system, if it was found out.
    pub external_name: Option<String>,
}

/// A field in which the outside differs from the object.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// For people.
    pub path: String,
    /// What the object says.
    pub desired: Option<Value>,
    /// What is there.
    pub actual: Option<Value>,
}

/// What an observe says of the `Ready` condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Readiness {
    /// `Ready=True Available`.
    Ready,
    /// `Ready=False` with this problem.
    NotReady(Problem),
    /// Leaves the condition alone.
    #[default]
    Unknown,
}

/// What a create did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Creation {
    /// The name in the external system.
    pub external_name: Option<String>,
    /// To be recorded on the object; the host's own keys are ignored.
    pub annotations: Vec<(String, String)>,
    /// Merge patch for `status`, without `conditions`.
    pub status: Option<Value>,
}

/// What an update did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Merge patch for `status`, without `conditions`.
    pub status: Option<Value>,
}

/// What stands in the way, for conditions and events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// CamelCase, few values; empty for the default of where it is used.
    pub reason: Cow<'static, str>,
    /// What is wrong and what to do.
    pub message: String,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Again, with back-off.
    Backoff,
    /// Again, but not before this time is over.
    After(Duration),
    /// Nothing was asked, for now nobody may: the object is left as it is, its conditions too, and looked at again when this
    /// time is over. For `connect` alone.
    Hold(Duration),
    /// Not until the object, or something that was read, changes.
    OnChange,
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problem.message)]
pub struct Failure {
    /// Why.
    pub problem: Problem,
    /// What to do next.
    pub retry: Retry,
}

impl Failure {
    /// A failure with a reason and a message.
    pub fn new(reason: impl Into<Cow<'static, str>>, message: impl Into<String>, retry: Retry) -> Self {
        Self { problem: Problem { reason: reason.into(), message: message.into() }, retry }
    }
}
