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
    let unknown = caller.post("/api/v1/namespaces/default/serviceaccounts/default/token", &json!({})).await;
    assert_eq!(unknown.body["message"], "the server could not find the requested resource");
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
async fn openapi_knows_the_fields_of_built_in_kinds() {
    let caller = Caller::new();
    let url = "/openapi/v3/apis/apps/v1";
    let answer = caller.get(url).await;
    let schemas = &answer.body["components"]["schemas"];
    let spec = &schemas["io.k8s.api.apps.v1.Deployment"]["properties"]["spec"]["allOf"][0]["$ref"];
    assert_eq!(spec, "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec");
    let container = &schemas["io.k8s.api.core.v1.Container"]["properties"];
    assert_eq!(container["command"], json!({"type": "array", "items": {"type": "string"}}));
    let volume = &schemas["io.k8s.api.core.v1.Volume"]["properties"];
    assert!(volume.get("configMap").is_some() && volume.get("VolumeSource").is_none(), "embedded fields: {volume}");
    let known = [("if-none-match", answer.headers["etag"].to_str().unwrap())];
    assert_eq!(caller.call("GET", url, &known, "").await.code, 304);
}

#[tokio::test]
async fn people_get_json_on_many_lines() {
    let caller = Caller::new();
    let path = "/api/v1/namespaces/default";
    let plain = caller.get(path).await;
    let pretty = caller.get(&format!("{path}?pretty=true")).await;
    assert_eq!((plain.text.lines().count(), plain.body), (1, pretty.body));
    assert!(pretty.text.starts_with("{\n  \"") && pretty.text.ends_with("}\n"), "{}", pretty.text);
}

#[tokio::test]
async fn reviews_say_that_everything_is_allowed() {
    let caller = Caller::new();
    let path = "/apis/authorization.k8s.io/v1";
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "list", "resource": "configmaps"}},
    });
    let answer = caller.post(&format!("{path}/selfsubjectaccessreviews"), &review).await;
    assert_eq!((answer.code, &answer.body["status"]["allowed"]), (201, &json!(true)));
    assert_eq!(caller.get(&format!("{path}/selfsubjectaccessreviews")).await.code, 405);
    let wrong = caller.post(&format!("{path}/selfsubjectrulesreviews"), &review).await;
    assert_eq!(wrong.code, 400, "the body is of another kind");
    let rules = json!({"kind": "SelfSubjectRulesReview", "spec": {"namespace": "default"}});
    let answer = caller.post(&format!("{path}/selfsubjectrulesreviews"), &rules).await;
    assert_eq!(answer.body["status"]["resourceRules"][0]["verbs"], json!(["*"]));
    let whoami = caller.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &json!({})).await;
    assert_eq!(whoami.body["status"]["userInfo"]["username"], "system:anonymous");
    let listed = caller.get(path).await.body;
    assert_eq!(listed["resources"].as_array().unwrap().len(), 2);
    let group = caller.get("/apis/authentication.k8s.io").await.body;
    assert_eq!(group["preferredVersion"]["groupVersion"], "authentication.k8s.io/v1");
}
