//! One managed kind, from its watch to its reconciles.

mod active;
mod config;
mod mapped;

use std::{future::pending, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use capstan_cluster::{Fence, Selection, Subscription};
use futures::FutureExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    ExternalSystem,
    managed::{Announcer, Counters, InCluster, Lifecycle, Pause, Rules, Surroundings},
};

use active::{Active, Told};

pub use config::{ControllerConfig, Listed, Resync, Shared};

/// Before a controller that panicked is started again. Doubled each time up to the second, and never shortened: what
/// panics again and again is to be seen, not to be a load.
const RESTART: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

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
    listed: Listed,
    pause: Pause,
}

impl Controller {
    /// Does nothing until it is run.
    #[must_use]
    pub fn new(config: ControllerConfig, shared: Shared, external: Arc<dyn ExternalSystem>) -> Self {
        let resync = Resync::default();
        let pause = Pause::new(resync.clone());
        Self { config, shared, external, counters: Arc::default(), resync, listed: Listed::default(), pause }
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

    /// Whether it knows all of its objects, from some time on after it is run.
    #[must_use]
    pub fn listed(&self) -> Listed {
        self.listed.clone()
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
    ///
    /// When the fence of its cluster closes, reconciles are dropped where they stand: somebody else may begin, and what they
    /// could still write would be refused. When this returns nothing of them is left in either case.
    pub async fn run(self, cancel: CancellationToken) {
        let mut metrics = self.shared.metrics.controller(&self.config.provider, &self.config.kind);
        let mut questions = self.shared.queues.enter(metrics.name());
        let fence = self.shared.cluster.fence().cloned();
        let mut subscription = self.subscribe();
        let lifecycle = Arc::new(self.lifecycle(&subscription));
        let mut wait = RESTART.0;
        loop {
            let told = Told { metrics: &mut metrics, questions: &mut questions };
            let mut active = Active::start(&self, subscription, Arc::clone(&lifecycle), told);
            let Some(panicked) = self.work(&mut active, &cancel, fence.as_ref()).await else {
                let aborted = active.runs.drain(Duration::ZERO).await;
                tracing::warn!(kind = %active.kind, aborted, "the lease is lost: running reconciles are ended");
                return;
            };
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

    /// Until it is cancelled or panics, which is the answer, and what runs has come to rest. `None`: the fence closed before.
    async fn work(&self, active: &mut Active<'_>, cancel: &CancellationToken, fence: Option<&Fence>) -> Option<bool> {
        let working = async {
            let turns = async { while active.turn(cancel).await {} };
            let panicked = AssertUnwindSafe(turns).catch_unwind().await.is_err();
            let aborted = active.runs.drain(self.config.drain_time).await;
            if aborted > 0 {
                tracing::warn!(kind = %active.kind, aborted, "reconciles were still running after the time to drain");
            }
            panicked
        };
        tokio::select! {
            biased;
            () = closed(fence) => None,
            panicked = working => Some(panicked),
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
            sightings: shared.sightings.of(&config.kind),
            loops: shared.loops.clone(),
            provider: config.provider.clone(),
        };
        Lifecycle::new(surroundings, rules, config.session_time)
    }
}

/// Never, without one.
async fn closed(fence: Option<&Fence>) {
    match fence {
        Some(fence) => fence.closed().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
