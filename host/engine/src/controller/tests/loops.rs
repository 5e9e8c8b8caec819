//! Objects that write in turns with each other, or with somebody else.

use super::*;

impl World {
    /// Two sources and what is made of them.
    async fn relays(relays: &[(&str, &str, &str, u64)]) -> Self {
        let world = World::start().await;
        for name in ["r", "s", "t", "u"] {
            world.server.apply("configmaps", name, &json!({"data": {"x": "0"}}));
        }
        for (name, from, to, step) in relays {
            world.put(name, &json!({"spec": {"relay": {"from": from, "to": to, "step": step}}}));
        }
        world
    }

    fn number(&self, name: &str) -> u64 {
        self.server.get("configmaps", name).unwrap()["data"]["x"].as_str().unwrap().parse().unwrap()
    }

    fn set(&self, name: &str, number: u64) {
        self.server.apply("configmaps", name, &json!({"data": {"x": number.to_string()}}));
    }

    /// `reason: message` of `Synced`.
    fn synced(&self, name: &str) -> (String, String) {
        let thing = self.thing(name);
        let conditions = thing["status"]["conditions"].as_array().unwrap();
        let synced = conditions.iter().find(|condition| condition["type"] == "Synced").unwrap();
        let text = |key: &str| synced[key].as_str().unwrap_or_default().to_owned();
        (text("reason"), text("message"))
    }

    /// Updates of an object, and forgets all calls.
    fn updates(&self) -> usize {
        self.provider.calls().iter().filter(|(call, _)| call.starts_with("update")).map(|(_, count)| count).sum()
    }

    fn warnings(&self, name: &str) -> usize {
        let warning = format!("{name}: WouldLoop");
        self.server.events().iter().filter(|event| **event == warning).count()
    }

