//! Exact answers, as recorded from kube-apiserver 1.37.1.

use serde_json::{Value, json};

use crate::caller::{Answer, Caller, WIDGETS, widget};

/// The message of a `Status`, after checking the parts that belong to every one.
fn refused(answer: &Answer, code: u16, reason: &str) -> String {
    assert_eq!(answer.code, code, "{}", answer.text);
    assert_eq!(answer.body["kind"], "Status");
    assert_eq!(answer.body["status"], "Failure");
    assert_eq!(answer.body["code"], code);
    assert_eq!(answer.body["reason"], reason);
    answer.body["message"].as_str().unwrap().to_owned()
}

fn managers(object: &Value) -> Vec<(String, Value)> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let entries = entries.into_iter();
    entries.map(|entry| (entry["manager"].as_str().unwrap().to_owned(), entry["fieldsV1"].clone())).collect()
}

#[tokio::test]
async fn a_created_object_has_defaults_owners_and_generation_1() {
    let caller = Caller::with_widgets().await;
    let path = format!("{WIDGETS}?fieldManager=kubectl-create&fieldValidation=Strict");
    let created = caller.post(&path, &widget("a", json!({"size": 3}))).await;
    assert_eq!(created.code, 201);
    assert_eq!(created.body["spec"], json!({"mode": "slow", "size": 3}));
    let metadata = &created.body["metadata"];
    assert_eq!(metadata["generation"], 1);
    assert_eq!(metadata["namespace"], "golden");
    assert_eq!(metadata["uid"].as_str().unwrap().len(), 36);
    assert_eq!(metadata["creationTimestamp"].as_str().unwrap().len(), "2026-11-21T01:43:57Z".len());
    let fields = json!({"f:spec": {".": {}, "f:mode": {}, "f:size": {}}});
    assert_eq!(managers(&created.body), [("kubectl-create".to_owned(), fields)]);

    let status = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let patched = caller.merge(&format!("{WIDGETS}/a/status?fieldManager=ctl"), &status).await;
    assert_eq!(patched.body["metadata"]["generation"], 1);
    assert_eq!(patched.body["metadata"]["managedFields"][0]["subresource"], "status");
    assert_eq!(
        managers(&patched.body)[0].1,
        json!({"f:status": {".": {}, "f:conditions": {".": {}, "k:{\"type\":\"Ready\"}": {
            ".": {}, "f:status": {}, "f:type": {},
        }}}})
    );
}

