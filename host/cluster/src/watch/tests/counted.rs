//! What is told of watches in metrics.

use prometheus_client::encoding::text::encode;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_watch_that_panics_begins_anew() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let watches = Watches::new(cluster.clone(), CancellationToken::new());
    let mut subscription = watches.subscribe(things());
    assert_eq!(told(&mut subscription).await, "synced");
    sleep(Duration::from_secs(1)).await;
    fake.put("things", "poison");
    assert_eq!(told(&mut subscription).await, "new poison");
    sleep(Duration::from_secs(1)).await;
    fake.put("things", "a");
    assert_eq!(told(&mut subscription).await, "new a");
    let mut registry = Registry::default();
    cluster.register_metrics(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(text.contains("capstan_watch_panics_total 1"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn requests_watches_and_stores_are_counted() {
    let fake = Fake::default();
    put_many(&fake, 3);
    let cluster = fake.cluster();
    let watches = Watches::new(cluster.clone(), CancellationToken::new());
    let mut registry = Registry::default();
    cluster.register_metrics(&mut registry);
    watches.register_metrics(&mut registry);
    fake.script("/configmaps", vec![status(403, "Forbidden", &json!({})); 100]);
    let _both = (watches.subscribe(things()), watches.subscribe(config_maps()));
    sleep(Duration::from_millis(100)).await;
    cluster.get(&thing("missing")).await.unwrap_err();
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "rest_client_requests_total{verb=\"list\",method=\"GET\",code=\"200\"} 1",
        "rest_client_requests_total{verb=\"list\",method=\"GET\",code=\"403\"} 1",
        "rest_client_requests_total{verb=\"watch\",method=\"GET\",code=\"200\"} 1",
        "rest_client_requests_total{verb=\"get\",method=\"GET\",code=\"404\"} 1",
        "capstan_watch_failures_total{reason=\"Forbidden\"} 1",
        "capstan_watches_open{group=\"example.com\",kind=\"Thing\"} 1",
        "capstan_watches_unsynced{group=\"\",kind=\"ConfigMap\"} 1",
        "capstan_store_objects{group=\"example.com\",kind=\"Thing\"} 3",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
    assert!(!text.contains("s1"), "no object is named");
}

#[tokio::test(start_paused = true)]
async fn row31_a_kind_that_is_away_is_counted() {
    let fake = Fake::default();
    fake.state().things_missing = true;
    let cluster = fake.cluster();
    let watches = Watches::new(cluster.clone(), CancellationToken::new());
    let mut registry = Registry::default();
    cluster.register_metrics(&mut registry);
    let _waiting = watches.subscribe(things());
    sleep(Duration::from_millis(100)).await;
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    assert!(text.contains("capstan_watch_failures_total{reason=\"UnknownKind\"} 1"), "{text}");
}
