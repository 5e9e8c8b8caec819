//! What follows from deletes: garbage collection and the end of namespaces.

use serde_json::{Value, json};

use crate::caller::{Answer, Caller};

const CONFIGMAPS: &str = "/api/v1/namespaces/default/configmaps";

async fn configmap(caller: &Caller, name: &str, owners: &[&Answer], blocking: bool, finalizers: &[&str]) -> Answer {
    let references: Vec<Value> = owners
        .iter()
        .map(|owner| {
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "name": owner.body["metadata"]["name"],
                "uid": owner.body["metadata"]["uid"], "blockOwnerDeletion": blocking,
            })
        })
        .collect();
    let body = json!({"metadata": {"name": name, "ownerReferences": references, "finalizers": finalizers}});
    let created = caller.post(CONFIGMAPS, &body).await;
    assert_eq!(created.code, 201, "{}", created.text);
    created
}

async fn exists(caller: &Caller, name: &str) -> bool {
    caller.get(&format!("{CONFIGMAPS}/{name}")).await.code == 200
}

async fn delete(caller: &Caller, name: &str, policy: &str) -> Answer {
    caller.delete(&format!("{CONFIGMAPS}/{name}"), &json!({"propagationPolicy": policy})).await
}

#[tokio::test]
async fn dependents_go_with_their_last_owner() {
    let caller = Caller::new();
    let one = configmap(&caller, "one", &[], false, &[]).await;
    let two = configmap(&caller, "two", &[], false, &[]).await;
    let child = configmap(&caller, "child", &[&one, &two], false, &[]).await;
    configmap(&caller, "grandchild", &[&child], false, &[]).await;
    delete(&caller, "one", "Background").await;
    let child = caller.get(&format!("{CONFIGMAPS}/child")).await.body;
    let owners = child["metadata"]["ownerReferences"].as_array().unwrap();
    assert_eq!(owners.len(), 1, "the reference to the lost owner is dropped");
    delete(&caller, "two", "Background").await;
    assert!(!exists(&caller, "child").await);
    assert!(!exists(&caller, "grandchild").await);
}

#[tokio::test]
async fn an_object_whose_owner_never_was_is_collected() {
    let caller = Caller::new();
    let gone = configmap(&caller, "gone", &[], false, &[]).await;
    delete(&caller, "gone", "Background").await;
    configmap(&caller, "late", &[&gone], false, &[]).await;
    assert!(!exists(&caller, "late").await);
}

#[tokio::test]
async fn an_owner_in_another_namespace_is_no_owner() {
    let caller = Caller::new();
    let owner = configmap(&caller, "owner", &[], false, &[]).await;
    let reference = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.body["metadata"]["uid"],
    });
    let elsewhere = "/api/v1/namespaces/kube-public/configmaps";
    caller.post(elsewhere, &json!({"metadata": {"name": "x", "ownerReferences": [reference]}})).await;
    assert_eq!(caller.get(&format!("{elsewhere}/x")).await.code, 404);
}

#[tokio::test(start_paused = true)]
async fn events_are_forgotten_after_an_hour() {
    let caller = Caller::new();
    let events = "/api/v1/namespaces/default/events";
    let event = |name: &str| json!({"metadata": {"name": name}, "involvedObject": {"kind": "Node", "name": "n"}});
    for name in ["old", "renewed"] {
        assert_eq!(caller.post(events, &event(name)).await.code, 201);
    }
    tokio::time::advance(std::time::Duration::from_mins(40)).await;
    caller.merge(&format!("{events}/renewed"), &json!({"count": 2})).await;
    tokio::time::advance(std::time::Duration::from_mins(40)).await;
    caller.post(events, &event("new")).await;
    let items = caller.get(events).await.body["items"].clone();
    let items = items.as_array().unwrap();
    let names: Vec<&str> = items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["new", "renewed"]);
}

