//! Watches from the API server to the subscriber, on a paused clock.

mod accounts;
mod counted;
mod pace;
mod sharing;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use capstan_api::{ObjectKey, ObjectRef};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::fake::{Answer, Fake, config_maps, status, things};

/// Where a watch is made to panic: at the object of this name, once.
pub(super) fn fault(object: &Object) {
    static DONE: AtomicBool = AtomicBool::new(false);
    assert!(object.key().name != "poison" || DONE.swap(true, Ordering::Relaxed), "as the test wants it");
}

fn watches(fake: &Fake) -> Watches {
    Watches::new(fake.cluster(), CancellationToken::new())
}

/// The next change, in short; `-` if none comes for ten minutes.
async fn told(subscription: &mut Subscription) -> String {
    match timeout(Duration::from_mins(10), subscription.next()).await {
        Err(_) => "-".to_owned(),
        Ok(None) => "end".to_owned(),
        Ok(Some(Change::Synced)) => "synced".to_owned(),
        Ok(Some(Change::Applied { old: None, new })) => format!("new {}", new.key().name),
        Ok(Some(Change::Applied { new, .. })) => format!("changed {}", new.key().name),
        Ok(Some(Change::Deleted(last))) => format!("deleted {}", last.key().name),
    }
}

fn thing(name: &str) -> ObjectRef {
    ObjectRef { kind: things().kind, key: ObjectKey::namespaced("n", name) }
}

fn put_many(fake: &Fake, count: usize) {
    (0..count).for_each(|number| drop(fake.put("things", &format!("s{number}"))));
}

#[tokio::test(start_paused = true)]
async fn row20_a_late_subscriber_is_told_what_is_there() {
    let fake = Fake::default();
    fake.put("things", "a");
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "new a");
    assert_eq!(told(&mut subscription).await, "synced");
    sleep(Duration::from_secs(1)).await;
    fake.put("things", "b");
    fake.put("things", "a");
    assert_eq!(told(&mut subscription).await, "new b");
    assert_eq!(told(&mut subscription).await, "changed a");

    let mut late = watches.subscribe(things());
    let mut first = [told(&mut late).await, told(&mut late).await];
    first.sort();
    assert_eq!(first, ["new a", "new b"]);
    assert_eq!(told(&mut late).await, "synced");
    assert_eq!(fake.asked("watch=true"), 1 + fake.asked("resourceVersion=99"), "one watch serves both");
}

#[tokio::test(start_paused = true)]
async fn row19_row21_a_relist_deletes_what_vanished_and_is_silent_about_the_rest() {
    let fake = Fake::default();
    fake.put("things", "a");
    fake.put("things", "b");
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    for expected in ["new a", "new b", "synced"] {
        assert_eq!(told(&mut subscription).await, expected);
    }
    sleep(Duration::from_secs(1)).await;
    fake.lose("things", "a");
    fake.tell("things", "ERROR", &json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}));
    assert_eq!(told(&mut subscription).await, "deleted a");
    assert_eq!(told(&mut subscription).await, "-");
}

#[tokio::test(start_paused = true)]
async fn row09_a_watch_survives_whatever_the_server_does() {
    let fake = Fake::default();
    let watches = watches(&fake);
    fake.script(
        "/things",
        [
            status(500, "InternalError", &json!({})),
            Answer::Text(502, "<html>bad gateway</html>"),
            Answer::Text(200, "no json"),
        ],
    );
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "synced");
    for name in ["a", "b", "c"] {
        sleep(Duration::from_secs(1)).await;
        fake.disconnect();
        fake.script("watch=true", [status(500, "InternalError", &json!({})), status(410, "Expired", &json!({}))]);
        fake.put("things", name);
        fake.tell("things", "ERROR", &json!({"code": 410, "message": "gone"}));
        sleep(Duration::from_mins(2)).await;
        fake.put("things", name);
        let change = told(&mut subscription).await;
        assert!(change.ends_with(name), "{change}");
        while told(&mut subscription).await != "-" {}
    }
}

