//! What becomes of answers that are none.

use crate::stage::{Stage, is_malformed};

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

pub(crate) async fn describes_an_unprintable_name(stage: &Stage) {
    makes_no_sense(stage, "the name `Host\\u{1b}[2Jile\\r\\n` is no DNS label").await;
}

pub(crate) async fn describes_an_unprintable_kind(stage: &Stage) {
    makes_no_sense(stage, "Jile\\r\\n` is no valid kind").await;
}

pub(crate) async fn describes_thousands_of_kinds(stage: &Stage) {
    makes_no_sense(stage, "it has 5000 kinds").await;
}

pub(crate) async fn describes_a_huge_definition(stage: &Stage) {
    makes_no_sense(stage, "the limit is 1572864").await;
}

pub(crate) async fn describes_more_than_fits(stage: &Stage) {
    assert_eq!(stage.describe().await.unwrap_err().reason(), "BoundaryViolated");
}

pub(crate) async fn describes_a_deep_definition(stage: &Stage) {
    makes_no_sense(stage, "`definition` is nested more than 64 deep").await;
}

pub(crate) async fn describes_a_deep_schema(stage: &Stage) {
    makes_no_sense(stage, "`config-schema` is nested more than 64 deep").await;
}

pub(crate) async fn describes_no_schema(stage: &Stage) {
    makes_no_sense(stage, "`config-schema`: ").await;
}

pub(crate) async fn describes_a_schema_elsewhere(stage: &Stage) {
    makes_no_sense(stage, "`config-schema`: ").await;
}

pub(crate) async fn describes_needs_in_yaml(stage: &Stage) {
    makes_no_sense(stage, "`needs` is no JSON").await;
}

/// The provider is not taken, and what is said of it is one short line.
async fn makes_no_sense(stage: &Stage, named: &str) {
    let outcome = stage.describe().await.unwrap_err();
    let said = outcome.to_string();
    assert_eq!(outcome.reason(), "MalformedAnswer", "{said}");
    assert!(said.contains(named), "{said}");
    assert!(said.len() < 4096 && !said.contains(char::is_control), "{said:?}");
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
