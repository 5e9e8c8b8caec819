//! A controller at work, from the watch to the writes, on a paused clock.

mod api_server;
mod defects;
mod load;
mod loops;
mod mapping;
mod pauses;
mod provider;
mod restart;
mod sharing;
mod stops;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use capstan_api::{GroupVersionKind, keys};
use capstan_cluster::{Cluster, Object, Watches};
use capstan_events::Recorder;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::*;
use crate::{
    Metrics, Outcome, Queues,
    managed::{PollLimits, WallClock},
    queue::{Backoff, Pacing, Poll},
    runner::Runner,
};
use api_server::ApiServer;
use provider::Memory;

/// Where a controller is made to panic: at the object of this name, once.
pub(super) fn fault(object: &Object) {
    static DONE: AtomicBool = AtomicBool::new(false);
    assert!(object.key().name != "poison" || DONE.swap(true, Ordering::Relaxed), "as the test wants it");
}

/// A controller, running, and what surrounds it.
struct World {
    server: ApiServer,
    provider: Memory,
    counters: Arc<Counters>,
    resync: Resync,
    watches: Watches,
    metrics: Metrics,
    queues: Queues,
    pause: Pause,
    config: ControllerConfig,
    shared: Shared,
    cancel: CancellationToken,
    /// Of the controller alone.
    stop: CancellationToken,
    /// Of the lease that all of it needs.
    fence: Fence,
    tasks: JoinSet<&'static str>,
}

impl World {
    async fn start() -> Self {
        Self::with(Duration::ZERO, |_| {}).await
    }

    /// Without jitter, so that times are exact.
    async fn with(lag: Duration, adjust: impl FnOnce(&mut ControllerConfig)) -> Self {
        let (server, cancel) = (ApiServer::new(lag), CancellationToken::new());
        let fence = Fence::new(Instant::now() + Duration::from_hours(1_000));
        let cluster = Cluster::new(server.client()).fenced(fence.clone());
        let watches = Watches::new(cluster.clone(), cancel.child_token());
        let (recorder, writer) = Recorder::new(cluster.clone(), "test".to_owned());
        let provider = Memory::new(cluster.clone(), watches.clone());
        let mut config = ControllerConfig::new("memory", GroupVersionKind::gvk("example.org", "v1", "Thing"));
        config.pacing = Pacing {
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_mins(1), 0.0).unwrap(),
            poll: Poll::new(Duration::from_mins(1), 0.0).unwrap(),
        };
        config.clock = WallClock::anchored("2026-01-01T00:00:00Z".parse().unwrap());
        adjust(&mut config);
        let runner = Runner::new(NonZeroUsize::new(4).unwrap());
        let shared = Shared::new(cluster, watches.clone(), recorder, runner);
        let (metrics, queues) = (shared.metrics.clone(), shared.queues.clone());
        let mut tasks = JoinSet::new();
        let end = cancel.clone();
        tasks.spawn(async move {
            writer.run(end).await;
            "events"
        });
        let mut world = Self {
            server,
            provider,
            counters: Arc::default(),
            resync: Resync::default(),
            watches,
            metrics,
            queues,
            pause: Pause::default(),
            config,
            shared,
            stop: cancel.child_token(),
            cancel,
            fence,
            tasks,
        };
        world.begin();
        world.pass(100).await;
        world
    }

    fn begin(&mut self) {
        let controller = Controller::new(self.config.clone(), self.shared.clone(), Arc::new(self.provider.clone()));
        (self.counters, self.resync, self.pause) = (controller.counters(), controller.resync(), controller.pause());
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            controller.run(stop).await;
            "controller"
        });
    }

    /// The controller is built anew, as when the provider's limits change; the process goes on.
    async fn rebuild(&mut self) {
        self.rest().await;
        self.begin();
        self.pass(100).await;
    }

    /// There is no controller until another one begins.
    async fn rest(&mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.unwrap().unwrap() != "controller" {}
        self.stop = self.cancel.child_token();
    }

    /// Lets milliseconds pass, and everything happen that happens in them.
    async fn pass(&self, milliseconds: u64) {
        sleep(Duration::from_millis(milliseconds)).await;
    }

    fn put(&self, name: &str, patch: &Value) {
        self.server.apply("things", name, patch);
    }

    fn thing(&self, name: &str) -> Value {
        self.server.get("things", name).expect("the thing exists")
    }

    /// Created, confirmed and settled, with nothing left to count.
    async fn settled(&self, name: &str, spec: Value) {
        self.put(name, &json!({"spec": spec}));
        self.pass(3_000).await;
        let synced = &self.thing(name)["status"]["conditions"][1];
        assert_eq!(synced["reason"], "ReconcileSuccess", "{}", self.thing(name));
        self.provider.calls();
        self.server.writes();
    }
}

