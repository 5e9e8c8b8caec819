//! What is told, as text.

use std::time::Duration;

use capstan_api::GroupVersionKind;
use prometheus_client::encoding::text::encode;
use tokio::time::advance;

use super::*;
use crate::queue::{BACKOFF, Next};

fn told(metrics: &Metrics) -> String {
    let (mut registry, mut text) = (Registry::default(), String::new());
    metrics.register(&mut registry);
    encode(&mut text, &registry).unwrap();
    text
}

fn kind(version: &str) -> GroupVersionKind {
    GroupVersionKind::gvk("example.org", version, "Thing")
}

#[tokio::test(start_paused = true)]
async fn row24_the_time_of_a_reconcile_is_its_wall_time() {
    let metrics = Metrics::default();
    let mut controller = metrics.controller("p", &kind("v1"));
    controller.started(8);
    let (one, other) = (controller.begun(Duration::from_secs(4)), controller.begun(Duration::ZERO));
    advance(Duration::from_secs(7)).await;
    controller.ended(one, Outcome::Failed, BACKOFF);
    advance(Duration::from_secs(3)).await;
    let text = told(&metrics);
    for line in [
        "controller_runtime_reconcile_time_seconds_sum{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 7.0",
        "controller_runtime_reconcile_total{controller=\"p/Thing.v1.example.org\",result=\"error\"} 1",
        "controller_runtime_reconcile_errors_total{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 1",
        "controller_runtime_active_workers{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 1",
        "controller_runtime_max_concurrent_reconciles{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 8",
        "workqueue_queue_duration_seconds_sum{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 4.0",
        "workqueue_retries_total{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 1",
        "workqueue_unfinished_work_seconds{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 10.0",
        "workqueue_longest_running_processor_seconds{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 10.0",
        "capstan_reconciles_total{provider=\"p\",kind=\"Thing.v1.example.org\",outcome=\"failed\"} 1",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
    controller.ended(other, Outcome::Settled, Next::Poll);
    assert!(told(&metrics).contains(
        "workqueue_unfinished_work_seconds{name=\"p/Thing.v1.example.org\",controller=\"p/Thing.v1.example.org\"} 0.0"
    ));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_repeating_does_not_help_is_told_apart() {
    let metrics = Metrics::default();
    let mut controller = metrics.controller("p", &kind("v1"));
    for (outcome, next) in [
        (Outcome::Failed, Next::Park),
        (Outcome::Failed, BACKOFF),
        (Outcome::Settled, Next::Poll),
        (Outcome::Failed, Next::Park),
    ] {
        let begun = controller.begun(Duration::ZERO);
        controller.ended(begun, outcome, next);
    }
    let text = told(&metrics);
    for line in [
        "controller_runtime_reconcile_errors_total{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 3",
        "controller_runtime_terminal_reconcile_errors_total{controller=\"p/Thing.v1.example.org\",provider=\"p\",kind=\"Thing.v1.example.org\"} 2",
    ] {
        assert!(text.contains(line), "{line} in:\n{text}");
    }
}

/// Histograms had no buckets for seconds: whatever was slow looked the same.
#[tokio::test(start_paused = true)]
async fn b06_what_takes_seconds_is_told_apart() {
    let metrics = Metrics::default();
    let mut controller = metrics.controller("p", &kind("v1"));
    for seconds in [7, 40] {
        let begun = controller.begun(Duration::ZERO);
        advance(Duration::from_secs(seconds)).await;
        controller.ended(begun, Outcome::Settled, Next::Poll);
    }
    let text = told(&metrics);
    for (bound, count) in [("5.0", "0"), ("10.0", "1"), ("60.0", "2")] {
        let bucket = |line: &&str| {
            line.starts_with("controller_runtime_reconcile_time_seconds_bucket{")
                && line.contains(&format!("le=\"{bound}\""))
        };
        let line = text.lines().find(bucket);
        assert_eq!(line.and_then(|line| line.rsplit(' ').next()), Some(count), "{bound} in:\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn row26_kinds_are_told_apart_and_what_is_over_is_not_told() {
    let metrics = Metrics::default();
    let (one, other) = (metrics.controller("p", &kind("v1")), metrics.controller("p", &kind("v2")));
    let again = metrics.controller("p", &kind("v1"));
    assert!(told(&metrics).contains("Thing.v2.example.org"));
    drop(other);
    drop(one);
    let text = told(&metrics);
    assert!(!text.contains("Thing.v2.example.org"), "{text}");
    assert!(text.contains("Thing.v1.example.org"), "somebody counts it still");
    drop(again);
    assert!(!told(&metrics).contains("Thing"), "{}", told(&metrics));
}
