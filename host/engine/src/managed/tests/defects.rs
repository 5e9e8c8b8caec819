//! The defects of provider-runtime that this lifecycle must not have, B1 to B18, one test each. Where a test elsewhere
//! looks at the same closely, the one here shows the defect alone.

use tokio::time::advance;

use super::{
    provider::failure,
    store::{conflict, unavailable},
    *,
};
use crate::queue::{Backoff, Pacing, Poll, Priority, Queue};

/// A conflict out of a create left an object that only a person could free.
#[tokio::test(start_paused = true)]
async fn b01_a_conflict_out_of_create_is_recorded_as_a_failure_and_tried_again() {
    let conflict = crate::Failure::new("Conflict", "field owned by other", crate::Retry::Backoff);
    let scenario = Scenario::new(held(), Answers { create: Err(conflict), ..Answers::default() });
    scenario.run().await;
    assert_eq!(scenario.annotation(keys::CREATE_FAILED).as_deref(), Some(NOW));
    scenario.answer(Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
}

/// A paused object could not be deleted, and held up its namespace.
#[tokio::test(start_paused = true)]
async fn b02_a_paused_object_can_be_deleted() {
    let wishes = [(keys::PAUSED, "true"), (keys::DELETE_WHILE_PAUSED, "true")];
    let scenario = Scenario::new(annotated(deleted(), &wishes), Answers::observing(existing(true)));
    scenario.run().await;
    assert!(scenario.store.is_gone());
}

/// A restart in the middle of a create needed a person even where the provider finds its resource again.
#[tokio::test(start_paused = true)]
async fn b03_a_restart_during_a_create_needs_nobody_if_the_kind_is_recoverable() {
    let object = annotated(held(), &[(keys::CREATE_PENDING, NOW)]);
    let scenario = Scenario::with_rules(object, Answers::observing(existing(true)), recoverable());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Settled);
    assert_eq!(scenario.annotation(keys::CREATE_SUCCEEDED).as_deref(), Some(NOW));
}

/// The duration measured began with the last phase.
#[tokio::test(start_paused = true)]
async fn b04_the_duration_is_that_of_the_whole_reconcile() {
    let slow = Some(("connect", Duration::from_secs(3)));
    let scenario = Scenario::new(held(), Answers { slow, ..Answers::observing(existing(false)) });
    scenario.store.delay("status", Duration::from_secs(2));
    assert_eq!(scenario.run().await.report.took, Duration::from_secs(5));
}

/// Priorities were lost in a wrapper, and the poll interval counted as depth of the queue.
#[tokio::test(start_paused = true)]
async fn b07_priorities_survive_a_requeue_and_what_waits_for_its_time_is_no_depth() {
    let key = |name: &str| capstan_api::ObjectKey::namespaced("ns", name);
    let mut queue = Queue::new(Pacing::default(), 1);
    queue.add(&key("polled"), Priority::Resync);
    let polled = queue.take(Instant::now()).unwrap();
    queue.finish(&polled.key, Next::Poll, Instant::now());
    assert_eq!(queue.depth(), 0, "it waits for its poll");
    // `later` fails; while it backs off a source of it changes, which it keeps until it runs.
    queue.add(&key("later"), Priority::Resync);
    let later = queue.take(Instant::now()).unwrap();
    queue.finish(&later.key, BACKOFF, Instant::now());
    queue.add(&later.key, Priority::Dependency);
    advance(Duration::from_mins(2)).await;
    let first = queue.take(Instant::now()).unwrap();
    assert_eq!(*first.key, key("later"), "more urgent than the poll due before it");
}

/// The global limiter slowed healthy objects down.
#[tokio::test(start_paused = true)]
async fn b08_a_healthy_object_is_polled_at_its_interval_for_ever() {
    let key = capstan_api::ObjectKey::namespaced("ns", "a");
    let pacing = Pacing { backoff: Backoff::default(), poll: Poll::new(Duration::from_mins(1), 0.0).unwrap() };
    let mut queue = Queue::new(pacing, 1);
    queue.add(&key, Priority::UserChange);
    for _ in 0..100 {
        let taken = queue.take(Instant::now()).expect("due");
        queue.finish(&taken.key, Next::Poll, Instant::now());
        assert_eq!(queue.next_due(), Some(Instant::now() + Duration::from_mins(1)));
        advance(Duration::from_mins(1)).await;
    }
}

/// `%` was mangled, and long notes were lost. (How they are cut: the recorder's tests.)
#[tokio::test(start_paused = true)]
async fn b09_messages_reach_conditions_and_events_as_they_are() {
    let text = format!("100%s %d%% of {}", "x".repeat(5_000));
    let scenario = Scenario::new(held(), Answers { observe: Err(failure(&text)), ..Answers::default() });
    let run = scenario.run().await;
    assert_eq!(run.events, [format!("Warning CannotObserveExternalResource/ObserveExternalResource: {text}")]);
    assert_eq!(scenario.conditions(), [format!("Synced=False ReconcileError: observe failed: {text}")]);
}

