//! What reads what it writes.

use super::*;

#[test]
fn a_field_that_feeds_itself_must_settle() {
    let onto_itself = |transform: &str| {
        let mut spec = spec(json!({"fieldPath": "data.value1", "transform": transform}));
        spec.from.as_mut().unwrap().object_reference.as_mut().unwrap().name = Some("bar".to_owned());
        spec.from.as_mut().unwrap().field_path = Some("data.value1".to_owned());
        plan(&spec, Some(&bar()), Some(&bar()))
    };
    assert_eq!(onto_itself("${ \"x\" + . }").unwrap_err().reason(), "WouldLoop");
    assert!(!onto_itself("${ ascii_upcase }").unwrap().is_up_to_date());
}

#[test]
fn an_object_feeds_itself_by_whatever_reference_it_is_read() {
    let autoscaler = |version: &str, rest: Value| {
        let mut object = json!({
            "apiVersion": format!("autoscaling/{version}"), "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h", "namespace": "default", "uid": "u-h", "resourceVersion": "7"},
            "spec": {"minReplicas": 1, "maxReplicas": 9}
        });
        object["spec"].as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        object
    };
    let (old, new) = (autoscaler("v1", json!({"target": 80})), autoscaler("v2", json!({"metrics": [{"goal": 80}]})));
    let across = |from: &str, to: &str, transform: &str| {
        let reference =
            |object: &Value| json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "name": "h"});
        let spec = json!({
            "from": {"objectReference": reference(&new), "fieldPath": from},
            "to": {"objectReference": reference(&old), "fieldPath": to, "transform": transform},
        });
        plan(&Spec::of(&spec.to_string()).unwrap(), Some(&new), Some(&old)).map(drop).map_err(|error| error.reason())
    };
    assert_eq!(across("spec.minReplicas", "spec.minReplicas", "${ . + 1 }"), Err("WouldLoop"));
    assert_eq!(across("metadata", "metadata.labels.name", "${ .labels.name // \"\" | . + \"x\" }"), Err("WouldLoop"));
    assert_eq!(across("spec.maxReplicas", "spec.minReplicas", "${ . - 1 }"), Ok(()));
    // Only one of the versions has these, and neither knows how the other shows them.
    assert_eq!(across("spec.metrics[0].goal", "spec.target", "${ . + 1 }"), Ok(()));

    let cluster = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "uid": "u-x", "labels": {"n": "1"}},
    });
    let spec = json!({
        "from": {"objectReference": {"kind": "Namespace", "name": "x", "namespace": "a"}, "fieldPath": "metadata.labels.n"},
        "to": {"objectReference": {"kind": "Namespace", "name": "x"}, "transform": "${ . + \"1\" }"},
    });
    let refused = plan(&Spec::of(&spec.to_string()).unwrap(), Some(&cluster), Some(&cluster)).unwrap_err();
    assert_eq!(refused.reason(), "WouldLoop");
}

#[test]
fn a_map_that_is_copied_into_itself_would_nest_for_ever() {
    let copy = |from: &str, to: &str| {
        let mut spec = spec(json!({"fieldPath": to}));
        spec.from.as_mut().unwrap().object_reference.as_mut().unwrap().name = Some("bar".to_owned());
        spec.from.as_mut().unwrap().field_path = Some(from.to_owned());
        plan(&spec, Some(&bar()), Some(&bar()))
    };
    assert_eq!(copy("data", "data.copy").unwrap_err().reason(), "WouldLoop");
    assert!(!copy("data.value1", "data.copy").unwrap().is_up_to_date());
}