#[tokio::test]
async fn conflicts_and_missing_objects() {
    let caller = Caller::with_widgets().await;
    let created = caller.post(WIDGETS, &widget("a", json!({"size": 3}))).await;
    let path = format!("{WIDGETS}/a");

    let mut stale = created.body.clone();
    stale["metadata"]["resourceVersion"] = "1".into();
    stale["spec"]["size"] = 5.into();
    let answer = caller.put(&path, &stale).await;
    assert_eq!(
        refused(&answer, 409, "Conflict"),
        "Operation cannot be fulfilled on widgets.demo.example \"a\": the object has been modified; please apply your \
         changes to the latest version and try again"
    );
    assert_eq!(answer.body["details"], json!({"name": "a", "group": "demo.example", "kind": "widgets"}));

    stale["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    let answer = caller.put(&path, &stale).await;
    assert_eq!(
        refused(&answer, 422, "Invalid"),
        "widgets.demo.example \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an \
         update"
    );

    let answer = caller.merge(&path, &json!({"metadata": {"resourceVersion": "1"}, "spec": {"size": 6}})).await;
    refused(&answer, 409, "Conflict");
    let answer = caller.post(WIDGETS, &widget("a", json!({"size": 3}))).await;
    assert_eq!(refused(&answer, 409, "AlreadyExists"), "widgets.demo.example \"a\" already exists");
    let answer = caller.get("/api/v1/namespaces/golden/configmaps/nothere").await;
    assert_eq!(refused(&answer, 404, "NotFound"), "configmaps \"nothere\" not found");
    assert_eq!(answer.body["details"], json!({"name": "nothere", "kind": "configmaps"}));
    let configmap = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    let answer = caller.post("/api/v1/namespaces/nons/configmaps", &configmap).await;
    assert_eq!(refused(&answer, 404, "NotFound"), "namespaces \"nons\" not found");
    let answer = caller.put("/api/v1/namespaces/golden/configmaps/x", &configmap).await;
    refused(&answer, 404, "NotFound");
    let answer = caller.get("/apis/demo.example/v1/namespaces/golden/gadgets").await;
    assert_eq!((answer.code, answer.text.as_str()), (404, "404 page not found\n"));
}

#[tokio::test]
async fn updates_without_change_keep_the_revision_and_built_in_kinds_need_none() {
    let caller = Caller::with_widgets().await;
    let created = caller.post(WIDGETS, &widget("a", json!({"size": 3}))).await;
    let again = caller.put(&format!("{WIDGETS}/a"), &created.body).await;
    assert_eq!(again.body["metadata"]["resourceVersion"], created.body["metadata"]["resourceVersion"]);
    let mut changed = created.body.clone();
    changed["spec"]["size"] = 5.into();
    changed["status"] = json!({"replicas": 9});
    let changed = caller.put(&format!("{WIDGETS}/a"), &changed).await;
    assert_eq!(changed.body["metadata"]["generation"], 2);
    assert_eq!(changed.body.get("status"), None);

    let path = "/api/v1/namespaces/golden/configmaps";
    let configmap = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "v"}});
    assert_eq!(caller.post(path, &configmap).await.code, 201);
    assert_eq!(caller.put(&format!("{path}/c"), &configmap).await.code, 200);
}

#[tokio::test]
async fn invalid_objects_name_every_cause() {
    let caller = Caller::with_widgets().await;
    let answer = caller.post(WIDGETS, &widget("bad", json!({"size": 0, "mode": "zz", "tags": ["x", "x"]}))).await;
    assert_eq!(
        refused(&answer, 422, "Invalid"),
        "Widget.demo.example \"bad\" is invalid: [spec.mode: Unsupported value: \"zz\": supported values: \"fast\", \
         \"slow\", spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1, spec.tags[1]: \
         Duplicate value: \"x\"]"
    );
    assert_eq!(
        answer.body["details"]["causes"][0],
        json!({
            "reason": "FieldValueNotSupported",
            "message": "Unsupported value: \"zz\": supported values: \"fast\", \"slow\"",
            "field": "spec.mode",
        })
    );
    let answer = caller.post(WIDGETS, &widget("Bad_Name", json!({"size": 1}))).await;
    let message = refused(&answer, 422, "Invalid");
    assert!(
        message.contains("metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain"),
        "{message}"
    );
    assert!(message.ends_with(r"(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"), "{message}");

    let mut owned = widget("ow", json!({"size": 1}));
    let reference = |name: &str, uid: &str| json!({"apiVersion": "demo.example/v1", "kind": "Widget", "name": name, "uid": uid, "controller": true});
    owned["metadata"]["ownerReferences"] = json!([reference("x", "")]);
    let message = refused(&caller.post(WIDGETS, &owned).await, 422, "Invalid");
    assert!(message.contains("metadata.ownerReferences[0].uid: Required value: must not be empty"), "{message}");
    owned["metadata"]["ownerReferences"] = json!([reference("x", "ux"), reference("y", "uy")]);
    let answer = caller.post(WIDGETS, &owned).await;
    assert_eq!(
        refused(&answer, 422, "Invalid"),
        "Widget.demo.example \"ow\" is invalid: metadata.ownerReferences: Invalid value: \
         [{\"apiVersion\":\"demo.example/v1\",\"kind\":\"Widget\",\"name\":\"x\",\"uid\":\"ux\",\"controller\":true},\
         {\"apiVersion\":\"demo.example/v1\",\"kind\":\"Widget\",\"name\":\"y\",\"uid\":\"uy\",\"controller\":true}]: \
         Only one reference can have Controller set to true. Found \"true\" in references for Widget/x and Widget/y"
    );
    let mut big = widget("big", json!({"size": 1}));
    big["metadata"]["annotations"] = json!({"k": "x".repeat(262_144)});
    let message = refused(&caller.post(WIDGETS, &big).await, 422, "Invalid");
    assert!(message.ends_with("metadata.annotations: Too long: may not be more than 262144 bytes"), "{message}");
}

