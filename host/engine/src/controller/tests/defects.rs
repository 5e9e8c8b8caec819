//! Defects of other controller runtimes that show in a controller at work; `docs/engine.md` lists all of them.

use super::*;

#[tokio::test(start_paused = true)]
async fn row01_a_manual_edit_outside_is_repaired() {
    let world = World::start().await;
    world.settled("a", json!({"size": 1})).await;
    world.provider.edit("a", |exists| drop(exists.insert("a".to_owned(), json!({"size": 9}))));
    world.pass(61_000).await;
    assert_eq!(world.provider.calls().get("update a"), Some(&1));
    world.provider.edit("a", |exists| drop(exists.remove("a")));
    world.pass(61_000).await;
    assert_eq!(world.provider.calls().get("create a"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn row02_what_others_wrote_into_an_object_survives() {
    let world = World::start().await;
    let theirs = json!({
        "metadata": {
            "annotations": {"example.org/theirs": "1"}, "labels": {"theirs": "1"}, "finalizers": ["example.org/theirs"],
        },
        "status": {"theirs": {"deep": [1, 2]}},
        "spec": {"size": 1},
    });
    world.put("a", &theirs);
    world.pass(3_000).await;
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(3_000).await;
    let thing = world.thing("a");
    assert_eq!(thing["status"]["conditions"][1]["reason"], "ReconcileSuccess");
    assert_eq!(thing["metadata"]["annotations"]["example.org/theirs"], "1");
    assert_eq!(thing["metadata"]["labels"], theirs["metadata"]["labels"]);
    assert_eq!(thing["metadata"]["finalizers"], json!(["example.org/theirs", keys::FINALIZER]));
    assert_eq!(thing["status"]["theirs"], theirs["status"]["theirs"]);
}

#[tokio::test(start_paused = true)]
async fn row04_an_error_of_the_api_server_fails_the_reconcile_and_is_tried_again() {
    let world = World::start().await;
    world.settled("a", json!({"size": 1})).await;
    world.server.break_down(1);
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(30_000).await;
    assert_eq!(world.counters.of(Outcome::Failed), 1);
    assert_eq!(world.thing("a")["status"]["conditions"][1]["observedGeneration"], 2);
}

#[tokio::test(start_paused = true)]
async fn row06_reasons_of_events_are_few_words_and_texts_are_notes() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "fail"}}));
    world.pass(3_000).await;
    let told = world.server.list_of("events");
    let event = told.iter().find(|event| event["type"] == "Warning").expect("a warning");
    assert_eq!(event["reason"], "CannotObserveExternalResource");
    assert!(event["note"].as_str().unwrap().contains("as told"), "{event}");
}

#[tokio::test(start_paused = true)]
async fn row15_an_object_that_makes_no_sense_is_told_and_looked_at_when_it_changes() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "invalid"}}));
    world.pass(3_000).await;
    let synced = |world: &World| {
        let conditions = world.thing("a")["status"]["conditions"].clone();
        let all = conditions.as_array().unwrap().clone();
        all.into_iter().find(|condition| condition["type"] == "Synced").unwrap()
    };
    assert_eq!(synced(&world)["reason"], "InvalidSpec");
    world.put("a", &json!({"spec": {"behaviour": null}}));
    world.pass(3_000).await;
    assert_eq!(synced(&world)["reason"], "ReconcileSuccess");
}

/// A person can see what a controller waits for without its task being disturbed.
#[tokio::test(start_paused = true)]
async fn a_controller_tells_what_stands_in_its_queue() {
    let world = World::start().await;
    world.settled("polled", json!({})).await;
    world.put("failing", &json!({"spec": {"behaviour": "fail"}}));
    world.put("slow", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(5_000).await;
    let told = world.queues.ask(Duration::from_secs(1)).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].controller, "memory/Thing.v1.example.org");
    let listing = told[0].queue.clone().unwrap();
    let states: Vec<_> = listing.objects.iter().map(|one| (one.object.as_str(), one.state)).collect();
    assert_eq!(states, [("ns/slow", "running"), ("ns/failing", "backoff"), ("ns/polled", "poll")]);
    world.cancel.cancel();
    world.pass(30_000).await;
    assert!(world.queues.ask(Duration::from_secs(1)).await.is_empty(), "it has ended");
}

/// Whoever was told that its kind is not served was never looked at again.
#[tokio::test(start_paused = true)]
async fn a_404_without_a_name_does_not_end_the_polls() {
    let world = World::start().await;
    let synced = || {
        let thing = world.thing("a");
        let conditions = thing["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let synced = conditions.into_iter().find(|condition| condition["type"] == "Synced").unwrap();
        (synced["reason"].as_str().unwrap().to_owned(), synced["observedGeneration"].clone())
    };
    world.server.mislead(1);
    world.put("a", &json!({"spec": {"size": 1}}));
    world.pass(10_000).await;
    assert!(world.provider.has("a"));
    assert_eq!(synced(), ("ReconcileSuccess".to_owned(), json!(1)));

    world.server.mislead(1);
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(10_000).await;
    assert_eq!(synced(), ("ReconcileSuccess".to_owned(), json!(2)), "long before the next poll");

    world.put("a", &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}));
    world.pass(500).await;
    assert!(!world.provider.has("a"));
    world.server.mislead(1);
    world.pass(5_000).await;
    assert_eq!(world.server.get("things", "a"), None, "its finalizer is taken off");
}
