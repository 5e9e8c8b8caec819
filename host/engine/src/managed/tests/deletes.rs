//! An object goes when what it stands for is gone, and not before.

use tokio::time::advance;

use super::{
    store::{conflict, unavailable},
    *,
};

#[tokio::test(start_paused = true)]
async fn the_finalizer_goes_after_a_confirmed_absence() {
    let scenario = Scenario::new(deleted(), Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Deleted);
    assert!(!scenario.store.is_gone(), "asked for is not gone");
    scenario.answer(Answers::observing(missing()));
    let run = scenario.run().await;
    assert!(!run.steps.contains(&"delete".to_owned()));
    assert!(scenario.store.is_gone());
}

#[tokio::test(start_paused = true)]
async fn what_was_just_created_may_exist_though_it_does_not_show() {
    let scenario = Scenario::new(annotated(deleted(), &[(keys::CREATE_SUCCEEDED, NOW)]), Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Waiting);
}

#[tokio::test(start_paused = true)]
async fn a_create_of_the_future_does_not_keep_an_object_for_ever() {
    let object = annotated(deleted(), &[(keys::CREATE_SUCCEEDED, "2099-01-01T00:00:00Z")]);
    let scenario = Scenario::new(object, Answers::default());
    assert_eq!(scenario.run().await.report.outcome, Outcome::Waiting);
    advance(Duration::from_secs(30)).await;
    assert_eq!(scenario.run().await.report.outcome, Outcome::Released);
    assert!(scenario.store.is_gone());
}

#[tokio::test(start_paused = true)]
async fn what_was_just_created_and_then_deleted_goes_without_delay() {
    let object = annotated(deleted(), &[(keys::CREATE_SUCCEEDED, NOW)]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Deleted);
    scenario.answer(Answers::observing(missing()));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Released);
}

#[tokio::test(start_paused = true)]
async fn others_finalizers_are_waited_for_before_the_delete() {
    let mut object = deleted();
    object["metadata"]["finalizers"] = json!([keys::FINALIZER, "example.org/backup"]);
    let scenario = Scenario::new(object, Answers::observing(existing(true)));
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "disconnect", "status"]);
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Waiting, Next::Poll));
    let message = "waiting for other finalizers: example.org/backup";
    assert_eq!(scenario.conditions()[0], format!("Ready=False Deleting: {message}"));
    assert_eq!(run.events[0], format!("Normal Deleting/ConditionChanged: {message}"));
    scenario.store.edit(&json!({"metadata": {"finalizers": [keys::FINALIZER]}}));
    assert_eq!(scenario.run().await.report.outcome, Outcome::Deleted);
}

#[tokio::test(start_paused = true)]
async fn others_finalizers_stay_and_ours_goes_however_often_it_is_there() {
    let mut object = deleted();
    object["metadata"]["finalizers"] = json!([keys::FINALIZER, "a", keys::FINALIZER, "b", keys::FINALIZER]);
    let scenario = Scenario::new(object, Answers::default());
    scenario.run().await;
    assert_eq!(scenario.store.value()["metadata"]["finalizers"], json!(["a", "b"]));
    let run = scenario.run().await;
    assert_eq!(run.steps, [""; 0], "we have no part in it any more");
}

#[tokio::test(start_paused = true)]
async fn a_stale_copy_does_not_drop_anybodys_finalizer() {
    let scenario = Scenario::new(deleted(), Answers::default());
    let stale = scenario.store.object();
    scenario.store.edit(&json!({"metadata": {"finalizers": [keys::FINALIZER, "example.org/backup"]}}));
    let run = scenario.run_from(stale).await;
    assert_eq!(run.report.outcome, Outcome::Conflict);
    assert_eq!(scenario.store.value()["metadata"]["finalizers"], json!([keys::FINALIZER, "example.org/backup"]));
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_that_cannot_be_removed_says_so() {
    let orphan = annotated(deleted(), &[(keys::DELETION_POLICY, "orphan")]);
    for object in [deleted(), orphan] {
        let scenario = Scenario::new(object, Answers::default());
        scenario.store.refuse("release", unavailable());
        let run = scenario.run().await;
        let message = format!("cannot remove finalizer: {}", unavailable());
        assert_eq!(run.events, [format!("Warning CannotUpdateManagedResource/UpdateManagedResource: {message}")]);
        let conditions = ["Ready=False Deleting".to_owned(), format!("Synced=False ReconcileError: {message}")];
        assert_eq!(scenario.conditions(), conditions);
        assert_eq!(run.report.next, BACKOFF);
    }
}

#[tokio::test(start_paused = true)]
async fn conflicts_on_the_status_are_merged_and_not_errors() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    let foreign = json!({"type": "Custom", "status": "True", "reason": "x"});
    let meddling = foreign.clone();
    let edit: store::Meddling = Arc::new(move |store| store.edit(&json!({"status": {"conditions": [meddling]}})));
    scenario.answer(Answers { meanwhile: Some(("observe", edit)), ..Answers::observing(existing(true)) });
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "disconnect", "status", "get", "status"]);
    assert_eq!(scenario.store.value()["status"]["conditions"][0], foreign);
    assert_eq!(scenario.conditions().len(), 3);
    assert_eq!(run.report.outcome, Outcome::Settled);
}

#[tokio::test(start_paused = true)]
async fn endless_conflicts_on_the_status_are_left_for_later_quietly() {
    let scenario = Scenario::new(held(), Answers::observing(existing(true)));
    for _ in 0..3 {
        scenario.store.refuse("status", conflict());
    }
    let run = scenario.run().await;
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Settled, BACKOFF));
    assert_eq!(run.events, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_vanishes_meanwhile_is_no_error() {
    let scenario = Scenario::new(held(), Answers::default());
    scenario.store.refuse("intent", capstan_cluster::Error::NotFound("gone".to_owned()));
    let run = scenario.run().await;
    assert_eq!((run.report.outcome, run.report.next), (Outcome::Gone, Next::Stop));
    assert_eq!(run.events, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_status_of_one_object_is_not_written_into_the_next_of_its_name() {
    let replace: store::Meddling =
        Arc::new(|store| store.edit(&json!({"metadata": {"uid": "uid-2"}, "status": {"mine": true}})));
    let answers = Answers { meanwhile: Some(("observe", replace)), ..Answers::observing(existing(true)) };
    let scenario = Scenario::new(held(), answers);
    let run = scenario.run().await;
    assert_eq!(run.steps, ["connect", "observe", "disconnect", "status", "get"]);
    assert_eq!(scenario.store.value()["status"], json!({"mine": true}));
}

#[tokio::test(start_paused = true)]
async fn the_result_of_a_create_is_not_written_onto_the_next_object_of_its_name() {
    let replace: store::Meddling = Arc::new(|store| store.edit(&json!({"metadata": {"uid": "uid-2"}})));
    let scenario = Scenario::new(held(), Answers { meanwhile: Some(("create", replace)), ..Answers::default() });
    scenario.run().await;
    assert_eq!(scenario.annotation(keys::CREATE_SUCCEEDED), None);
}