fn annotation(key: &str, value: &Value) -> Value {
    json!({"metadata": {"annotations": {key: value}}})
}

fn calls<const N: usize>(calls: [(&str, usize); N]) -> BTreeMap<String, usize> {
    calls.into_iter().map(|(call, count)| (call.to_owned(), count)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_object_is_created_outside_and_its_own_writes_wake_nobody() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"size": 1}}));
    world.pass(30_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 2), ("create a", 1)]), "to create, and to confirm");
    let (object, status) = ("PATCH things/a", "PATCH things/a/status");
    assert_eq!(world.server.writes(), [object, object, object, status, status], "finalizer, intent and result");
    let thing = world.thing("a");
    assert_eq!(thing["metadata"]["finalizers"], json!([keys::FINALIZER]));
    assert_eq!(thing["status"]["conditions"][0]["reason"], "Available");
    let mut events = world.server.events();
    events.sort();
    assert_eq!(events, ["a: Available", "a: CreatedExternalResource"]);
    assert_eq!((world.counters.of(Outcome::Created), world.counters.of(Outcome::Settled)), (1, 1));
}

/// By whoever was killed between the intent and the request.
#[tokio::test(start_paused = true)]
async fn a_create_that_was_cut_off_is_made_up_for_once_it_had_its_time_to_show() {
    let world = World::with(Duration::ZERO, |config| config.recoverable = true).await;
    let annotations = json!({keys::CREATE_PENDING: "2025-12-31T23:00:00Z"});
    world.put("a", &json!({"metadata": {"annotations": annotations}, "spec": {"size": 1}}));
    world.pass(29_500).await;
    assert!(!world.provider.has("a"));
    world.pass(1_000).await;
    assert!(world.provider.has("a"), "by back-off alone it would be the turn of 31 s");
    world.pass(1_000).await;
    assert_eq!(world.thing("a")["status"]["conditions"][0]["reason"], "Available", "and after that of 63 s");
    assert_eq!(world.provider.calls(), calls([("observe a", 7), ("create a", 1)]), "after 0, 1, 3, 7, 15, 30 and 31 s");
}

#[tokio::test(start_paused = true)]
async fn no_reconcile_begins_with_a_copy_older_than_its_own_writes() {
    let world = World::with(Duration::from_secs(5), |_| {}).await;
    world.put("a", &json!({"spec": {"size": 1}}));
    world.pass(30_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 2), ("create a", 1)]));
    assert_eq!(world.counters.of(Outcome::Conflict), 0);
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_reconciled_at_once_and_a_status_written_by_others_is_not() {
    let world = World::start().await;
    world.settled("a", json!({"size": 1})).await;
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1), ("update a", 1)]));
    world.put("a", &json!({"status": {"noise": 1}}));
    world.pass(1_000).await;
    assert_eq!(world.provider.calls(), calls([]));
}

#[tokio::test(start_paused = true)]
async fn objects_are_looked_at_again_at_the_poll_interval() {
    let world = World::start().await;
    world.settled("a", json!({})).await;
    world.pass(180_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 3)]));
    assert_eq!(world.server.writes(), [""; 0], "nothing new is not written");
}

#[tokio::test(start_paused = true)]
async fn deleting_an_object_deletes_outside_and_forgets_it() {
    let world = World::start().await;
    world.server.apply("configmaps", "source", &json!({"data": {"x": "1"}}));
    world.settled("a", json!({"source": "source"})).await;
    assert_eq!(world.server.watches(), 2);
    world.put("a", &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}));
    world.pass(5_000).await;
    assert_eq!(world.server.get("things", "a"), None);
    assert!(!world.provider.has("a"));
    assert_eq!(world.server.watches(), 1, "what it read is not watched any more");
    world.provider.calls();
    world.pass(120_000).await;
    assert_eq!(world.provider.calls(), calls([]));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_vanishes_while_it_is_idle_is_forgotten() {
    let world = World::start().await;
    world.settled("a", json!({"source": "source"})).await;
    world.put("a", &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": []}}));
    world.pass(100).await;
    assert_eq!(world.server.watches(), 1, "what it read is not watched any more");
    world.pass(120_000).await;
    assert_eq!(world.provider.calls(), calls([]));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_at_once_whatever_the_back_off() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "fail"}}));
    world.pass(120_000).await;
    world.provider.calls();
    world.put("a", &annotation(keys::RECONCILE_REQUESTED_AT, &json!("12:00")));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]));
    assert_eq!(world.thing("a")["status"]["lastHandledReconcileAt"], "12:00");
}

