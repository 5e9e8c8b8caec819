//! A lease that is lost in the middle of a reconcile: another replica says by now how the object is.

use capstan_cluster::Error;

use super::{provider::failure, *};

/// The lease is lost during a call.
fn losing(call: &'static str, answers: Answers) -> Answers {
    let lose: store::Meddling = Arc::new(store::Store::lose);
    Answers { meanwhile: Some((call, lose)), ..answers }
}

#[tokio::test(start_paused = true)]
async fn what_fails_with_the_lease_is_nobodys_failure_and_is_said_nowhere() {
    let cut = || failure("the lease is lost");
    for (call, answers, steps) in [
        ("connect", Answers { connect: Err(cut()), ..Answers::default() }, vec!["connect"]),
        ("observe", Answers { observe: Err(cut()), ..Answers::default() }, vec!["connect", "observe"]),
        (
            "create",
            Answers { create: Err(cut()), ..Answers::default() },
            vec!["connect", "observe", "intent", "create", "failure"],
        ),
        (
            "update",
            Answers { update: Err(cut()), ..Answers::observing(existing(false)) },
            vec!["connect", "observe", "update"],
        ),
        (
            "update",
            Answers { panics: Some("update"), ..Answers::observing(existing(false)) },
            vec!["connect", "observe", "update"],
        ),
    ] {
        let scenario = Scenario::new(held(), losing(call, answers));
        let run = scenario.run().await;
        assert_eq!(run.steps, steps, "no status, and no goodbye");
        assert_eq!((run.events.len(), scenario.conditions().len()), (0, 0), "{call}: {:?}", run.events);
        assert!(!run.report.outcome.is_failure(), "{call}: {:?}", run.report);
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_comes_too_late_for_the_lease_is_not_told_either() {
    let scenario = Scenario::new(held(), Answers { observe: Err(failure("as told")), ..Answers::default() });
    scenario.store.refuse("status", Error::NotLeader);
    let run = scenario.run().await;
    assert_eq!(run.steps.last().map(String::as_str), Some("status"));
    assert_eq!(run.events, [""; 0]);
    assert!(!run.report.outcome.is_failure());
}
