//! What clients learn about the API.

use serde_json::json;

use crate::caller::Caller;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

#[tokio::test]
async fn aggregated_discovery_is_complete_and_cached() {
    let caller = Caller::with_widgets().await;
    let answer = caller.get_as("/apis", AGGREGATED).await;
    assert_eq!(answer.headers["content-type"], "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    assert_eq!(answer.headers["vary"], "Accept");
    let groups = answer.body["items"].as_array().unwrap();
    let demo = groups.iter().find(|group| group["metadata"]["name"] == "demo.example").unwrap();
    let status = json!({
        "subresource": "status",
        "responseKind": {"group": "demo.example", "version": "v1", "kind": "Widget"},
        "verbs": ["get", "patch", "update"],
    });
    let scale = json!({
        "subresource": "scale",
        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
        "verbs": ["get", "patch", "update"],
    });
    assert_eq!(
        demo["versions"],
        json!([{
            "version": "v1",
            "resources": [{
                "resource": "widgets",
                "responseKind": {"group": "demo.example", "version": "v1", "kind": "Widget"},
                "scope": "Namespaced",
                "singularResource": "widget",
                "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
                "shortNames": ["wd"],
                "categories": ["all"],
                "subresources": [status, scale],
            }],
            "freshness": "Current",
        }])
    );
    let etag = answer.headers["etag"].to_str().unwrap();
    let again = caller.call("GET", "/apis", &[("accept", AGGREGATED), ("if-none-match", etag)], "").await;
    assert_eq!((again.code, again.text.as_str()), (304, ""));
    let core = caller.get_as("/api", AGGREGATED).await.body;
    assert_eq!(core["items"][0]["metadata"], json!({}));
}

#[tokio::test]
async fn plain_discovery() {
    let caller = Caller::with_widgets().await;
    assert_eq!(caller.get("/api").await.body["versions"], json!(["v1"]));
    let groups = caller.get("/apis").await.body;
    assert!(groups["groups"].as_array().unwrap().iter().any(|group| group["name"] == "demo.example"));
    let resources = caller.get("/apis/demo.example/v1").await.body;
    let names: Vec<&str> =
        resources["resources"].as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["widgets", "widgets/status", "widgets/scale"]);
    assert_eq!(caller.get("/apis/nogroup/v1").await.text, "404 page not found\n");
    assert_eq!(caller.get("/healthz").await.text, "ok");
    assert_eq!(caller.get("/version").await.body["minor"], "37");
}

#[tokio::test]
async fn openapi_describes_kinds_and_patch_options() {
    let caller = Caller::with_widgets().await;
    let index = caller.get("/openapi/v3").await;
    assert_eq!(index.headers["content-type"], "text/plain; charset=utf-8");
    let url = index.body["paths"]["apis/demo.example/v1"]["serverRelativeURL"].as_str().unwrap();
    let document = caller.get(url).await.body;
    let patch = &document["paths"]["/apis/demo.example/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "demo.example", "version": "v1", "kind": "Widget"})
    );
    let parameters = patch["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation" && parameter["in"] == "query"));
    let schema = &document["components"]["schemas"]["example.demo.v1.Widget"];
    assert_eq!(schema["x-kubernetes-group-version-kind"][0]["kind"], "Widget");
    assert_eq!(schema["properties"]["spec"]["required"], json!(["size"]));
}

#[tokio::test]
async fn everything_is_allowed() {
    let caller = Caller::new();
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "list", "resource": "configmaps"}},
    });
    let answer = caller.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await;
    assert_eq!((answer.code, &answer.body["status"]["allowed"]), (201, &json!(true)));
}