#[tokio::test]
async fn a_foreground_delete_waits_for_blocking_dependents() {
    let caller = Caller::new();
    let owner = configmap(&caller, "owner", &[], false, &[]).await;
    configmap(&caller, "held", &[&owner], true, &["demo.example/hold"]).await;
    configmap(&caller, "free", &[&owner], true, &[]).await;
    let deleted = delete(&caller, "owner", "Foreground").await;
    assert_eq!(deleted.body["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert!(exists(&caller, "owner").await);
    assert!(!exists(&caller, "free").await);
    caller.merge(&format!("{CONFIGMAPS}/held"), &json!({"metadata": {"finalizers": null}})).await;
    assert!(!exists(&caller, "held").await);
    assert!(!exists(&caller, "owner").await);
}

#[tokio::test]
async fn orphans_stay_without_an_owner() {
    let caller = Caller::new();
    let owner = configmap(&caller, "owner", &[], false, &[]).await;
    configmap(&caller, "child", &[&owner], false, &[]).await;
    delete(&caller, "owner", "Orphan").await;
    assert!(!exists(&caller, "owner").await);
    let child = caller.get(&format!("{CONFIGMAPS}/child")).await.body;
    assert_eq!(child["metadata"].get("ownerReferences"), None);
}

#[tokio::test]
async fn a_namespace_ends_after_its_content() {
    let caller = Caller::new();
    let namespaces = "/api/v1/namespaces";
    let created = caller.post(namespaces, &json!({"metadata": {"name": "term"}})).await.body;
    assert_eq!(created["status"], json!({"phase": "Active"}));
    assert_eq!(created["spec"], json!({"finalizers": ["kubernetes"]}));
    assert_eq!(created["metadata"]["labels"]["kubernetes.io/metadata.name"], "term");
    let held = json!({"metadata": {"name": "held", "finalizers": ["demo.example/hold"]}});
    caller.post("/api/v1/namespaces/term/configmaps", &held).await;
    caller.post("/api/v1/namespaces/term/secrets", &json!({"metadata": {"name": "free"}})).await;
    let deleted = caller.delete("/api/v1/namespaces/term", &Value::Null).await.body;
    assert_eq!(deleted["status"]["phase"], "Terminating");

    let waiting = caller.get("/api/v1/namespaces/term").await.body;
    let conditions = waiting["status"]["conditions"].as_array().unwrap();
    let remaining = conditions.iter().find(|condition| condition["type"] == "NamespaceContentRemaining").unwrap();
    assert_eq!(remaining["message"], "Some resources are remaining: configmaps. has 1 resource instances");
    assert_eq!(caller.get("/api/v1/namespaces/term/secrets/free").await.code, 404);
    let refused = caller.post("/api/v1/namespaces/term/configmaps", &json!({"metadata": {"name": "x"}})).await;
    assert_eq!(
        refused.body,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "configmaps \"x\" is forbidden: unable to create new content in namespace term because it is \
                        being terminated",
            "reason": "Forbidden",
            "details": {"name": "x", "kind": "configmaps", "causes": [{
                "reason": "NamespaceTerminating",
                "message": "namespace term is being terminated",
                "field": "metadata.namespace",
            }]},
            "code": 403,
        })
    );
    let again = caller.post(namespaces, &json!({"metadata": {"name": "term"}})).await;
    assert_eq!(again.body["message"], "object is being deleted: namespaces \"term\" already exists");
    let path = "/api/v1/namespaces/term/configmaps/held";
    caller.merge(path, &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(caller.get("/api/v1/namespaces/term").await.code, 404);
}

#[tokio::test]
async fn some_namespaces_cannot_be_deleted() {
    let caller = Caller::new();
    for name in ["default", "kube-system", "kube-public"] {
        let refused = caller.delete(&format!("/api/v1/namespaces/{name}"), &Value::Null).await;
        assert_eq!(refused.code, 403);
        let message = format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted");
        assert_eq!(refused.body["message"], message);
    }
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let caller = Caller::new();
    for (name, label) in [("a", "x"), ("b", "y")] {
        caller.post(CONFIGMAPS, &json!({"metadata": {"name": name, "labels": {"l": label}}})).await;
    }
    let deleted = caller.delete(&format!("{CONFIGMAPS}?labelSelector=l%3Dx"), &Value::Null).await.body;
    assert_eq!((&deleted["kind"], deleted["items"].as_array().unwrap().len()), (&json!("ConfigMapList"), 1));
    assert!(!exists(&caller, "a").await);
    assert!(exists(&caller, "b").await);
}

#[tokio::test]
async fn a_delete_that_asks_for_another_kind_of_dry_run_is_refused() {
    let caller = Caller::new();
    configmap(&caller, "kept", &[], false, &[]).await;
    let path = format!("{CONFIGMAPS}/kept");
    let refused = caller.delete(&path, &json!({"dryRun": ["Some"]})).await;
    assert_eq!((refused.code, &refused.body["reason"]), (422, &json!("Invalid")), "{}", refused.text);
    assert_eq!(refused.body["details"]["causes"][0]["field"], "dryRun");
    assert_eq!(caller.delete(&path, &json!({"dryRun": ["All", "Some"]})).await.code, 422);
    assert_eq!(caller.delete(&path, &json!({"dryRun": "All"})).await.code, 400);
    assert_eq!(caller.delete(CONFIGMAPS, &json!({"dryRun": ["Some"]})).await.code, 422);
    assert_eq!(caller.delete(&path, &json!({"dryRun": ["All"]})).await.code, 200);
    assert!(exists(&caller, "kept").await);
    // With a body the query counts for nothing.
    assert_eq!(caller.delete(&format!("{path}?dryRun=All"), &json!({"dryRun": []})).await.code, 200);
    assert!(!exists(&caller, "kept").await);
}

#[tokio::test]
async fn what_cannot_be_an_owner_is_no_reason_to_collect() {
    let caller = Caller::new();
    let owner = configmap(&caller, "owner", &[], false, &[]).await.body;
    let role = json!({"metadata": {"name": "role", "ownerReferences": [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    }]}});
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    assert_eq!(caller.post(roles, &role).await.code, 201);
    assert_eq!(caller.get(&format!("{roles}/role")).await.code, 200, "an owner in a namespace is looked for nowhere");
    delete(&caller, "owner", "Background").await;
    assert_eq!(caller.get(&format!("{roles}/role")).await.code, 200);
}

