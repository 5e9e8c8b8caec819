//! The lifecycle of an object that stands for something outside the cluster.
//!
//! One reconcile is one [`pass`]: it asks [`decision`] what to do, does it, asks again, until a [`verdict`] says how it
//! ended; that becomes one [`status`] write and [`announce`]d events ([`conclusion`]). Creating, which must not happen
//! twice, is in [`creation`]. Order, keys, words and policies are those of
//! Krateo's provider-runtime, so that objects it left behind go on; its known defects are tests here.

mod annotations;
mod announce;
mod announcement;
mod clock;
mod conclusion;
mod creation;
mod decision;
pub(crate) mod merge;
mod metadata;
mod notices;
mod outcome;
mod pass;
mod pause;
mod poll;
mod pruned;
mod session;
mod sightings;
mod silence;
pub(crate) mod snapshot;
pub(crate) mod status;
mod unkept;
mod unrecorded;
mod verdict;
mod writes;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use capstan_api::ObjectRef;
use capstan_cluster::Object;
use futures::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    Context, ExternalSystem, Reads,
    loops::{Loops, Writer},
    panic::panic_message,
    queue::Next,
};

use notices::Notices;
use pass::Pass;
use session::Session;
use snapshot::Snapshot;
use unkept::Unkept;
use verdict::Verdict;
use writes::ManagedObjects;

pub use clock::WallClock;
pub use outcome::{Counters, Outcome};
pub use pause::Pause;
pub use poll::PollLimits;
pub use session::DISCONNECT_PATIENCE;

pub(crate) use announce::Announcer;
pub(crate) use decision::Rules;
pub(crate) use metadata::{Fingerprint, Metadata};
pub(crate) use sightings::{KindSightings, Sightings};
pub(crate) use unrecorded::Unrecorded;
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
    pause: Pause,
    unrecorded: Unrecorded,
    unkept: Unkept,
    notices: Notices,
    sightings: Sightings,
    loops: Loops,
    provider: Arc<str>,
}

/// What a lifecycle works with.
pub(crate) struct Surroundings {
    /// Knows the external system.
    pub(crate) external: Arc<dyn ExternalSystem>,
    /// Where the managed objects are.
    pub(crate) objects: Arc<dyn ManagedObjects>,
    /// Where events go.
    pub(crate) announcer: Announcer,
    /// The time of day.
    pub(crate) clock: WallClock,
    /// Pauses all of its objects.
    pub(crate) pause: Pause,
    /// Results of creates that earlier lifecycles could not write down.
    pub(crate) unrecorded: Unrecorded,
    /// What earlier lifecycles knew of creates.
    pub(crate) sightings: Sightings,
    /// What all objects of the host write.
    pub(crate) loops: Loops,
    /// The provider's name, for logs.
    pub(crate) provider: String,
}

/// What the controller has to know of a reconcile that is over.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) next: Next,
    /// The poll interval of the object's own.
    pub(crate) poll: Option<Duration>,
    /// The object as the reconcile has taken note of it. If it looks different now, somebody changed it meanwhile.
    pub(crate) seen: Fingerprint,
    /// The newest state that it knows, and how that looks.
    newest: (Object, Fingerprint),
    /// From its beginning to its end, every call and every write included.
    pub(crate) took: Duration,
    /// It was found out that it writes in turns with somebody.
    pub(crate) looped: bool,
}

impl Report {
    /// How a state of the object looks. Mostly nothing has happened since: then it need not be read again.
    pub(crate) fn fingerprint_of(&self, current: &Object) -> Fingerprint {
        let (newest, fingerprint) = &self.newest;
        let same = newest.uid() == current.uid() && newest.resource_version() == current.resource_version();
        if same { *fingerprint } else { Metadata::of(current).fingerprint() }
    }
}

impl Lifecycle {
    /// `session_time` is for all calls of one reconcile together.
    pub(crate) fn new(surroundings: Surroundings, rules: Rules, session_time: Duration) -> Self {
        let Surroundings { external, objects, announcer, clock, pause, unrecorded, sightings, loops, provider } =
            surroundings;
        Self {
            external,
            objects,
            announcer,
            rules,
            session_time,
            clock,
            pause,
            unrecorded,
            unkept: Unkept::default(),
            notices: Notices::default(),
            sightings,
            loops,
            provider: provider.into(),
        }
    }

    /// For the reads of one reconcile of this object.
    pub(crate) fn reads(&self, object: &Object) -> Reads {
        Reads::of(self.loops.clone(), self.writer(object.reference()))
    }

    fn writer(&self, object: ObjectRef) -> Arc<Writer> {
        Arc::new(Writer::new(Arc::clone(&self.provider), object))
    }

    /// Reconciles one object from the state given. What the provider reads is written into `reads`.
    ///
    /// A panic, ours or one of the provider's host code, is an end like others: with a condition, an event and back-off.
    pub(crate) async fn reconcile(&self, object: Object, reads: Arc<Reads>) -> Report {
        let reconcile_id = RECONCILES.fetch_add(1, Ordering::Relaxed);
        // Enabled with any line at all: whatever is logged on the way says what it is about.
        let span = tracing::error_span!(
            "reconcile",
            provider = self.provider.as_ref(),
            kind = object.kind().kind,
            object = %object.key(),
            reconcile_id
        );
        self.reconcile_as(reconcile_id, object, reads).instrument(span).await
    }

    async fn reconcile_as(&self, reconcile_id: u64, object: Object, reads: Arc<Reads>) -> Report {
        let snapshot = Snapshot::of(object);
        let context = Context {
            object: snapshot.object().reference(),
            uid: snapshot.object().uid().to_owned(),
            reconcile_id,
            verbose: snapshot.is_verbose(),
            reads,
        };
        let session = Session::new(Instant::now() + self.session_time);
        let pass = Pass::new(self, context.clone(), session, snapshot.clone());
        let begun = Instant::now();
        match AssertUnwindSafe(pass.run()).catch_unwind().await {
            Ok(report) => report,
            Err(panic) => {
                let message = panic_message(panic.as_ref());
                tracing::error!(message, "the reconcile panicked");
                // Its own writes are remembered; the state it began with is older.
                let heard = self.objects.heard(&context.object).filter(|heard| heard.uid() == context.uid);
                let newest = heard.map_or(snapshot, Snapshot::of);
                let closed = Session::new(begun);
                let pass = Pass::new(self, context, closed, newest);
                let report = pass.conclude(Verdict::panicked(&message)).await;
                Report { took: begun.elapsed(), ..report }
            }
        }
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.announcer.forget(uid);
        self.unrecorded.forget(uid);
        self.unkept.forget(uid);
        self.notices.forget(uid);
        self.sightings.forget(uid);
    }

    /// Forgets what earlier lifecycles knew of objects that went without this one being told.
    pub(crate) fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.sightings.keep(is_there);
    }
}

#[cfg(test)]
mod tests;