/// Errors around the finalizer had the words of other steps, and no event.
#[tokio::test(start_paused = true)]
async fn b10_errors_around_the_finalizer_say_what_they_are() {
    for (object, label, what) in
        [(fresh(), "hold", "cannot add finalizer"), (deleted(), "release", "cannot remove finalizer")]
    {
        let scenario = Scenario::new(object, Answers::default());
        scenario.store.refuse(label, unavailable());
        let run = scenario.run().await;
        let message = format!("{what}: {}", unavailable());
        assert_eq!(run.events, [format!("Warning CannotUpdateManagedResource/UpdateManagedResource: {message}")]);
        assert_eq!(scenario.conditions().pop(), Some(format!("Synced=False ReconcileError: {message}")));
    }
}

/// Unknown values were taken silently, and what is missing under `observe-delete` counted as synced.
#[tokio::test(start_paused = true)]
async fn b11_policies_that_make_no_sense_and_missing_resources_are_told() {
    for (policy, synced) in [
        ("Observe", "Synced=False InvalidPolicy: krateo.io/management-policy is \"Observe\""),
        ("observe-delete", "Synced=False ReconcileError: observe failed: external resource does not exist"),
    ] {
        let scenario = Scenario::new(annotated(held(), &[(keys::MANAGEMENT_POLICY, policy)]), Answers::default());
        let run = scenario.run().await;
        let condition = scenario.conditions().pop().unwrap();
        assert!(condition.starts_with(synced), "{condition}");
        assert_eq!(run.events.len(), 1, "{:?}", run.events);
        assert!(run.events[0].starts_with("Warning"), "{:?}", run.events);
    }
}

/// The result of a create was written from a stale copy, and lost after five conflicts within 50 ms.
#[tokio::test(start_paused = true)]
async fn b12_the_result_of_a_create_survives_conflicts_and_a_server_that_is_away() {
    let scenario = Scenario::new(held(), Answers::default());
    for error in [conflict(), conflict(), unavailable(), conflict()] {
        scenario.store.refuse("success", error);
    }
    let run = scenario.run().await;
    assert_eq!(run.report.outcome, Outcome::Created);
    assert!(!run.steps.contains(&"get".to_owned()), "it needs no copy of the object: {:?}", run.steps);
    assert!(scenario.annotation(keys::CREATE_SUCCEEDED).is_some());
}

/// Observing what does not exist went through error back-off for ever.
#[tokio::test(start_paused = true)]
async fn b13_a_missing_resource_under_observe_is_polled() {
    let scenario = Scenario::new(annotated(held(), &[(keys::MANAGEMENT_POLICY, "observe")]), Answers::default());
    assert_eq!(scenario.run().await.report.next, Next::Poll);
}

/// The external resource was deleted while other finalizers still stood.
#[tokio::test(start_paused = true)]
async fn b14_others_finalizers_are_waited_for() {
    let mut object = deleted();
    object["metadata"]["finalizers"] = json!([keys::FINALIZER, "example.org/backup"]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    assert!(!scenario.run().await.steps.contains(&"delete".to_owned()));
}

/// Without credentials an object hung in its deletion, and nothing said what to do.
#[tokio::test(start_paused = true)]
async fn b15_a_deletion_without_credentials_says_the_way_out_and_takes_it() {
    for answers in [
        Answers { connect: Err(failure("secret is gone")), ..Answers::default() },
        Answers { observe: Err(failure("401")), ..Answers::default() },
    ] {
        let scenario = Scenario::new(deleted(), answers);
        scenario.run().await;
        let way_out = "Ready=False DeletionBlocked: deletion waits for the external resource to be deleted; \
                       krateo.io/deletion-policy: orphan leaves it behind";
        assert_eq!(scenario.conditions()[0], way_out);
        scenario.store.edit(&json!({"metadata": {"annotations": {keys::DELETION_POLICY: "orphan"}}}));
        assert_eq!(scenario.run().await.steps, ["release"]);
        assert!(scenario.store.is_gone());
    }
}

/// Removing a finalizer that was there twice left one, or took another's.
#[tokio::test(start_paused = true)]
async fn b17_a_finalizer_that_is_there_twice_goes_and_others_stay() {
    let mut object = deleted();
    object["metadata"]["finalizers"] = json!([keys::FINALIZER, "a", keys::FINALIZER, keys::FINALIZER, "b"]);
    let scenario = Scenario::new(object, Answers::default());
    scenario.run().await;
    assert_eq!(scenario.store.value()["metadata"]["finalizers"], json!(["a", "b"]));
}

/// Conflicts on the status were errors.
#[tokio::test(start_paused = true)]
async fn b18_conflicts_on_the_status_are_no_errors() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.store.refuse("status", conflict());
    let run = scenario.run().await;
    assert_eq!(run.report.outcome, Outcome::Settled);
    assert_eq!(scenario.conditions().len(), 2, "written in the second try");
    assert!(!run.events.iter().any(|event| event.starts_with("Warning")), "{:?}", run.events);
}
