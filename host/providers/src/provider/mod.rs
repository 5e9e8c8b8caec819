//! One provider: the task that loads whatever its object asks for, runs the newest build that works, and says so.

mod leaving;
mod taking;

use std::{sync::Arc, time::Duration};

use capstan_api::{ProviderCondition, ProviderCounters};
use capstan_cluster::{Cluster, Flow, Rate};
use capstan_engine::Shared;
use capstan_sandbox::{Component, Descriptor, Network, Sandbox};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    ProviderError,
    arrivals::Arrivals,
    breaker::Breaker,
    claims::Claims,
    controllers::Controllers,
    metrics::Metrics,
    report::{About, Reporter},
    reviewer::Reviewer,
    running::Running,
    source::oci::Puller,
    status::Board,
    tally::Tally,
    wanted::{Facts, Wanted},
};

/// Between two tries of an artifact that may do better later.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_mins(1);
/// Between two looks at what a deletion waits for.
const LOOK: Duration = Duration::from_secs(2);
/// Between two looks at the counters.
const COUNT: Duration = Duration::from_secs(30);
/// After a status that could not be written.
const WRITE_AGAIN: Duration = Duration::from_secs(5);

/// Reason and message of one whose calls are held.
pub(crate) const CRASH_LOOPING: &str = "CrashLooping";
const RESTS: &str = "its calls crash, or run over a budget, one after the other and whatever the object; they are held, and one is \
                     tried from time to time. The conditions of its objects say what happened; a new build is tried at once";

/// What every provider's task needs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) shared: Shared,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) namespace: Arc<str>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) reporter: Reporter,
    pub(crate) reviewer: Reviewer,
    pub(crate) network: Network,
    pub(crate) puller: Puller,
    /// This replica, as it stands in the status of what it runs.
    pub(crate) instance: Arc<str>,
    pub(crate) metrics: Metrics,
    pub(crate) arrivals: Arrivals,
}

pub(crate) struct Provider {
    name: String,
    surroundings: Surroundings,
    board: Option<Board>,
    /// Of the object that the board is of.
    tally: Arc<Tally>,
    running: Option<Running>,
    /// Of what runs.
    controllers: Controllers,
    /// What was loaded last. Held so that the same bytes need neither be compiled nor described again.
    tried: Option<(Component, Descriptor)>,
    /// A load failed half-way: the definitions in the cluster may not be those of what runs.
    unsettled: bool,
    /// What runs is the newest delivery.
    newest: bool,
    /// Looks for what is left of its objects while it is being deleted.
    departing: Option<Cluster>,
}

/// Why the task wakes up.
enum Turn {
    Wanted,
    Retry,
    Look,
    Write,
    Health,
}

/// When it wakes up by itself.
#[derive(Default)]
struct Alarms {
    retry: Option<(Instant, Duration)>,
    look: Option<Instant>,
    write: Option<Instant>,
}

impl Provider {
    pub(crate) fn new(name: String, mut surroundings: Surroundings) -> Self {
        surroundings.shared = surroundings.shared.for_provider();
        // Whatever is asked for this provider, by the host or by its guest, goes at its own pace.
        let cluster = &mut surroundings.shared.cluster;
        *cluster = cluster.paced(Flow::new(Rate::default()));
        Self {
            name,
            surroundings,
            board: None,
            tally: Arc::default(),
            running: None,
            controllers: Controllers::default(),
            tried: None,
            unsettled: false,
            newest: false,
            departing: None,
        }
    }

    /// Follows what is wanted under this name until it is cancelled; then stops what runs.
    pub(crate) async fn run(mut self, mut wanted: watch::Receiver<Option<Wanted>>, cancel: CancellationToken) {
        let mut alarms = Alarms::default();
        loop {
            let breaker = self.running.as_ref().map(Running::breaker);
            let turn = next(&mut wanted, &alarms, breaker, &mut self.controllers);
            let Some(Some(turn)) = cancel.run_until_cancelled(turn).await else { break };
            let Some(newest) = wanted.borrow_and_update().clone() else {
                self.forget().await;
                (self.tried, alarms) = (None, Alarms::default());
                continue;
            };
            let attending = cancel.run_until_cancelled(self.attend(&newest, &turn, &mut alarms));
            if attending.await.is_none() {
                break;
            }
            alarms.write = self.write_status().await;
        }
        self.stop().await;
    }

