//! CEL rules of custom resources, over every way to write an object.

use serde_json::{Value, json};

use crate::caller::{Answer, Caller, WIDGETS, widget, widgets};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.demo.example";

/// The widgets with rules on their spec and status.
fn ruled() -> Value {
    let mut crd = widgets();
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    schema["spec"]["x-kubernetes-validations"] = json!([
        {"rule": "self.size <= 10", "message": "size must be at most 10"},
        {"rule": "self.mode != 'fast' || self.size < 5", "message": "fast widgets are small", "fieldPath": ".mode"},
        {"rule": "self.mode == oldSelf.mode", "message": "mode is immutable", "reason": "FieldValueForbidden"},
    ]);
    schema["status"]["x-kubernetes-validations"] =
        json!([{"rule": "!has(self.replicas) || self.replicas < 3", "message": "too many"}]);
    crd
}

async fn with_rules() -> Caller {
    let caller = Caller::with_widgets().await;
    let mut crd = ruled();
    crd["metadata"]["resourceVersion"] = caller.get(CRD).await.body["metadata"]["resourceVersion"].clone();
    let updated = caller.put(CRD, &crd).await;
    assert_eq!(updated.code, 200, "{}", updated.text);
    assert_eq!(updated.headers.get("warning"), None);
    caller
}

fn causes(answer: &Answer) -> &Value {
    assert_eq!(answer.code, 422, "{}", answer.text);
    &answer.body["details"]["causes"]
}

fn cause(reason: &str, message: &str, field: &str) -> Value {
    json!([{"reason": reason, "message": message, "field": field}])
}

#[tokio::test]
async fn an_object_that_breaks_a_rule_is_refused() {
    let caller = with_rules().await;
    let refused = caller.post(WIDGETS, &widget("cel", json!({"size": 11}))).await;
    let message = "Widget.demo.example \"cel\" is invalid: spec: Invalid value: size must be at most 10";
    assert_eq!(refused.body["message"], message);
    assert_eq!(*causes(&refused), cause("FieldValueInvalid", "Invalid value: size must be at most 10", "spec"));

    let refused = caller.post(WIDGETS, &widget("cel", json!({"size": 7, "mode": "fast"}))).await;
    assert_eq!(*causes(&refused), cause("FieldValueInvalid", "Invalid value: fast widgets are small", "spec.mode"));
    assert_eq!(caller.post(WIDGETS, &widget("cel", json!({"size": 10}))).await.code, 201, "the default mode is slow");
}

#[tokio::test]
async fn rules_wait_for_an_object_that_is_valid_otherwise() {
    let caller = with_rules().await;
    let refused = caller.post(WIDGETS, &widget("cel", json!({"size": "many"}))).await;
    assert_eq!(causes(&refused).as_array().unwrap().len(), 2);
    let last = "Invalid value: null: some validation rules were not checked because the object was invalid; correct \
                the existing errors to complete validation";
    assert_eq!(causes(&refused)[1], cause("FieldValueInvalid", last, "<nil>")[0]);
}

#[tokio::test]
async fn every_way_to_write_keeps_the_rules() {
    let caller = with_rules().await;
    let path = format!("{WIDGETS}/a");
    let created = caller.post(WIDGETS, &widget("a", json!({"size": 1}))).await.body;
    let too_large = cause("FieldValueInvalid", "Invalid value: size must be at most 10", "spec");

    let mut replaced = created.clone();
    replaced["spec"]["size"] = json!(11);
    assert_eq!(*causes(&caller.put(&path, &replaced).await), too_large);
    assert_eq!(*causes(&caller.merge(&path, &json!({"spec": {"size": 11}})).await), too_large);
    let operations = json!([{"op": "replace", "path": "/spec/size", "value": 11}]);
    assert_eq!(*causes(&caller.json_patch(&path, &operations).await), too_large);
    let applied = json!({"apiVersion": "demo.example/v1", "kind": "Widget", "spec": {"size": 11}}).to_string();
    assert_eq!(*causes(&caller.apply(&format!("{path}?fieldManager=m&force=true"), &applied).await), too_large);
    assert_eq!(*causes(&caller.apply(&format!("{WIDGETS}/new?fieldManager=m"), &applied).await), too_large);
    let dry = caller.merge(&format!("{path}?dryRun=All"), &json!({"spec": {"size": 11}})).await;
    assert_eq!(*causes(&dry), too_large);

    let changed = caller.merge(&path, &json!({"spec": {"mode": "fast"}})).await;
    assert_eq!(*causes(&changed), cause("FieldValueForbidden", "Forbidden: mode is immutable", "spec"));
    let status = caller.merge(&format!("{path}/status"), &json!({"status": {"replicas": 3}})).await;
    assert_eq!(*causes(&status), cause("FieldValueInvalid", "Invalid value: too many", "status"));
    assert_eq!(caller.merge(&format!("{path}/status"), &json!({"status": {"replicas": 2}})).await.code, 200);
    assert_eq!(caller.get(&path).await.body["spec"], json!({"size": 1, "mode": "slow"}));
}

