//! One managed kind, from its watch to its reconciles.

mod config;

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Change, Fence, Object, Selection, Subscription};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    ExternalSystem, Reads,
    dependencies::Dependencies,
    managed::{
        Announcer, Counters, Fingerprint, InCluster, Lifecycle, Metadata, Outcome, Pause, Report, Rules, Surroundings,
    },
    queue::{BACKOFF, Next, Priority, Queue},
    runner::{Ending, Lane, Runs, Slot, SlotRequest},
};

pub use config::{ControllerConfig, Resync, Shared};

/// Manages the objects of one kind.
///
/// Expected flow: build it, keep [`counters`](Self::counters), [`resync`](Self::resync) and [`pause`](Self::pause) if they
/// are needed, then [`run`](Self::run) it as a task until it is cancelled.
pub struct Controller {
    config: ControllerConfig,
    shared: Shared,
    external: Arc<dyn ExternalSystem>,
    counters: Arc<Counters>,
    resync: Resync,
    pause: Pause,
}

impl Controller {
    /// Does nothing until it is run.
    #[must_use]
    pub fn new(config: ControllerConfig, shared: Shared, external: Arc<dyn ExternalSystem>) -> Self {
        let resync = Resync::default();
        let pause = Pause::new(resync.clone());
        Self { config, shared, external, counters: Arc::default(), resync, pause }
    }

    /// Counts its reconciles, also while it runs.
    #[must_use]
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Wakes all of its objects.
    #[must_use]
    pub fn resync(&self) -> Resync {
        self.resync.clone()
    }

    /// Pauses all of its objects, also before it runs.
    #[must_use]
    pub fn pause(&self) -> Pause {
        self.pause.clone()
    }

    /// Watches and reconciles until it is cancelled; then lets running reconciles finish for the configured time.
    ///
    /// When the fence of its cluster closes, reconciles are dropped where they stand: somebody else may begin, and what they
    /// could still write would be refused. When this returns nothing of them is left in either case.
    pub async fn run(self, cancel: CancellationToken) {
        let drain_time = self.config.drain_time;
        let fence = self.shared.cluster.fence().cloned();
        let mut active = Active::start(self);
        let drained = tokio::select! {
            biased;
            () = closed(fence.as_ref()) => None,
            aborted = async {
                while active.turn(&cancel).await {}
                active.runs.drain(drain_time).await
            } => Some(aborted),
        };
        match drained {
            Some(0) => {}
            Some(aborted) => {
                tracing::warn!(kind = %active.kind, aborted, "reconciles were still running after the time to drain");
            }
            None => {
                let aborted = active.runs.drain(Duration::ZERO).await;
                tracing::warn!(kind = %active.kind, aborted, "the lease is lost: running reconciles are ended");
            }
        }
    }
}

/// A controller at work. One task owns all of it, so there are no locks.
struct Active {
    kind: String,
    lifecycle: Arc<Lifecycle>,
    counters: Arc<Counters>,
    resync: Resync,
    subscription: Subscription,
    /// Whether the first list has been told in full.
    synced: bool,
    queue: Queue,
    dependencies: Dependencies,
    lane: Lane,
    /// Our place in the line for a slot, while something is due.
    request: Option<SlotRequest>,
    runs: Runs<Report>,
    /// For each of them.
    deadline: Duration,
    /// What is being reconciled.
    running: HashMap<Arc<ObjectKey>, Running>,
    /// The state in which each object was last reconciled.
    seen: HashMap<ObjectKey, Fingerprint>,
}

struct Running {
    object: ObjectRef,
    uid: String,
    reads: Arc<Reads>,
}

