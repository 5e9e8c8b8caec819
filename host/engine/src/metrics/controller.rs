//! What one controller counts.

use std::{
    collections::BTreeSet,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use capstan_api::GroupVersionKind;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge, histogram::Histogram};
use tokio::time::Instant;

use super::{Labels, Metrics, Named, RESULTS, Running};
use crate::{Outcome, queue::Next};

/// What one controller counts with, found once: counting is a few additions then.
#[derive(Debug)]
pub(crate) struct ControllerMetrics {
    results: [Counter; RESULTS.len()],
    outcomes: [Counter; Outcome::ALL.len()],
    errors: Counter,
    terminal: Counter,
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
            Next::Backoff { .. } | Next::Await { .. } | Next::Confirm | Next::Recheck => 2,
            Next::Poll | Next::Park => 3,
        };
        self.results[result].inc();
        for (counts, counter) in [
            (outcome.is_failure(), &self.errors),
            (outcome.is_failure() && next == Next::Park, &self.terminal),
            (outcome == Outcome::Panicked, &self.panics),
            (outcome == Outcome::TimedOut, &self.timeouts),
            (!matches!(next, Next::Poll | Next::Park | Next::Stop), &self.retries),
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
        for counters in [&all.errors, &all.terminal, &all.panics, &all.timeouts, &all.restarts, &all.loops] {
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

impl Metrics {
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
            terminal: all.terminal.get_or_create_owned(&labels),
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
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
