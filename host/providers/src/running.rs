//! A provider in service: what its controllers do, and the logic that they ask.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use capstan_api::{BoundUsage, ProviderCounters, ProviderSpec};
use capstan_cluster::Selection;
use capstan_engine::{
    Controller, ControllerConfig, Counters, Listed, Pause, Resync, Shared,
    queue::Pacing,
    runner::{Runner, Share},
};
use capstan_sandbox::{Budgets, Guest, ManagedKind};

use crate::{breaker::Breaker, controllers::Controllers, load::Loaded, slot::Slot, tally::Tally, usage};

/// What of a `Provider` its controllers go by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    share: Share,
    poll: Option<Duration>,
    paused: bool,
}

impl Pace {
    pub(crate) fn of(spec: &ProviderSpec) -> Self {
        let count = |number: Option<std::num::NonZeroU32>, default: NonZeroUsize| {
            number.and_then(|number| NonZeroUsize::try_from(number).ok()).unwrap_or(default)
        };
        let default = Share::default();
        let share = Share { slots: count(spec.concurrency, default.slots), weight: count(spec.weight, default.weight) };
        Self { share, poll: spec.poll_interval, paused: spec.paused }
    }

    /// How the controller of a kind goes.
    fn config(&self, provider: &str, managed: &ManagedKind, budgets: &Budgets) -> ControllerConfig {
        let pacing = Pacing::default();
        ControllerConfig {
            recoverable: managed.recoverable,
            session_time: budgets.of_kind(&managed.kind.kind).reconcile,
            pacing: Pacing { poll: pacing.poll.at(self.poll), ..pacing },
            share: self.share,
            ..ControllerConfig::new(provider, managed.kind.clone())
        }
    }

    /// Gives a provider its share while its controllers stay: the last one that was given to a lane counts.
    fn share_out(&self, runner: &Runner, provider: &str) {
        drop(runner.lane(provider, self.share));
    }
}

pub(crate) struct Running {
    pub(crate) loaded: Loaded,
    provider: String,
    shared: Shared,
    pace: Pace,
    slot: Arc<Slot>,
    resyncs: Vec<Resync>,
    listed: Vec<Listed>,
    pauses: Vec<Pause>,
    counters: Vec<Arc<Counters>>,
}

impl Running {
    /// What goes wrong is counted in `tally`. The `controllers` of whatever ran before have come to rest.
    pub(crate) fn start(
        provider: &str,
        shared: &Shared,
        loaded: Loaded,
        pace: Pace,
        logic: Guest,
        tally: Arc<Tally>,
        controllers: &mut Controllers,
    ) -> Self {
        let mut running = Self {
            slot: Arc::new(Slot::new(logic, shared.cluster.fence().cloned(), tally)),
            loaded,
            provider: provider.to_owned(),
            shared: shared.clone(),
            pace,
            resyncs: Vec::new(),
            listed: Vec::new(),
            pauses: Vec::new(),
            counters: Vec::new(),
        };
        running.begin(controllers);
        running
    }

    fn begin(&mut self, controllers: &mut Controllers) {
        *controllers = Controllers::default();
        let budgets = Budgets::new(&self.loaded.grants.limits);
        for managed in &self.loaded.descriptor.kinds {
            let config = self.pace.config(&self.provider, managed, &budgets);
            let controller = Controller::new(config, self.shared.clone(), Arc::clone(&self.slot) as _);
            controller.pause().set(self.pace.paused);
            self.resyncs.push(controller.resync());
            self.listed.push(controller.listed());
            self.pauses.push(controller.pause());
            self.counters.push(controller.counters());
            controllers.start(|cancel| controller.run(cancel));
        }
    }

    /// Whether the controllers can stay: they know kinds, limits and whom they act as, and nothing else of the logic.
    pub(crate) fn fits(&self, loaded: &Loaded) -> bool {
        let shape = |loaded: &Loaded| -> Vec<_> {
            let (kinds, budgets) = (&loaded.descriptor.kinds, Budgets::new(&loaded.grants.limits));
            let time = |kind: &str| budgets.of_kind(kind).reconcile;
            kinds.iter().map(|managed| (managed.kind.clone(), managed.recoverable, time(&managed.kind.kind))).collect()
        };
        shape(&self.loaded) == shape(loaded) && self.loaded.grants.service_account == loaded.grants.service_account
    }