    async fn attend(&mut self, wanted: &Wanted, turn: &Turn, alarms: &mut Alarms) {
        if matches!(turn, Turn::Wanted | Turn::Retry) {
            let failed = self.bring(wanted).await.err();
            let delay = match (turn, alarms.retry) {
                (Turn::Retry, Some((_, delay))) => (delay * 2).min(RETRY_LONGEST),
                _ => RETRY_FIRST,
            };
            alarms.retry = failed.filter(ProviderError::is_transient).map(|_| (Instant::now() + delay, delay));
        }
        if matches!(turn, Turn::Health) {
            let rested = self.tell_health(&wanted.facts);
            let works = self.running.as_ref().is_some_and(|running| !running.breaker().is_open());
            if rested && works {
                self.tell("Recovered", "its calls come to their end again", &wanted.facts);
            }
            if let Some(running) = self.running.as_ref().filter(|running| !running.breaker().is_open()) {
                running.resync();
            }
        }
        alarms.look = None;
        // Without its status nobody knows whose objects to wait for.
        let known = self.board.as_ref().is_some_and(|board| board.uid() == wanted.facts.uid);
        if wanted.facts.deleting && wanted.facts.held && !(known && self.depart(&wanted.facts).await) {
            alarms.look = Some(Instant::now() + LOOK);
        }
    }

    /// Brings what is wanted into service, and says what became of it.
    async fn bring(&mut self, wanted: &Wanted) -> Result<(), ProviderError> {
        let facts = &wanted.facts;
        if self.board.as_ref().is_none_or(|board| board.uid() != facts.uid) {
            // What was done for an object of this name before does not count for this one.
            self.forget().await;
            self.unsettled = true;
            let Surroundings { shared, instance, metrics, .. } = &self.surroundings;
            let opened = Board::open(shared.cluster.clone(), &self.name, instance).await;
            self.board = Some(opened.map_err(ProviderError::Object).inspect_err(|error| self.report(wanted, error))?);
            self.tally = metrics.tally(&self.name);
        }
        self.pause(facts);
        let taken = self.take(wanted).await;
        if let Err(error) = &taken {
            // One that is deleted needs no source.
            if !(facts.deleting && matches!(error, ProviderError::SourceMissing(_))) {
                self.report(wanted, error);
                self.say(ProviderCondition::Loaded, false, error.reason(), &error.to_string(), facts);
                if let Some(board) = &mut self.board {
                    board.failed(error);
                }
            }
            self.keep_kinds();
            self.unsettled = true;
        }
        self.newest = taken.is_ok();
        self.tell_health(facts);
        // Without either it waits for its source.
        if taken.is_err() || self.running.is_some() || facts.deleting {
            let listed = self.running.as_ref().map(Running::listed).unwrap_or_default();
            self.surroundings.arrivals.arrived(&self.name, listed);
        }
        taken
    }

    /// Says whether a build is in service and works, with one event when it is given rest. True if it was said to rest before.
    fn tell_health(&mut self, facts: &Facts) -> bool {
        let resting = self.running.as_ref().is_some_and(|running| running.breaker().is_open());
        let (healthy, reason, message) = match &self.running {
            None => (false, "NotRunning", "no build of it is in service"),
            Some(_) if resting => (false, CRASH_LOOPING, RESTS),
            Some(_) if self.newest => (true, "Running", ""),
            Some(_) => (true, "LastGoodBuild", "the last good build is in service"),
        };
        let rested = self.board.as_ref().is_some_and(Board::is_crash_looping);
        self.say(ProviderCondition::Healthy, healthy, reason, message, facts);
        let about = About { name: &self.name, uid: Some(&facts.uid), origin: None };
        if resting && !rested {
            self.surroundings.reporter.warned(about, CRASH_LOOPING, RESTS);
        }
        rested
    }

    fn report(&self, wanted: &Wanted, error: &ProviderError) {
        self.surroundings.reporter.failed(self.about(wanted), error);
    }

