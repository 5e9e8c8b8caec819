//! What is counted of controllers: under controller-runtime's names where the meaning is the same, so that dashboards for it
//! work, and under Capstan's own.
//!
//! Labels are providers, kinds and outcomes, never objects. What is told of a controller goes with it.

mod controller;
mod unfinished;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use crate::Outcome;
use unfinished::Unfinished;

pub(crate) use controller::{Begun, ControllerMetrics};

/// Seconds; from a reconcile that finds nothing to do up to the longest that is allowed by default.
const RUN: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0];
/// Seconds; what waits for minutes is stuck behind something.
const WAIT: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Counts the controllers of a host. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    reconciles: Family<ByResult, Counter>,
    outcomes: Family<Ended, Counter>,
    errors: Family<Labels, Counter>,
    terminal: Family<Labels, Counter>,
    panics: Family<Labels, Counter>,
    timeouts: Family<Labels, Counter>,
    time: Family<Labels, Histogram, fn() -> Histogram>,
    active: Family<Labels, Gauge>,
    most_active: Family<Labels, Gauge>,
    depth: Family<Named, Gauge>,
    adds: Family<Named, Counter>,
    retries: Family<Named, Counter>,
    wait: Family<Named, Histogram, fn() -> Histogram>,
    work: Family<Named, Histogram, fn() -> Histogram>,
    restarts: Family<Labels, Counter>,
    loops: Family<Labels, Counter>,
    unwatched: Family<Labels, Gauge>,
    /// Of every controller, what runs, and how many handles to it there are.
    running: Mutex<BTreeMap<Labels, (Arc<Running>, usize)>>,
}

impl Default for Families {
    fn default() -> Self {
        let run: fn() -> Histogram = || Histogram::new(RUN);
        let wait: fn() -> Histogram = || Histogram::new(WAIT);
        Self {
            reconciles: Family::default(),
            outcomes: Family::default(),
            errors: Family::default(),
            terminal: Family::default(),
            panics: Family::default(),
            timeouts: Family::default(),
            time: Family::new_with_constructor(run),
            active: Family::default(),
            most_active: Family::default(),
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            wait: Family::new_with_constructor(wait),
            work: Family::new_with_constructor(run),
            restarts: Family::default(),
            loops: Family::default(),
            unwatched: Family::default(),
            running: Mutex::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Labels {
    /// `provider/Kind.version.group`: unique in the process.
    controller: String,
    provider: String,
    kind: String,
}

/// controller-runtime calls a queue by its controller's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    name: String,
    controller: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    controller: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    provider: String,
    kind: String,
    outcome: &'static str,
}

/// The words of controller-runtime.
const RESULTS: [&str; 4] = ["success", "error", "requeue", "requeue_after"];

/// When each reconcile that runs began. The numbers tell apart those of the same instant.
type Running = Mutex<BTreeSet<(Instant, u64)>>;

impl Metrics {
    /// Has everything told with the metrics of a registry.
    pub fn register(&self, registry: &mut Registry) {
        let all = &*self.0;
        let runtime = registry.sub_registry_with_prefix("controller_runtime");
        runtime.register("reconcile", "Reconciles by result", all.reconciles.clone());
        runtime.register("reconcile_errors", "Reconciles that failed", all.errors.clone());
        let help = "Reconciles that failed and that repeating does not help";
        runtime.register("terminal_reconcile_errors", help, all.terminal.clone());
        runtime.register("reconcile_panics", "Reconciles that panicked", all.panics.clone());
        runtime.register("reconcile_timeouts", "Reconciles that ran out of time", all.timeouts.clone());
        runtime.register_with_unit("reconcile_time", "Wall time of reconciles", Unit::Seconds, all.time.clone());
        runtime.register("active_workers", "Reconciles that run", all.active.clone());
        let help = "Reconciles that may run at the same time";
        runtime.register("max_concurrent_reconciles", help, all.most_active.clone());

        let queue = registry.sub_registry_with_prefix("workqueue");
        queue.register("depth", "Objects that are due and not reconciled yet", all.depth.clone());
        queue.register("adds", "Objects that became due", all.adds.clone());
        queue.register("retries", "Objects that wait after a failure", all.retries.clone());
        let help = "How long objects were due before they were reconciled";
        queue.register_with_unit("queue_duration", help, Unit::Seconds, all.wait.clone());
        queue.register_with_unit("work_duration", "Wall time of reconciles", Unit::Seconds, all.work.clone());
        registry.register_collector(Box::new(Unfinished::of(self.clone())));

        let own = registry.sub_registry_with_prefix("capstan");
        own.register("reconciles", "Reconciles by outcome", all.outcomes.clone());
        own.register("controller_restarts", "Controllers that panicked and were started again", all.restarts.clone());
        own.register("write_loops", "Objects found writing in turns without end", all.loops.clone());
        let help = "Things that were read and are looked at only at the poll interval, as there are too many to watch";
        own.register("reads_unwatched", help, all.unwatched.clone());
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Labels, (Arc<Running>, usize)>> {
        // Counts are whole after a panic.
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Labels {
    fn result(&self, result: &'static str) -> ByResult {
        ByResult { controller: self.controller.clone(), result }
    }

    fn ended(&self, outcome: Outcome) -> Ended {
        Ended { provider: self.provider.clone(), kind: self.kind.clone(), outcome: outcome.as_str() }
    }
}

#[cfg(test)]
mod tests;
