//! One row for each way through the lifecycle.

use super::{provider::failure, store::unavailable, *};
use crate::{Change, Observation, Problem, Readiness};

struct Row {
    name: &'static str,
    object: Value,
    answers: Answers,
    steps: &'static [&'static str],
    conditions: &'static [&'static str],
    events: &'static [&'static str],
    outcome: Outcome,
    next: Next,
}

const SYNCED: &str = "Synced=True ReconcileSuccess";
const CREATING: &str = "Ready=False Creating";
const DELETING: &str = "Ready=False Deleting";
const AVAILABLE: &str = "Ready=True Available";

async fn check(row: Row) {
    let scenario = Scenario::new(row.object, row.answers);
    let run = scenario.run().await;
    let name = row.name;
    assert_eq!(run.steps, row.steps, "{name}: steps");
    assert_eq!(run.events, row.events, "{name}: events");
    assert_eq!((run.report.outcome, run.report.next), (row.outcome, row.next), "{name}: end");
    let conditions = if scenario.store.is_gone() { Vec::new() } else { scenario.conditions() };
    assert_eq!(conditions, row.conditions, "{name}: conditions");
}

#[tokio::test(start_paused = true)]
async fn rows_before_the_session() {
    for row in [
        Row {
            name: "paused",
            object: annotated(held(), &[(keys::PAUSED, "true")]),
            answers: Answers::default(),
            steps: &["status"],
            conditions: &["Synced=False ReconcilePaused"],
            events: &["Normal ReconciliationPaused/ProcessEvent: Reconciliation is paused via the pause annotation"],
            outcome: Outcome::Paused,
            next: Next::Stop,
        },
        Row {
            name: "paused while being deleted",
            object: annotated(deleted(), &[(keys::PAUSED, "true")]),
            answers: Answers::default(),
            steps: &["status"],
            conditions: &["Synced=False ReconcilePaused: deletion waits until the pause annotation is removed"],
            events: &["Normal ReconciliationPaused/ProcessEvent: Reconciliation is paused via the pause annotation"],
            outcome: Outcome::Paused,
            next: Next::Stop,
        },
        Row {
            name: "deleted and to be orphaned: no session",
            object: annotated(deleted(), &[(keys::DELETION_POLICY, "orphan")]),
            answers: Answers { connect: Err(failure("no credentials")), ..Answers::default() },
            steps: &["release"],
            conditions: &[],
            events: &[],
            outcome: Outcome::Released,
            next: Next::Stop,
        },
        Row {
            name: "unclear create",
            object: annotated(held(), &[(keys::CREATE_PENDING, NOW)]),
            answers: Answers::default(),
            steps: &["status"],
            conditions: &[
                CREATING,
                "Synced=False ReconcileError: cannot determine creation result - remove the \
                 krateo.io/external-create-pending annotation if it is safe to proceed",
            ],
            events: &[
                "Warning CannotInitializeManagedResource/ProcessEvent: cannot determine creation result - remove \
                       the krateo.io/external-create-pending annotation if it is safe to proceed",
            ],
            outcome: Outcome::Unclear,
            next: Next::Stop,
        },
        Row {
            name: "connect fails",
            object: held(),
            answers: Answers { connect: Err(failure("100% wrong")), ..Answers::default() },
            steps: &["connect", "status"],
            conditions: &["Synced=False ReconcileError: connect failed: 100% wrong"],
            events: &["Warning CannotConnectToProvider/ProcessEvent: 100% wrong"],
            outcome: Outcome::Failed,
            next: BACKOFF,
        },
    ] {
        check(row).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_what_exists() {
    for row in [
        Row {
            name: "observe fails",
            object: held(),
            answers: Answers { observe: Err(failure("gateway")), ..Answers::default() },
            steps: &["connect", "observe", "disconnect", "status"],
            conditions: &["Synced=False ReconcileError: observe failed: gateway"],
            events: &["Warning CannotObserveExternalResource/ObserveExternalResource: gateway"],
            outcome: Outcome::Failed,
            next: BACKOFF,
        },
        Row {
            name: "up to date",
            object: held(),
            answers: Answers::observing(existing(true)),
            steps: &["connect", "observe", "disconnect", "status"],
            conditions: &[AVAILABLE, SYNCED],
            events: &[
                "Normal Available/ConditionChanged: Ready is True",
                "Normal ReconcileSuccess/ConditionChanged: Synced is True",
            ],
            outcome: Outcome::Settled,
            next: Next::Poll,
        },
        Row {
            name: "exists already: held, not created",
            object: fresh(),
            answers: Answers::observing(existing(true)),
            steps: &["connect", "observe", "hold", "disconnect", "status"],
            conditions: &[AVAILABLE, SYNCED],
            events: &[
                "Normal Available/ConditionChanged: Ready is True",
                "Normal ReconcileSuccess/ConditionChanged: Synced is True",
            ],
            outcome: Outcome::Settled,
            next: Next::Poll,
        },
        Row {
            name: "differs",
            object: held(),
            answers: Answers::observing(existing(false)),
            steps: &["connect", "observe", "update", "disconnect", "status"],
            conditions: &[AVAILABLE, SYNCED],
            events: &["Normal UpdatedExternalResource/UpdateEvent: Successfully requested update of external resource"],
            outcome: Outcome::Updated,
            next: Next::Poll,
        },
        Row {
            name: "differs and is not ready: looked at again soon",
            object: held(),
            answers: Answers::observing(Observation {
                readiness: Readiness::NotReady(Problem { reason: "Differs".into(), message: "a is 1".to_owned() }),
                ..existing(false)
            }),
            steps: &["connect", "observe", "update", "disconnect", "status"],
            conditions: &["Ready=False Differs: a is 1", SYNCED],
            events: &["Normal UpdatedExternalResource/UpdateEvent: Successfully requested update of external resource"],
            outcome: Outcome::Updated,
            next: Next::Recheck,
        },
        Row {
            name: "update fails",
            object: held(),
            answers: Answers { update: Err(failure("quota")), ..Answers::observing(existing(false)) },
            steps: &["connect", "observe", "update", "disconnect", "status"],
            conditions: &[AVAILABLE, "Synced=False ReconcileError: update failed: quota"],
            events: &["Warning CannotUpdateExternalResource/UpdateExternalResource: quota"],
            outcome: Outcome::Failed,
            next: BACKOFF,
        },
        Row {
            name: "disconnect fails",
            object: held(),
            answers: Answers { disconnect: Err(failure("hung up")), ..Answers::observing(existing(true)) },
            steps: &["connect", "observe", "disconnect", "status"],
            conditions: &[AVAILABLE, SYNCED],
            events: &[
                "Warning CannotDisconnectFromProvider/ProcessEvent: hung up",
                "Normal Available/ConditionChanged: Ready is True",
                "Normal ReconcileSuccess/ConditionChanged: Synced is True",
            ],
            outcome: Outcome::Settled,
            next: Next::Poll,
        },
    ] {
        check(row).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rows_of_what_does_not_exist() {
    for row in [
        Row {
            name: "created",
            object: fresh(),
            answers: Answers::default(),
            steps: &["connect", "observe", "hold", "intent", "create", "success", "disconnect", "status"],
            conditions: &[CREATING, SYNCED],
            events: &[
                "Normal CreatedExternalResource/CreateEvent: Successfully requested creation of external resource",
            ],
            outcome: Outcome::Created,
            next: Next::Confirm,
        },
        Row {
            name: "create fails",
            object: held(),
            answers: Answers { create: Err(failure("taken")), ..Answers::default() },
            steps: &["connect", "observe", "intent", "create", "failure", "disconnect", "status"],
            conditions: &[CREATING, "Synced=False ReconcileError: create failed: taken"],
            events: &["Warning CannotCreateExternalResource/CreateExternalResource: taken"],
            outcome: Outcome::Failed,
            next: BACKOFF,
        },
        Row {
            name: "just created",
            object: annotated(held(), &[(keys::CREATE_SUCCEEDED, NOW)]),
            answers: Answers::default(),
            steps: &["connect", "observe", "disconnect"],
            conditions: &[],
            events: &[
                "Normal PendingExternalResource/ProcessEvent: Waiting for external resource existence to be confirmed",
            ],
            outcome: Outcome::Waiting,
            next: Next::Await { at_most: Duration::from_secs(30) },
        },
        Row {
            name: "deleted, and gone outside",
            object: deleted(),
            answers: Answers::default(),
            steps: &["connect", "observe", "release", "disconnect"],
            conditions: &[],
            events: &[],
            outcome: Outcome::Released,
            next: Next::Stop,
        },
        Row {
            name: "deleted, and still there outside",
            object: deleted(),
            answers: Answers::observing(existing(true)),
            steps: &["connect", "observe", "delete", "disconnect", "status"],
            conditions: &[DELETING, SYNCED],
            events: &[
                "Normal DeletedExternalResource/DeleteEvent: Successfully requested deletion of external resource",
            ],
            outcome: Outcome::Deleted,
            next: BACKOFF,
        },
        Row {
            name: "delete fails",
            object: deleted(),
            answers: Answers { delete: Err(failure("in use")), ..Answers::observing(existing(true)) },
            steps: &["connect", "observe", "delete", "disconnect", "status"],
            conditions: &[DELETING, "Synced=False ReconcileError: delete failed: in use"],
            events: &["Warning CannotDeleteExternalResource/DeleteExternalResource: in use"],
            outcome: Outcome::Failed,
            next: BACKOFF,
        },
    ] {
        check(row).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_observing_found_out_is_recorded_before_the_update() {
    let observation = Observation {
        late_initialize: Some(json!({"region": "eu", "size": 1})),
        external_name: Some("ext-7".to_owned()),
        status: Some(json!({"url": "x"})),
        ..existing(false)
    };
    let update = Ok(Change { status: Some(json!({"url": "y"})) });
    let scenario = Scenario::new(held(), Answers { update, ..Answers::observing(observation) });
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "record", "update", "disconnect", "status"]);
    assert_eq!(scenario.store.value()["spec"], json!({"size": 1, "region": "eu"}));
    assert_eq!(scenario.store.value()["status"]["url"], "y");
    assert_eq!(scenario.annotation(keys::EXTERNAL_NAME).as_deref(), Some("ext-7"));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "update", "disconnect"], "nothing new: no write");
}

#[tokio::test(start_paused = true)]
async fn conditions_tell_the_generation_they_are_about() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.run().await;
    scenario.store.edit(&json!({"spec": {"size": 2}}));
    let run = scenario.run().await;
    let conditions = &scenario.store.value()["status"]["conditions"];
    assert_eq!((&conditions[0]["observedGeneration"], &conditions[1]["observedGeneration"]), (&json!(2), &json!(2)));
    assert_eq!(run.events, [""; 0], "a new generation is no transition");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_written_is_tried_again() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.store.refuse("status", unavailable());
    let run = scenario.run().await;
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Failed, BACKOFF));
    assert_eq!(run.events, [""; 0], "a transition that was not written is none");
    let run = scenario.run().await;
    assert_eq!(run.events.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_refused_is_told() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    scenario.store.refuse("status", capstan_cluster::Error::Invalid("status.size: must be a number".to_owned()));
    let run = scenario.run().await;
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Failed, BACKOFF));
    let conditions = scenario.conditions();
    assert!(conditions.len() == 1 && conditions[0].starts_with("Synced=False StatusRefused: "), "{conditions:?}");
    assert!(run.events.iter().any(|event| event.contains("must be a number")), "{:?}", run.events);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_refused_is_told_beside_what_was_done() {
    let update = "Normal UpdatedExternalResource/UpdateEvent: Successfully requested update of external resource";
    let scenario = Scenario::new(held(), Answers::observing(existing(false)));
    for expected in [2, 1] {
        let refusal = capstan_cluster::Error::Invalid("status.size: must be a number".to_owned());
        scenario.store.refuse("status", refusal);
        let run = scenario.run().await;
        assert_eq!((run.events.len(), run.events[0].as_str()), (expected, update), "{:?}", run.events);
        let told = run.events.get(1).is_none_or(|event| event.starts_with("Warning StatusRefused/ConditionChanged: "));
        assert!(told, "{:?}", run.events);
    }
}
