//! Several targets.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::ObjectRef;
use capstan_sdk::json;
use capstan_sdk::testing::{Action, Step};

use super::{config_map, failure, host, put};

#[test]
fn every_object_with_the_labels_is_changed() {
    let host = host();
    for name in ["one", "two", "other"] {
        let mut object = config_map(name, json!({}));
        object["metadata"]["labels"] = json!({"app": if name == "other" { "other" } else { "web" }});
        host.put(object);
    }
    let mut spec = json!({
        "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
        "to": {"objectReference": {"kind": "ConfigMap"}, "selector": {"matchLabels": {"app": "web"}}},
    });
    let patch = put(&host, spec.clone());
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Update);
    let value = |name: &str| {
        let object = host.object(&ObjectRef::new("v1", "ConfigMap", name).in_namespace("default")).unwrap();
        object["data"]["value1"].clone()
    };
    assert_eq!([value("one"), value("two"), value("other")], [json!("Foo1"), json!("Foo1"), json!(null)]);
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Nothing);

    spec["to"]["selector"]["matchLabels"]["app"] = json!("nobody");
    let nobody = put(&host, spec.clone());
    assert_eq!(failure(host.reconcile(&PROVIDER, &nobody)).1, "TargetNotFound");
    for number in 0..101 {
        let mut object = config_map(&format!("n{number}"), json!({}));
        object["metadata"]["labels"] = json!({"app": "many"});
        host.put(object);
    }
    spec["to"]["selector"]["matchLabels"]["app"] = json!("many");
    let many = put(&host, spec);
    assert_eq!(failure(host.reconcile(&PROVIDER, &many)).1, "TooManyTargets");
}

#[test]
fn a_target_without_room_for_the_field_does_not_keep_the_others_from_it() {
    let host = host();
    for (name, data) in [("one", json!({})), ("odd", json!("a text")), ("two", json!({}))] {
        let mut object = config_map(name, data);
        object["metadata"]["labels"] = json!({"app": "web"});
        host.put(object);
    }
    let patch = put(
        &host,
        json!({
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": {"kind": "ConfigMap"}, "selector": {"matchLabels": {"app": "web"}}},
        }),
    );
    let failed = host.reconcile(&PROVIDER, &patch).unwrap_err();
    assert!(failed.failure.problem().message.contains("default/odd"), "{failed}");
    for name in ["one", "two"] {
        let target = ObjectRef::new("v1", "ConfigMap", name).in_namespace("default");
        assert_eq!(host.object(&target).unwrap()["data"]["value1"], "Foo1");
    }
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Observe, "FieldNotFound".to_owned(), true));
}
