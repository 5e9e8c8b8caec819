//! What a healthy cluster would make of workloads.

use serde_json::{Value, json};

use crate::caller::Caller;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn deployment(replicas: u64) -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i:1"}]},
            },
        },
    })
}

fn condition<'a>(object: &'a Value, ty: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|condition| condition["type"] == ty).unwrap()
}

#[tokio::test]
async fn a_deployment_is_available_and_follows_its_scale() {
    let caller = Caller::new();
    let created = caller.post(DEPLOYMENTS, &deployment(2)).await;
    assert_eq!(created.body.get("status"), None, "as on any cluster, the status comes later");
    let path = format!("{DEPLOYMENTS}/web");
    let ready = caller.get(&path).await.body;
    assert_eq!(ready["status"]["observedGeneration"], 1);
    for counter in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
        assert_eq!(ready["status"][counter], 2, "{counter}");
    }
    assert_eq!(condition(&ready, "Available")["status"], "True");
    let managers = ready["metadata"]["managedFields"].as_array().unwrap();
    let of_status = managers.iter().find(|entry| entry["subresource"] == "status").unwrap();
    assert_eq!(of_status["manager"], "kube-controller-manager");

    let scaled = caller.merge(&format!("{path}/scale"), &json!({"spec": {"replicas": 5}})).await.body;
    assert_eq!(scaled["status"]["selector"], "app=web");
    let scaled = caller.get(&path).await.body;
    assert_eq!((&scaled["status"]["readyReplicas"], &scaled["status"]["observedGeneration"]), (&json!(5), &json!(2)));
}

#[tokio::test]
async fn a_status_that_somebody_else_writes_stays_until_the_spec_changes() {
    let caller = Caller::new();
    caller.post(DEPLOYMENTS, &deployment(2)).await;
    let path = format!("{DEPLOYMENTS}/web");
    let broken = json!({"status": {"readyReplicas": null, "observedGeneration": null}});
    let written = caller.merge(&format!("{path}/status"), &broken).await.body;
    let labelled = caller.merge(&path, &json!({"metadata": {"labels": {"a": "b"}}})).await.body;
    assert_eq!(written["status"], labelled["status"]);
    let read = caller.get(&path).await.body;
    assert_eq!(read["metadata"]["resourceVersion"], labelled["metadata"]["resourceVersion"], "nothing is written");
    caller.merge(&path, &json!({"spec": {"replicas": 3}})).await;
    assert_eq!(caller.get(&path).await.body["status"]["readyReplicas"], 3);
}

#[tokio::test]
async fn a_write_of_no_effect_and_a_delete_are_not_answered_with_a_status() {
    let caller = Caller::new();
    let mut held = deployment(1);
    held["metadata"]["finalizers"] = json!(["demo.example/hold"]);
    caller.post(DEPLOYMENTS, &held).await;
    let path = format!("{DEPLOYMENTS}/web");
    let before = caller.get(&path).await.body;
    caller.merge(&path, &json!({"spec": {"replicas": 1}})).await;
    assert_eq!(caller.get(&path).await.body["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    let deleted = caller.delete(&path, &Value::Null).await.body;
    let read = caller.get(&path).await.body;
    assert_eq!(read["metadata"]["resourceVersion"], deleted["metadata"]["resourceVersion"]);
    caller.post(&format!("{DEPLOYMENTS}?dryRun=All"), &json!({"metadata": {"name": "dry"}, "spec": {}})).await;
    assert_eq!(caller.get(&format!("{DEPLOYMENTS}/dry")).await.code, 404);
}

#[tokio::test]
async fn pods_run_and_jobs_complete() {
    let caller = Caller::new();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}});
    caller.post(pods, &pod).await;
    let pod = caller.get(&format!("{pods}/p")).await.body;
    assert_eq!((&pod["status"]["phase"], &pod["spec"]["restartPolicy"]), (&json!("Running"), &json!("Always")));
    assert_eq!(condition(&pod, "Ready")["status"], "True");

    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i:1"}]}});
    caller.post(jobs, &json!({"metadata": {"name": "j"}, "spec": {"completions": 3, "template": template}})).await;
    let job = caller.get(&format!("{jobs}/j")).await.body;
    assert_eq!((&job["status"]["succeeded"], &condition(&job, "Complete")["status"]), (&json!(3), &json!("True")));
}

#[tokio::test]
async fn tables_of_workloads_show_their_state() {
    let caller = Caller::new();
    caller.post(DEPLOYMENTS, &deployment(2)).await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let list = caller.get_as(DEPLOYMENTS, table).await.body;
    let names = list["columnDefinitions"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    assert_eq!(names, ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]);
    let cells = list["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(cells[..4], [json!("web"), json!("2/2"), json!(2), json!(2)]);
    assert_eq!(cells[5..], [json!("c"), json!("i:1"), json!("app=web")]);
}

#[tokio::test]
async fn every_namespace_begins_with_a_service_account() {
    let caller = Caller::new();
    caller.post("/api/v1/namespaces", &json!({"metadata": {"name": "team"}})).await;
    for namespace in ["default", "kube-system", "team"] {
        let account = caller.get(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/default")).await;
        assert_eq!(account.code, 200, "{namespace}");
    }
    let path = "/api/v1/namespaces/team/serviceaccounts/default";
    caller.delete(path, &Value::Null).await;
    caller.merge("/api/v1/namespaces/team", &json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(caller.get(path).await.code, 404, "one that was deleted stays away");
    caller.delete("/api/v1/namespaces/team", &Value::Null).await;
    assert_eq!(caller.get("/api/v1/namespaces/team").await.code, 404, "the account does not hold the namespace");
}

#[tokio::test]
async fn fields_that_no_workload_has_are_dropped_with_a_warning_or_refused() {
    let caller = Caller::new();
    let labels = json!({"app": "web"});
    let pod = json!({"containers": [{"name": "web", "image": "web:1", "imago": "web:2"}]});
    let spec = json!({"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}});
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec});
    let strict = caller.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), &object).await;
    let unknown = "unknown field \"spec.template.spec.containers[0].imago\"";
    assert_eq!(strict.code, 400, "{}", strict.text);
    assert!(strict.body["message"].as_str().unwrap().ends_with(unknown), "{}", strict.text);

    let warned = caller.post(DEPLOYMENTS, &object).await;
    assert_eq!(warned.code, 201, "{}", warned.text);
    assert!(warned.headers["warning"].to_str().unwrap().contains("containers[0].imago"));
    assert_eq!(warned.body.pointer("/spec/template/spec/containers/0/imago"), None);

    let path = format!("{DEPLOYMENTS}/web?fieldManager=me");
    let applied = caller.apply(&path, &object.to_string()).await;
    assert_eq!(applied.code, 500, "{}", applied.text);
    let place = ".spec.template.spec.containers[name=\"web\"].imago: field not declared in schema";
    assert!(applied.body["message"].as_str().unwrap().ends_with(place), "{}", applied.text);

    let role =
        json!({"metadata": {"name": "r"}, "rules": [{"apiGroups": [""], "resources": "pods", "verbs": ["get"]}]});
    let refused = caller.post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", &role).await;
    assert_eq!(refused.code, 400, "{}", refused.text);
}