#[tokio::test]
async fn unknown_and_duplicate_fields() {
    let caller = Caller::with_widgets().await;
    let strict = format!("{WIDGETS}?fieldValidation=Strict");
    let json = [("content-type", "application/json")];
    let body = r#"{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"name":"d"},"spec":{"size":1,"size":2,"bogus":true}}"#;
    assert_eq!(
        refused(&caller.call("POST", &strict, &json, body).await, 400, "BadRequest"),
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: duplicate field \"spec.size\", \
         unknown field \"spec.bogus\""
    );
    let warned = caller.post(&format!("{WIDGETS}?dryRun=All"), &widget("wa", json!({"size": 1, "bogus": 1}))).await;
    assert_eq!(warned.code, 201);
    assert_eq!(warned.headers["warning"], r#"299 - "unknown field \"spec.bogus\"""#);
    assert_eq!(warned.body["spec"], json!({"mode": "slow", "size": 1}));
    assert_eq!(caller.get(&format!("{WIDGETS}/wa")).await.code, 404, "a dry run stores nothing");
    let ignored = format!("{WIDGETS}?fieldValidation=Ignore");
    let ignored = caller.post(&ignored, &widget("ig", json!({"size": 1, "bogus": 1}))).await;
    assert!(!ignored.headers.contains_key("warning"));
    let configmap = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "st"}, "dta": {"a": "b"}});
    let answer = caller.post("/api/v1/namespaces/golden/configmaps?fieldValidation=Strict", &configmap).await;
    assert_eq!(
        refused(&answer, 400, "BadRequest"),
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dta\""
    );
}

#[tokio::test]
async fn bodies_that_contradict_the_request() {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("a", json!({"size": 3}))).await;
    let mut elsewhere = widget("x", json!({"size": 1}));
    elsewhere["metadata"]["namespace"] = "other".into();
    assert_eq!(
        refused(&caller.post(WIDGETS, &elsewhere).await, 400, "BadRequest"),
        "the namespace of the provided object does not match the namespace sent on the request"
    );
    let mut version = widget("x", json!({"size": 1}));
    version["apiVersion"] = "demo.example/v2".into();
    assert_eq!(
        refused(&caller.post(WIDGETS, &version).await, 400, "BadRequest"),
        "the API version in the data (demo.example/v2) does not match the expected API version (demo.example/v1)"
    );
    let mut kind = widget("x", json!({"size": 1}));
    kind["kind"] = "Gadget".into();
    assert_eq!(
        refused(&caller.post(WIDGETS, &kind).await, 422, "Invalid"),
        "Gadget.demo.example \"x\" is invalid: kind: Invalid value: \"Gadget\": must be Widget"
    );
    assert_eq!(
        refused(&caller.put(&format!("{WIDGETS}/a"), &widget("zz", json!({"size": 4}))).await, 400, "BadRequest"),
        "the name of the object (zz) does not match the name on the URL (a)"
    );
    assert_eq!(refused(&caller.merge(WIDGETS, &json!({})).await, 400, "BadRequest"), "name must be provided");
    let text = [("content-type", "text/plain")];
    refused(&caller.call("POST", WIDGETS, &text, "{}").await, 415, "UnsupportedMediaType");
    let protobuf = [("content-type", "application/vnd.kubernetes.protobuf")];
    refused(&caller.call("POST", "/api/v1/namespaces", &protobuf, "k8s").await, 400, "BadRequest");
    refused(&caller.get_as(WIDGETS, "text/csv").await, 406, "NotAcceptable");
    let json = [("content-type", "application/json")];
    refused(&caller.call("POST", WIDGETS, &json, "{").await, 400, "BadRequest");
    let large = caller.call("POST", WIDGETS, &json, "x".repeat(4 << 20)).await;
    assert_eq!(refused(&large, 413, "RequestEntityTooLarge"), "Request entity too large: limit is 3145728");
    let answer = caller.post(&format!("{WIDGETS}?dryRun=maybe"), &widget("x", json!({"size": 1}))).await;
    assert_eq!(answer.body["details"]["kind"], "CreateOptions");
}

