//! What is true of every guest, whatever it does.

mod support;

use std::{sync::Arc, time::Duration};

use capstan_api::{Grants, GroupVersionKind, KindLimits, Limits, ObjectKey, ObjectRef};
use capstan_cluster::Watches;
use capstan_engine::{Context, ExternalSystem, Failure, Observation, Reads};
use capstan_events::Recorder;
use capstan_sandbox::{Bound, Budget, Budgets, Granted, Guest, LoadError, Network, Sandbox, Services, Settings, Usage};
use tokio_util::sync::CancellationToken;

use support::{api::Api, component::hostile};

async fn guest(sandbox: &Sandbox, budgets: impl Into<Budgets>) -> Guest {
    let component = sandbox.load(hostile().into()).await.unwrap();
    let descriptor = component.describe().await.unwrap();
    let cluster = Api::default().cluster();
    let (recorder, _) = Recorder::new(cluster.clone(), "test".into());
    let network = Network::default();
    let services =
        Services { watches: Watches::new(cluster.clone(), CancellationToken::new()), cluster, recorder, network };
    Guest::new(component, "test", Granted::new(&descriptor, &Grants::default()), budgets, services)
}

fn context() -> Context {
    let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Hostile");
    let object = ObjectRef { kind, key: ObjectKey::namespaced("n", "a") };
    Context { object, uid: "uid".into(), reconcile_id: 1, verbose: false, reads: Arc::new(Reads::default()) }
}

fn one_at_a_time() -> Sandbox {
    Sandbox::new(Settings { concurrency: 1.try_into().unwrap(), ..Settings::default() }).unwrap()
}

#[tokio::test]
async fn a_component_tells_its_outside() {
    let sandbox = Sandbox::new(Settings::default()).unwrap();
    let component = sandbox.load(hostile().into()).await.unwrap();
    assert_eq!(component.size(), hostile().len());
    assert!(component.imports().iter().any(|name| name == "capstan:provider/cluster@0.1.0"));
    assert_eq!(component.exports(), ["capstan:provider/describe@0.1.0", "capstan:provider/external@0.1.0"]);
    let small = Sandbox::new(Settings { component_size: 1000, ..Settings::default() }).unwrap();
    let error = small.load(hostile().into()).await.unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { limit: 1000, .. }), "{error}");
}

#[tokio::test]
async fn compiled_code_of_others_is_not_run() {
    let engine = wasmtime::Engine::default();
    let native = wasmtime::component::Component::new(&engine, wat::parse_str("(component)").unwrap())
        .unwrap()
        .serialize()
        .unwrap();
    let sandbox = Sandbox::new(Settings::default()).unwrap();
    assert!(matches!(sandbox.load(native.into()).await, Err(LoadError::Native)));
}

#[tokio::test]
async fn a_session_waits_for_a_free_instance_as_long_as_its_reconcile_may_take() {
    let sandbox = one_at_a_time();
    let budget = Budget { reconcile: Duration::from_millis(200), ..Budget::default() };
    let guest = guest(&sandbox, budget).await;
    let first = guest.connect(&context(), "{}").await.unwrap();
    assert_eq!(sandbox.usage().instances, 1);
    let failure = guest.connect(&context(), "{}").await.map(|_| ()).unwrap_err();
    assert_eq!(failure.problem.reason, "SandboxBusy");
    drop(first);
    assert_eq!(sandbox.usage(), Usage::default());
    assert!(guest.connect(&context(), "{}").await.is_ok());
}

#[tokio::test]
async fn the_time_of_a_reconcile_bounds_all_its_calls() {
    let sandbox = one_at_a_time();
    let reconcile = Duration::from_millis(300);
    let guest = guest(&sandbox, Budget { reconcile, ..Budget::default() }).await;
    let managed = r#"{"spec":{"behaviour":"spins_in_observe"}}"#;
    let mut session = guest.connect(&context(), managed).await.unwrap();
    let failure = session.observe(managed).await.unwrap_err();
    assert_eq!(failure.problem.reason, "DeadlineExceeded");
    assert!(failure.problem.message.contains("reconcileTimeout is 300ms"), "{failure:?}");
}

#[tokio::test]
async fn a_kind_with_limits_of_its_own_has_these() {
    let sandbox = one_at_a_time();
    let reconcile_timeout = Some(Duration::from_millis(300));
    let hostile = KindLimits { kind: "Hostile".to_owned(), reconcile_timeout, ..KindLimits::default() };
    let limits = Limits { reconcile_timeout: Some(Duration::from_mins(5)), kinds: vec![hostile], ..Limits::default() };
    let guest = guest(&sandbox, Budgets::new(&limits)).await;
    let managed = r#"{"spec":{"behaviour":"spins_in_observe"}}"#;
    let mut session = guest.connect(&context(), managed).await.unwrap();
    let failure = session.observe(managed).await.unwrap_err();
    assert!(failure.problem.message.contains("reconcileTimeout is 300ms"), "{failure:?}");
}

