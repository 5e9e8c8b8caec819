//! A controller that is told to stop, or has to.

use super::*;

#[tokio::test(start_paused = true)]
async fn row13_a_stop_lets_running_reconciles_finish() {
    let mut world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(5_000).await;
    let start = Instant::now();
    world.cancel.cancel();
    while world.tasks.join_next().await.unwrap().unwrap() != "controller" {}
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    assert!(world.provider.has("a"), "it came to its end");
    let annotations = &world.thing("a")["metadata"]["annotations"];
    assert!(annotations.get(keys::CREATE_SUCCEEDED).is_some(), "{annotations}");
}

#[tokio::test(start_paused = true)]
async fn row13_a_stop_ends_on_time_whatever_hangs() {
    let mut world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "hang"}}));
    world.put("b", &json!({"spec": {"behaviour": "hang"}}));
    world.pass(5_000).await;
    let start = Instant::now();
    world.cancel.cancel();
    while world.tasks.join_next().await.unwrap().unwrap() != "controller" {}
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(20) && took < Duration::from_secs(21), "{took:?} to drain");
    world.watches.close().await;
    world.pass(1_000).await;
    assert_eq!((world.watches.len(), world.server.watches()), (0, 0), "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn row13_nothing_new_begins_after_a_stop() {
    let mut world = World::with(Duration::ZERO, |config| config.share.slots = NonZeroUsize::MIN).await;
    world.put("slow", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(1_000).await;
    world.put("waits", &json!({"spec": {}}));
    world.pass(100).await;
    world.cancel.cancel();
    while world.tasks.join_next().await.unwrap().unwrap() != "controller" {}
    assert_eq!(world.provider.calls().get("observe waits"), None);
    assert!(world.provider.has("slow"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_drops_running_reconciles_and_nothing_of_them_is_left() {
    let mut world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(5_000).await;
    let start = Instant::now();
    world.fence.close();
    let ended = async { while world.tasks.join_next().await.unwrap().unwrap() != "controller" {} };
    tokio::time::timeout(Duration::from_mins(1), ended).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    world.pass(60_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]), "it did not go on");
    assert!(!world.provider.has("a"));
}
