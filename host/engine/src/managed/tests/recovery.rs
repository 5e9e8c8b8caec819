//! Sessions that do not end as they should.

use super::{provider::failure, *};

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_a_failure_of_that_call() {
    for (call, answers, prefix) in [
        ("connect", Answers::default(), "connect failed: "),
        ("observe", Answers::default(), "observe failed: "),
        ("update", Answers::observing(existing(false)), "update failed: "),
    ] {
        let scenario = Scenario::new(held(), Answers { hangs: Some(call), ..answers });
        let start = Instant::now();
        let run = scenario.run().await;
        assert_eq!(start.elapsed(), Duration::from_secs(61), "{call}: a second later than its time");
        assert_eq!(run.report.next, BACKOFF);
        let synced = scenario.conditions().pop().unwrap();
        assert!(synced.starts_with(&format!("Synced=False DeadlineExceeded: {prefix}")), "{synced}");
        assert!(!run.steps.contains(&"disconnect".to_owned()), "{call}: the session was given up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_hangs_is_waited_for_briefly() {
    let scenario = Scenario::new(held(), Answers { hangs: Some("disconnect"), ..Answers::observing(existing(true)) });
    let start = Instant::now();
    let run = scenario.run().await;
    assert_eq!((start.elapsed(), run.report.outcome), (Duration::from_secs(5), Outcome::Settled));
    assert_eq!(run.events[0], "Warning CannotDisconnectFromProvider/ProcessEvent: no answer within 5 s");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_cut_off_is_not_called_again() {
    let answers = Answers { observe: Err(failure("memory")), interrupted: true, ..Answers::default() };
    let scenario = Scenario::new(held(), answers);
    assert_eq!(scenario.run().await.steps, ["connect", "observe", "status"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_with_a_condition_an_event_and_back_off() {
    for call in ["connect", "observe", "update", "disconnect"] {
        let answers = Answers { panics: Some(call), ..Answers::observing(existing(false)) };
        let scenario = Scenario::new(held(), answers);
        let run = scenario.run().await;
        assert_eq!((run.report.outcome, run.report.next), (Outcome::Panicked, BACKOFF), "{call}");
        assert_eq!(run.events, [format!("Warning ReconcilePanicked/ProcessEvent: broken {call}")]);
        let synced = scenario.conditions().pop().unwrap();
        assert_eq!(synced, format!("Synced=False Panicked: the reconcile panicked: broken {call}"));
        let again = scenario.run().await;
        assert_eq!(again.events, [""; 0], "{call}: the same again is held back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_panicked_has_an_unknown_result() {
    let scenario = Scenario::new(held(), Answers { panics: Some("create"), ..Answers::default() });
    scenario.run().await;
    scenario.answer(Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Unclear);
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_is_timed_from_its_beginning_to_its_end() {
    let scenario = Scenario::new(
        held(),
        Answers { slow: Some(("observe", Duration::from_secs(7))), ..Answers::observing(existing(false)) },
    );
    scenario.store.delay("status", Duration::from_secs(2));
    assert_eq!(scenario.run().await.report.took, Duration::from_secs(9));
}