#[tokio::test(start_paused = true)]
async fn row18_a_failing_watch_backs_off_and_delays_no_other() {
    let fake = Fake::default();
    fake.script("/configmaps", vec![status(500, "InternalError", &json!({})); 10_000]);
    let watches = watches(&fake);
    let _failing = watches.subscribe(config_maps());
    let mut healthy = watches.subscribe(things());
    assert_eq!(told(&mut healthy).await, "synced");
    for minute in 0..10 {
        sleep(Duration::from_mins(1)).await;
        let before = Instant::now();
        fake.put("things", &format!("a{minute}"));
        assert_eq!(told(&mut healthy).await, format!("new a{minute}"));
        assert!(before.elapsed() < Duration::from_millis(5));
    }
    let asked = fake.asked("/configmaps");
    assert!((10..=40).contains(&asked), "{asked} lists in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn row09_a_list_that_works_does_not_make_a_watch_that_fails_hot() {
    let fake = Fake::default();
    fake.script("watch=true", vec![status(410, "Expired", &json!({})); 10_000]);
    let watches = watches(&fake);
    let _failing = watches.subscribe(things());
    sleep(Duration::from_mins(10)).await;
    let asked = fake.asked("watch=true");
    assert!((10..=40).contains(&asked), "{asked} watches in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_asked_again() {
    let fake = Fake::default();
    fake.put("things", "a");
    fake.script("/things", [Answer::Never, Answer::Never]);
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "new a");
}

#[tokio::test(start_paused = true)]
async fn row20_one_who_does_not_listen_holds_up_nobody() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let mut slow = watches.subscribe(things());
    let mut fast = watches.subscribe(things());
    assert_eq!(told(&mut fast).await, "synced");
    sleep(Duration::from_secs(1)).await;
    for round in 0..200 {
        fake.put("things", "a");
        let expected = if round == 0 { "new a" } else { "changed a" };
        assert_eq!(told(&mut fast).await, expected);
    }
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(told(&mut slow).await);
    }
    assert_eq!(all, ["synced", "new a", "-"]);
}

#[tokio::test(start_paused = true)]
async fn row28_row31_objects_go_and_come_with_their_kind() {
    let fake = Fake::default();
    let watches = watches(&fake);
    fake.state().things_missing = true;
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "-");
    let asked = fake.asked("example.com");
    assert!(asked <= 80, "{asked} questions in ten minutes");

    fake.put("things", "a");
    fake.state().things_missing = false;
    assert_eq!(told(&mut subscription).await, "new a");
    assert_eq!(told(&mut subscription).await, "synced");
    sleep(Duration::from_secs(1)).await;

    fake.state().things_missing = true;
    fake.disconnect();
    assert_eq!(told(&mut subscription).await, "deleted a");
    assert!(subscription.store().is_empty());
    fake.state().things_missing = false;
    assert_eq!(told(&mut subscription).await, "new a");
}