#[tokio::test]
async fn patches() {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("b", json!({"size": 4}))).await;
    let path = format!("{WIDGETS}/b");
    let lenient = json!([
        {"op": "test", "path": "/spec/nothing", "value": null},
        {"op": "add", "path": "/metadata/labels", "value": {"t": "1"}},
    ]);
    let patched = caller.json_patch(&path, &lenient).await;
    assert_eq!(patched.body["metadata"]["labels"], json!({"t": "1"}));
    assert_eq!(patched.body["metadata"]["generation"], 1);
    for failing in
        [json!([{"op": "test", "path": "/spec/size", "value": 99}]), json!([{"op": "remove", "path": "/spec/nothing"}])]
    {
        let answer = caller.json_patch(&path, &failing).await;
        assert_eq!(
            answer.body,
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "the server rejected our request due to an error in our request",
                "reason": "Invalid", "details": {}, "code": 422,
            })
        );
    }
    let strategic = [("content-type", "application/strategic-merge-patch+json")];
    let answer = caller.call("PATCH", &path, &strategic, r#"{"spec":{"size":6}}"#).await;
    assert_eq!(
        refused(&answer, 415, "UnsupportedMediaType"),
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, \
         application/merge-patch+json, application/apply-patch+yaml"
    );
    let configmap = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": ["a/b"]}});
    caller.post("/api/v1/namespaces/golden/configmaps", &configmap).await;
    let answer = caller
        .call(
            "PATCH",
            "/api/v1/namespaces/golden/configmaps/c",
            &strategic,
            r#"{"metadata":{"finalizers":["c/d"]},"data":{"k":"v"}}"#,
        )
        .await;
    assert_eq!(answer.body["metadata"]["finalizers"], json!(["c/d", "a/b"]));
}

#[tokio::test]
async fn server_side_apply_over_its_whole_life() {
    let caller = Caller::with_widgets().await;
    let path = |manager: &str| format!("{WIDGETS}/s?fieldManager={manager}");
    let config = widget("s", json!({"size": 2, "ports": [{"name": "http", "port": 80}]})).to_string();
    let created = caller.apply(&path("one"), &config).await;
    assert_eq!(created.code, 201);
    let fields = json!({"f:spec": {
        "f:ports": {"k:{\"name\":\"http\"}": {".": {}, "f:name": {}, "f:port": {}}}, "f:size": {},
    }});
    assert_eq!(managers(&created.body), [("one".to_owned(), fields)]);
    assert_eq!(created.body["spec"]["mode"], "slow");
    let again = caller.apply(&path("one"), &config).await;
    assert_eq!((again.code, &again.body), (200, &created.body), "the same apply changes nothing");

    let other = widget("s", json!({"size": 3, "ports": [{"name": "http", "port": 81}]})).to_string();
    let answer = caller.apply(&path("two"), &other).await;
    assert_eq!(
        answer.body,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Apply failed with 2 conflicts: conflicts with \"one\":\n- .spec.size\n- \
                        .spec.ports[name=\"http\"].port",
            "reason": "Conflict",
            "details": {"causes": [
                {"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".spec.size"},
                {"reason": "FieldManagerConflict", "message": "conflict with \"one\"",
                 "field": ".spec.ports[name=\"http\"].port"},
            ]},
            "code": 409,
        })
    );
    let forced = format!("{}&force=true", path("two"));
    let forced = caller.apply(&forced, &widget("s", json!({"size": 3})).to_string()).await;
    assert_eq!(forced.body["metadata"]["generation"], 2);
    let dropped = "apiVersion: demo.example/v1\nkind: Widget\nmetadata:\n  name: s\n";
    let dropped = caller.apply(&path("one"), dropped).await;
    assert_eq!(dropped.body["spec"], json!({"mode": "slow", "size": 3}));
    assert_eq!(managers(&dropped.body), [("two".to_owned(), json!({"f:spec": {"f:size": {}}}))]);
    assert_eq!(dropped.body["metadata"]["generation"], 3);

    let answer = caller.apply(&format!("{WIDGETS}/s"), &config).await;
    assert_eq!(
        refused(&answer, 422, "Invalid"),
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
    let managed = json!({
        "apiVersion": "demo.example/v1", "kind": "Widget",
        "metadata": {"name": "s", "managedFields": [{"manager": "x"}]},
    });
    let answer = caller.apply(&path("one"), &managed.to_string()).await;
    assert_eq!(refused(&answer, 400, "BadRequest"), "metadata.managedFields must be nil");
}

