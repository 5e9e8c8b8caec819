//! Creates, updates, patches, applies and deletes.

use serde_json::{Value, json};

use super::refused;
use crate::caller::{Caller, WIDGETS, widget};

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