#[tokio::test(start_paused = true)]
async fn the_last_one_ends_the_watch() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let mut first = watches.subscribe(things());
    let second = watches.subscribe(things());
    assert_eq!(told(&mut first).await, "synced");
    sleep(Duration::from_secs(1)).await;
    drop(second);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((watches.len(), fake.open_watches("things")), (1, 1));
    drop(first);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((watches.len(), fake.open_watches("things")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_is_known_at_once_and_its_event_is_no_news() {
    let fake = Fake::default();
    fake.put("things", "a");
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    for expected in ["new a", "synced"] {
        assert_eq!(told(&mut subscription).await, expected);
    }
    sleep(Duration::from_secs(1)).await;
    fake.disconnect();
    let written = fake.put("things", "a");
    watches.remember(&written);
    assert_eq!(watches.cached(&written.reference()).unwrap().resource_version(), written.resource_version());
    assert_eq!(told(&mut subscription).await, "changed a");
    fake.tell("things", "MODIFIED", &written.value());
    assert_eq!(told(&mut subscription).await, "-");
}

#[tokio::test(start_paused = true)]
async fn a_write_outside_a_selection_is_none_of_its_business() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let other = |namespace: Option<&str>, name: Option<&str>, labels: Option<&str>| Selection {
        namespace: namespace.map(Into::into),
        name: name.map(Into::into),
        labels: labels.map(Into::into),
        ..things()
    };
    let elsewhere = [
        watches.subscribe(other(Some("m"), None, None)),
        watches.subscribe(other(Some("n"), Some("b"), None)),
        watches.subscribe(other(None, None, Some("app=x"))),
        watches.subscribe(config_maps()),
    ];
    let here = watches.subscribe(other(Some("n"), Some("a"), None));
    let written = fake.put("things", "a");
    watches.remember(&written);
    assert!(elsewhere.iter().all(|subscription| subscription.store().is_empty()));
    assert!(here.store().get(&ObjectKey::namespaced("n", "a")).is_some());
}

#[tokio::test(start_paused = true)]
async fn of_two_stores_the_newer_answers() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let target = fake.put("things", "a").reference();
    // Each store has a newer copy than the other once: neither order of looking is right by luck.
    for round in 0..2 {
        let mut selections = [things(), Selection::one(&target)];
        selections.rotate_left(round);
        let [mut one, mut other] = selections.map(|selection| watches.subscribe(selection));
        for subscription in [&mut one, &mut other] {
            assert_eq!(told(subscription).await, "new a");
        }
        let newest = fake.put("things", "a");
        one.store().0.remember(&newest);
        assert_eq!(watches.cached(&target).unwrap().resource_version(), newest.resource_version());
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_watch_saw_the_end_of_is_gone_though_another_is_behind() {
    let fake = Fake::default();
    let watches = watches(&fake);
    for name in ["a", "b"] {
        let target = fake.put("things", name).reference();
        let mut selections = [Selection::one(&target), things()];
        // Neither order of looking is right by luck.
        selections.rotate_left(usize::from(name == "b"));
        let [mut ahead, mut behind] = selections.map(|selection| watches.subscribe(selection));
        for subscription in [&mut ahead, &mut behind] {
            while told(subscription).await != "synced" {}
        }
        ahead.store().0.delete(&behind.store().get(&target.key).unwrap());
        assert!(behind.store().get(&target.key).is_some());
        assert!(watches.cached(&target).is_none());
        // Another one of the same name is told only to the watch that was behind until now.
        let mut successor = fake.put("things", name).value();
        successor["metadata"]["uid"] = "another".into();
        behind.store().0.apply(&Object::from_value(successor).unwrap());
        assert_eq!(watches.cached(&target).unwrap().uid(), "another");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_watch_had_when_it_was_refused_is_no_answer() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let target = fake.put("things", "a").reference();
    let mut subscription = watches.subscribe(things());
    while told(&mut subscription).await != "synced" {}
    assert!(watches.cached(&target).is_some());
    subscription.store().0.refuse();
    assert!(watches.cached(&target).is_none());
    subscription.store().0.listed();
    assert!(watches.cached(&target).is_some(), "it may look again");
}

#[tokio::test(start_paused = true)]
async fn everything_ends_with_the_host() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "synced");
    watches.close().await;
    assert_eq!(told(&mut subscription).await, "end");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_no_event_ever_tells_of_is_looked_at() {
    let fake = Fake::default();
    let watches = watches(&fake);
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "synced");
    sleep(Duration::from_secs(1)).await;
    // Made by us, deleted by somebody, and a list in between: no event is left that tells.
    fake.disconnect();
    let written = fake.put("things", "ghost");
    fake.lose("things", "ghost");
    watches.remember(&written);
    assert_eq!(told(&mut subscription).await, "new ghost");
    assert_eq!(told(&mut subscription).await, "deleted ghost");
    assert_eq!(fake.asked("/things/ghost"), 1);
    // The usual case costs nothing.
    sleep(Duration::from_secs(1)).await;
    for name in ["a", "b", "a"] {
        let written = fake.put("things", name);
        watches.remember(&written);
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_mins(2)).await;
    assert_eq!(fake.asked("/things/a") + fake.asked("/things/b"), 0);
}