    /// Somebody undoes what is written into `t`, so many times.
    async fn undo(&self, times: u64) {
        for _ in 0..times {
            self.pass(50).await;
            self.set("t", 7);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_that_feed_each_other_are_stopped_and_named() {
    let world = World::relays(&[("a", "s", "t", 1), ("b", "t", "s", 1)]).await;
    world.pass(2_000).await;
    let (first, rest) = (world.updates(), world.synced("a"));
    assert!((20..=30).contains(&first), "{first}");
    assert_eq!(rest.0, "WouldLoop");
    for name in ["Thing ns/b (provider memory)", "ConfigMap ns/s", "ConfigMap ns/t"] {
        assert!(rest.1.contains(name), "{name} in: {}", rest.1);
    }
    world.pass(600_000).await;
    let later = world.updates();
    assert!(later <= 2 * 20, "slower and slower: {later} in ten minutes");
    assert!(["a", "b"].iter().any(|name| world.synced(name).0 == "WouldLoop"), "whoever is held says so");
    let mut text = String::new();
    let mut registry = prometheus_client::registry::Registry::default();
    world.metrics.register(&mut registry);
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let counted = text.lines().find(|line| line.starts_with("capstan_write_loops_total{")).unwrap();
    assert!(counted.contains("provider=\"memory\"") && !counted.ends_with(" 0"), "{counted}");
}

#[tokio::test(start_paused = true)]
async fn a_circle_that_is_broken_by_an_edit_settles_at_once() {
    let world = World::relays(&[("a", "s", "t", 1), ("b", "t", "s", 1)]).await;
    world.pass(2_000).await;
    assert_eq!(world.synced("a").0, "WouldLoop");
    world.put("b", &json!({"spec": {"relay": {"from": "r", "to": "s", "step": 1}}}));
    world.put("a", &json!({"spec": {"relay": {"step": 2}}}));
    world.pass(2_000).await;
    assert_eq!((world.number("s"), world.number("t")), (1, 3));
    assert_eq!((world.synced("a").0.as_str(), world.synced("b").0.as_str()), ("ReconcileSuccess", "ReconcileSuccess"));
}

#[tokio::test(start_paused = true)]
async fn a_tug_of_war_with_somebody_else_is_told_once_and_slowed_down() {
    let world = World::relays(&[("a", "s", "t", 1)]).await;
    world.undo(200).await;
    let (reason, message) = world.synced("a");
    assert_eq!(reason, "WouldLoop");
    assert!(message.contains("somebody who is not of this host") && message.contains("ConfigMap ns/t"), "{message}");
    let updates = world.updates();
    assert!((10..=15).contains(&updates), "{updates} in 10 s");
    assert_eq!(world.warnings("a"), 1);
    // They have let go.
    world.pass(70_000).await;
    assert_eq!((world.number("t"), world.synced("a").0.as_str()), (1, "ReconcileSuccess"));
    world.undo(3).await;
    world.pass(50).await;
    assert_eq!(world.number("t"), 1, "it counts from the beginning");
}

#[tokio::test(start_paused = true)]
async fn an_edit_ends_what_was_held() {
    let world = World::relays(&[("a", "s", "t", 1)]).await;
    world.undo(200).await;
    assert_eq!(world.synced("a").0, "WouldLoop");
    world.put("a", &json!({"spec": {"relay": {"step": 5}}}));
    world.pass(50).await;
    assert_eq!(world.number("t"), 5);
    world.pass(2_000).await;
    assert_eq!(world.synced("a").0, "ReconcileSuccess");
}

#[tokio::test(start_paused = true)]
async fn two_that_write_into_one_place_are_named_to_each_other() {
    let world = World::relays(&[("a", "r", "t", 1), ("b", "s", "t", 2)]).await;
    world.pass(5_000).await;
    let told = [("a", "Thing ns/b"), ("b", "Thing ns/a")].map(|(name, other)| {
        let (reason, message) = world.synced(name);
        reason == "WouldLoop" && message.contains(other) && message.contains("ConfigMap ns/t")
    });
    assert!(told.contains(&true), "{:?} {:?}", world.synced("a"), world.synced("b"));
    world.updates();
    world.pass(600_000).await;
    let later = world.updates();
    assert!(later <= 2 * 20, "{later} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_changes_quickly_is_followed_and_is_no_loop() {
    let world = World::relays(&[("a", "s", "t", 1), ("b", "t", "u", 1)]).await;
    for number in 1..=50 {
        world.set("s", number);
        world.pass(100).await;
        assert_eq!((world.number("t"), world.number("u")), (number + 1, number + 2), "at once each time");
    }
    world.pass(1_500).await;
    for name in ["a", "b"] {
        assert_eq!(world.synced(name).0, "ReconcileSuccess");
        assert_eq!(world.thing(name)["status"]["conditions"][0]["status"], "True");
        assert_eq!(world.warnings(name), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changes_in_the_very_object_that_is_written_is_no_loop() {
    let world = World::relays(&[("a", "s", "t", 1)]).await;
    for number in 1..=50 {
        // The number is new each time, so nobody writes anything back.
        world.set("s", number * 10);
        world.set("t", 0);
        world.pass(100).await;
        assert_eq!(world.number("t"), number * 10 + 1);
    }
    assert_eq!((world.synced("a").0.as_str(), world.warnings("a")), ("ReconcileSuccess", 0));
}

/// A relay that writes, and finds then that not all of it was kept.
fn failing(from: &str, to: &str, step: u64) -> Value {
    json!({"spec": {"relay": {"from": from, "to": to, "step": step, "fails": true}}})
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_after_each_write_is_stopped_and_named() {
    let world = World::relays(&[]).await;
    world.put("a", &failing("s", "t", 1));
    world.undo(200).await;
    let (reason, message) = world.synced("a");
    assert_eq!(reason, "WouldLoop");
    assert!(message.contains("ConfigMap ns/t") && message.contains("update failed: not all was kept"), "{message}");
    let updates = world.updates();
    assert!((10..=15).contains(&updates), "{updates} in 10 s");
    assert_eq!(world.warnings("a"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_circle_with_one_that_fails_after_each_write_is_found() {
    let world = World::relays(&[("b", "t", "s", 1)]).await;
    world.put("a", &failing("s", "t", 1));
    world.pass(2_000).await;
    let first = world.updates();
    assert!((20..=30).contains(&first), "{first}");
    assert!(["a", "b"].iter().any(|name| world.synced(name).0 == "WouldLoop"), "whoever is held says so");
    world.pass(600_000).await;
    let later = world.updates();
    assert!(later <= 2 * 20, "slower and slower: {later} in ten minutes");
}
