//! One managed kind, from its watch to its reconciles.

mod config;
mod mapped;

use std::{collections::HashMap, future::pending, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Change, Object, Selection, Subscription};
use futures::FutureExt;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    ExternalSystem, Reads,
    dependencies::Dependencies,
    inspection::Questions,
    managed::{
        Announcer, Counters, Fingerprint, InCluster, Lifecycle, Metadata, Outcome, Pause, Report, Rules, Surroundings,
    },
    metrics::{Begun, ControllerMetrics},
    queue::{BACKOFF, Next, Priority, Queue, Taken},
    runner::{Ending, Lane, Runs, Slot, SlotRequest},
};

use mapped::MappedChanges;

pub use config::{ControllerConfig, Resync, Shared};

/// Before a controller that panicked is started again. Doubled each time up to the second, and never shortened: what
/// panics again and again is to be seen, not to be a load.
const RESTART: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Objects that are listed when somebody looks into the queue.
const LISTED: usize = 200;

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
    /// A panic of the controller itself (those of reconciles are theirs alone) lets them finish too, and starts it again
    /// from what the watch knows.
    pub async fn run(self, cancel: CancellationToken) {
        let mut metrics = self.shared.metrics.controller(&self.config.provider, &self.config.kind);
        let mut questions = self.shared.queues.enter(metrics.name());
        let mut subscription = self.subscribe();
        let lifecycle = Arc::new(self.lifecycle(&subscription));
        let mut wait = RESTART.0;
        loop {
            let told = Told { metrics: &mut metrics, questions: &mut questions };
            let mut active = Active::start(&self, subscription, Arc::clone(&lifecycle), told);
            let turns = async { while active.turn(&cancel).await {} };
            let panicked = AssertUnwindSafe(turns).catch_unwind().await.is_err();
            let aborted = active.runs.drain(self.config.drain_time).await;
            if aborted > 0 {
                tracing::warn!(kind = %active.kind, aborted, "reconciles were still running after the time to drain");
            }
            if !panicked || cancel.is_cancelled() {
                return;
            }
            tracing::error!(kind = %active.kind, "a controller panicked; it is started again");
            // Before the old one goes, so that the watch and what it knows stay.
            subscription = self.subscribe();
            drop(active);
            metrics.restarted();
            if cancel.run_until_cancelled(sleep(wait)).await.is_none() {
                return;
            }
            wait = (wait * 2).min(RESTART.1);
        }
    }

    fn subscribe(&self) -> Subscription {
        let (kind, namespace) = (self.config.kind.clone(), self.config.namespace.clone());
        self.shared.watches.subscribe(Selection { namespace, ..Selection::all(kind) })
    }

    fn lifecycle(&self, subscription: &Subscription) -> Lifecycle {
        let Self { config, shared, external, pause, .. } = self;
        let max_silence = shared.recorder.max_silence();
        let announcer = Announcer::new(Arc::new(shared.recorder.clone()), config.reporting_controller(), max_silence);
        let rules = Rules {
            recoverable: config.recoverable,
            creation_grace: config.creation_grace,
            poll_limits: config.poll_limits,
        };
        let (cluster, watches) = (shared.cluster.clone(), shared.watches.clone());
        let objects = Arc::new(InCluster { cluster, watches, store: subscription.store().clone() });
        let surroundings = Surroundings {
            external: Arc::clone(external),
            objects,
            announcer,
            clock: config.clock,
            pause: pause.clone(),
            unrecorded: shared.unrecorded.clone(),
            provider: config.provider.clone(),
        };
        Lifecycle::new(surroundings, rules, config.session_time)
    }
}

/// How others hear of a controller.
struct Told<'a> {
    metrics: &'a mut ControllerMetrics,
    questions: &'a mut Questions,
}

/// A controller at work. One task owns all of it, so there are no locks.
struct Active<'a> {
    kind: String,
    lifecycle: Arc<Lifecycle>,
    counters: Arc<Counters>,
    told: Told<'a>,
    resync: Resync,
    subscription: Subscription,
    mapped: MappedChanges,
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
    begun: Begun,
}

impl<'a> Active<'a> {
    fn start(
        controller: &Controller,
        subscription: Subscription,
        lifecycle: Arc<Lifecycle>,
        told: Told<'a>,
    ) -> Self {
        let Controller { config, shared, external, counters, resync, .. } = controller;
        told.metrics.started(config.share.slots.get());
        let deadline = config.session_time + config.write_time;
        Self {
            kind: config.kind.kind.clone(),
            lifecycle,
            counters: Arc::clone(counters),
            told,
            resync: resync.clone(),
            subscription,
            mapped: MappedChanges::follow(&shared.watches, &config.mapped),
            synced: false,
            queue: Queue::new(config.pacing, config.seed),
            dependencies: Dependencies::new(shared.watches.clone(), Arc::clone(external)),
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
        self.told.metrics.depth(self.queue.depth());
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
                    self.add(&key, Priority::Dependency);
                }
            }
            (mapping, change) = self.mapped.next() => {
                for key in mapping.keys(&change, self.subscription.store()) {
                    self.add(&key, Priority::Dependency);
                }
            }
            () = self.resync.requested() => {
                for key in self.seen.keys().chain(self.running.keys().map(AsRef::as_ref)) {
                    self.queue.retry(key);
                }
            }
            Some(question) = self.told.questions.next() => {
                // Who asked may have gone.
                let _ = question.send(self.queue.listing(Instant::now(), LISTED));
            }
            () = at(timer) => {}
        }
        true
    }

    fn add(&mut self, key: &ObjectKey, priority: Priority) {
        self.told.metrics.added();
        self.queue.add(key, priority);
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Synced => self.synced = true,
            Change::Deleted(object) => self.gone(&object),
            Change::Applied { old, new } => {
                #[cfg(test)]
                tests::fault(&new);
                if let Some(old) = old.filter(|old| old.uid() != new.uid()) {
                    self.gone(&old);
                }
                // What happens to an object while it is reconciled is compared when that is over.
                if self.running.contains_key(new.key()) {
                    return;
                }
                if self.seen.get(new.key()) != Some(&Metadata::of(&new).fingerprint()) {
                    let priority = if self.synced { Priority::UserChange } else { Priority::Resync };
                    self.add(new.key(), priority);
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
        while let Some(Taken { key, since }) = self.queue.take(now) {
            let Some(object) = self.subscription.store().get(&key) else {
                self.queue.finish(&key, Next::Stop, now);
                continue;
            };
            let reads = Arc::new(Reads::default());
            let begun = self.told.metrics.begun(now.saturating_duration_since(since));
            let running =
                Running { object: object.reference(), uid: object.uid().to_owned(), reads: Arc::clone(&reads), begun };
            self.dependencies.begin(&key);
            self.running.insert(Arc::clone(&key), running);
            let lifecycle = Arc::clone(&self.lifecycle);
            self.runs.spawn(key, slot, async move { lifecycle.reconcile(object, reads).await });
            return;
        }
    }

    fn finish(&mut self, key: &Arc<ObjectKey>, ending: Ending<Report>) {
        let Some(Running { object, uid, reads, begun }) = self.running.remove(key) else {
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
        self.told.metrics.ended(begun, outcome, next);
        self.told.metrics.unwatched(self.dependencies.unwatched());
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
            self.add(key, Priority::UserChange);
        }
        if missed {
            self.add(key, Priority::Dependency);
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

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
