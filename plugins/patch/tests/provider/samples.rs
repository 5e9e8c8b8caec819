//! The samples, this provider's and Krateo's.

use capstan_patch::PROVIDER;
use capstan_sdk::testing::{Action, Host};
use capstan_sdk::{Readiness, Value, json};

use super::{bar, config_map, host, patch, put};

fn sample(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_sample_with_a_pipeline_comes_out_and_settles() {
    let host = host();
    let patch = host.put(sample(include_str!("../../samples/transforms.yaml")));
    let done = host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(done.action, Action::Update);
    assert_eq!(done.observation.differences[0].path, "data.value2");
    assert_eq!(host.object(&bar()).unwrap()["data"], json!({"value1": "Bar1", "value2": "prefix-Rm9vMQ=="}));

    let again = host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(again.action, Action::Nothing);
    assert_eq!(again.observation.readiness, Readiness::Ready);
}

#[test]
fn the_sample_with_a_query_comes_out_and_settles() {
    let host = host();
    let patch = host.put(sample(include_str!("../../samples/transform.yaml")));
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Update);
    assert_eq!(host.object(&bar()).unwrap()["data"], json!({"value1": "Rm9vMg==", "value2": "Bar2"}));
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Nothing);
}

#[test]
fn the_other_samples_come_out_and_settle() {
    let host = host();
    let mut copy = config_map("copy", json!({"value1": "old"}));
    copy["metadata"]["labels"] = json!({"copy": "value1"});
    let copy = host.put(copy);
    for (text, at, path, expected) in [
        (include_str!("../../samples/sources.yaml"), &bar(), "both", "Foo1 and Foo2"),
        (include_str!("../../samples/selector.yaml"), &copy, "value1", "Foo1"),
        (include_str!("../../samples/namespaced.yaml"), &bar(), "copy", "Foo1"),
    ] {
        let patch = host.put(sample(text));
        assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Update);
        assert_eq!(host.object(at).unwrap()["data"][path], expected);
        assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Nothing);
    }
}

/// The remaining samples of Krateo's own repository: a number into a Deployment, and no transform at all.
#[test]
fn the_samples_of_krateo_converge_unchanged() {
    let host = Host::new();
    host.put(config_map("foo", json!({"replicas": "3", "value1": "Foo1"})));
    host.put(config_map("bar", json!({"value1": "Bar1"})));
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1}});
    deployment["metadata"] = json!({"name": "bar", "namespace": "default"});
    let deployment = host.put(deployment);
    let from = json!({"objectReference": {"apiVersion": "v1", "kind": "ConfigMap", "name": "foo", "namespace": "default"}, "fieldPath": "data"});
    for (to, target, pointer, expected) in [
        (
            json!({
                "objectReference": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "bar", "namespace": "default"},
                "fieldPath": "spec.replicas", "transform": "${ .replicas | tonumber }",
            }),
            &deployment,
            "/spec/replicas",
            json!(3),
        ),
        (
            json!({
                "objectReference": {"apiVersion": "v1", "kind": "ConfigMap", "name": "bar", "namespace": "default"},
                "fieldPath": "data",
            }),
            &bar(),
            "/data",
            json!({"replicas": "3", "value1": "Foo1"}),
        ),
    ] {
        let patch = put(&host, json!({"from": from, "to": to, "deletionPolicy": "Delete"}));
        assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Update);
        assert_eq!(host.object(target).unwrap().pointer(pointer), Some(&expected));
        assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Nothing);
    }
}

#[test]
fn a_source_that_changes_is_followed() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.value1", "transform": "${ .value1 }"}));
    host.reconcile(&PROVIDER, &patch).unwrap();
    host.put(config_map("foo", json!({"value1": "Foo9"})));
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Update);
    assert_eq!(host.object(&bar()).unwrap()["data"]["value1"], "Foo9");
}

#[test]
fn several_sources_meet_in_one_expression() {
    let host = host();
    let source = |name: &str, object: &str| json!({"name": name, "objectReference": {"kind": "ConfigMap", "name": object}, "fieldPath": "data.value1"});
    let patch = put(
        &host,
        json!({
            "sources": [source("one", "foo"), source("two", "bar")],
            "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}, "fieldPath": "data.both",
                   "transform": "${ \"\\(.one)-\\(.two)\" }"},
        }),
    );
    host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(host.object(&bar()).unwrap()["data"]["both"], "Foo1-Bar1");
}
