//! `CustomResourceDefinition`s over their life.

use serde_json::{Value, json};

use crate::caller::{Caller, WIDGETS, widget, widgets};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.demo.example";

fn condition<'a>(crd: &'a Value, ty: &str) -> &'a Value {
    let conditions = crd["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|condition| condition["type"] == ty).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_definition_is_established_and_served() {
    let caller = Caller::with_widgets().await;
    let crd = caller.get(CRD).await.body;
    assert_eq!(condition(&crd, "NamesAccepted")["reason"], "NoConflicts");
    assert_eq!(condition(&crd, "Established")["reason"], "InitialNamesAccepted");
    assert_eq!(crd["status"]["acceptedNames"]["listKind"], "WidgetList");
    assert_eq!(crd["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(caller.get(WIDGETS).await.body["kind"], "WidgetList");
}

#[tokio::test]
async fn names_that_are_taken_are_not_accepted() {
    let caller = Caller::with_widgets().await;
    let mut other = widgets();
    other["metadata"]["name"] = "gadgets.demo.example".into();
    other["spec"]["names"]["plural"] = "gadgets".into();
    caller.post(CRDS, &other).await;
    let crd = caller.get(&format!("{CRDS}/gadgets.demo.example")).await.body;
    assert_eq!(condition(&crd, "NamesAccepted")["status"], "False");
    assert_eq!(condition(&crd, "Established")["status"], "False");
    assert_eq!(caller.get("/apis/demo.example/v1/gadgets").await.code, 404);
    caller.delete(CRD, &Value::Null).await;
}

#[tokio::test]
async fn a_schema_that_is_not_structural_is_refused() {
    let caller = Caller::new();
    let mut crd = widgets();
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    schema["properties"]["spec"]["properties"]["size"] = json!({"description": "no type"});
    let refused = caller.post(CRDS, &crd).await;
    assert_eq!(
        refused.body["message"],
        "CustomResourceDefinition.apiextensions.k8s.io \"widgets.demo.example\" is invalid: \
         spec.validation.openAPIV3Schema.properties[spec].properties[size].type: Required value: must not be empty for \
         specified object fields"
    );
}

#[tokio::test]
async fn all_served_versions_show_one_object() {
    let caller = Caller::new();
    let mut crd = widgets();
    let mut beta = crd["spec"]["versions"][0].clone();
    beta["name"] = "v1beta1".into();
    beta["storage"] = false.into();
    // Kubernetes refuses selectable fields that all versions share if they do not share their schemas.
    beta["selectableFields"] = json!([]);
    beta["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["extra"] =
        json!({"type": "string", "default": "e"});
    crd["spec"]["versions"].as_array_mut().unwrap().push(beta);
    caller.post(CRDS, &crd).await;
    let path = |version: &str| format!("/apis/demo.example/{version}/namespaces/default/widgets");
    let mut old = widget("a", json!({"size": 1}));
    old["apiVersion"] = "demo.example/v1beta1".into();
    let created = caller.post(&path("v1beta1"), &old).await;
    assert_eq!(created.body["spec"]["extra"], "e", "{}", created.text);
    let read = caller.get(&format!("{}/a", path("v1"))).await.body;
    assert_eq!(read["apiVersion"], "demo.example/v1");
    assert_eq!(read["spec"].get("extra"), None, "v1 does not know the field");
    assert_eq!(read["metadata"]["uid"], created.body["metadata"]["uid"]);
    let group = caller.get("/apis/demo.example").await.body;
    assert_eq!(group["preferredVersion"]["version"], "v1");
}

#[tokio::test]
async fn a_new_default_shows_in_old_objects() {
    let caller = Caller::with_widgets().await;
    caller.post(WIDGETS, &widget("a", json!({"size": 1}))).await;
    let patch = json!([{
        "op": "add",
        "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/colour",
        "value": {"type": "string", "default": "red"},
    }]);
    let patched = caller.json_patch(CRD, &patch).await;
    assert_eq!(patched.code, 200, "{}", patched.text);
    assert_eq!(caller.get(&format!("{WIDGETS}/a")).await.body["spec"]["colour"], "red");
}

#[tokio::test(start_paused = true)]
async fn deleting_a_definition_deletes_its_objects_and_ends_watches() {
    let caller = Caller::with_widgets().await;
    let mut held = widget("held", json!({"size": 1}));
    held["metadata"]["finalizers"] = json!(["demo.example/hold"]);
    caller.post(WIDGETS, &held).await;
    caller.post(WIDGETS, &widget("free", json!({"size": 1}))).await;
    let delete = async {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        caller.delete(CRD, &Value::Null).await;
        let crd = caller.get(CRD).await.body;
        assert_eq!(condition(&crd, "Terminating")["reason"], "InstanceDeletionInProgress");
        assert_eq!(caller.get(&format!("{WIDGETS}/free")).await.code, 404);
        let refused = caller.post(WIDGETS, &widget("new", json!({"size": 1}))).await;
        assert_eq!(refused.code, 403);
        caller.merge(&format!("{WIDGETS}/held"), &json!({"metadata": {"finalizers": null}})).await;
    };
    let begun = tokio::time::Instant::now();
    let path = format!("{WIDGETS}?watch=1&timeoutSeconds=1000");
    let (watch, ()) = tokio::join!(caller.get(&path), delete);
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "the watch has ended with the kind");
    let last = watch.text.lines().last().unwrap();
    assert!(last.starts_with(r#"{"type":"DELETED""#), "{last}");
    assert_eq!(caller.get(CRD).await.code, 404);
    assert_eq!(caller.get(WIDGETS).await.text, "404 page not found\n");
    assert_eq!(caller.get("/apis/demo.example").await.code, 404);
    assert_eq!(caller.post(CRDS, &widgets()).await.code, 201, "it can come back");
    assert_eq!(caller.get(WIDGETS).await.code, 200);
}

#[tokio::test]
async fn a_field_that_is_gone_does_not_come_back_with_a_write() {
    let scale = json!({"spec": {"replicas": 2}});
    let status = json!({"status": {"replicas": 1}});
    let applied = widget("a", json!({"mode": "fast"})).to_string();
    for write in ["status", "scale", "apply"] {
        let caller = Caller::new();
        let mut crd = widgets();
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
        crd.pointer_mut(spec).unwrap()["gone"] = json!({"type": "string"});
        assert_eq!(caller.post(CRDS, &crd).await.code, 201);
        let namespace = json!({"metadata": {"name": "golden"}});
        assert_eq!(caller.post("/api/v1/namespaces", &namespace).await.code, 201);
        let made = caller.post(WIDGETS, &widget("a", json!({"size": 1, "gone": "x"}))).await;
        assert_eq!(made.body["spec"]["gone"], "x");
        let dropped = caller.json_patch(CRD, &json!([{"op": "remove", "path": format!("{spec}/gone")}])).await;
        assert_eq!(dropped.code, 200, "{}", dropped.text);
        assert_eq!(caller.get(&format!("{WIDGETS}/a")).await.body["spec"]["gone"], Value::Null);
        let written = match write {
            "apply" => caller.apply(&format!("{WIDGETS}/a?fieldManager=x&force=true"), &applied).await,
            "scale" => caller.merge(&format!("{WIDGETS}/a/scale"), &scale).await,
            status_part => caller.merge(&format!("{WIDGETS}/a/{status_part}"), &status).await,
        };
        assert_eq!(written.code, 200, "{write}: {}", written.text);
        let spec = caller.get(&format!("{WIDGETS}/a")).await.body["spec"].clone();
        assert_eq!((&spec["size"], &spec["gone"]), (&json!(1), &Value::Null), "{write}");
    }
}
