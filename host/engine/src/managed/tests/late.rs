//! Results of creates that are written down in a later reconcile only.

use tokio::time::sleep;

use super::{store::unavailable, *};
use crate::Creation;

/// The API server is away when a create has ended.
async fn unrecorded(name: &str) -> Scenario {
    let creation = Creation { external_name: Some(name.to_owned()), ..Creation::default() };
    let scenario = Scenario::new(held(), Answers { create: Ok(creation), ..Answers::default() });
    for _ in 0..5 {
        scenario.store.refuse("success", unavailable());
    }
    scenario.run().await;
    scenario.answer(Answers::observing(existing(true)));
    scenario
}

#[tokio::test(start_paused = true)]
async fn a_late_result_is_not_written_over_that_of_a_later_create() {
    let later = "2026-01-01T00:05:00Z";
    let annotations =
        json!({keys::CREATE_PENDING: later, keys::CREATE_SUCCEEDED: later, keys::EXTERNAL_NAME: "another"});
    for (is_heard_of, steps) in
        [(true, ["connect", "observe"].as_slice()), (false, ["success", "get", "connect", "observe"].as_slice())]
    {
        let scenario = unrecorded("ext-1").await;
        let stale = scenario.store.object();
        scenario.store.edit(&json!({"metadata": {"annotations": annotations}}));
        let run = if is_heard_of { scenario.run().await } else { scenario.run_from(stale).await };
        assert_eq!(&run.steps[..steps.len()], steps);
        assert_eq!(run.report.outcome, Outcome::Settled);
        assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("another"));
        assert_eq!(scenario.annotation(keys::CREATE_SUCCEEDED).as_deref(), Some(later));
        assert_eq!(scenario.unrecorded.get("uid-1"), None, "nor later");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_result_survives_edits_that_the_host_has_not_heard_of() {
    let scenario = unrecorded("ext-1").await;
    let stale = scenario.store.object();
    scenario.store.edit(&json!({"spec": {"size": 9}}));
    let run = scenario.run_from(stale).await;
    assert_eq!(run.steps[..3], ["success", "get", "success"]);
    assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("ext-1"));
    let current = Metadata::of(&scenario.store.object()).fingerprint();
    assert_ne!(run.report.seen, current, "the edit must wake it again");
}

#[tokio::test(start_paused = true)]
async fn a_late_result_is_written_though_somebody_writes_several_times_a_second() {
    let scenario = unrecorded("ext-1").await;
    scenario.store.refuse("success", unavailable());
    let meddling = async {
        for size in 10.. {
            sleep(Duration::from_millis(50)).await;
            scenario.store.edit(&json!({"spec": {"size": size}}));
        }
    };
    let run = tokio::select! {
        run = scenario.run() => run,
        () = meddling => unreachable!("it never ends"),
    };
    assert_eq!(run.steps[..4], ["success", "success", "get", "success"], "tried, after a pause, and at once");
    assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("ext-1"));
    assert_eq!(scenario.unrecorded.get("uid-1"), None);
}
