//! What becomes of requests to other systems.

use crate::stage::{Stage, stopped_in_time};

/// The guest is refused, and nothing reached the other system.
async fn kept_inside(stage: &Stage, reason: &str, named: &str) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!(failure.problem.reason, reason, "{failure:?}");
    assert!(failure.problem.message.contains(named), "{failure:?}");
    assert!(stage.server.seen().is_empty(), "{:?}", stage.server.seen());
}

pub(crate) async fn fetches_metadata(stage: &Stage) {
    kept_inside(stage, "Denied", "169.254.169.254, which is reached by no provider").await;
    assert_eq!(stage.guest.counts().denied, 1);
}

pub(crate) async fn fetches_loopback(stage: &Stage) {
    kept_inside(stage, "Denied", "127.0.0.1, which is private").await;
}

pub(crate) async fn fetches_a_private_address(stage: &Stage) {
    kept_inside(stage, "Denied", "10.0.0.1, which is private").await;
}

pub(crate) async fn fetches_a_mapped_address(stage: &Stage) {
    kept_inside(stage, "Denied", "::ffff:127.0.0.1, which is private").await;
}

pub(crate) async fn fetches_a_name_of_loopback(stage: &Stage) {
    kept_inside(stage, "Denied", "rebound.test has the address 127.0.0.1").await;
}

pub(crate) async fn fetches_outside_its_grant(stage: &Stage) {
    kept_inside(stage, "Denied", "granted: every method of http://server.test").await;
    assert_eq!(stage.guest.counts().denied, 1);
    let failure = stage.observe().await.1.unwrap_err();
    assert!(!failure.problem.message.contains("told"), "a query may hold anything: {failure:?}");
}

pub(crate) async fn is_redirected(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!(failure.problem.reason, "Denied", "{failure:?}");
    let seen: Vec<_> = stage.server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(seen, ["/redirect"]);
}

pub(crate) async fn smuggles_a_header(stage: &Stage) {
    kept_inside(stage, "InvalidRequest", "line breaks").await;
}

pub(crate) async fn names_another_host(stage: &Stage) {
    kept_inside(stage, "InvalidRequest", "host belongs to the host").await;
}

pub(crate) async fn climbs_out_of_its_path(stage: &Stage) {
    kept_inside(stage, "InvalidRequest", "segment").await;
}

pub(crate) async fn sends_a_credential_elsewhere(stage: &Stage) {
    kept_inside(stage, "Denied", "granted: https://api.example.org").await;
    assert_eq!(stage.guest.counts().denied, 1);
}

pub(crate) async fn puts_a_secret_where_it_shows(stage: &Stage) {
    kept_inside(stage, "Denied", "in /config/secret of bodies").await;
    assert!(stage.api.requests().is_empty(), "it was not even read");
}

pub(crate) async fn puts_a_secret_into_a_question(stage: &Stage) {
    kept_inside(stage, "InvalidRequest", "POST, PUT or PATCH").await;
}

pub(crate) async fn opens_a_foreign_secret(stage: &Stage) {
    kept_inside(stage, "Denied", "granted: key token of Secret token").await;
    assert!(stage.api.requests().is_empty(), "it was not even read");
}

pub(crate) async fn hoards_credentials(stage: &Stage) {
    stage.dies_in_observe("RequestsExhausted").await;
}

pub(crate) async fn is_bombed_with_gzip(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!((&*failure.problem.reason, &*failure.problem.message), ("TooLarge", "4194304"));
}

pub(crate) async fn is_answered_without_end(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!((&*failure.problem.reason, &*failure.problem.message), ("TooLarge", "4194304"));
}

pub(crate) async fn is_answered_with_headers(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!((&*failure.problem.reason, &*failure.problem.message), ("TooLarge", "65536"));
}

pub(crate) async fn is_answered_slowly(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!(failure.problem.reason, "TimedOut", "{failure:?}");
}

pub(crate) async fn waits_for_an_answer(stage: &Stage) {
    let failure = stopped_in_time(stage, async { stage.observe().await.1.unwrap_err() }).await;
    assert_eq!(failure.problem.reason, "TimedOut", "{failure:?}");
}

pub(crate) async fn floods_other_systems(stage: &Stage) {
    stage.dies_in_observe("HttpRequestsExhausted").await;
    assert_eq!(stage.server.seen().len(), 20);
}

pub(crate) async fn draws_too_much(stage: &Stage) {
    stage.dies_in_observe("HttpBytesExhausted").await;
    assert!(stage.server.seen().len() <= 4, "{}", stage.server.seen().len());
}