#[tokio::test]
async fn deletes() {
    let caller = Caller::with_widgets().await;
    let mut fin = widget("fin", json!({"size": 1}));
    fin["metadata"]["finalizers"] = json!(["demo.example/hold"]);
    caller.post(WIDGETS, &fin).await;
    let path = format!("{WIDGETS}/fin");
    let deleted = caller.delete(&path, &json!({"propagationPolicy": "Background"})).await;
    assert_eq!(deleted.body["metadata"]["generation"], 2);
    assert_eq!(deleted.body["metadata"]["deletionGracePeriodSeconds"], 0);
    assert_eq!(caller.delete(&path, &Value::Null).await.body, deleted.body, "a second delete changes nothing");
    let more = json!({"metadata": {"finalizers": ["demo.example/hold", "demo.example/two"]}});
    let answer = caller.merge(&path, &more).await;
    assert_eq!(
        refused(&answer, 422, "Invalid"),
        "Widget.demo.example \"fin\" is invalid: [metadata.finalizers: Forbidden: no new finalizers can be added if \
         the object is being deleted, found new finalizers []string{\"demo.example/two\"}, metadata.finalizers: \
         Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \
         []string{\"demo.example/two\"}]"
    );
    let answer = caller.post(WIDGETS, &widget("fin", json!({"size": 1}))).await;
    assert_eq!(
        refused(&answer, 409, "AlreadyExists"),
        "object is being deleted: widgets.demo.example \"fin\" already exists"
    );
    let released = caller.merge(&path, &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(released.code, 200);
    assert_eq!(released.body["metadata"]["resourceVersion"], deleted.body["metadata"]["resourceVersion"]);
    assert_eq!(caller.get(&path).await.code, 404);

    let created = caller.post(WIDGETS, &widget("b", json!({"size": 1}))).await;
    let uid = created.body["metadata"]["uid"].as_str().unwrap();
    let wrong = json!({"preconditions": {"uid": "11111111-1111-1111-1111-111111111111"}});
    let answer = caller.delete(&format!("{WIDGETS}/b"), &wrong).await;
    assert_eq!(
        refused(&answer, 409, "Conflict"),
        format!(
            "Operation cannot be fulfilled on Widget.demo.example \"b\": the UID in the precondition \
             (11111111-1111-1111-1111-111111111111) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        )
    );
    assert_eq!(answer.body["details"]["kind"], "Widget");
    let deleted = caller.delete(&format!("{WIDGETS}/b"), &Value::Null).await;
    assert_eq!(
        deleted.body,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": "b", "group": "demo.example", "kind": "widgets", "uid": uid},
        })
    );
}

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
