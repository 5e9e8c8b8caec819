//! Subresources, and kinds with rules of their own.

use serde_json::{Value, json};

use super::refused;
use crate::caller::{Caller, WIDGETS, widget};

#[tokio::test]
async fn scale() {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("a", json!({"size": 1}))).await;
    let path = format!("{WIDGETS}/a/scale");
    assert_eq!(
        refused(&caller.get(&path).await, 500, "InternalError"),
        "Internal error occurred: the spec replicas field \".spec.replicas\" does not exist"
    );
    let scaled = caller.merge(&path, &json!({"spec": {"replicas": 4}})).await;
    assert_eq!(scaled.body["kind"], "Scale");
    assert_eq!(scaled.body["spec"], json!({"replicas": 4}));
    assert_eq!(scaled.body["status"], json!({"replicas": 0}));
    assert_eq!(caller.get(&format!("{WIDGETS}/a")).await.body["spec"]["replicas"], 4);
}

#[tokio::test]
async fn configmaps_secrets_leases_and_events_have_rules() {
    let caller = Caller::with_widgets().await;
    let configmaps = "/api/v1/namespaces/golden/configmaps";
    let big = json!({"metadata": {"name": "big"}, "data": {"k": "x".repeat((1 << 20) + 1)}});
    assert_eq!(
        refused(&caller.post(configmaps, &big).await, 422, "Invalid"),
        "ConfigMap \"big\" is invalid: []: Too long: may not be more than 1048576 bytes"
    );
    let bad = json!({"metadata": {"name": "bad"}, "data": {"a b": "x"}});
    let message = refused(&caller.post(configmaps, &bad).await, 422, "Invalid");
    assert!(message.contains("data[a b]: Invalid value: \"a b\": a valid config key must consist of"), "{message}");
    let immutable = json!({"metadata": {"name": "imm"}, "immutable": true, "data": {"a": "1"}});
    caller.post(configmaps, &immutable).await;
    assert_eq!(
        refused(&caller.merge(&format!("{configmaps}/imm"), &json!({"data": {"a": "2"}})).await, 422, "Invalid"),
        "ConfigMap \"imm\" is invalid: data: Forbidden: field is immutable when `immutable` is set"
    );
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"u": "v"}});
    let secret = caller.post("/api/v1/namespaces/golden/secrets", &secret).await;
    assert_eq!((&secret.body["data"], &secret.body["type"]), (&json!({"u": "dg=="}), &json!("Opaque")));
    assert_eq!(secret.body.get("stringData"), None);

    let leases = "/apis/coordination.k8s.io/v1/namespaces/golden/leases";
    let lease = |renew: &str, seconds: i64| {
        json!({
            "metadata": {"name": "leader"},
            "spec": {"holderIdentity": "one", "leaseDurationSeconds": seconds, "renewTime": renew},
        })
    };
    let created = caller.post(leases, &lease("2026-01-02T03:04:05.678901Z", 15)).await;
    assert_eq!(created.body["spec"]["renewTime"], "2026-01-02T03:04:05.678901Z");
    assert_eq!(created.body["metadata"].get("generation"), None);
    assert_eq!(
        refused(&caller.put(&format!("{leases}/leader"), &lease("2026-01-02T03:04:07Z", 15)).await, 400, "BadRequest"),
        "Lease in version \"v1\" cannot be handled as a Lease: parsing time \"2026-01-02T03:04:07Z\" as \
         \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\""
    );
    let nine = caller.put(&format!("{leases}/leader"), &lease("2026-01-02T03:04:07.123456789Z", 15)).await;
    assert!(refused(&nine, 400, "BadRequest").ends_with("cannot parse \"789Z\" as \"Z07:00\""));
    let unlocked = caller.put(&format!("{leases}/leader"), &lease("2026-01-02T03:04:08.000000Z", 15)).await;
    assert!(refused(&unlocked, 422, "Invalid").ends_with("must be specified for an update"));
    let zero = caller.merge(&format!("{leases}/leader"), &json!({"spec": {"leaseDurationSeconds": 0}})).await;
    assert_eq!(
        refused(&zero, 422, "Invalid"),
        "Lease.coordination.k8s.io \"leader\" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater \
         than 0"
    );
}

#[tokio::test]
async fn events_are_one_store_with_two_views() {
    let caller = Caller::with_widgets().await;
    let events = "/apis/events.k8s.io/v1/namespaces/golden/events";
    let regarding = json!({"apiVersion": "demo.example/v1", "kind": "Widget", "name": "a", "namespace": "golden"});
    let mut event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "a.1", "namespace": "golden"},
        "eventTime": "2026-01-02T03:04:05.678901Z", "reportingController": "demo.example/ctl",
        "reportingInstance": "ctl-0", "action": "Reconcile", "reason": "Reconciled", "type": "Normal",
        "note": "all done", "regarding": regarding,
        "series": {"count": 2, "lastObservedTime": "2026-01-02T03:05:05.000001Z"},
    });
    let created = caller.post(events, &event).await;
    assert_eq!(created.code, 201, "{}", created.text);
    assert_eq!((&created.body["note"], &created.body["deprecatedLastTimestamp"]), (&json!("all done"), &Value::Null));
    let core = caller.get("/api/v1/namespaces/golden/events/a.1").await.body;
    assert_eq!(core["apiVersion"], "v1");
    assert_eq!(core["involvedObject"], regarding);
    assert_eq!((&core["message"], &core["reportingComponent"]), (&json!("all done"), &json!("demo.example/ctl")));
    assert_eq!(core["source"], json!({}));

    let old = json!({
        "metadata": {"name": "a.2"}, "involvedObject": regarding, "reason": "Old", "message": "hello",
        "type": "Warning", "count": 1, "source": {"component": "ctl"},
        "firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:04:05Z",
    });
    assert_eq!(caller.post("/api/v1/namespaces/golden/events", &old).await.code, 201);
    let read = caller.get(&format!("{events}/a.2")).await.body;
    assert_eq!((&read["note"], &read["deprecatedCount"]), (&json!("hello"), &json!(1)));
    assert_eq!(read["deprecatedSource"], json!({"component": "ctl"}));

    event["metadata"]["name"] = "a.3".into();
    event.as_object_mut().unwrap().remove("eventTime");
    assert_eq!(
        refused(&caller.post(events, &event).await, 422, "Invalid"),
        "Event \"a.3\" is invalid: eventTime: Required value"
    );
    let by_object = "?fieldSelector=involvedObject.name%3Da,involvedObject.kind%3DWidget,reason%3DOld";
    let found = caller.get(&format!("/api/v1/namespaces/golden/events{by_object}")).await.body;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let found = caller.get(&format!("{events}?fieldSelector=regarding.name%3Da")).await.body;
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
    let patched = caller.merge(&format!("{events}/a.1"), &json!({"series": {"count": 3}})).await;
    assert_eq!(patched.body["series"]["count"], 3, "{}", patched.text);
}
