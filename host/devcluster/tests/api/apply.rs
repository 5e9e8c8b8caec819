//! Field ownership across kinds of writes.

use serde_json::{Value, json};

use crate::caller::{Caller, WIDGETS, widget};

fn fields(object: &Value, manager: &str) -> Value {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    entries.iter().find(|entry| entry["manager"] == manager).map_or(Value::Null, |entry| entry["fieldsV1"].clone())
}

#[tokio::test]
async fn the_status_has_owners_of_its_own() {
    let caller = Caller::with_widgets().await;
    let path = format!("{WIDGETS}/a");
    caller.apply(&format!("{path}?fieldManager=ctl"), &widget("a", json!({"size": 1})).to_string()).await;
    let mut status = widget("a", json!({"size": 7}));
    status["status"] = json!({"replicas": 2, "conditions": [{"type": "Ready", "status": "True"}]});
    let applied = caller.apply(&format!("{path}/status?fieldManager=ctl"), &status.to_string()).await.body;
    assert_eq!(applied["spec"]["size"], 1, "the spec in a status apply is ignored");
    assert_eq!(applied["status"]["replicas"], 2);
    let entries = applied["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    let fewer = json!({"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"name": "a"}, "status": {
        "conditions": [{"type": "Ready", "status": "False"}],
    }});
    let fewer = caller.apply(&format!("{path}/status?fieldManager=ctl"), &fewer.to_string()).await.body;
    assert_eq!(fewer["status"], json!({"conditions": [{"type": "Ready", "status": "False"}]}));
    assert_eq!(fewer["spec"]["size"], 1);
    assert_eq!(fewer["metadata"]["generation"], 1);
}

#[tokio::test]
async fn conditions_of_several_controllers_live_side_by_side() {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("a", json!({"size": 1}))).await;
    for (manager, condition) in [("one", "Ready"), ("two", "Synced")] {
        let status = json!({
            "apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"name": "a"},
            "status": {"conditions": [{"type": condition, "status": "True"}]},
        });
        let path = format!("{WIDGETS}/a/status?fieldManager={manager}");
        assert_eq!(caller.apply(&path, &status.to_string()).await.code, 200);
    }
    let object = caller.get(&format!("{WIDGETS}/a")).await.body;
    assert_eq!(object["status"]["conditions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn labels_and_finalizers_are_owned_one_by_one() {
    let caller = Caller::with_widgets().await;
    let config = |labels: Value, finalizers: Value| {
        let mut config = widget("a", json!({"size": 1}));
        config["metadata"]["labels"] = labels;
        config["metadata"]["finalizers"] = finalizers;
        config.to_string()
    };
    let path = |manager: &str| format!("{WIDGETS}/a?fieldManager={manager}");
    caller.apply(&path("one"), &config(json!({"a": "1"}), json!(["x/1"]))).await;
    let both = caller.apply(&path("two"), &config(json!({"b": "2"}), json!(["x/2"]))).await.body;
    assert_eq!(both["metadata"]["labels"], json!({"a": "1", "b": "2"}));
    assert_eq!(both["metadata"]["finalizers"], json!(["x/1", "x/2"]));
    assert_eq!(fields(&both, "one")["f:metadata"], json!({"f:finalizers": {"v:\"x/1\"": {}}, "f:labels": {"f:a": {}}}));
    let dropped = caller.apply(&path("one"), &widget("a", json!({"size": 1})).to_string()).await.body;
    assert_eq!(dropped["metadata"]["labels"], json!({"b": "2"}));
    assert_eq!(dropped["metadata"]["finalizers"], json!(["x/2"]));
}

#[tokio::test]
async fn an_update_takes_fields_from_an_applier_who_then_conflicts() {
    let caller = Caller::with_widgets().await;
    let config = widget("a", json!({"size": 1})).to_string();
    caller.apply(&format!("{WIDGETS}/a?fieldManager=one"), &config).await;
    let edited = caller.merge(&format!("{WIDGETS}/a?fieldManager=edit"), &json!({"spec": {"size": 2}})).await.body;
    assert_eq!(fields(&edited, "edit"), json!({"f:spec": {"f:size": {}}}));
    let conflict = caller.apply(&format!("{WIDGETS}/a?fieldManager=one"), &config).await;
    assert_eq!(
        conflict.body["message"],
        "Apply failed with 1 conflict: conflict with \"edit\" using demo.example/v1: .spec.size"
    );
}

#[tokio::test]
async fn managed_fields_can_be_rewritten_by_a_patch() {
    let caller = Caller::with_widgets().await;
    let created = caller.post(&format!("{WIDGETS}?fieldManager=old"), &widget("a", json!({"size": 1}))).await.body;
    let mut entries = created["metadata"]["managedFields"].clone();
    entries[0]["manager"] = "new".into();
    entries[0]["operation"] = "Apply".into();
    let patch = json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": created["metadata"]["resourceVersion"]},
    ]);
    let patched = caller.json_patch(&format!("{WIDGETS}/a"), &patch).await.body;
    let entries = patched["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((&entries[0]["manager"], &entries[0]["operation"]), (&json!("new"), &json!("Apply")));
}

#[tokio::test]
async fn built_in_lists_merge_by_their_keys() {
    let caller = Caller::new();
    let path = |manager: &str| format!("/apis/apps/v1/namespaces/default/deployments/d?fieldManager={manager}");
    let deployment = |container: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {"containers": [container]}}},
        })
        .to_string()
    };
    caller.apply(&path("one"), &deployment(json!({"name": "app", "image": "a"}))).await;
    let both = caller.apply(&path("two"), &deployment(json!({"name": "sidecar", "image": "b"}))).await;
    let containers = both.body["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 2, "{}", both.text);
}

#[tokio::test]
async fn a_secret_whose_data_are_no_map_is_refused() {
    let caller = Caller::new();
    let secret =
        r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": "x", "stringData": {"a": "b"}}"#;
    let refused = caller.apply("/api/v1/namespaces/default/secrets/s?fieldManager=x", secret).await;
    assert!(refused.text.contains(".data: expected map"), "{} {}", refused.code, refused.text);
}
