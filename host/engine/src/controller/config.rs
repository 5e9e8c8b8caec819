//! What is particular to one controller.

use std::{sync::Arc, time::Duration};

use capstan_api::{GroupVersionKind, ServiceAccount};
use capstan_cluster::{Cluster, Fence, Selection, Watches};
use capstan_events::Recorder;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    Mapping, Metrics, Queues,
    loops::Loops,
    managed::{KindSightings, PollLimits, Unrecorded, WallClock},
    queue::Pacing,
    runner::{Runner, Share},
};

/// How one kind of one provider is managed. The defaults of [`ControllerConfig::new`] are provider-runtime's.
#[derive(Debug, Clone)]
pub struct ControllerConfig {
    /// The provider's name. Controllers of one provider share its slots.
    pub provider: String,
    /// The kind whose objects are managed.
    pub kind: GroupVersionKind,
    /// `None`: in all namespaces.
    pub namespace: Option<String>,
    /// Objects of other kinds whose changes concern managed ones, beyond what the provider reads.
    pub mapped: Vec<(Selection, Mapping)>,
    /// A create whose result is unknown is found again by observing, so that no person has to decide.
    pub recoverable: bool,
    /// Back-off and poll interval; by default 1 s to 60 s, and 1 min.
    pub pacing: Pacing,
    /// For so long after a create a resource that does not show is not created again; 30 s.
    pub creation_grace: Duration,
    /// For all calls into the provider of one reconcile; 1 min.
    pub session_time: Duration,
    /// Beyond `session_time`, for writing what came of it; 30 s.
    pub write_time: Duration,
    /// How long a stop waits for reconciles that are running; 20 s, which is less than the 30 s that Kubernetes gives a
    /// pod to stop.
    pub drain_time: Duration,
    /// The provider's share of the pool.
    pub share: Share,
    /// Bounds of what objects may ask for as their own poll interval; 1 s to a day.
    pub poll_limits: PollLimits,
    /// Makes jitter repeatable; random by default.
    pub seed: u64,
    /// The time of day for annotations and conditions.
    pub clock: WallClock,
}

impl ControllerConfig {
    /// The defaults for a kind.
    #[must_use]
    pub fn new(provider: impl Into<String>, kind: GroupVersionKind) -> Self {
        Self {
            provider: provider.into(),
            kind,
            namespace: None,
            mapped: Vec::new(),
            recoverable: false,
            pacing: Pacing::default(),
            creation_grace: Duration::from_secs(30),
            session_time: Duration::from_mins(1),
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(20),
            share: Share::default(),
            poll_limits: PollLimits::default(),
            seed: rand::random(),
            clock: WallClock::system(),
        }
    }

    /// What events give as their reporting controller.
    pub(super) fn reporting_controller(&self) -> String {
        format!("capstan.dev/{}", self.provider)
    }
}

/// What all controllers of the host share. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    /// The API server.
    pub cluster: Cluster,
    /// The watch mux.
    pub watches: Watches,
    /// Writes events.
    pub recorder: Recorder,
    /// The pool of reconciles.
    pub runner: Runner,
    /// Counts what the controllers do.
    pub metrics: Metrics,
    /// Looks into their queues.
    pub queues: Queues,
    /// What must survive a controller that is replaced.
    pub(crate) unrecorded: Unrecorded,
    /// The same, of one provider.
    pub(crate) sightings: KindSightings,
    /// What is known of each other's writes.
    pub(crate) loops: Loops,
}

impl Shared {
    /// Of one host, with counters of its own; controllers that are to know of each other's unfinished work are given
    /// clones of one value.
    #[must_use]
    pub fn new(cluster: Cluster, watches: Watches, recorder: Recorder, runner: Runner) -> Self {
        Self {
            cluster,
            watches,
            recorder,
            runner,
            metrics: Metrics::default(),
            queues: Queues::default(),
            unrecorded: Unrecorded::default(),
            sightings: KindSightings::default(),
            loops: Loops::default(),
        }
    }

    /// The same for one provider: what its controllers know of creates outlives each of them, as they are built anew when
    /// its kinds or limits change, and is gone with the last clone of this.
    #[must_use]
    pub fn for_provider(&self) -> Self {
        Self { sightings: KindSightings::default(), ..self.clone() }
    }

    /// Of the kinds that a provider managed, only these are left: what is known of creates of others is forgotten.
    pub fn keep_kinds<'a>(&self, kinds: impl Iterator<Item = &'a GroupVersionKind>) {
        self.sightings.keep(kinds);
    }

    /// The same for one term: its writes end with the fence, and what an earlier term has not written down is not written
    /// any more.
    #[must_use]
    pub fn fenced(&self, fence: Fence) -> Self {
        let cluster = self.cluster.fenced(fence);
        Self { cluster, unrecorded: Unrecorded::default(), sightings: KindSightings::default(), ..self.clone() }
    }

    /// The same in the name of an account: what is read, watched and written is what that account has the right to. Events stay the
    /// host's, which speaks for itself in them.
    #[must_use]
    pub fn acting_as(&self, account: &ServiceAccount) -> Self {
        Self { cluster: self.cluster.acting_as(account), watches: self.watches.acting_as(account), ..self.clone() }
    }
}

/// Asks a controller to look at all of its objects again, back-off or not: its logic or its grants were replaced.
#[derive(Debug, Clone, Default)]
pub struct Resync(Arc<Notify>);

impl Resync {
    /// Returns at once; asking again before it has begun changes nothing.
    pub fn request(&self) {
        self.0.notify_one();
    }

    pub(super) async fn requested(&self) {
        self.0.notified().await;
    }
}

/// Whether a controller has been told of all the objects that there were of its kind. Stays so. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Listed(CancellationToken);

impl Listed {
    /// Waits until it has.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }

    /// Whether it has.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.is_cancelled()
    }

    /// It has.
    pub fn set(&self) {
        self.0.cancel();
    }
}
