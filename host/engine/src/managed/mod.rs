//! The lifecycle of an object that stands for something outside the cluster.
//!
//! One reconcile is one [`pass`]: it asks [`decision`] what to do, does it, asks again, until a [`verdict`] says how it
//! ended; that becomes one [`status`] write and [`announce`]d events. Order, keys, words and policies are those of
//! Krateo's provider-runtime, so that objects it left behind go on; its known defects are tests here.

mod annotations;
mod announce;
mod clock;
mod decision;
pub(crate) mod merge;
mod metadata;
mod outcome;
mod pass;
mod session;
mod silence;
mod snapshot;
mod status;
mod unrecorded;
mod verdict;
mod writes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use capstan_cluster::Object;
use tokio::time::Instant;

use crate::{Context, ExternalSystem, Reads, queue::Next};

use pass::Pass;
use session::Session;
use snapshot::Snapshot;
use unrecorded::Unrecorded;
use writes::ManagedObjects;

pub use clock::WallClock;
pub use outcome::{Counters, Outcome};

pub(crate) use announce::Announcer;
pub(crate) use decision::Rules;
pub(crate) use metadata::{Fingerprint, Metadata};
pub(crate) use writes::InCluster;

/// Numbers reconciles in logs.
static RECONCILES: AtomicU64 = AtomicU64::new(1);

/// The lifecycle of the objects of one kind.
pub(crate) struct Lifecycle {
    external: Arc<dyn ExternalSystem>,
    objects: Arc<dyn ManagedObjects>,
    announcer: Announcer,
    rules: Rules,
    /// For all calls of one session together.
    session_time: Duration,
    clock: WallClock,
    unrecorded: Unrecorded,
}

/// What the controller has to know of a reconcile that is over.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) next: Next,
    /// The object as the reconcile has taken note of it. If it looks different now, somebody changed it meanwhile.
    pub(crate) seen: Fingerprint,
}

impl Lifecycle {
    pub(crate) fn new(
        external: Arc<dyn ExternalSystem>,
        objects: Arc<dyn ManagedObjects>,
        announcer: Announcer,
        rules: Rules,
        session_time: Duration,
        clock: WallClock,
    ) -> Self {
        Self { external, objects, announcer, rules, session_time, clock, unrecorded: Unrecorded::default() }
    }

    /// Reconciles one object from the state given. What the provider reads is written into `reads`.
    pub(crate) async fn reconcile(&self, object: Object, reads: Arc<Reads>) -> Report {
        let context = Context {
            object: object.reference(),
            uid: object.uid().to_owned(),
            reconcile_id: RECONCILES.fetch_add(1, Ordering::Relaxed),
            reads,
        };
        let session = Session::new(Instant::now() + self.session_time);
        Pass::new(self, context, session, Snapshot::of(object)).run().await
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.announcer.forget(uid);
        self.unrecorded.forget(uid);
    }
}

#[cfg(test)]
mod tests;
