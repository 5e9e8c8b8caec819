//! Creates happen once, whatever goes wrong around them.

use jiff::SignedDuration;
use tokio::time::advance;

use super::{
    provider::failure,
    store::{conflict, unavailable},
    *,
};
use crate::{Creation, Observation};

#[tokio::test(start_paused = true)]
async fn the_intent_is_on_the_object_when_the_provider_is_asked() {
    let seen = Arc::new(Mutex::new(Value::Null));
    let meddling = Arc::clone(&seen);
    let meanwhile: store::Meddling =
        Arc::new(move |store| *meddling.lock().unwrap() = store.value()["metadata"]["annotations"].clone());
    let scenario = Scenario::new(fresh(), Answers { meanwhile: Some(("create", meanwhile)), ..Answers::default() });
    scenario.run().await;
    assert_eq!(*seen.lock().unwrap(), json!({ keys::CREATE_PENDING: NOW }));
}

#[tokio::test(start_paused = true)]
async fn a_stale_copy_never_creates() {
    let scenario = Scenario::new(held(), Answers::default());
    let stale = scenario.store.object();
    scenario.store.edit(&json!({"spec": {"size": 2}}));
    let run = scenario.run_from(stale).await;
    assert_eq!(run.steps, ["connect", "observe", "intent", "disconnect"]);
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Conflict, BACKOFF));
    assert_eq!((run.events.len(), scenario.conditions().len()), (0, 0), "a conflict is no error");
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_cannot_be_written_is_no_create() {
    let scenario = Scenario::new(held(), Answers::default());
    scenario.store.refuse("intent", unavailable());
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "intent", "disconnect", "status"]);
    assert!(
        run.events[0].starts_with("Warning CannotUpdateManagedResource/UpdateExternalResource: cannot update managed")
    );
    assert_eq!(scenario.conditions()[0], "Ready=False Creating");
}

