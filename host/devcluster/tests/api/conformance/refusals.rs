//! What cannot be written as it is, with every cause.

use serde_json::json;

use super::refused;
use crate::caller::{Caller, WIDGETS, widget};

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