fn owned_by_a_gadget(name: &str, uid: &Value) -> Value {
    json!({"metadata": {"name": name, "ownerReferences": [{
        "apiVersion": "demo.example/v1", "kind": "Gadget", "name": "gadget", "uid": uid,
    }]}})
}

fn gadgets() -> Value {
    json!({
        "metadata": {"name": "gadgets.demo.example"},
        "spec": {
            "group": "demo.example", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
            }],
        },
    })
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

#[tokio::test]
async fn an_owner_is_missed_only_once_its_kind_is_defined() {
    let caller = Caller::new();
    let lost = owned_by_a_gadget("early", &json!("11111111-2222-4333-8444-555555555555"));
    assert_eq!(caller.post(CONFIGMAPS, &lost).await.code, 201);
    assert!(exists(&caller, "early").await);
    assert_eq!(caller.post(DEFINITIONS, &gadgets()).await.code, 201);
    assert!(!exists(&caller, "early").await);
}

#[tokio::test]
async fn dependents_go_with_owners_whose_definition_goes() {
    let caller = Caller::new();
    assert_eq!(caller.post(DEFINITIONS, &gadgets()).await.code, 201);
    let gadget = json!({"apiVersion": "demo.example/v1", "kind": "Gadget", "metadata": {"name": "gadget"}});
    let gadget = caller.post("/apis/demo.example/v1/namespaces/default/gadgets", &gadget).await.body;
    assert_eq!(caller.post(CONFIGMAPS, &owned_by_a_gadget("child", &gadget["metadata"]["uid"])).await.code, 201);
    assert!(exists(&caller, "child").await);
    caller.delete(&format!("{DEFINITIONS}/gadgets.demo.example"), &Value::Null).await;
    assert!(!exists(&caller, "child").await);
}