    /// New logic under running controllers: watches, queues and attempts stay, and every object is looked at again.
    pub(crate) fn replace(&mut self, loaded: Loaded, logic: Guest) {
        self.slot.replace(logic);
        self.loaded = loaded;
        self.resync();
    }

    /// Nothing more is called when this returned, or everything again.
    pub(crate) fn pause(&mut self, paused: bool) {
        self.pace.paused = paused;
        for pause in &self.pauses {
            pause.set(paused);
        }
    }

    /// Takes over what is new of the pace; its `controllers` begin anew if they have to.
    pub(crate) async fn set_pace(&mut self, pace: Pace, controllers: &mut Controllers) {
        self.pause(pace.paused);
        let former = std::mem::replace(&mut self.pace, pace);
        if former.share != pace.share {
            pace.share_out(&self.shared.runner, &self.provider);
        }
        if former.poll != pace.poll {
            // Their watches stay, with what they know.
            let kinds = self.loaded.kinds().cloned();
            let _watches: Vec<_> = kinds.map(|kind| self.shared.watches.subscribe(Selection::all(kind))).collect();
            controllers.rest().await;
            (self.resyncs, self.listed, self.pauses) = Default::default();
            self.begin(controllers);
        }
    }

    /// Whether its logic is given rest.
    pub(crate) fn breaker(&self) -> Arc<Breaker> {
        Arc::clone(self.slot.breaker())
    }

    /// Has every object looked at again.
    pub(crate) fn resync(&self) {
        for resync in &self.resyncs {
            resync.request();
        }
    }

    /// Whether its controllers know all of their objects.
    pub(crate) fn listed(&self) -> Vec<Listed> {
        self.listed.clone()
    }

    /// What it did since it was started, but for what is tallied.
    pub(crate) fn counts(&self) -> ProviderCounters {
        ProviderCounters {
            reconciles: self.counters.iter().map(|counters| counters.reconciles()).sum(),
            failures: self.counters.iter().map(|counters| counters.failures()).sum(),
            denied: self.slot.counts().denied,
            ..ProviderCounters::default()
        }
    }

    /// What sessions of this build used of their budget.
    pub(crate) fn usage(&self) -> BTreeMap<String, BoundUsage> {
        self.slot.spent().into_iter().map(usage::of).collect()
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }
}

#[cfg(test)]
mod tests {
    use capstan_api::GroupVersionKind;
    use capstan_engine::queue::Poll;
    use futures::FutureExt;
    use serde_json::{Value, json};

    use super::*;

    fn pace(mut spec: Value) -> Pace {
        spec["source"] = json!({"file": {"name": "p.wasm"}});
        Pace::of(&serde_json::from_value(spec).unwrap())
    }

    fn share(slots: usize, weight: usize) -> Share {
        Share { slots: NonZeroUsize::new(slots).unwrap(), weight: NonZeroUsize::new(weight).unwrap() }
    }

    fn config(pace: Pace) -> ControllerConfig {
        let kind = GroupVersionKind::gvk("example.org", "v1", "Thing");
        let managed = ManagedKind { kind, definition: None, recoverable: false };
        pace.config("p", &managed, &Budgets::new(&capstan_api::Limits::default()))
    }

    #[test]
    fn concurrency_weight_and_poll_interval_reach_the_controllers() {
        let config = config(pace(json!({"concurrency": 7, "weight": 3, "pollInterval": "90s"})));
        assert_eq!(config.share, share(7, 3));
        assert_eq!(config.pacing.poll, Poll::default().at(Some(Duration::from_secs(90))));
    }

    #[test]
    fn what_a_provider_does_not_say_is_the_engines_default() {
        let config = config(pace(json!({})));
        assert_eq!((config.share, config.pacing), (Share::default(), Pacing::default()));
    }

    #[test]
    fn a_new_share_counts_for_controllers_that_stay() {
        let runner = Runner::new(NonZeroUsize::new(10).unwrap());
        let lane = runner.lane("p", pace(json!({"concurrency": 1, "weight": 3})).share);
        let _first = lane.request().now_or_never().expect("one is its share");
        let mut second = lane.request();
        assert!((&mut second).now_or_never().is_none());
        pace(json!({"concurrency": 2, "weight": 1})).share_out(&runner, "p");
        let _second = second.now_or_never().expect("two are");
        assert!(lane.request().now_or_never().is_none(), "and three are not");
    }
}
