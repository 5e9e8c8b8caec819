//! A controller at work: what it does about each thing that happens.

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Change, Object, Subscription};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    Reads,
    dependencies::Dependencies,
    inspection::Questions,
    managed::{Counters, Fingerprint, Lifecycle, Metadata, Outcome, Report},
    metrics::{Begun, ControllerMetrics},
    queue::{BACKOFF, Next, Priority, Queue, Taken},
    runner::{Ending, Lane, Runs, Slot, SlotRequest},
};

use super::{Controller, Listed, Resync, mapped::MappedChanges};

/// Objects that are listed when somebody looks into the queue.
const LISTED: usize = 200;

/// How others hear of a controller.
pub(super) struct Told<'a> {
    pub(super) metrics: &'a mut ControllerMetrics,
    pub(super) questions: &'a mut Questions,
}

/// A controller at work. One task owns all of it, so there are no locks.
pub(super) struct Active<'a> {
    pub(super) kind: String,
    lifecycle: Arc<Lifecycle>,
    counters: Arc<Counters>,
    told: Told<'a>,
    resync: Resync,
    subscription: Subscription,
    mapped: MappedChanges,
    /// Whether the first list has been told in full.
    synced: bool,
    /// Told of that.
    listed: Listed,
    queue: Queue,
    dependencies: Dependencies,
    lane: Lane,
    /// Our place in the line for a slot, while something is due.
    request: Option<SlotRequest>,
    pub(super) runs: Runs<Report>,
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
    /// Nothing is due yet: the subscription tells what there is.
    pub(super) fn start(
        controller: &Controller,
        subscription: Subscription,
        lifecycle: Arc<Lifecycle>,
        told: Told<'a>,
    ) -> Self {
        let Controller { config, shared, external, counters, resync, listed, .. } = controller;
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
            listed: listed.clone(),
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
    pub(super) async fn turn(&mut self, cancel: &CancellationToken) -> bool {
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
            Change::Synced => {
                self.synced = true;
                let store = self.subscription.store();
                self.lifecycle.keep(|uid| store.with_uid(uid).is_some());
                self.listed.set();
            }
            Change::Deleted(object) => self.gone(&object),
            Change::Applied { old, new } => {
                #[cfg(test)]
                super::tests::fault(&new);
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
            let reads = Arc::new(self.lifecycle.reads(&object));
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
        let current = self.subscription.store().get(key).map(|object| match &ending {
            Ending::Finished(report) => report.fingerprint_of(&object),
            _ => Metadata::of(&object).fingerprint(),
        });
        let (outcome, next, seen, took, looped) = match ending {
            Ending::Finished(report) => {
                self.queue.pace(key, report.poll);
                (report.outcome, report.next, Some(report.seen), report.took, report.looped)
            }
            Ending::Panicked(message) => {
                tracing::error!(%object, message, "the reconcile panicked");
                (Outcome::Panicked, BACKOFF, None, Duration::ZERO, false)
            }
            Ending::TimedOut => {
                tracing::error!(%object, "the reconcile did not end within its time");
                (Outcome::TimedOut, BACKOFF, None, self.deadline, false)
            }
        };
        self.counters.count(outcome, took);
        self.told.metrics.ended(begun, outcome, next);
        if looped {
            self.told.metrics.looped();
        }
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
