//! Changing the manifests where the command line says something else.

use serde_json::{Value, json};

/// Moves an object, and the subjects of a binding, into another namespace.
pub(super) fn namespace(object: &mut Value, namespace: &str) {
    let metadata = &mut object["metadata"];
    if metadata.get("namespace").is_some() {
        metadata["namespace"] = json!(namespace);
    }
    if object["kind"] == "Namespace" {
        object["metadata"]["name"] = json!(namespace);
    }
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        subject["namespace"] = json!(namespace);
    }
}

/// Sets what a Deployment runs, and how often.
pub(super) fn workload(object: &mut Value, image: Option<&str>, replicas: u16) {
    if object["kind"] != "Deployment" {
        return;
    }
    object["spec"]["replicas"] = json!(replicas);
    if let Some(image) = image {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    }
}
