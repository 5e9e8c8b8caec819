//! Objects and providers that are paused.

use super::*;

#[tokio::test(start_paused = true)]
async fn row08_pausing_holds_a_queued_object_and_resuming_is_immediate() {
    let world = World::with(Duration::ZERO, |config| config.share.slots = NonZeroUsize::MIN).await;
    world.settled("a", json!({"size": 1})).await;
    world.put("slow", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(100).await;
    // `a` waits behind `slow` for the only slot.
    world.put("a", &json!({"spec": {"size": 2}}));
    world.pass(100).await;
    world.put("a", &json!({"metadata": {"annotations": {keys::PAUSED: "true"}}}));
    world.pass(20_000).await;
    assert_eq!(world.provider.calls().get("observe a"), None);
    assert_eq!(world.thing("a")["status"]["conditions"][1]["reason"], "ReconcilePaused");
    world.pass(40_000).await;
    world.put("slow", &json!({"metadata": {"annotations": {keys::PAUSED: "true"}}}));
    world.pass(100_000).await;
    world.put("a", &json!({"metadata": {"annotations": {keys::PAUSED: null}}}));
    world.pass(100).await;
    assert_eq!(world.provider.calls().get("update a"), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn pausing_a_running_object_lets_its_call_finish_and_nothing_else_begin() {
    let world = World::start().await;
    world.settled("a", json!({"size": 1})).await;
    world.put("a", &json!({"spec": {"behaviour": "slow"}}));
    world.pass(5_000).await;
    world.put("a", &annotation(keys::PAUSED, &json!("true")));
    world.pass(60_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]), "it differed, and was not updated");
    assert_eq!(world.thing("a")["status"]["conditions"][1]["reason"], "ReconcilePaused");
    world.put("a", &annotation(keys::PAUSED, &Value::Null));
    world.pass(11_000).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1), ("update a", 1)]), "resumed at once");
}

#[tokio::test(start_paused = true)]
async fn pausing_ends_back_off_and_polls_and_resuming_begins_at_once() {
    let world = World::start().await;
    world.put("a", &json!({"spec": {"behaviour": "fail"}}));
    world.pass(6_500).await;
    world.put("a", &annotation(keys::PAUSED, &json!("true")));
    world.pass(100).await;
    world.provider.calls();
    assert_eq!(world.thing("a")["status"]["conditions"][0]["reason"], "ReconcilePaused", "said at once");
    world.pass(300_000).await;
    assert_eq!(world.provider.calls(), calls([]));
    world.put("a", &annotation(keys::PAUSED, &Value::Null));
    world.pass(100).await;
    assert_eq!(world.provider.calls(), calls([("observe a", 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_paused_provider_calls_nothing_and_resumes_at_once() {
    let world = World::start().await;
    world.settled("a", json!({})).await;
    world.pause.set(true);
    world.pass(100).await;
    assert_eq!(world.thing("a")["status"]["conditions"][1]["message"], "the provider is paused");
    world.put("a", &json!({"spec": {"size": 2}}));
    world.put("b", &json!({"spec": {}}));
    world.pass(120_000).await;
    assert_eq!(world.provider.calls(), calls([]));
    world.pause.set(false);
    world.pass(100).await;
    let calls = world.provider.calls();
    assert_eq!((calls.get("update a"), calls.get("create b")), (Some(&1), Some(&1)), "{calls:?}");
}
