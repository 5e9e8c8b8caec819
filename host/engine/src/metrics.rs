//! What is counted of controllers: under controller-runtime's names where the meaning is the same, so that dashboards for it
//! work, and under Capstan's own.
//!
//! Labels are providers, kinds and outcomes, never objects. What is told of a controller goes with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use capstan_api::GroupVersionKind;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::Counter, family::Family, gauge::ConstGauge, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use crate::{Outcome, queue::Next};

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
        registry.register_collector(Box::new(Unfinished(self.clone())));

        let own = registry.sub_registry_with_prefix("capstan");
        own.register("reconciles", "Reconciles by outcome", all.outcomes.clone());
        own.register("controller_restarts", "Controllers that panicked and were started again", all.restarts.clone());
        own.register("write_loops", "Objects found writing in turns without end", all.loops.clone());
        let help = "Things that were read and are looked at only at the poll interval, as there are too many to watch";
        own.register("reads_unwatched", help, all.unwatched.clone());
    }

    /// Handles for one controller. What is told of it goes with the last of them.
    pub(crate) fn controller(&self, provider: &str, kind: &GroupVersionKind) -> ControllerMetrics {
        let parts = [kind.kind.as_str(), &kind.version, &kind.group];
        let kind = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        let controller = format!("{provider}/{kind}");
        let named = Named { name: controller.clone(), controller: controller.clone() };
        let labels = Labels { controller, provider: provider.to_owned(), kind };
        let all = &*self.0;
        let running = {
            let mut running = self.running();
            let (running, handles) = running.entry(labels.clone()).or_default();
            *handles += 1;
            Arc::clone(running)
        };
        ControllerMetrics {
            results: RESULTS.map(|result| all.reconciles.get_or_create_owned(&labels.result(result))),
            outcomes: Outcome::ALL.map(|outcome| all.outcomes.get_or_create_owned(&labels.ended(outcome))),
            errors: all.errors.get_or_create_owned(&labels),
            panics: all.panics.get_or_create_owned(&labels),
            timeouts: all.timeouts.get_or_create_owned(&labels),
            time: all.time.get_or_create_owned(&labels),
            active: all.active.get_or_create_owned(&labels),
            most_active: all.most_active.get_or_create_owned(&labels),
            depth: all.depth.get_or_create_owned(&named),
            adds: all.adds.get_or_create_owned(&named),
            retries: all.retries.get_or_create_owned(&named),
            wait: all.wait.get_or_create_owned(&named),
            work: all.work.get_or_create_owned(&named),
            restarts: all.restarts.get_or_create_owned(&labels),
            loops: all.loops.get_or_create_owned(&labels),
            unwatched: all.unwatched.get_or_create_owned(&labels),
            running,
            begun: 0,
            labels,
            named,
            metrics: self.clone(),
        }
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

/// What one controller counts with, found once: counting is a few additions then.
#[derive(Debug)]
pub(crate) struct ControllerMetrics {
    results: [Counter; RESULTS.len()],
    outcomes: [Counter; Outcome::ALL.len()],
    errors: Counter,
    panics: Counter,
    timeouts: Counter,
    time: Histogram,
    active: Gauge,
    most_active: Gauge,
    depth: Gauge,
    adds: Counter,
    retries: Counter,
    wait: Histogram,
    work: Histogram,
    restarts: Counter,
    loops: Counter,
    unwatched: Gauge,
    running: Arc<Running>,
    begun: u64,
    labels: Labels,
    named: Named,
    metrics: Metrics,
}

/// A reconcile that was counted at its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(Instant, u64);

impl ControllerMetrics {
    /// Starts: so many may run at once, and nothing does.
    pub(crate) fn started(&self, most: usize) {
        self.most_active.set(signed(most));
        self.active.set(0);
        self.lock().clear();
    }

    /// `PROVIDER/KIND.VERSION.GROUP`.
    pub(crate) fn name(&self) -> &str {
        &self.labels.controller
    }

    /// An object became due.
    pub(crate) fn added(&self) {
        self.adds.inc();
    }

    pub(crate) fn depth(&self, depth: usize) {
        self.depth.set(signed(depth));
    }

    pub(crate) fn unwatched(&self, count: usize) {
        self.unwatched.set(signed(count));
    }

    /// An object was found to write in turns with somebody.
    pub(crate) fn looped(&self) {
        self.loops.inc();
    }

    pub(crate) fn restarted(&self) {
        self.restarts.inc();
    }

    /// A reconcile begins, for something that has been due for so long.
    pub(crate) fn begun(&mut self, waited: Duration) -> Begun {
        self.wait.observe(waited.as_secs_f64());
        self.active.inc();
        self.begun += 1;
        let begun = Begun(Instant::now(), self.begun);
        self.lock().insert((begun.0, begun.1));
        begun
    }

    /// It is over.
    pub(crate) fn ended(&self, begun: Begun, outcome: Outcome, next: Next) {
        self.lock().remove(&(begun.0, begun.1));
        self.active.dec();
        let seconds = begun.0.elapsed().as_secs_f64();
        self.time.observe(seconds);
        self.work.observe(seconds);
        self.outcomes[outcome as usize].inc();
        let result = match next {
            _ if outcome.is_failure() => 1,
            Next::Stop => 0,
            Next::Backoff { .. } | Next::Recheck => 2,
            Next::Poll | Next::Park => 3,
        };
        self.results[result].inc();
        for (counts, counter) in [
            (outcome.is_failure(), &self.errors),
            (outcome == Outcome::Panicked, &self.panics),
            (outcome == Outcome::TimedOut, &self.timeouts),
            (matches!(next, Next::Backoff { .. } | Next::Recheck), &self.retries),
        ] {
            if counts {
                counter.inc();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Instant, u64)>> {
        // A set is whole after a panic.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ControllerMetrics {
    fn drop(&mut self) {
        let mut running = self.metrics.running();
        let Some((_, handles)) = running.get_mut(&self.labels) else { return };
        *handles -= 1;
        if *handles > 0 {
            return;
        }
        running.remove(&self.labels);
        let all = &*self.metrics.0;
        for result in RESULTS {
            all.reconciles.remove(&self.labels.result(result));
        }
        for outcome in Outcome::ALL {
            all.outcomes.remove(&self.labels.ended(outcome));
        }
        for counters in [&all.errors, &all.panics, &all.timeouts, &all.restarts, &all.loops] {
            counters.remove(&self.labels);
        }
        for gauges in [&all.active, &all.most_active, &all.unwatched] {
            gauges.remove(&self.labels);
        }
        all.time.remove(&self.labels);
        all.depth.remove(&self.named);
        all.adds.remove(&self.named);
        all.retries.remove(&self.named);
        all.wait.remove(&self.named);
        all.work.remove(&self.named);
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What runs at the moment of asking.
#[derive(Debug)]
struct Unfinished(Metrics);

impl Collector for Unfinished {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Instant::now();
        let mut told = Vec::new();
        for (labels, (running, _)) in &*self.0.running() {
            let running = running.lock().unwrap_or_else(PoisonError::into_inner);
            let seconds = |begun: &(Instant, u64)| now.saturating_duration_since(begun.0).as_secs_f64();
            let longest = running.first().map_or(0.0, seconds);
            told.push((labels.clone(), running.iter().map(seconds).fold(0.0, |all, one| all + one), longest));
        }
        let mut gauge = |name: &str, help: &str, value: fn(&(Labels, f64, f64)) -> f64| {
            let unit = Some(&Unit::Seconds);
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            for line in &told {
                let named = Named { name: line.0.controller.clone(), controller: line.0.controller.clone() };
                ConstGauge::new(value(line)).encode(family.encode_family(&named)?)?;
            }
            Ok(())
        };
        gauge("workqueue_unfinished_work", "How long all that run have been running together", |line| line.1)?;
        let help = "How long the one that has been running for longest has been";
        gauge("workqueue_longest_running_processor", help, |line| line.2)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use tokio::time::advance;

    use super::*;
    use crate::queue::BACKOFF;

    fn told(metrics: &Metrics) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        metrics.register(&mut registry);
        encode(&mut text, &registry).unwrap();
        text
    }

    fn kind(version: &str) -> GroupVersionKind {
        GroupVersionKind::gvk("example.org", version, "Thing")
    }

    #[tokio::test(start_paused = true)]
    async fn row24_the_time_of_a_reconcile_is_its_wall_time() {
        let metrics = Metrics::default();
        let mut controller = metrics.controller("p", &kind("v1"));
        controller.started(8);
        let (one, other) = (controller.begun(Duration::from_secs(4)), controller.begun(Duration::ZERO));
        advance(Duration::from_secs(7)).await;
        controller.ended(one, Outcome::Failed, BACKOFF);
        advance(Duration::from_secs(3)).await;
        let text = told(&metrics);
        for line in [
            "controller_runtime_reconcile_time_seconds_sum{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 7.0",
            "controller_runtime_reconcile_total{controller=\"p/Thing.v1.example.org\",result=\"error\"} 1",
            "controller_runtime_reconcile_errors_total{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 1",
            "controller_runtime_active_workers{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 1",
            "controller_runtime_max_concurrent_reconciles{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 8",
            "workqueue_queue_duration_seconds_sum{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 4.0",
            "workqueue_retries_total{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 1",
            "workqueue_unfinished_work_seconds{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 10.0",
            "workqueue_longest_running_processor_seconds{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 10.0",
            "capstan_reconciles_total{provider=\"p\",kind=\"Thing.v1.example.org\",outcome=\"failed\"} 1",
        ] {
            assert!(text.contains(line), "{line} in:\n{text}");
        }
        controller.ended(other, Outcome::Settled, Next::Poll);
        assert!(told(&metrics).contains("workqueue_unfinished_work_seconds{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 0.0"));
    }

    /// Histograms had no buckets for seconds: whatever was slow looked the same.
    #[tokio::test(start_paused = true)]
    async fn b06_what_takes_seconds_is_told_apart() {
        let metrics = Metrics::default();
        let mut controller = metrics.controller("p", &kind("v1"));
        for seconds in [7, 40] {
            let begun = controller.begun(Duration::ZERO);
            advance(Duration::from_secs(seconds)).await;
            controller.ended(begun, Outcome::Settled, Next::Poll);
        }
        let text = told(&metrics);
        for (bound, count) in [("5.0", "0"), ("10.0", "1"), ("60.0", "2")] {
            let bucket = |line: &&str| {
                line.starts_with("controller_runtime_reconcile_time_seconds_bucket{")
                    && line.contains(&format!("le=\"{bound}\""))
            };
            let line = text.lines().find(bucket);
            assert_eq!(line.and_then(|line| line.rsplit(' ').next()), Some(count), "{bound} in:\n{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn row26_kinds_are_told_apart_and_what_is_over_is_not_told() {
        let metrics = Metrics::default();
        let (one, other) = (metrics.controller("p", &kind("v1")), metrics.controller("p", &kind("v2")));
        let again = metrics.controller("p", &kind("v1"));
        assert!(told(&metrics).contains("Thing.v2.example.org"));
        drop(other);
        drop(one);
        let text = told(&metrics);
        assert!(!text.contains("Thing.v2.example.org"), "{text}");
        assert!(text.contains("Thing.v1.example.org"), "somebody counts it still");
        drop(again);
        assert!(!told(&metrics).contains("Thing"), "{}", told(&metrics));
    }
}
