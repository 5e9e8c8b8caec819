//! How fast requests are sent, how many at a time, and how long they are waited for.

use futures::future::{join, join_all};
use tokio::time::sleep;

use super::*;
use crate::transport::IN_FLIGHT;

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_ever() {
    let fake = Fake::default();
    fake.script("/configmaps/a", [Answer::Never]);
    let before = Instant::now();
    let error = fake.cluster().get(&config_map("a")).await.unwrap_err();
    assert_eq!(error.reason(), "Unavailable");
    assert!(before.elapsed() <= Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn requests_at_the_same_time_are_bounded() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    let target = config_map("a");
    cluster.get(&target).await.unwrap_err();
    join_all((0..200).map(|_| cluster.get(&target))).await;
    let most = fake.state().most_running;
    assert!((2..=IN_FLIGHT).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_back_is_sent_again_when_the_server_says_so() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    cluster.resource(&config_maps().kind).await.unwrap();
    let details = json!({"retryAfterSeconds": 7});
    fake.script("/configmaps", [status(429, "TooManyRequests", &details), Answer::Busy(429, 5), page(&[], "")]);
    let before = Instant::now();
    assert!(cluster.list(&config_maps()).await.is_ok());
    assert_eq!(before.elapsed(), Duration::from_secs(12));
    assert_eq!(fake.asked("/configmaps"), 3);
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_to_stay_away_for_long_is_told_at_once() {
    let fake = Fake::default();
    let cluster = fake.cluster();
    fake.script("/configmaps", [Answer::Busy(429, 120), Answer::Busy(503, 60)]);
    for seconds in [120, 60] {
        let before = Instant::now();
        let Err(Error::Unavailable { retry_after, .. }) = cluster.list(&config_maps()).await else { panic!("a list") };
        assert_eq!(retry_after, Some(Duration::from_secs(seconds)));
        assert!(before.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_asks_too_fast_waits_and_delays_no_other() {
    let fake = Fake::default();
    let plain = fake.cluster();
    plain.resource(&config_maps().kind).await.unwrap();
    let flow = || Flow::new(crate::Rate { per_second: 10.try_into().unwrap(), burst: 10.try_into().unwrap() });
    let (wild, quiet) = (plain.paced(flow()), plain.paced(flow()));
    let before = Instant::now();
    let target = config_map("a");
    let storm = async {
        join_all((0..110).map(|_| wild.get(&target))).await;
        assert_eq!(before.elapsed(), Duration::from_secs(10));
    };
    let others = async {
        sleep(Duration::from_secs(1)).await;
        let before = Instant::now();
        for cluster in [&quiet, &plain] {
            cluster.get(&target).await.unwrap_err();
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
    };
    join(storm, others).await;
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_was_sent_back_stays_away_as_a_whole() {
    let fake = Fake::default();
    let cluster = fake.cluster().paced(Flow::new(crate::Rate::default()));
    cluster.resource(&config_maps().kind).await.unwrap();
    fake.script("/configmaps/a", [Answer::Busy(429, 4)]);
    let before = Instant::now();
    let first = config_map("a");
    let later = async {
        sleep(Duration::from_secs(1)).await;
        cluster.get(&config_map("b")).await.unwrap_err();
        assert!(before.elapsed() >= Duration::from_secs(4), "{:?}", before.elapsed());
    };
    let (_, ()) = join(cluster.get(&first), later).await;
    assert_eq!(fake.asked("/configmaps/a"), 2);

    // Also who is under way already: some wait for a slot, the last of them for a turn.
    sleep(Duration::from_secs(10)).await;
    fake.script("/configmaps/c", [Answer::Busy(429, 10)]);
    let begun = Instant::now();
    let target = config_map("c");
    let storm = async {
        join_all((0..600).map(|_| cluster.get(&target))).await;
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    };
    let held = async {
        sleep(Duration::from_secs(9)).await;
        let asked = fake.asked("/configmaps/c");
        assert!((1..=2 * IN_FLIGHT).contains(&asked), "{asked} were sent although they were to stay away");
    };
    join(storm, held).await;
    assert_eq!(fake.asked("/configmaps/c"), 601);
}

/// A real server on a socket: what is bounded is connections.
#[tokio::test]
async fn connections_are_bounded_and_used_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counting = std::sync::Arc::clone(&accepted);
    let listener = axum::serve::ListenerExt::tap_io(listener, move |_| {
        counting.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    let resources = json!({"groupVersion": "v1", "resources": [
        {"name": "configmaps", "singularName": "", "namespaced": true, "kind": "ConfigMap", "verbs": []},
    ]});
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}});
    let router = axum::Router::new()
        .route("/api/v1", axum::routing::get(async || axum::Json(resources)))
        .fallback(async || axum::Json(object));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let cluster = Cluster::new(kube::Client::try_from(config).unwrap());
    let target = config_map("a");
    for _ in 0..5 {
        let got = join_all((0..200).map(|_| cluster.get(&target))).await;
        assert!(got.iter().all(Result::is_ok));
    }
    let accepted = accepted.load(std::sync::atomic::Ordering::Relaxed);
    assert!(accepted <= IN_FLIGHT, "{accepted} connections for 1,000 requests");
    serving.abort();
}
