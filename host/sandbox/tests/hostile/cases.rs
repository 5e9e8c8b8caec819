//! What becomes of each behaviour.

use std::borrow::Cow;

use capstan_engine::{Readiness, Retry};
use serde_json::json;

use crate::stage::{Stage, is_malformed, ran_out_of_time, stopped_in_time};

pub(crate) async fn behaves(stage: &Stage) {
    let (mut session, answer) = stage.observe().await;
    assert_eq!(answer.unwrap().readiness, Readiness::Ready);
    let managed = stage.managed();
    session.create(&managed).await.unwrap();
    assert!(!session.is_interrupted());
    session.update(&managed).await.unwrap();
    session.delete(&managed).await.unwrap();
    session.disconnect().await.unwrap();
    let descriptor = stage.describe().await.unwrap();
    assert_eq!(descriptor.name, "hostile");
    assert_eq!(descriptor.kinds[0].kind.kind, "Hostile");
    assert!(descriptor.kinds[0].recoverable);
}

pub(crate) async fn spins_in_connect(stage: &Stage) {
    let answer = stopped_in_time(stage, stage.connect()).await;
    ran_out_of_time(answer.map(|_| ()));
}

pub(crate) async fn spins_in_observe(stage: &Stage) {
    let failure = stopped_in_time(stage, stage.dies_in_observe("DeadlineExceeded")).await;
    assert_eq!(failure.retry, Retry::Backoff);
    assert!(failure.problem.message.contains("raise the limit"), "{failure:?}");
}

pub(crate) async fn spins_in_create(stage: &Stage) {
    let (mut session, managed) = (stage.session().await, stage.managed());
    ran_out_of_time(stopped_in_time(stage, session.create(&managed)).await);
    assert!(session.is_interrupted(), "nobody knows what it did");
}

pub(crate) async fn spins_in_update(stage: &Stage) {
    let (mut session, managed) = (stage.session().await, stage.managed());
    ran_out_of_time(stopped_in_time(stage, session.update(&managed)).await);
}

pub(crate) async fn spins_in_delete(stage: &Stage) {
    let (mut session, managed) = (stage.session().await, stage.managed());
    ran_out_of_time(stopped_in_time(stage, session.delete(&managed)).await);
}

pub(crate) async fn spins_in_disconnect(stage: &Stage) {
    let session = stage.session().await;
    ran_out_of_time(stopped_in_time(stage, session.disconnect()).await);
}

pub(crate) async fn spins_in_describe(stage: &Stage) {
    assert_eq!(stage.describe().await.unwrap_err().reason(), "DeadlineExceeded");
}

pub(crate) async fn sleeps(stage: &Stage) {
    stopped_in_time(stage, stage.dies_in_observe("DeadlineExceeded")).await;
}

pub(crate) async fn traps_in_connect(stage: &Stage) {
    let failure = stage.connect().await.map(|_| ()).unwrap_err();
    assert_eq!(failure.problem.reason, "Trapped");
}

pub(crate) async fn traps_in_observe(stage: &Stage) {
    stage.dies_in_observe("Trapped").await;
}

pub(crate) async fn traps_in_disconnect(stage: &Stage) {
    let failure = stage.session().await.disconnect().await.unwrap_err();
    assert_eq!(failure.problem.reason, "Trapped");
    assert!(matches!(failure.problem.reason, Cow::Borrowed(_)), "the word is the host's, and is counted");
}

pub(crate) async fn traps_in_describe(stage: &Stage) {
    assert_eq!(stage.describe().await.unwrap_err().reason(), "Trapped");
}

pub(crate) async fn panics(stage: &Stage) {
    let failure = stage.dies_in_observe("Trapped").await;
    assert!(failure.problem.message.contains("these are the words"), "{failure:?}");
}

pub(crate) async fn exits(stage: &Stage) {
    let failure = stage.dies_in_observe("Trapped").await;
    assert!(failure.problem.message.contains("exit"), "{failure:?}");
}

pub(crate) async fn recurses(stage: &Stage) {
    stage.dies_in_observe("StackExhausted").await;
}

pub(crate) async fn recurses_with_locals(stage: &Stage) {
    let failure = stage.dies_in_observe("Trapped").await;
    assert!(failure.problem.message.contains("recursion"), "{failure:?}");
}

pub(crate) async fn allocates(stage: &Stage) {
    let failure = stage.dies_in_observe("MemoryExhausted").await;
    assert!(failure.problem.message.contains("33554432 bytes"), "{failure:?}");
}

