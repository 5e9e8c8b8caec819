//! Events tell of each action and each transition once.

use tokio::time::advance;

use super::{provider::failure, store::unavailable, *};
use crate::{Failure, Problem, Readiness, Retry};

fn failing(message: &str) -> Answers {
    Answers { observe: Err(failure(message)), ..Answers::default() }
}

#[tokio::test(start_paused = true)]
async fn the_same_failure_again_is_held_back_and_costs_no_write() {
    let scenario = Scenario::new(held(), failing("gateway"));
    assert_eq!(scenario.run().await.events.len(), 1);
    let again = scenario.run().await;
    assert_eq!((again.events.len(), again.steps), (0, vec!["connect".into(), "observe".into(), "disconnect".into()]));
    advance(Duration::from_mins(5)).await;
    assert_eq!(scenario.run().await.events.len(), 1, "after a long silence it is said again");
}

#[tokio::test(start_paused = true)]
async fn another_failure_is_said_at_once() {
    let scenario = Scenario::new(held(), failing("one"));
    scenario.run().await;
    scenario.answer(failing("two"));
    let run = scenario.run().await;
    assert_eq!(run.events, ["Warning CannotObserveExternalResource/ObserveExternalResource: two"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_comes_back_after_a_success_is_said_again() {
    let scenario = Scenario::new(held(), failing("gateway"));
    scenario.run().await;
    scenario.answer(Answers::observing(existing(true)));
    let run = scenario.run().await;
    assert_eq!(run.events.len(), 2, "Ready and Synced: {:?}", run.events);
    scenario.answer(failing("gateway"));
    assert_eq!(scenario.run().await.events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn drift_in_readiness_is_a_warning() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.run().await;
    let problem = Problem { reason: "".into(), message: "down".to_owned() };
    scenario
        .answer(Answers::observing(crate::Observation { readiness: Readiness::NotReady(problem), ..existing(true) }));
    assert_eq!(scenario.run().await.events, ["Warning Unavailable/ConditionChanged: down"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_gives_its_own_reason_and_its_own_wait() {
    for (retry, next) in [
        (Retry::Backoff, BACKOFF),
        (Retry::After(Duration::from_secs(90)), Next::Backoff { at_least: Duration::from_secs(90) }),
        (Retry::OnChange, Next::Park),
    ] {
        let failure = Failure::new("QuotaExceeded", "no more", retry);
        let scenario = Scenario::new(held(), Answers { observe: Err(failure), ..Answers::default() });
        let run = scenario.run().await;
        assert_eq!(run.report.next, next);
        assert_eq!(scenario.conditions(), ["Synced=False QuotaExceeded: observe failed: no more"]);
        assert!(run.events[0].contains("CannotObserveExternalResource"), "{:?}", run.events);
    }
}

#[tokio::test(start_paused = true)]
async fn texts_reach_the_event_unchanged() {
    let text = format!("100%s of {} bytes", "x".repeat(5_000));
    let scenario = Scenario::new(held(), failing(&text));
    let run = scenario.run().await;
    assert!(run.events[0].ends_with(&text));
}

#[tokio::test(start_paused = true)]
async fn events_name_their_object_and_controller() {
    let scenario = Scenario::new(held(), failing("gateway"));
    scenario.lifecycle.reconcile(scenario.store.object(), Arc::default()).await;
    let event = scenario.events.0.lock().unwrap()[0].clone();
    assert_eq!(event.controller, "capstan.dev/test");
    assert_eq!((event.regarding.object.to_string().as_str(), event.regarding.uid.as_str()), ("Thing ns/a", "uid-1"));
}

#[tokio::test(start_paused = true)]
async fn a_transition_whose_answer_was_lost_is_told_by_the_next_reconcile() {
    let object = annotated(held(), &[(keys::RECONCILE_REQUESTED_AT, "1")]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    scenario.store.lose_answer("status");
    let run = scenario.run().await;
    assert_eq!((run.report.outcome, run.events.len()), (Outcome::Failed, 0), "nobody knows yet");
    let mut told = scenario.run().await.events;
    told.sort();
    assert_eq!(
        told,
        [
            "Normal Available/ConditionChanged: Ready is True",
            "Normal ReconcileRequestHandled/ProcessEvent: Reconciled as requested by capstan.dev/reconcile-requested-at: 1",
            "Normal ReconcileSuccess/ConditionChanged: Synced is True",
        ]
    );
    assert_eq!(scenario.run().await.events, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_transition_that_was_announced_is_not_told_again_when_its_answer_was_lost() {
    let scenario = Scenario::new(held(), failing("gateway"));
    scenario.store.lose_answer("status");
    assert_eq!(scenario.run().await.events.len(), 1);
    assert_eq!(scenario.run().await.events, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_transition_whose_write_was_lost_is_told_when_it_is_written() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.store.refuse("status", unavailable());
    assert_eq!(scenario.run().await.events, [""; 0]);
    assert_eq!(scenario.run().await.events.len(), 2, "each of them once");
    assert_eq!(scenario.run().await.events, [""; 0]);
}

/// Every event of provider-runtime's reconciler, word by word: what dashboards and alerts are made of.
#[tokio::test(start_paused = true)]
async fn the_events_are_those_of_provider_runtime() {
    let differs = || Answers::observing(existing(false));
    let late = || Answers::observing(crate::Observation { late_initialize: Some(json!({"a": 1})), ..existing(true) });
    let failed = || failure("100% wrong");
    let away = unavailable().to_string();
    let cannot_update =
        format!("Warning CannotUpdateManagedResource/UpdateExternalResource: cannot update managed resource: {away}");
    let no_result = format!(
        "Warning CannotUpdateManagedResource/UpdateExternalResource: cannot update managed resource annotations: cannot \
         update critical annotations: {away}"
    );
    let created = "Normal CreatedExternalResource/CreateEvent: Successfully requested creation of external resource";
    for (object, answers, refused, expected) in [
        (
            annotated(held(), &[(keys::PAUSED, "true")]),
            Answers::default(),
            None,
            vec!["Normal ReconciliationPaused/ProcessEvent: Reconciliation is paused via the pause annotation"],
        ),
        (
            annotated(held(), &[(keys::CREATE_PENDING, NOW)]),
            Answers::default(),
            None,
            vec![
                "Warning CannotInitializeManagedResource/ProcessEvent: cannot determine creation result - remove the \
                 krateo.io/external-create-pending annotation if it is safe to proceed",
            ],
        ),
        (
            held(),
            Answers { connect: Err(failed()), ..Answers::default() },
            None,
            vec!["Warning CannotConnectToProvider/ProcessEvent: 100% wrong"],
        ),
        (
            held(),
            Answers { observe: Err(failed()), disconnect: Err(failed()), ..Answers::default() },
            None,
            vec![
                "Warning CannotDisconnectFromProvider/ProcessEvent: 100% wrong",
                "Warning CannotObserveExternalResource/ObserveExternalResource: 100% wrong",
            ],
        ),
        (
            annotated(held(), &[(keys::MANAGEMENT_POLICY, "observe")]),
            Answers::default(),
            None,
            vec!["Warning CannotObserveExternalResource/ObserveExternalResource: external resource does not exist"],
        ),
        (
            annotated(held(), &[(keys::CREATE_SUCCEEDED, NOW)]),
            Answers::default(),
            None,
            vec![
                "Normal PendingExternalResource/ProcessEvent: Waiting for external resource existence to be confirmed",
            ],
        ),
        (
            deleted(),
            differs(),
            None,
            vec!["Normal DeletedExternalResource/DeleteEvent: Successfully requested deletion of external resource"],
        ),
        (
            deleted(),
            Answers { delete: Err(failed()), ..differs() },
            None,
            vec!["Warning CannotDeleteExternalResource/DeleteExternalResource: 100% wrong"],
        ),
        (held(), Answers::default(), Some("intent"), vec![cannot_update.as_str()]),
        (
            held(),
            Answers { create: Err(failed()), ..Answers::default() },
            None,
            vec!["Warning CannotCreateExternalResource/CreateExternalResource: 100% wrong"],
        ),
        (held(), Answers::default(), None, vec![created]),
        (held(), Answers::default(), Some("success"), vec![created, no_result.as_str()]),
        (held(), late(), Some("record"), vec![cannot_update.as_str()]),
        (
            held(),
            differs(),
            None,
            vec!["Normal UpdatedExternalResource/UpdateEvent: Successfully requested update of external resource"],
        ),
        (
            held(),
            Answers { update: Err(failed()), ..differs() },
            None,
            vec!["Warning CannotUpdateExternalResource/UpdateExternalResource: 100% wrong"],
        ),
    ] {
        let scenario = Scenario::new(object, answers);
        for label in std::iter::repeat_n(refused, 5).flatten() {
            scenario.store.refuse(label, unavailable());
        }
        assert_eq!(scenario.run().await.events, expected);
    }
}
