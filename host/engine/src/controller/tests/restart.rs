//! A controller that panics, or is built anew.

use prometheus_client::{encoding::text::encode, registry::Registry};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_controller_that_panics_is_started_again_and_loses_nothing() {
    let world = World::start().await;
    world.settled("a", json!({"size": 1})).await;
    world.put("slow", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(5_000).await;
    world.put("poison", &json!({"spec": {}}));
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(60_000).await;
    assert!(world.provider.has("slow") && world.provider.has("poison"));
    assert_eq!(world.provider.calls().get("create slow"), Some(&1), "what ran came to its end");
    assert_eq!(world.thing("a")["status"]["conditions"][1]["observedGeneration"], 2);
    let (mut registry, mut text) = (Registry::default(), String::new());
    world.metrics.register(&mut registry);
    encode(&mut text, &registry).unwrap();
    let restarts = text.lines().find(|line| line.starts_with("capstan_controller_restarts_total{")).unwrap();
    assert!(restarts.ends_with("} 1"), "{restarts}");
    assert!(!text.contains("poison"), "no object is named");
}

#[tokio::test(start_paused = true)]
async fn the_grace_after_a_create_does_not_begin_anew_with_the_next_controller() {
    let mut world = World::start().await;
    world.settled("a", json!({})).await;
    world.pass(30_000).await;
    world.rebuild().await;
    world.provider.calls();
    world.provider.edit("a", |exists| {
        exists.remove("a");
    });
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1), ("create a", 1)]), "what is gone is made at once");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_held_of_an_object_that_goes_while_there_is_no_controller() {
    let mut world = World::start().await;
    let mut uids = Vec::new();
    for name in ["a", "b"] {
        world.settled(name, json!({})).await;
        uids.push(world.thing(name)["metadata"]["uid"].as_str().unwrap().to_owned());
    }
    let sightings = world.shared.sightings.of(&world.config.kind);
    let held = || uids.iter().map(|uid| sightings.has(uid)).collect::<Vec<_>>();
    assert_eq!(held(), [true, true]);
    world.rest().await;
    world.put("a", &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": []}}));
    world.pass(100).await;
    assert_eq!(held(), [true, true], "nobody was told");
    world.begin();
    world.pass(100).await;
    assert_eq!(held(), [false, true]);
}
