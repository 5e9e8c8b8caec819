//! Bodies in protobuf, as typed clients send them for built-in kinds.

use serde_json::{Value, json};

use crate::caller::{Answer, Caller, WIDGETS};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A `ConfigMap` named `p` with one entry.
const CONFIGMAP: &[u8] =
    b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x0d\x0a\x03\x0a\x01p\x12\x06\x0a\x01k\x12\x01v\x1a\x00\x22\x00";

async fn send(caller: &Caller, method: &str, path: &str, body: &[u8]) -> Answer {
    let headers = [
        ("content-type", "application/vnd.kubernetes.protobuf"),
        ("accept", "application/vnd.kubernetes.protobuf,application/json"),
    ];
    caller.call(method, path, &headers, body).await
}

#[tokio::test]
async fn objects_of_built_in_kinds_are_read_and_answered_in_json() {
    let caller = Caller::new();
    let created = send(&caller, "POST", CONFIGMAPS, CONFIGMAP).await;
    assert_eq!((created.code, &created.headers["content-type"]), (201, &"application/json".parse().unwrap()));
    assert_eq!(created.body["data"], json!({"k": "v"}));
    assert_eq!(created.body["metadata"]["managedFields"][0]["manager"], "recorder");
    let changed = CONFIGMAP.iter().map(|byte| if *byte == b'v' { b'w' } else { *byte }).collect::<Vec<_>>();
    let wrong_version = send(&caller, "PUT", &format!("{CONFIGMAPS}/p"), &changed).await;
    assert_eq!(wrong_version.code, 415, "w1 is no version: {}", wrong_version.text);
    let same = send(&caller, "PUT", &format!("{CONFIGMAPS}/p"), CONFIGMAP).await;
    assert_eq!(same.body["metadata"]["resourceVersion"], created.body["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn options_of_a_delete_are_read() {
    let caller = Caller::new();
    send(&caller, "POST", CONFIGMAPS, CONFIGMAP).await;
    let path = format!("{CONFIGMAPS}/p");
    // A precondition on another uid, then a dry run.
    let other = b"k8s\0\x0a\x13\x0a\x02v1\x12\x0dDeleteOptions\x12\x05\x12\x03\x0a\x01x";
    assert_eq!(send(&caller, "DELETE", &path, other).await.code, 409);
    let dry_run = b"k8s\0\x0a\x13\x0a\x02v1\x12\x0dDeleteOptions\x12\x05\x2a\x03All";
    assert_eq!(send(&caller, "DELETE", &path, dry_run).await.code, 200);
    assert_eq!(caller.get(&path).await.code, 200);
}

#[tokio::test]
async fn the_kind_must_be_that_of_the_path() {
    let caller = Caller::new();
    let refused = send(&caller, "POST", "/api/v1/namespaces/default/secrets", CONFIGMAP).await;
    assert_eq!(refused.code, 400, "{}", refused.text);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_reason() {
    let caller = Caller::with_widgets().await;
    let refused = |answer: &Answer| (answer.code, answer.body["reason"].as_str().unwrap_or_default().to_owned());
    for body in [&b""[..], b"{}", b"k8s\0", b"k8s\0\xff", &CONFIGMAP[..30]] {
        let answer = send(&caller, "POST", CONFIGMAPS, body).await;
        assert!(matches!(answer.code, 400 | 415), "{body:?}: {}", answer.text);
    }
    let widget = b"k8s\0\x0a\x19\x0a\x0fdemo.example/v1\x12\x06Widget\x12\x00";
    let answer = send(&caller, "POST", WIDGETS, widget).await;
    assert_eq!(refused(&answer), (415, "UnsupportedMediaType".to_owned()));
    assert_eq!(
        answer.body["message"],
        "protobuf of apiVersion \"demo.example/v1\", kind \"Widget\" is not supported: send JSON or YAML"
    );
    let patch = send(&caller, "PATCH", &format!("{CONFIGMAPS}/p"), CONFIGMAP).await;
    assert_eq!(refused(&patch), (415, "UnsupportedMediaType".to_owned()));
}

#[tokio::test]
async fn reviews_are_read_too() {
    let caller = Caller::new();
    let review = b"k8s\0\x0a\x32\x0a\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview\x12\x00";
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = send(&caller, "POST", path, review).await;
    assert_eq!((answer.code, &answer.body["status"]["allowed"]), (201, &Value::Bool(true)), "{}", answer.text);
}
