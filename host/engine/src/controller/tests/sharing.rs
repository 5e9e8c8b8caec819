//! Many objects that read, and the watches this takes.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_objects_over_ten_sources_cost_at_most_ten_watches() {
    let world = World::with(Duration::ZERO, |config| config.share.slots = NonZeroUsize::new(4).unwrap()).await;
    for number in 0..10 {
        world.server.apply("configmaps", &format!("s{number}"), &json!({"data": {"x": "1"}}));
    }
    for number in 0..1_000 {
        world.put(&format!("o{number}"), &json!({"spec": {"source": format!("s{}", number % 10)}}));
    }
    world.pass(20_000).await;
    let of_sources = world.server.watches() - 1;
    assert!((1..=10).contains(&of_sources), "{of_sources} watches");
    world.provider.calls();
    world.server.apply("configmaps", "s9", &json!({"data": {"x": "2"}}));
    world.pass(1_000).await;
    let woken: Vec<_> = world.provider.calls().into_iter().collect();
    assert_eq!(woken.len(), 100);
    assert!(woken.iter().all(|(call, count)| call.starts_with("observe") && call.ends_with('9') && *count == 1));
}

#[tokio::test(start_paused = true)]
async fn many_sources_cost_few_watches_and_none_without_readers() {
    let world = World::start().await;
    for number in 0..100 {
        world.server.apply("configmaps", &format!("s{number}"), &json!({"data": {"x": "1"}}));
        world.put(&format!("o{number}"), &json!({"spec": {"source": format!("s{number}")}}));
    }
    world.pass(20_000).await;
    assert_eq!(world.server.watches(), 1 + 9);
    world.provider.calls();
    for number in [3, 77] {
        world.server.apply("configmaps", &format!("s{number}"), &json!({"data": {"x": "2"}}));
    }
    world.pass(1_000).await;
    assert_eq!(world.provider.calls(), calls([("observe o3", 1), ("observe o77", 1)]));
    for number in 0..100 {
        world.put(&format!("o{number}"), &json!({"spec": {"source": null}}));
    }
    world.pass(20_000).await;
    assert_eq!(world.server.watches(), 1, "things");
}
