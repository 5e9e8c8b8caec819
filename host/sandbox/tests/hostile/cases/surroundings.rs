//! What becomes of what a guest leaves around itself, and looks for there.

use serde_json::json;

use crate::stage::Stage;

pub(crate) async fn floods_the_log(stage: &Stage) {
    let (_session, answer) = stage.observe().await;
    assert!(answer.unwrap().exists);
    assert_eq!(stage.guest.counts().lines_dropped, 10_000 - 256);
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

pub(crate) async fn imports_in_describe(stage: &Stage) {
    assert_eq!(stage.describe().await.unwrap_err().reason(), "ImportUnavailable");
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