#[tokio::test(start_paused = true)]
async fn an_intent_whose_answer_was_lost_needs_nobody_to_decide() {
    let scenario = Scenario::new(held(), Answers::default());
    scenario.store.refuse("intent", unavailable());
    scenario.run().await;
    // It did reach the API server.
    scenario.store.edit(&json!({"metadata": {"annotations": {keys::CREATE_PENDING: NOW}}}));
    let run = scenario.run().await;
    assert_eq!(run.steps[0], "failure", "{:?}", run.steps);
    assert_eq!(run.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn an_intent_of_the_second_of_the_last_failure_whose_answer_was_lost_needs_nobody_to_decide() {
    let scenario = Scenario::new(held(), Answers { create: Err(failure("taken")), ..Answers::default() });
    scenario.run().await;
    scenario.answer(Answers::default());
    scenario.store.refuse("intent", unavailable());
    scenario.run().await;
    // It did reach the API server, and is later than the failure.
    scenario.store.edit(&json!({"metadata": {"annotations": {keys::CREATE_PENDING: "2026-01-01T00:00:01Z"}}}));
    let run = scenario.run().await;
    assert_eq!(run.steps[0], "failure", "{:?}", run.steps);
    assert_eq!(run.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn what_the_create_gave_survives_edits_and_refusals() {
    let creation = Creation {
        external_name: Some("ext-1".to_owned()),
        annotations: vec![("example.org/id".to_owned(), "7".to_owned()), (keys::PAUSED.to_owned(), "true".to_owned())],
        status: Some(json!({"url": "x"})),
    };
    let edit: store::Meddling = Arc::new(|store| store.edit(&json!({"spec": {"size": 9}})));
    let answers = Answers { create: Ok(creation), meanwhile: Some(("create", edit)), ..Answers::default() };
    let scenario = Scenario::new(held(), answers);
    for _ in 0..4 {
        scenario.store.refuse("success", conflict());
    }
    let run = scenario.run().await;
    assert_eq!(run.report.outcome, Outcome::Created);
    assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("ext-1"));
    assert_eq!(scenario.annotation("example.org/id").as_deref(), Some("7"));
    assert_eq!(scenario.annotation(keys::PAUSED), None, "not the provider's to set");
    let object = scenario.store.value();
    assert_eq!((&object["spec"]["size"], &object["status"]["url"]), (&json!(9), &json!("x")));
    let conditions = &object["status"]["conditions"];
    assert_eq!(conditions[0]["observedGeneration"], 1, "the edit was not reconciled yet");
    let current = Metadata::of(&scenario.store.object()).fingerprint();
    assert_ne!(run.report.seen, current, "the edit must wake it again");
}

#[tokio::test(start_paused = true)]
async fn own_writes_look_like_nobodys_change() {
    let scenario = Scenario::new(fresh(), Answers::default());
    let run = scenario.run().await;
    assert_eq!(run.report.seen, Metadata::of(&scenario.store.object()).fingerprint());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_out_of_create_is_a_failed_create_and_is_tried_again() {
    let conflict = crate::Failure::new("Conflict", "field owned by other", crate::Retry::Backoff);
    let scenario = Scenario::new(held(), Answers { create: Err(conflict), ..Answers::default() });
    scenario.run().await;
    advance(Duration::from_secs(1)).await;
    scenario.answer(Answers::default());
    let run = scenario.run().await;
    assert_eq!(run.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_cut_off_is_not_repeated_blindly() {
    for answers in [
        Answers { create: Err(failure("trapped")), interrupted: true, ..Answers::default() },
        Answers { hangs: Some("create"), ..Answers::default() },
    ] {
        let scenario = Scenario::new(held(), answers);
        let run = scenario.run().await;
        assert_eq!(run.steps, ["connect", "observe", "intent", "create", "status"], "no result, and no disconnect");
        assert!(run.events[0].starts_with("Warning CannotCreateExternalResource"), "{:?}", run.events);
        scenario.answer(Answers::default());
        let run = scenario.run().await;
        assert_eq!((run.report.outcome, run.report.next), (Outcome::Unclear, Next::Stop));
        assert_eq!(run.steps, ["status"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_has_no_result() {
    let lost = || Answers { create: Err(failure("no answer in time")), unclear: true, ..Answers::default() };
    let scenario = Scenario::new(held(), lost());
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "intent", "create", "disconnect", "status"]);
    assert!(run.events[0].starts_with("Warning CannotCreateExternalResource"), "{:?}", run.events);
    scenario.answer(Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Unclear, "it is not repeated blindly");

    let scenario = Scenario::with_rules(held(), lost(), recoverable());
    scenario.run().await;
    scenario.answer(Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Settled);
    assert_eq!(scenario.annotation(keys::CREATE_SUCCEEDED).as_deref(), Some(NOW), "it is found again");
    assert_eq!(scenario.annotation(keys::CREATE_FAILED), None);
}

#[tokio::test(start_paused = true)]
async fn a_recoverable_kind_finds_its_create_again() {
    let object = annotated(held(), &[(keys::CREATE_PENDING, NOW)]);
    let found = Observation { external_name: Some("ext-1".to_owned()), ..existing(true) };
    let scenario = Scenario::with_rules(object, Answers::observing(found), recoverable());
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "record", "disconnect", "status"]);
    assert_eq!(run.report.outcome, Outcome::Settled);
    assert_eq!(scenario.annotation(keys::CREATE_SUCCEEDED).as_deref(), Some(NOW));
}

#[tokio::test(start_paused = true)]
async fn a_recoverable_kind_creates_again_what_is_not_there() {
    let object = annotated(held(), &[(keys::CREATE_PENDING, NOW)]);
    let scenario = Scenario::with_rules(object, Answers::default(), recoverable());
    let run = scenario.run().await;
    assert_eq!(run.report.outcome, Outcome::Waiting, "it may have been made, and not show yet");
    advance(Duration::from_secs(30)).await;
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "intent", "create", "success", "disconnect", "status"]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_could_not_be_written_is_written_before_anything_else() {
    let creation = Creation { external_name: Some("ext-1".to_owned()), ..Creation::default() };
    let scenario = Scenario::new(held(), Answers { create: Ok(creation), ..Answers::default() });
    for _ in 0..5 {
        scenario.store.refuse("success", unavailable());
    }
    let run = scenario.run().await;
    assert_eq!(run.steps.iter().filter(|step| *step == "success").count(), 5);
    let created = "Normal CreatedExternalResource/CreateEvent: Successfully requested creation of external resource";
    let warning = "Warning CannotUpdateManagedResource/UpdateExternalResource: cannot update managed resource annotations: cannot \
         update critical annotations";
    assert_eq!(run.events, [created.to_owned(), format!("{warning}: {}", unavailable())]);
    assert_eq!(scenario.conditions()[0], "Ready=False Creating");
    scenario.answer(Answers::observing(existing(true)));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["success", "connect", "observe", "disconnect", "status"]);
    assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("ext-1"));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_could_not_be_written_outlives_the_controller() {
    let mut scenario = Scenario::new(held(), Answers::default());
    for _ in 0..5 {
        scenario.store.refuse("success", unavailable());
    }
    scenario.run().await;
    scenario.rebuild();
    scenario.answer(Answers::observing(existing(true)));
    let run = scenario.run().await;
    assert_eq!(run.steps[0], "success", "{:?}", run.steps);
    assert_eq!(run.report.outcome, Outcome::Settled, "not a create of unknown result");
}

/// Observing takes so long.
fn slowly(seconds: u64, answers: Answers) -> Answers {
    Answers { slow: Some(("observe", Duration::from_secs(seconds))), ..answers }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_not_begun_with_too_little_time_left() {
    let scenario = Scenario::new(held(), slowly(31, Answers::default()));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "disconnect", "status"], "no intent, no create");
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Failed, BACKOFF));
    let synced = &scenario.conditions()[1];
    assert!(synced.starts_with("Synced=False DeadlineExceeded: create failed: not begun: 29.0s of 60.0s"), "{synced}");
    scenario.answer(slowly(29, Answers::default()));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_took_too_long_to_write_is_taken_back() {
    let scenario = Scenario::new(held(), slowly(20, Answers::default()));
    scenario.store.delay("intent", Duration::from_secs(20));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "intent", "failure", "disconnect", "status"]);
    scenario.answer(Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created, "nobody has to decide");
}

#[tokio::test(start_paused = true)]
async fn a_recoverable_create_may_begin_late() {
    let scenario = Scenario::with_rules(held(), slowly(50, Answers::default()), recoverable());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn what_shows_late_is_created_once() {
    let scenario = Scenario::new(fresh(), Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
    for _ in 0..29 {
        advance(Duration::from_secs(1)).await;
        assert_eq!(scenario.run().await.report.outcome, Outcome::Waiting);
    }
    scenario.answer(Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Settled);
}

#[tokio::test(start_paused = true)]
async fn what_never_shows_is_created_again_after_the_grace() {
    let scenario = Scenario::new(fresh(), Answers::default());
    scenario.run().await;
    advance(Duration::from_secs(30)).await;
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_slow_to_answer_shows_what_was_there_when_it_began() {
    let mut scenario = Scenario::with_rules(held(), Answers::default(), recoverable());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
    take_over(&mut scenario, 0);
    scenario.answer(slowly(32, Answers::default()));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Waiting, "the grace was over with the answer only");
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
}

/// Another host takes over, whose clock shows another time.
fn take_over(scenario: &mut Scenario, minutes: i64) {
    scenario.clock = WallClock::anchored(scenario.clock.now() + SignedDuration::from_mins(minutes));
    (scenario.unrecorded, scenario.sightings) = Default::default();
    scenario.rebuild();
}

#[tokio::test(start_paused = true)]
async fn what_was_created_has_one_grace_to_show_whatever_the_clock_of_the_next_host_shows() {
    let cut = Answers { create: Err(failure("trapped")), interrupted: true, ..Answers::default() };
    for (made, kind) in [(cut, recoverable()), (Answers::default(), rules())] {
        for minutes in [10, -10] {
            let mut scenario = Scenario::with_rules(held(), made.clone(), kind);
            scenario.run().await;
            scenario.answer(Answers::default());
            take_over(&mut scenario, minutes);
            for second in 0..30 {
                let run = scenario.run().await;
                assert_eq!(run.report.outcome, Outcome::Waiting, "{kind:?}, {minutes} min, after {second} s");
                advance(Duration::from_secs(1)).await;
            }
            assert_eq!(scenario.run().await.report.outcome, Outcome::Created, "{kind:?}, {minutes} min");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_of_the_future_is_waited_for_once() {
    let object = annotated(held(), &[(keys::CREATE_SUCCEEDED, "2099-01-01T00:00:00Z")]);
    let scenario = Scenario::new(object, Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Waiting);
    advance(Duration::from_secs(30)).await;
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
    let intent = scenario.annotation(keys::CREATE_PENDING);
    assert_eq!(intent.as_deref(), Some("2099-01-01T00:00:01Z"), "later than everything on record");
}

#[tokio::test(start_paused = true)]
async fn what_vanishes_long_after_its_create_is_created_again_at_once() {
    let object = annotated(held(), &[(keys::CREATE_SUCCEEDED, NOW)]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    scenario.run().await;
    advance(Duration::from_secs(30)).await;
    scenario.answer(Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_create_outlives_the_controller() {
    let object = annotated(held(), &[(keys::CREATE_SUCCEEDED, NOW)]);
    let mut scenario = Scenario::new(object, Answers::observing(existing(true)));
    scenario.run().await;
    advance(Duration::from_secs(30)).await;
    scenario.rebuild();
    scenario.answer(Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Created, "the grace was over already");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_create_goes_with_its_object() {
    let scenario = Scenario::new(annotated(held(), &[(keys::CREATE_SUCCEEDED, NOW)]), Answers::default());
    scenario.run().await;
    advance(Duration::from_secs(30)).await;
    scenario.lifecycle.forget("uid-1");
    assert_eq!(scenario.run().await.report.outcome, Outcome::Waiting, "met anew");
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_does_not_stay_is_an_error_and_no_create() {
    let scenario = Scenario::new(fresh(), Answers::default());
    scenario.store.mutate("hold", |object| object["metadata"]["finalizers"] = json!([]));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "hold", "disconnect", "status"]);
    assert_eq!(
        scenario.conditions(),
        ["Synced=False ReconcileError: cannot add finalizer: something took it off at once"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_cannot_be_added_is_an_error_and_no_create() {
    let scenario = Scenario::new(fresh(), Answers::default());
    scenario.store.refuse("hold", unavailable());
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "hold", "disconnect", "status"]);
    let message = format!("cannot add finalizer: {}", unavailable());
    assert_eq!(run.events, [format!("Warning CannotUpdateManagedResource/UpdateManagedResource: {message}")]);
    assert_eq!(scenario.conditions(), [format!("Synced=False ReconcileError: {message}")]);
}