    fn about<'a>(&'a self, wanted: &'a Wanted) -> About<'a> {
        About { name: &self.name, uid: Some(&wanted.facts.uid), origin: wanted.origin() }
    }

    /// True if that is something new.
    fn say(&mut self, condition: ProviderCondition, holds: bool, reason: &str, message: &str, facts: &Facts) -> bool {
        let condition = condition.is(holds, reason, message);
        self.board.as_mut().is_some_and(|board| board.set(condition, facts.generation))
    }

    /// A turn that people may want to know of, and that is nobody's fault.
    fn tell(&self, reason: &str, note: &str, facts: &Facts) {
        let about = About { name: &self.name, uid: Some(&facts.uid), origin: None };
        self.surroundings.reporter.said(about, reason, note);
    }

    /// Before anything else: a build that is about to be replaced is not called any more either.
    fn pause(&mut self, facts: &Facts) {
        let Ok(spec) = &facts.spec else { return };
        if let Some(running) = &mut self.running {
            running.pause(spec.paused);
        }
        if spec.paused {
            let note = "nothing of it is called until spec.paused is false";
            if self.say(ProviderCondition::Paused, true, "PausedBySpec", note, facts) {
                self.tell("Paused", note, facts);
            }
        } else {
            self.say(ProviderCondition::Paused, false, "NotPaused", "", facts);
        }
    }

    /// Writes the status if it says something new; gives the time of the next look at it.
    async fn write_status(&mut self) -> Option<Instant> {
        let running = self.running.as_ref();
        let (counts, usage) = running.map(|running| (running.counts(), running.usage())).unwrap_or_default();
        let counts = ProviderCounters { traps: self.tally.traps(), kills: self.tally.kills(), ..counts };
        let board = self.board.as_mut()?;
        board.count(counts, usage);
        match board.write().await {
            Ok(()) => Some(Instant::now() + COUNT),
            // The object is gone, which its watch will say.
            Err(capstan_cluster::Error::NotFound(_) | capstan_cluster::Error::NotLeader) => None,
            Err(error) => {
                tracing::warn!(provider = self.name, %error, "the status of the Provider is not written yet");
                Some(Instant::now() + WRITE_AGAIN)
            }
        }
    }

    /// Its object is gone: nothing is left of what ran for it, was said of it and counted.
    async fn forget(&mut self) {
        self.stop().await;
        (self.board, self.tally, self.departing) = (None, Arc::default(), None);
    }

    /// Ends the provider and gives up its kinds.
    async fn stop(&mut self) {
        let ran = self.running.is_some();
        self.stop_controllers().await;
        self.keep_kinds();
        if ran {
            tracing::info!(
                provider = self.name,
                "provider stopped; its objects and their finalizers are left as they are"
            );
        }
    }

    /// Gives up the kinds that were claimed for logic that does not run, and what is known of their objects.
    fn keep_kinds(&self) {
        let kinds: Vec<_> = self.running.iter().flat_map(|running| running.loaded.kinds()).collect();
        self.surroundings.claims.keep(&self.name, kinds.iter().copied());
        self.surroundings.shared.keep_kinds(kinds.into_iter());
    }

    async fn stop_controllers(&mut self) {
        self.controllers.rest().await;
        self.running = None;
    }
}

/// What is to be done next; `None` when nobody wants anything any more. Panics with a controller.
async fn next(
    wanted: &mut watch::Receiver<Option<Wanted>>,
    alarms: &Alarms,
    breaker: Option<Arc<Breaker>>,
    controllers: &mut Controllers,
) -> Option<Turn> {
    tokio::select! {
        changed = wanted.changed() => changed.ok().map(|()| Turn::Wanted),
        () = at(alarms.retry.map(|(due, _)| due)) => Some(Turn::Retry),
        () = at(alarms.look) => Some(Turn::Look),
        () = at(alarms.write) => Some(Turn::Write),
        () = changed(breaker) => Some(Turn::Health),
        never = controllers.watch() => match never {},
    }
}

/// Never, if there is none.
async fn changed(breaker: Option<Arc<Breaker>>) {
    match breaker {
        Some(breaker) => breaker.changed().await,
        None => std::future::pending().await,
    }
}

/// Never, if there is no time.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
