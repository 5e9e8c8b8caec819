//! What a controller costs the API server.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_converged_object_costs_no_request_however_often_it_is_polled() {
    let world = World::start().await;
    world.server.apply("configmaps", "source", &json!({"data": {"x": "1"}}));
    for name in ["a", "b", "c"] {
        world.settled(name, json!({"source": "source"})).await;
    }
    world.pass(1_000).await;
    world.server.requests();
    world.provider.calls();
    world.pass(180_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 3), ("observe b", 3), ("observe c", 3)]));
    assert_eq!(world.server.requests(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_finds_a_difference_costs_one_write_of_the_status() {
    let world = World::start().await;
    world.server.apply("configmaps", "source", &json!({"data": {"x": "1"}}));
    world.settled("a", json!({"source": "source"})).await;
    world.server.requests();
    world.server.apply("configmaps", "source", &json!({"data": {"x": "2"}}));
    world.pass(1_000).await;
    assert_eq!(world.server.requests(), ["PATCH /apis/example.org/v1/namespaces/ns/things/a/status"]);
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_repeated_without_noise() {
    let world = World::start().await;
    world.settled("a", json!({"size": 1})).await;
    world.pass(1_000).await;
    let events = world.server.events();
    for conflicts in 1..=3 {
        world.server.requests();
        world.server.conflict(conflicts);
        world.put("a", &json!({"spec": {"size": conflicts + 1}}));
        world.pass(30_000).await;
        assert_eq!(world.thing("a")["status"]["conditions"][1]["observedGeneration"], conflicts + 1);
        let requests = world.server.requests();
        assert!(requests.len() <= 2 * conflicts + 2, "{conflicts} conflicts: {requests:?}");
    }
    assert_eq!(world.counters.failures(), 0);
    let new: Vec<_> = world.server.events().into_iter().skip(events.len()).collect();
    assert!(new.iter().all(|event| event.ends_with("UpdatedExternalResource")), "{new:?}");
}