pub(crate) async fn allocates_and_recovers(stage: &Stage) {
    let (_session, answer) = stage.observe().await;
    assert_eq!(answer.unwrap().status, Some(json!({"refused": true})));
}

pub(crate) async fn malformed_late_initialize(stage: &Stage) {
    stage.answers_nonsense("late-initialize").await;
}

pub(crate) async fn malformed_status_of_observe(stage: &Stage) {
    stage.answers_nonsense("status").await;
}

pub(crate) async fn malformed_status_of_create(stage: &Stage) {
    let mut session = stage.session().await;
    is_malformed(session.create(&stage.managed()).await, "status");
    assert!(session.is_interrupted(), "it came to its end, and what it made has no name");
}

pub(crate) async fn malformed_status_of_update(stage: &Stage) {
    is_malformed(stage.session().await.update(&stage.managed()).await, "status");
}

pub(crate) async fn malformed_difference(stage: &Stage) {
    stage.answers_nonsense("desired").await;
}

pub(crate) async fn deep_status(stage: &Stage) {
    stage.answers_nonsense("deep").await;
}

pub(crate) async fn malformed_descriptor(stage: &Stage) {
    let outcome = stage.describe().await.unwrap_err();
    assert_eq!(outcome.reason(), "MalformedAnswer");
    assert!(outcome.to_string().contains("No Name!"), "{outcome}");
}

pub(crate) async fn huge_answer(stage: &Stage) {
    stage.dies_in_observe("BoundaryViolated").await;
}

pub(crate) async fn huge_log_line(stage: &Stage) {
    stage.dies_in_observe("BoundaryViolated").await;
}

pub(crate) async fn huge_failure(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!(failure.problem.reason, "");
    assert!(failure.problem.message.len() < 10_000);
}

pub(crate) async fn floods_the_log(stage: &Stage) {
    let (_session, answer) = stage.observe().await;
    assert!(answer.unwrap().exists);
}

pub(crate) async fn floods_the_output(stage: &Stage) {
    let (_session, answer) = stage.observe().await;
    assert!(answer.unwrap().exists);
    assert_eq!(stage.guest.counts().lines_dropped, 20_000 - 256);
}

pub(crate) async fn floods_events(stage: &Stage) {
    let (_session, answer) = stage.observe().await;
    assert!(answer.unwrap().exists);
    assert_eq!(stage.guest.counts().events_dropped, 1_000 - 32);
}

pub(crate) async fn floods_the_cluster(stage: &Stage) {
    stage.dies_in_observe("RequestsExhausted").await;
    assert_eq!(stage.api.requests().len(), 20);
}

pub(crate) async fn imports_in_describe(stage: &Stage) {
    assert_eq!(stage.describe().await.unwrap_err().reason(), "ImportUnavailable");
}

/// The guest reports the refusal, and nothing reached the API server.
async fn refused(stage: &Stage, reason: &str, named: &str) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!(failure.problem.reason, reason, "{failure:?}");
    assert!(failure.problem.message.contains(named), "{failure:?}");
    assert!(stage.api.requests().is_empty());
}

pub(crate) async fn reads_outside_its_grant(stage: &Stage) {
    refused(stage, "Denied", "in namespace team-a").await;
    assert_eq!(stage.guest.counts().denied, 1);
}

pub(crate) async fn lists_outside_its_grant(stage: &Stage) {
    refused(stage, "Denied", "in namespace team-a").await;
}

pub(crate) async fn writes_outside_its_grant(stage: &Stage) {
    refused(stage, "Denied", "in namespace team-a").await;
}

pub(crate) async fn reads_through_a_path(stage: &Stage) {
    refused(stage, "Invalid", "no valid name").await;
}

pub(crate) async fn patches_another_object(stage: &Stage) {
    refused(stage, "Invalid", "team-b").await;
}

pub(crate) async fn looks_around(stage: &Stage) {
    let (_session, answer) = stage.observe().await;
    let found = json!({"variables": 0, "arguments": 0, "files": false, "network": false, "input": 0});
    assert_eq!(answer.unwrap().status, Some(found));
}

pub(crate) async fn remembers(stage: &Stage) {
    for _ in 0..2 {
        let (session, answer) = stage.observe().await;
        assert_eq!(answer.unwrap().status, Some(json!({"before": 0})));
        session.disconnect().await.unwrap();
    }
}

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