/// Observes once with these limits; the guest does what its object asks for.
async fn observed(limits: &Limits, behaviour: &str) -> (Guest, Result<Observation, Failure>) {
    let guest = guest(&one_at_a_time(), Budgets::new(limits)).await;
    let managed = format!(r#"{{"spec":{{"behaviour":"{behaviour}"}}}}"#);
    let mut session = guest.connect(&context(), &managed).await.unwrap();
    let answer = session.observe(&managed).await;
    (guest, answer)
}

#[tokio::test]
async fn a_lowered_limit_of_requests_stops_the_guest_and_is_named() {
    let limits = Limits { requests: Some(3), ..Limits::default() };
    let failure = observed(&limits, "floods_the_cluster").await.1.unwrap_err();
    assert_eq!(failure.problem.reason, "RequestsExhausted");
    let message = failure.problem.message;
    assert!(message.contains("more than 3 requests") && message.contains("limits.requests"), "{message}");
    let limits = Limits { http_requests: Some(2), ..Limits::default() };
    let failure = observed(&limits, "floods_other_systems").await.1.unwrap_err();
    assert_eq!(failure.problem.reason, "HttpRequestsExhausted");
    let message = failure.problem.message;
    assert!(message.contains("more than 2 requests") && message.contains("limits.httpRequests"), "{message}");
}

#[tokio::test]
async fn lowered_limits_of_log_and_events_hold() {
    let (guest, answer) = observed(&Limits { events: Some(5), ..Limits::default() }, "floods_events").await;
    assert!(answer.unwrap().exists);
    assert_eq!(guest.counts().events_dropped, 1_000 - 5);
    let (guest, answer) = observed(&Limits { lines: Some(7), ..Limits::default() }, "floods_the_output").await;
    assert!(answer.unwrap().exists);
    assert_eq!(guest.counts().lines_dropped, 20_000 - 7);
    // "out 0" has five bytes, and so has "err 0".
    let limits = Limits { log_bytes: Some(20), ..Limits::default() };
    assert_eq!(observed(&limits, "floods_the_output").await.0.counts().lines_dropped, 20_000 - 4);
}

#[tokio::test]
async fn a_session_is_booked_against_every_bound() {
    let limits = Limits {
        requests: Some(3),
        http_requests: Some(2),
        events: Some(5),
        lines: Some(7),
        memory: Some(32 << 20),
        ..Limits::default()
    };
    let guest = guest(&one_at_a_time(), Budgets::new(&limits)).await;
    assert_eq!(guest.spent(), [], "nothing before the first");
    for behaviour in ["floods_the_cluster", "floods_other_systems", "floods_events", "floods_the_output"] {
        let managed = format!(r#"{{"spec":{{"behaviour":"{behaviour}"}}}}"#);
        let mut session = guest.connect(&context(), &managed).await.unwrap();
        // Some of them end it.
        let _ = session.observe(&managed).await;
    }
    let spent = guest.spent();
    let told = |bound| spent.iter().find(|spent| spent.bound == bound).map(|spent| (spent.max, spent.limit)).unwrap();
    for (bound, limit) in [(Bound::Requests, 3), (Bound::HttpRequests, 2), (Bound::Events, 5), (Bound::Lines, 7)] {
        assert_eq!(told(bound), (limit, limit), "{bound:?}");
    }
    let (memory, limit) = told(Bound::Memory);
    assert!((64 << 10..=limit).contains(&memory) && limit == 32 << 20, "{memory} of {limit}");
    assert!(told(Bound::LogBytes).0 > 0);
    let (call, reconcile) = (told(Bound::Call).0, told(Bound::Reconcile).0);
    assert!(call > 0 && call <= reconcile, "{call} {reconcile}");
}

/// A paused clock stands still while anything runs: only the epoch is left to stop the guest.
#[tokio::test(start_paused = true)]
async fn a_loop_is_stopped_also_where_no_timer_fires() {
    let sandbox = one_at_a_time();
    let guest = guest(&sandbox, Budget { call: Duration::from_millis(200), ..Budget::default() }).await;
    let managed = r#"{"spec":{"behaviour":"spins_in_observe"}}"#;
    let mut session = guest.connect(&context(), managed).await.unwrap();
    assert_eq!(session.observe(managed).await.unwrap_err().problem.reason, "DeadlineExceeded");
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_the_session() {
    let sandbox = one_at_a_time();
    let guest = guest(&sandbox, Budget::default()).await;
    let managed = r#"{"spec":{"behaviour":"sleeps"}}"#;
    let mut session = guest.connect(&context(), managed).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(50), session.observe(managed)).await;
    assert!(given_up.is_err());
    assert_eq!(session.observe(managed).await.unwrap_err().problem.reason, "SessionOver");
    drop(session);
    assert_eq!(sandbox.usage(), Usage::default());
}
