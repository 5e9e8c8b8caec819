//! What becomes of requests for objects that were not granted: the guest is told what is, and nobody else hears of it.

use crate::stage::Stage;

pub(crate) async fn floods_the_cluster(stage: &Stage) {
    stage.dies_in_observe("RequestsExhausted").await;
    assert_eq!(stage.api.requests().len(), 20);
}

/// What is granted of config maps and of pods, in the words of a refusal.
const MAPS: &str = "granted: everything of ConfigMap in the core group in namespace team-a";
const ONE_POD: &str = "granted: get of Pod in the core group in namespace team-a named one";

/// The guest reports this refusal, and nothing reached the API server, not even a question about what there is.
async fn refused(stage: &Stage, reason: &str, message: &str) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!((&*failure.problem.reason, &*failure.problem.message), (reason, message));
    assert_eq!(stage.api.everything(), Vec::<String>::new());
}

async fn denied(stage: &Stage, request: &str, granted: &str) {
    refused(stage, "Denied", &format!("{request} is not granted to this provider; {granted}")).await;
    assert_eq!(stage.guest.counts().denied, 1);
}

pub(crate) async fn reads_outside_its_grant(stage: &Stage) {
    denied(stage, "get of ConfigMap team-b/secret", MAPS).await;
}

pub(crate) async fn reads_another_name(stage: &Stage) {
    denied(stage, "get of Pod team-a/two", ONE_POD).await;
}

pub(crate) async fn reads_another_version(stage: &Stage) {
    denied(stage, "get of Pod team-a/two", ONE_POD).await;
}

pub(crate) async fn reads_in_no_namespace(stage: &Stage) {
    denied(stage, "get of Pod one", ONE_POD).await;
}

pub(crate) async fn reads_another_kind(stage: &Stage) {
    denied(stage, "get of Secret team-a/token", "nothing is granted for Secret in the core group").await;
}

pub(crate) async fn lists_outside_its_grant(stage: &Stage) {
    denied(stage, "list of ConfigMap in all namespaces", MAPS).await;
}

pub(crate) async fn lists_another_namespace(stage: &Stage) {
    denied(stage, "list of ConfigMap in namespace team-b", MAPS).await;
}

pub(crate) async fn lists_what_it_may_read(stage: &Stage) {
    denied(stage, "list of Pod in namespace team-a", ONE_POD).await;
}

pub(crate) async fn creates_outside_its_grant(stage: &Stage) {
    denied(stage, "create of ConfigMap team-b/new", MAPS).await;
}

pub(crate) async fn creates_what_it_may_read(stage: &Stage) {
    denied(stage, "create of Pod team-a/one", ONE_POD).await;
}

pub(crate) async fn writes_outside_its_grant(stage: &Stage) {
    denied(stage, "patch of ConfigMap team-b/secret", MAPS).await;
}

pub(crate) async fn applies_what_it_may_read(stage: &Stage) {
    denied(stage, "patch of Pod team-a/one", ONE_POD).await;
}

pub(crate) async fn patches_what_it_may_read(stage: &Stage) {
    denied(stage, "patch of Pod team-a/one", ONE_POD).await;
}

pub(crate) async fn patches_a_status_it_may_read(stage: &Stage) {
    denied(stage, "patch of Pod team-a/one", ONE_POD).await;
}

/// Whoever says whose an object is decides how long it lives.
async fn adopts(stage: &Stage) {
    let message = "owner references are changed by who may delete: delete of Service team-a/front is not granted to this \
                   provider; granted: get, patch of Service in the core group in namespace team-a named front";
    refused(stage, "Denied", message).await;
    assert_eq!(stage.guest.counts().denied, 1);
}

pub(crate) async fn adopts_what_it_may_patch(stage: &Stage) {
    adopts(stage).await;
}

pub(crate) async fn adopts_by_an_operation(stage: &Stage) {
    adopts(stage).await;
}

pub(crate) async fn deletes_what_it_may_read(stage: &Stage) {
    denied(stage, "delete of Pod team-a/one", ONE_POD).await;
}

pub(crate) async fn deletes_outside_its_grant(stage: &Stage) {
    denied(stage, "delete of ConfigMap team-b/secret", MAPS).await;
}

pub(crate) async fn applies_something_deep(stage: &Stage) {
    refused(stage, "Invalid", "`patch` is nested more than 64 deep").await;
}

pub(crate) async fn creates_something_large(stage: &Stage) {
    let failure = stage.observe().await.1.unwrap_err();
    assert_eq!(failure.problem.reason, "Invalid");
    assert!(failure.problem.message.contains("the limit is 1572864"), "{failure:?}");
    assert_eq!(stage.api.everything(), Vec::<String>::new());
}

pub(crate) async fn creates_something_huge(stage: &Stage) {
    stage.dies_in_observe("BoundaryViolated").await;
    assert_eq!(stage.api.everything(), Vec::<String>::new());
}

pub(crate) async fn reads_through_a_path(stage: &Stage) {
    refused(stage, "Invalid", "`../../team-b/configmaps/secret` is no valid name").await;
}

pub(crate) async fn patches_another_object(stage: &Stage) {
    let message = "the patch is of ConfigMap team-a/allowed, but its /metadata/namespace is \"team-b\"";
    refused(stage, "Invalid", message).await;
}