#[tokio::test]
async fn what_was_invalid_before_a_rule_came_may_stay_so() {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("a", json!({"size": 11, "tags": ["x"]}))).await;
    let schema = "/spec/versions/0/schema/openAPIV3Schema";
    let fields = format!("{schema}/properties/spec/properties");
    let operations = json!([
        {"op": "add", "path": format!("{fields}/size/x-kubernetes-validations"), "value": [{"rule": "self <= 10"}]},
        {"op": "add", "path": format!("{fields}/tags/minItems"), "value": 2},
    ]);
    let patched = caller.json_patch(CRD, &operations).await;
    assert_eq!(patched.code, 200, "{}", patched.text);

    let path = format!("{WIDGETS}/a");
    let labelled = caller.merge(&path, &json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(labelled.code, 200, "{}", labelled.text);
    let warning = labelled.headers["warning"].to_str().unwrap();
    assert_eq!(warning, "299 - \"spec.size: Invalid value: 11: failed rule: self <= 10\"");
    let ready = caller.merge(&format!("{path}/status"), &json!({"status": {"replicas": 1}})).await;
    assert_eq!(ready.code, 200, "{}", ready.text);

    let larger = caller.merge(&path, &json!({"spec": {"size": 12}})).await;
    assert_eq!(*causes(&larger), cause("FieldValueInvalid", "Invalid value: 12: failed rule: self <= 10", "spec.size"));
    let other = caller.merge(&path, &json!({"spec": {"tags": ["y"]}})).await;
    assert_eq!(causes(&other)[0]["field"], "spec.tags");
    assert_eq!(caller.merge(&path, &json!({"spec": {"tags": ["x", "y"], "size": 3}})).await.code, 200);
    let back = caller.merge(&path, &json!({"spec": {"size": 11}})).await;
    assert_eq!(back.code, 422, "once mended it has to stay valid");

    // A missing field of the whole object shows in every change of it, because metadata always differ.
    let operations = json!([{"op": "replace", "path": format!("{schema}/required"), "value": ["spec", "extra"]}]);
    assert_eq!(caller.json_patch(CRD, &operations).await.code, 200);
    let labelled = caller.merge(&path, &json!({"metadata": {"labels": {"a": "c"}}})).await;
    assert_eq!(causes(&labelled)[0], cause("FieldValueRequired", "Required value", "extra")[0]);
    let ready = caller.merge(&format!("{path}/status"), &json!({"status": {"replicas": 2}})).await;
    assert_eq!(ready.code, 200, "only the status is checked: {}", ready.text);
    let untyped = caller.merge(&format!("{path}/status"), &json!({"status": {"replicas": "two"}})).await;
    assert_eq!(causes(&untyped)[0]["field"], "status.replicas");
}

#[tokio::test]
async fn a_definition_with_a_rule_that_does_not_compile_is_refused() {
    let caller = Caller::new();
    let mut crd = widgets();
    let spec = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    spec["x-kubernetes-validations"] = json!([{"rule": "true"}, {"rule": "self.sise < 10"}]);
    let refused = caller.post(CRDS, &crd).await;
    let cause = &causes(&refused)[0];
    assert_eq!(cause["reason"], "FieldValueInvalid");
    assert_eq!(cause["field"], "spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[1].rule");
    let message = cause["message"].as_str().unwrap();
    assert!(message.starts_with(r#"Invalid value: {"Rule":"self.sise \u003c 10","#), "{message}");
    assert!(message.ends_with("compilation failed: undefined field 'sise'"), "{message}");
    assert_eq!(caller.get(CRD).await.code, 404);
}

#[tokio::test]
async fn the_definitions_of_the_repository_are_accepted() {
    let caller = Caller::new();
    for file in [
        include_str!("../../../../plugins/patch/crds/patches.yaml"),
        include_str!("../../../../tests/neighbour/crds/notes.yaml"),
    ] {
        let crd: Value = serde_saphyr::from_str(file).unwrap();
        let created = caller.post(CRDS, &crd).await;
        assert_eq!(created.code, 201, "{}", created.text);
        assert_eq!(created.headers.get("warning"), None);
    }
}
