//! What the policies allow, and what they say when they make no sense.

use tokio::time::advance;

use super::{provider::failure, *};
use crate::Observation;

/// What is done outside for an object with these policies, when it is missing, differs and is deleted.
async fn actions(management: Option<&str>, deletion: Option<&str>) -> [bool; 3] {
    let policies: Vec<_> = [(keys::MANAGEMENT_POLICY, management), (keys::DELETION_POLICY, deletion)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect();
    let mut done = [false; 3];
    for (done, (object, found, call)) in done.iter_mut().zip([
        (fresh(), missing(), "create"),
        (held(), existing(false), "update"),
        (deleted(), existing(true), "delete"),
    ]) {
        let scenario = Scenario::new(annotated(object, &policies), Answers::observing(found));
        let run = scenario.run().await;
        *done = run.steps.contains(&call.to_owned());
        if call == "delete" && !*done {
            assert!(scenario.store.is_gone(), "{policies:?} blocks deletion");
            assert_eq!(run.steps, ["release"], "{policies:?}: no session is needed to let it go");
        }
    }
    done
}

/// Seven spellings of the management policy, four of the deletion policy: what may be created, updated and deleted.
#[tokio::test(start_paused = true)]
async fn the_28_rows_of_the_policy_table() {
    const ALL: [bool; 3] = [true, true, true];
    const KEEP: [bool; 3] = [true, true, false];
    const DELETE: [bool; 3] = [false, false, true];
    const NONE: [bool; 3] = [false; 3];
    let mut rows = 0;
    for (management, columns) in [
        (None, [ALL, ALL, KEEP, KEEP]),
        (Some("default"), [ALL, ALL, KEEP, KEEP]),
        (Some("observe-create-update"), [KEEP; 4]),
        (Some("observe-delete"), [DELETE; 4]),
        (Some("observe"), [NONE; 4]),
        (Some("Default"), [NONE; 4]),
        (Some("foo"), [NONE; 4]),
    ] {
        for (deletion, expected) in [None, Some("delete"), Some("orphan"), Some("Delete")].into_iter().zip(columns) {
            assert_eq!(actions(management, deletion).await, expected, "{management:?} {deletion:?}");
            rows += 1;
        }
    }
    assert_eq!(rows, 28);
}

#[tokio::test(start_paused = true)]
async fn a_missing_resource_under_observe_is_polled_and_not_backed_off() {
    for policy in ["observe", "observe-delete"] {
        let scenario = Scenario::new(annotated(held(), &[(keys::MANAGEMENT_POLICY, policy)]), Answers::default());
        let run = scenario.run().await;
        assert_eq!((run.report.outcome, run.report.next), (Outcome::Missing, Next::Poll), "{policy}");
        assert_eq!(
            scenario.conditions(),
            ["Synced=False ReconcileError: observe failed: external resource does not exist"]
        );
        let event = "Warning CannotObserveExternalResource/ObserveExternalResource: external resource does not exist";
        assert_eq!(run.events, [event]);
        assert_eq!(scenario.run().await.events, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_management_policy_that_is_none_is_reported_once() {
    let key = keys::MANAGEMENT_POLICY;
    for found in [existing(false), missing()] {
        let object = annotated(held(), &[(key, "foo"), (keys::DELETION_POLICY, "foo")]);
        let scenario = Scenario::new(object, Answers::observing(found.clone()));
        let run = scenario.run().await;
        let warnings = run.events.iter().filter(|event| event.starts_with("Warning InvalidPolicy/ConditionChanged"));
        assert_eq!(warnings.count(), 1, "{found:?}: {:?}", run.events);
        let synced = scenario.conditions().into_iter().find(|line| line.starts_with("Synced")).unwrap();
        assert!(synced.starts_with(&format!("Synced=False InvalidPolicy: {key} is \"foo\"")), "{synced}");
        let again = scenario.run().await;
        assert!(!again.events.iter().any(|event| event.contains("InvalidPolicy")), "{:?}", again.events);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_policy_that_is_none_is_warned_of_once_and_is_no_trouble() {
    let warned = |run: &Run, policy: &str| {
        let warning = format!("Warning InvalidPolicy/ProcessEvent: {} is {policy:?}", keys::DELETION_POLICY);
        let count = run.events.iter().filter(|event| event.contains("InvalidPolicy")).count();
        assert_eq!(count, run.events.iter().filter(|event| event.starts_with(&warning)).count(), "{:?}", run.events);
        count
    };
    for found in [existing(true), existing(false)] {
        let object = annotated(held(), &[(keys::DELETION_POLICY, "Delete")]);
        let scenario = Scenario::new(object, Answers::observing(found));
        assert_eq!(warned(&scenario.run().await, "Delete"), 1);
        assert_eq!(scenario.conditions(), ["Ready=True Available", "Synced=True ReconcileSuccess"]);
        for _ in 0..3 {
            advance(Duration::from_mins(10)).await;
            assert_eq!(warned(&scenario.run().await, "Delete"), 0);
        }
        scenario.answer(Answers { observe: Err(failure("gateway")), ..Answers::default() });
        assert_eq!(warned(&scenario.run().await, "Delete"), 0, "a transition is no reason to say it again");
        scenario.store.edit(&json!({"metadata": {"annotations": {keys::DELETION_POLICY: "Orphan"}}}));
        assert_eq!(warned(&scenario.run().await, "Orphan"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_real_failure_comes_before_a_senseless_policy() {
    let object = annotated(held(), &[(keys::MANAGEMENT_POLICY, "foo")]);
    let scenario = Scenario::new(object, Answers { connect: Err(failure("no credentials")), ..Answers::default() });
    scenario.run().await;
    assert_eq!(scenario.conditions(), ["Synced=False ReconcileError: connect failed: no credentials"]);
}

#[tokio::test(start_paused = true)]
async fn an_existing_resource_is_imported_by_observing_it_first() {
    let import = [(keys::MANAGEMENT_POLICY, "observe"), (keys::EXTERNAL_NAME, "ext-1")];
    let found = Observation { status: Some(json!({"url": "x"})), ..existing(false) };
    let scenario = Scenario::new(annotated(fresh(), &import), Answers::observing(found.clone()));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "hold", "disconnect", "status"], "it differs, and stays as it is");
    assert_eq!(scenario.store.value()["status"]["url"], "x");
    assert_eq!(scenario.conditions(), ["Ready=True Available", "Synced=True ReconcileSuccess"]);
    assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("ext-1"));

    let taken_over = json!({"metadata": {"annotations": {keys::MANAGEMENT_POLICY: null}}});
    scenario.store.edit(&taken_over);
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "update", "disconnect"], "from now on it follows the object");
    assert_eq!(scenario.annotation(keys::CREATE_PENDING), None, "it was never created");
}

#[tokio::test(start_paused = true)]
async fn an_imported_resource_outlives_its_object() {
    let observe = [(keys::MANAGEMENT_POLICY, "observe")];
    let scenario = Scenario::new(annotated(deleted(), &observe), Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.steps, ["release"]);
    assert!(scenario.store.is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_changes_in_the_middle_counts() {
    let orphan: store::Meddling =
        Arc::new(|store| store.edit(&json!({"metadata": {"annotations": {keys::DELETION_POLICY: "orphan"}}})));
    let observe_only: store::Meddling =
        Arc::new(|store| store.edit(&json!({"metadata": {"annotations": {keys::MANAGEMENT_POLICY: "observe"}}})));
    for (object, edit) in [(deleted(), orphan), (held(), observe_only)] {
        let answers = Answers { meanwhile: Some(("observe", edit)), ..Answers::observing(existing(false)) };
        let scenario = Scenario::new(object, answers);
        let run = scenario.run().await;
        assert_eq!(run.steps, ["connect", "observe", "disconnect"]);
        assert_eq!(run.report.outcome, Outcome::Conflict);
    }
}

#[tokio::test(start_paused = true)]
async fn a_senseless_deletion_policy_is_told_again_when_it_comes_back_and_only_where_it_decides() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    let mut told = Vec::new();
    for (management, deletion) in [
        (None, "foo"),
        (None, "foo"),
        (None, "delete"),
        (None, "foo"),
        (Some("observe-delete"), "foo"),
        (Some("observe"), "foo"),
    ] {
        let annotations = json!({keys::MANAGEMENT_POLICY: management, keys::DELETION_POLICY: deletion});
        scenario.store.edit(&json!({"metadata": {"annotations": annotations}}));
        let run = scenario.run().await;
        told.push(run.events.iter().any(|event| event.contains("InvalidPolicy")));
    }
    assert_eq!(told, [true, false, false, true, false, false]);
}