impl Active {
    fn start(controller: Controller) -> Self {
        let Controller { config, shared, external, counters, resync, pause } = controller;
        let selection =
            Selection { kind: config.kind.clone(), namespace: config.namespace.clone(), labels: None, name: None };
        let subscription = shared.watches.subscribe(selection);
        let max_silence = shared.recorder.max_silence();
        let announcer = Announcer::new(Arc::new(shared.recorder), config.reporting_controller(), max_silence);
        let rules = Rules {
            recoverable: config.recoverable,
            creation_grace: config.creation_grace,
            poll_limits: config.poll_limits,
        };
        let (cluster, watches) = (shared.cluster, shared.watches.clone());
        let objects = Arc::new(InCluster { cluster, watches, store: subscription.store().clone() });
        let clock = config.clock;
        let unrecorded = shared.unrecorded;
        let surroundings = Surroundings { external, objects, announcer, clock, pause, unrecorded };
        let lifecycle = Lifecycle::new(surroundings, rules, config.session_time);
        let deadline = config.session_time + config.write_time;
        Self {
            kind: config.kind.kind,
            lifecycle: Arc::new(lifecycle),
            counters,
            resync,
            subscription,
            synced: false,
            queue: Queue::new(config.pacing, config.seed),
            dependencies: Dependencies::new(shared.watches),
            lane: shared.runner.lane(&config.provider, config.share),
            request: None,
            runs: Runs::new(deadline),
            deadline,
            running: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    /// Waits for one thing to happen and deals with it; false when it is time to stop.
    async fn turn(&mut self, cancel: &CancellationToken) -> bool {
        let due = self.queue.is_due(Instant::now());
        if due && self.request.is_none() {
            self.request = Some(self.lane.request());
        }
        // What is due already waits for a slot, not for a timer.
        let timer = if due { None } else { self.queue.next_due() };
        tokio::select! {
            () = cancel.cancelled() => return false,
            Some((key, ending)) = self.runs.next(), if !self.runs.is_empty() => self.finish(&key, ending),
            slot = granted(&mut self.request) => self.start_next(slot),
            change = self.subscription.next() => match change {
                Some(change) => self.change(change),
                None => return false,
            },
            woken = self.dependencies.next() => {
                for key in woken {
                    self.queue.add(&key, Priority::Dependency);
                }
            }
            () = self.resync.requested() => {
                for key in self.seen.keys().chain(self.running.keys().map(AsRef::as_ref)) {
                    self.queue.retry(key);
                }
            }
            () = at(timer) => {}
        }
        true
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Synced => self.synced = true,
            Change::Deleted(object) => self.gone(&object),
            Change::Applied { old, new } => {
                if let Some(old) = old.filter(|old| old.uid() != new.uid()) {
                    self.gone(&old);
                }
                // What happens to an object while it is reconciled is compared when that is over.
                if self.running.contains_key(new.key()) {
                    return;
                }
                if self.seen.get(new.key()) != Some(&Metadata::of(&new).fingerprint()) {
                    let priority = if self.synced { Priority::UserChange } else { Priority::Resync };
                    self.queue.add(new.key(), priority);
                }
            }
        }
    }

    /// Nothing of an object that is gone is kept.
    fn gone(&mut self, object: &Object) {
        self.queue.forget(object.key());
        self.dependencies.forget(object.key());
        self.seen.remove(object.key());
        self.lifecycle.forget(object.uid());
    }

    /// Reconciles what is most urgent now, from its newest state.
    fn start_next(&mut self, slot: Slot) {
        self.request = None;
        let now = Instant::now();
        while let Some(key) = self.queue.take(now) {
            let Some(object) = self.subscription.store().get(&key) else {
                self.queue.finish(&key, Next::Stop, now);
                continue;
            };
            let reads = Arc::new(Reads::default());
            let running =
                Running { object: object.reference(), uid: object.uid().to_owned(), reads: Arc::clone(&reads) };
            self.dependencies.begin(&key);
            self.running.insert(Arc::clone(&key), running);
            let lifecycle = Arc::clone(&self.lifecycle);
            self.runs.spawn(key, slot, async move { lifecycle.reconcile(object, reads).await });
            return;
        }
    }

    fn finish(&mut self, key: &Arc<ObjectKey>, ending: Ending<Report>) {
        let Some(Running { object, uid, reads }) = self.running.remove(key) else {
            return;
        };
        let missed = self.dependencies.finish(key, &object, reads.take());
        let current = self.subscription.store().get(key).map(|object| Metadata::of(&object).fingerprint());
        let (outcome, next, seen, took) = match ending {
            Ending::Finished(report) => {
                self.queue.pace(key, report.poll);
                (report.outcome, report.next, Some(report.seen), report.took)
            }
            Ending::Panicked(message) => {
                tracing::error!(%object, message, "the reconcile panicked");
                (Outcome::Panicked, BACKOFF, None, Duration::ZERO)
            }
            Ending::TimedOut => {
                tracing::error!(%object, "the reconcile did not end within its time");
                (Outcome::TimedOut, BACKOFF, None, self.deadline)
            }
        };
        self.counters.count(outcome, took);
        let now = Instant::now();
        let Some(current) = current else {
            self.queue.forget(key);
            self.queue.finish(key, Next::Stop, now);
            self.dependencies.forget(key);
            // What the reconcile put down after the object was gone.
            self.lifecycle.forget(&uid);
            return;
        };
        // How far a reconcile came that did not report is unknown: what changed meanwhile may be its own doing, and must
        // not make it run without back-off.
        let seen = seen.unwrap_or(current);
        self.seen.insert(key.as_ref().clone(), seen);
        if seen != current {
            self.queue.add(key, Priority::UserChange);
        }
        if missed {
            self.queue.add(key, Priority::Dependency);
        }
        self.queue.finish(key, next, now);
    }
}

async fn granted(request: &mut Option<SlotRequest>) -> Slot {
    match request {
        Some(request) => request.await,
        None => pending().await,
    }
}

/// Never, without one.
async fn closed(fence: Option<&Fence>) {
    match fence {
        Some(fence) => fence.closed().await,
        None => pending().await,
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
