//! Namespaces, and those of the namespaced kind.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::{Error, ObjectRef};
use capstan_sdk::testing::{Action, Call, Host, Verb};
use capstan_sdk::{Value, json};

use super::{bar, failure, host, put};

#[test]
fn a_namespace_is_dropped_for_kinds_that_have_none() {
    let host = host();
    host.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bar", "labels": {"a": "b"}}}));
    let patch = put(
        &host,
        json!({
            "from": {"objectReference": {"kind": "Namespace", "name": "bar"}, "fieldPath": "metadata.labels.a"},
            "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}, "fieldPath": "data.x"},
        }),
    );
    host.fail_next(Verb::Get, Error::Invalid("kind Namespace has no namespaces".to_owned()));
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Update);
    assert_eq!(host.object(&bar()).unwrap()["data"]["x"], "b");
}

fn namespaced(host: &Host, namespace: &str, to: Value) -> ObjectRef {
    host.put(json!({
        "apiVersion": "krateo.io/v1alpha1", "kind": "NamespacedPatch", "metadata": {"name": "p", "namespace": namespace},
        "spec": {
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": to, "fieldPath": "data.x"},
        },
    }))
}

#[test]
fn the_namespaced_kind_reads_and_writes_in_its_namespace_alone() {
    let host = host();
    let own = namespaced(&host, "default", json!({"kind": "ConfigMap", "name": "bar"}));
    host.reconcile(&PROVIDER, &own).unwrap();
    assert_eq!(host.object(&bar()).unwrap()["data"]["x"], "Foo1");

    let _ = host.take_calls();
    let other = namespaced(&host, "team-a", json!({"kind": "ConfigMap", "name": "bar", "namespace": "default"}));
    assert_eq!(failure(host.reconcile(&PROVIDER, &other)).1, "InvalidSpec");
    assert_eq!(host.take_calls(), []);

    // A kind without namespaces would be out of it.
    host.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bar"}}));
    let outside = namespaced(&host, "default", json!({"kind": "Namespace", "name": "bar"}));
    host.fail_next(Verb::Get, Error::NotFound("the source".to_owned()));
    host.fail_next(Verb::Get, Error::Invalid("kind Namespace has no namespaces".to_owned()));
    assert_eq!(failure(host.reconcile(&PROVIDER, &outside)).1, "Invalid");
    let asked = host.take_calls();
    assert!(!asked.iter().any(|call| matches!(call, Call::Get(target) if target.namespace.is_none())), "{asked:?}");
}
