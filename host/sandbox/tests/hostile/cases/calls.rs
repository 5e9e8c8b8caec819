//! What becomes of calls that do not come to their end.

use std::time::{Duration, Instant};

use capstan_engine::{Failure, Readiness, Retry};
use capstan_hostile::describing;
use serde_json::json;

use crate::{
    stage::{Stage, is_over, ran_out_of_time, stopped_in_time},
    support::component::hostile,
};

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
    let component = stage.load(describing(hostile(), stage.behaviour)).await;
    let begun = Instant::now();
    assert_eq!(component.describe().await.unwrap_err().reason(), "DeadlineExceeded");
    // It has a second, where a call has ten.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
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

pub(crate) async fn traps_in_create(stage: &Stage) {
    let (mut session, managed) = (stage.session().await, stage.managed());
    crashed(session.create(&managed).await, "create");
    assert!(session.is_interrupted(), "nobody knows what it did");
    is_over(session, &managed).await;
}

pub(crate) async fn traps_in_update(stage: &Stage) {
    let (mut session, managed) = (stage.session().await, stage.managed());
    crashed(session.update(&managed).await, "update");
    is_over(session, &managed).await;
}

pub(crate) async fn traps_in_delete(stage: &Stage) {
    let (mut session, managed) = (stage.session().await, stage.managed());
    crashed(session.delete(&managed).await, "delete");
    is_over(session, &managed).await;
}

pub(crate) async fn traps_in_disconnect(stage: &Stage) {
    let mut session = stage.session().await;
    assert!(session.observe(&stage.managed()).await.unwrap().exists);
    crashed(session.disconnect().await, "disconnect");
}

/// A failure that names the call, and is tried again.
fn crashed<T: std::fmt::Debug>(answer: Result<T, Failure>, call: &str) {
    let failure = answer.expect_err("the guest crashed");
    assert_eq!((&*failure.problem.reason, failure.retry), ("Trapped", Retry::Backoff), "{failure:?}");
    assert!(failure.problem.message.starts_with(&format!("{call} crashed (")), "{failure:?}");
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
