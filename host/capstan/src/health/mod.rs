//! What the kubelet and Prometheus ask for: whether the process lives, whether it is ready, and a few numbers.

mod debug;
mod heartbeat;
mod metrics;
mod routes;
mod server;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use capstan_cluster::{Watches, lease::LeaseCounts};
use capstan_engine::Queues;
use capstan_sandbox::Sandbox;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use heartbeat::Heartbeat;
use metrics::{Metrics, Sample};

pub(crate) use server::{Address, Server};

/// The state of the process, as far as it is told outside. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Health(Arc<Inner>);

struct Inner {
    heartbeat: Heartbeat,
    metrics: Metrics,
    stopping: CancellationToken,
    /// Where replicas share the providers.
    leases: OnceLock<LeaseCounts>,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// While this process does the work.
    work: Option<Work>,
}

/// What does the work, as far as it can be looked into.
pub(crate) struct Work {
    pub(crate) watches: Watches,
    pub(crate) queues: Queues,
    pub(crate) sandbox: Arc<Sandbox>,
    /// The metrics of all of it.
    pub(crate) registry: Registry,
}

/// How far the process has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The API server has not answered yet.
    Connecting,
    /// It is none of the replicas that share the work, not yet or not any more.
    Standby,
    /// This one does, and does not know all of its providers yet.
    Listing,
    /// This one does, and not all of its providers are in service yet.
    Loading,
    /// This one does.
    Working,
}

/// This process does the work; until it is dropped.
pub(crate) struct AtWork(Health);

impl Health {
    /// `stopping` is cancelled when the process is to end.
    pub(crate) fn new(stopping: CancellationToken) -> Self {
        let state = Mutex::new(State { phase: Phase::Connecting, work: None });
        Self(Arc::new(Inner {
            heartbeat: Heartbeat::default(),
            metrics: Metrics::new(),
            stopping,
            leases: OnceLock::new(),
            state,
        }))
    }

    /// Shows that tasks get to run, as long as it is polled. Never ends.
    pub(crate) async fn beat(&self) {
        self.0.heartbeat.beat().await;
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    /// What becomes of the leases is told from now on. Said once.
    pub(crate) fn tell_leases(&self, counts: LeaseCounts) {
        let _ = self.0.leases.set(counts);
    }

    /// From now on this process does this work.
    pub(crate) fn begin_work(&self, work: Work) -> AtWork {
        let mut state = self.lock();
        *state = State { phase: Phase::Listing, work: Some(work) };
        self.0.metrics.begin_term();
        AtWork(self.clone())
    }

    /// Whether the process lives, and why not.
    pub(crate) fn liveness(&self) -> Result<&'static str, &'static str> {
        if self.0.heartbeat.is_fresh() { Ok("ok") } else { Err("no task has run for ten seconds") }
    }

    /// Whether the process does what it should, and what that is.
    pub(crate) fn readiness(&self) -> Result<&'static str, &'static str> {
        if self.0.stopping.is_cancelled() {
            return Err("stopping");
        }
        match self.lock().phase {
            Phase::Connecting => Err("the API server has not answered yet"),
            Phase::Standby => Ok("standby: about to join the other replicas"),
            Phase::Listing => Err("the providers have not been listed yet"),
            Phase::Loading => Err("not all providers are loaded with the objects of their kinds listed yet"),
            Phase::Working => Ok("at work"),
        }
    }

    /// While this process does the work.
    fn queues(&self) -> Option<Queues> {
        self.lock().work.as_ref().map(|work| work.queues.clone())
    }

    /// While this process does the work.
    fn watches(&self) -> Option<Watches> {
        self.lock().work.as_ref().map(|work| work.watches.clone())
    }

    /// All metrics in the `OpenMetrics` text format.
    pub(crate) fn metrics(&self) -> Result<String, std::fmt::Error> {
        // Held to the end: what is written by one is not changed for another.
        let state = self.lock();
        if let Some(leases) = self.0.leases.get() {
            self.0.metrics.tell_leases(leases.standing(), leases.transitions());
        }
        self.0.metrics.encode(state.work.as_ref().map(|work| {
            let usage = work.sandbox.usage();
            let sample = Sample { watches: work.watches.len(), instances: usage.instances, memory: usage.memory };
            (sample, &work.registry)
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        *self.0.lock() = State { phase: Phase::Standby, work: None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_in_standby_and_at_work_and_not_on_the_way_there() {
        let stopping = CancellationToken::new();
        let health = Health::new(stopping.clone());
        let ready = |phase| {
            health.enter(phase);
            health.readiness().is_ok()
        };
        assert_eq!(
            [Phase::Connecting, Phase::Standby, Phase::Listing, Phase::Loading, Phase::Working].map(ready),
            [false, true, false, false, true]
        );
        stopping.cancel();
        assert_eq!(health.readiness(), Err("stopping"));
    }
}