#[tokio::test(start_paused = true)]
async fn an_object_is_polled_at_its_own_interval_within_the_limits() {
    let world = World::with(Duration::ZERO, |config| {
        config.poll_limits = PollLimits::new(Duration::from_secs(30), Duration::from_mins(10)).unwrap();
    })
    .await;
    world.settled("a", json!({})).await;
    for (interval, seconds, polls) in [("45s", 90, 2), ("1s", 90, 3), ("1h", 1_200, 2), ("nonsense", 120, 2)] {
        world.put("a", &annotation(keys::POLL_INTERVAL, &json!(interval)));
        world.pass(100).await;
        world.provider.calls();
        world.pass(seconds * 1_000).await;
        assert_eq!(world.provider.calls(), calls([("observe a", polls)]), "{interval}");
    }
}

/// Secrets were read through a cache that wanted to list and watch all of them.

#[tokio::test(start_paused = true)]
async fn b16_what_a_provider_reads_need_not_be_listed() {
    let world = World::start().await;
    world.server.apply("configmaps", "source", &json!({"data": {"x": "1"}}));
    world.server.forbid_lists("configmaps");
    world.settled("a", json!({"source": "source"})).await;
    assert_eq!(world.thing("a")["status"]["copied"]["x"], "1");
}

#[tokio::test(start_paused = true)]
async fn row16_row30_a_panic_fails_one_object_and_backs_off() {
    let world = World::start().await;
    world.put("bad", &json!({"spec": {"behaviour": "panic"}}));
    world.put("good", &json!({"spec": {}}));
    world.pass(6_500).await;
    // At 0, 1, 3 s; the next one is due at 7 s.
    assert_eq!(world.provider.calls().get("observe bad"), Some(&3));
    assert_eq!(world.counters.of(Outcome::Panicked), 3);
    assert!(world.provider.has("good"));
    assert_eq!(world.thing("bad")["status"]["conditions"][0]["reason"], "Panicked");
    assert_eq!(world.server.events().iter().filter(|event| *event == "bad: ReconcilePanicked").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn row10_a_failing_object_backs_off_while_its_source_changes_and_runs_at_once_when_edited() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "fail"}}));
    world.pass(6_500).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 3)]));
    world.put("a", &json!({"status": {"noise": 1}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([]));
    world.put("a", &json!({"spec": {"behaviour": "none"}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls().get("observe a"), Some(&1));
    assert_eq!(
        world.server.events().iter().filter(|event| event.ends_with("CannotObserveExternalResource")).count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_resync_cuts_the_back_off_of_all_objects_short() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "fail"}}));
    world.pass(120_000).await;
    world.provider.calls();
    world.resync.request();
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_source_wakes_its_readers_through_one_watch() {
    let world = World::start().await;
    world.server.apply("configmaps", "source", &json!({"data": {"x": "1"}}));
    world.settled("a", json!({"source": "source"})).await;
    world.settled("b", json!({"source": "source"})).await;
    world.settled("c", json!({})).await;
    assert_eq!(world.server.watches(), 2, "things, and the source");
    world.server.apply("configmaps", "source", &json!({"data": {"x": "2"}}));
    world.server.apply("configmaps", "other", &json!({"data": {"x": "2"}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1), ("observe b", 1)]));
    assert_eq!(world.thing("b")["status"]["copied"]["x"], "2");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_appears_wakes_its_reader() {
    let world = World::start().await;
    world.settled("a", json!({"source": "later"})).await;
    world.pass(1_000).await;
    assert_eq!(world.provider.calls(), calls([]), "the first watch of what is absent brings no news");
    world.server.apply("configmaps", "later", &json!({"data": {"x": "1"}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]));
}
