//! Pause and policies.

use super::{provider::failure, *};

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

#[tokio::test(start_paused = true)]
async fn every_combination_of_policies_does_what_the_table_says() {
    for (management, columns) in [
        (None, [[true, true, true], [true, true, false], [true, true, false]]),
        (Some("default"), [[true, true, true], [true, true, false], [true, true, false]]),
        (Some("observe-create-update"), [[true, true, false]; 3]),
        (Some("observe-delete"), [[false, false, true]; 3]),
        (Some("observe"), [[false; 3]; 3]),
        (Some("foo"), [[false; 3]; 3]),
    ] {
        for (deletion, expected) in [(None, 0), (Some("delete"), 0), (Some("orphan"), 1), (Some("Delete"), 2)] {
            assert_eq!(actions(management, deletion).await, columns[expected], "{management:?} {deletion:?}");
        }
    }
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
    let run = scenario.run().await;
    assert_eq!(run.events.len(), 1, "{:?}", run.events);
    let run = scenario.run().await;
    assert_eq!((run.events.len(), run.steps.len()), (0, 0), "still paused: nothing to say and nothing to write");
    scenario.store.edit(&json!({"metadata": {"annotations": {keys::PAUSED: null}}}));
    let run = scenario.run().await;
    assert_eq!(run.events, ["Normal ReconcileSuccess/ConditionChanged: Synced is True"]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_object_can_be_let_go_if_the_controller_is_told_so() {
    let object = annotated(deleted(), &[(keys::PAUSED, "true")]);
    let rules = Rules { delete_while_paused: true, ..RULES };
    let scenario = Scenario::with_rules(object, Answers::default(), rules);
    scenario.run().await;
    assert!(scenario.store.is_gone());
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
async fn a_policy_that_is_none_is_reported_once() {
    for (key, found) in [
        (keys::MANAGEMENT_POLICY, existing(false)),
        (keys::MANAGEMENT_POLICY, missing()),
        (keys::DELETION_POLICY, existing(true)),
        (keys::DELETION_POLICY, existing(false)),
    ] {
        let scenario = Scenario::new(annotated(held(), &[(key, "foo")]), Answers::observing(found.clone()));
        let run = scenario.run().await;
        let warnings = run.events.iter().filter(|event| event.starts_with("Warning InvalidPolicy/ConditionChanged"));
        assert_eq!(warnings.count(), 1, "{key} {found:?}: {:?}", run.events);
        let synced = scenario.conditions().into_iter().find(|line| line.starts_with("Synced")).unwrap();
        assert!(synced.starts_with(&format!("Synced=False InvalidPolicy: {key} is \"foo\"")), "{synced}");
        let again = scenario.run().await;
        assert!(!again.events.iter().any(|event| event.contains("InvalidPolicy")), "{key}: {:?}", again.events);
    }
}

#[tokio::test(start_paused = true)]
async fn a_real_failure_comes_before_a_senseless_policy() {
    let object = annotated(held(), &[(keys::MANAGEMENT_POLICY, "foo")]);
    let scenario = Scenario::new(object, Answers { connect: Err(failure("no credentials")), ..Answers::default() });
    scenario.run().await;
    assert_eq!(scenario.conditions(), ["Synced=False ReconcileError: connect failed: no credentials"]);
}
