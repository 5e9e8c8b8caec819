//! A pause holds everything, at whatever point it comes.

use super::{provider::failure, *};
use crate::{Failure, Retry};

const PAUSED: &str = "Synced=False ReconcilePaused";
const PAUSE_EVENT: &str = "Normal ReconciliationPaused/ProcessEvent: Reconciliation is paused via the pause annotation";

/// Somebody pauses the object during a call.
fn pausing(call: &'static str, answers: Answers) -> Answers {
    let pause: store::Meddling =
        Arc::new(|store| store.edit(&json!({"metadata": {"annotations": {keys::PAUSED: "true"}}})));
    Answers { meanwhile: Some((call, pause)), ..answers }
}

fn resume(scenario: &Scenario) {
    scenario.store.edit(&json!({"metadata": {"annotations": {keys::PAUSED: null}}}));
}

#[tokio::test(start_paused = true)]
async fn only_the_exact_word_pauses() {
    for (word, paused) in [("true", true), ("True", false), ("1", false), ("false", false), ("", false)] {
        let scenario = Scenario::new(annotated(held(), &[(keys::PAUSED, word)]), Answers::observing(existing(true)));
        let run = scenario.run().await;
        assert_eq!(run.report.outcome == Outcome::Paused, paused, "{word:?}");
        assert_eq!(run.steps.contains(&"connect".to_owned()), !paused, "{word:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pausing_and_resuming_leave_one_event_each() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.run().await;
    scenario.store.edit(&json!({"metadata": {"annotations": {keys::PAUSED: "true"}}}));
    assert_eq!(scenario.run().await.events, [PAUSE_EVENT]);
    let run = scenario.run().await;
    assert_eq!((run.events.len(), run.steps.len()), (0, 0), "still paused: nothing to say and nothing to write");
    resume(&scenario);
    assert_eq!(scenario.run().await.events, ["Normal ReconcileSuccess/ConditionChanged: Synced is True"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_lets_the_call_that_runs_finish_and_nothing_else_begin() {
    let deletion_waits = format!("{PAUSED}: deletion waits until the pause annotation is removed");
    for (object, call, calls, synced) in [
        (held(), "connect", &["connect"][..], PAUSED),
        (held(), "observe", &["connect", "observe"], PAUSED),
        (held(), "update", &["connect", "observe", "update"], PAUSED),
        (deleted(), "delete", &["connect", "observe", "delete"], &deletion_waits),
    ] {
        let scenario = Scenario::new(object, pausing(call, Answers::observing(existing(false))));
        let run = scenario.run().await;
        // The pause makes the first try of the status a conflict.
        assert_eq!(run.steps, [calls, &["status", "get", "status"]].concat(), "{call}");
        assert_eq!(scenario.conditions().pop().as_deref(), Some(synced), "{call}");
        assert_eq!(run.report.next, Next::Stop, "{call}");
        assert!(run.events.contains(&PAUSE_EVENT.to_owned()), "{call}: {:?}", run.events);
        assert_eq!(scenario.run().await.steps, [""; 0], "{call}: all is said");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_during_a_create_still_records_its_result() {
    for (answers, key) in [
        (Answers::default(), keys::CREATE_SUCCEEDED),
        (Answers { create: Err(failure("taken")), ..Answers::default() }, keys::CREATE_FAILED),
    ] {
        let scenario = Scenario::new(held(), pausing("create", answers));
        let run = scenario.run().await;
        assert_eq!(scenario.annotation(key).as_deref(), Some(NOW));
        assert_eq!(scenario.conditions(), ["Ready=False Creating", PAUSED]);
        assert_eq!(run.report.next, Next::Stop);
        assert!(!run.steps.contains(&"disconnect".to_owned()), "{:?}", run.steps);
        assert_eq!(run.events.len(), 2, "what was done, and the pause: {:?}", run.events);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_a_create_leaves_no_intent() {
    let scenario = Scenario::new(held(), pausing("observe", Answers::default()));
    let run = scenario.run().await;
    assert_eq!(run.steps[..2], ["connect", "observe"]);
    assert!(!run.steps.contains(&"intent".to_owned()), "{:?}", run.steps);
    assert_eq!(scenario.annotation(keys::CREATE_PENDING), None);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_mind_after_the_intent_takes_it_back() {
    let changes: [store::Mutation; 3] = [
        |object| object["metadata"]["annotations"][keys::PAUSED] = json!("true"),
        |object| object["metadata"]["annotations"][keys::MANAGEMENT_POLICY] = json!("observe"),
        |object| object["metadata"]["deletionTimestamp"] = json!(NOW),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let scenario = Scenario::new(held(), Answers::default());
        scenario.store.mutate("intent", change);
        let run = scenario.run().await;
        assert!(!run.steps.contains(&"create".to_owned()), "{number}: {:?}", run.steps);
        assert_eq!(scenario.annotation(keys::CREATE_FAILED).as_deref(), Some(NOW), "{number}: nobody has to decide");
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_object_that_is_deleted_stays_and_says_why() {
    let object = annotated(deleted(), &[(keys::PAUSED, "true")]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.steps, ["status"]);
    assert_eq!(scenario.conditions(), [format!("{PAUSED}: deletion waits until the pause annotation is removed")]);
    resume(&scenario);
    assert_eq!(scenario.run().await.report.outcome, Outcome::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_paused_object_may_be_deleted_without_touching_anything_outside_if_it_says_so() {
    let wishes = [(keys::PAUSED, "true"), (keys::DELETE_WHILE_PAUSED, "true")];
    let scenario = Scenario::new(annotated(deleted(), &wishes), Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.steps, ["release"], "no session");
    assert!(scenario.store.is_gone());
    for object in [annotated(held(), &wishes), annotated(deleted(), &[wishes[0], (keys::DELETE_WHILE_PAUSED, "True")])]
    {
        let scenario = Scenario::new(object, Answers::observing(existing(true)));
        assert_eq!(scenario.run().await.report.outcome, Outcome::Paused, "not deleted, or not said exactly");
    }
}

#[tokio::test(start_paused = true)]
async fn resuming_into_a_wait_does_not_go_on_saying_paused() {
    let object = annotated(held(), &[(keys::PAUSED, "true"), (keys::CREATE_SUCCEEDED, NOW)]);
    let scenario = Scenario::new(object, Answers::default());
    scenario.run().await;
    resume(&scenario);
    let run = scenario.run().await;
    assert_eq!(run.report.outcome, Outcome::Waiting);
    assert_eq!(scenario.conditions(), ["Synced=True ReconcileSuccess"]);
    assert_eq!(run.events.len(), 1, "{:?}", run.events);
}

#[tokio::test(start_paused = true)]
async fn a_paused_provider_pauses_every_object() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.pause.set(true);
    let run = scenario.run().await;
    assert_eq!(run.steps, ["status"]);
    assert_eq!(scenario.conditions(), [format!("{PAUSED}: the provider is paused")]);
    assert_eq!(
        run.events,
        ["Normal ReconciliationPaused/ProcessEvent: Reconciliation is paused: the provider is paused"]
    );
    scenario.pause.set(false);
    assert_eq!(scenario.run().await.report.outcome, Outcome::Settled);
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_provider_may_not_be_asked_is_left_as_it_is() {
    let rest = Duration::from_secs(20);
    let hold = Failure { retry: Retry::Hold(rest), ..failure("at rest") };
    let scenario = Scenario::new(held(), Answers { connect: Err(hold), ..Answers::default() });
    let run = scenario.run().await;
    assert_eq!(
        (run.steps, run.events),
        (vec!["connect".to_owned()], Vec::new()),
        "nothing to write and nothing to say"
    );
    assert_eq!(run.report.outcome, Outcome::Waiting);
    assert_eq!(run.report.next, Next::Backoff { at_least: rest });
}
