//! The provider under the in-memory host: what it reads, writes and reports.
#![expect(clippy::needless_pass_by_value, reason = "arguments are mostly `json!` literals")]

mod failures;
mod merge_options;
mod owners;
mod reverts;
mod samples;
mod scope;
mod shown;
mod statuses;
mod targets;
mod writes;

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::{Error, ObjectRef, Owner};
use capstan_sdk::testing::{Action, Call, Failed, Host, Step, Verb};
use capstan_sdk::{Value, json};

pub(crate) fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data})
}

pub(crate) fn host() -> Host {
    let host = Host::new();
    host.put(config_map("foo", json!({"value1": "Foo1", "value2": "Foo2"})));
    host.put(config_map("bar", json!({"value1": "Bar1", "value2": "Bar2"})));
    host
}

pub(crate) fn bar() -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", "bar").in_namespace("default")
}

/// A `Patch` from `foo.data` to a field of `bar`, with `to` added to `spec.to`.
pub(crate) fn patch(host: &Host, to: Value) -> ObjectRef {
    let mut spec = json!({
        "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data"},
        "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}},
    });
    for (key, value) in to.as_object().unwrap() {
        spec["to"][key] = value.clone();
    }
    put(host, spec)
}

pub(crate) fn put(host: &Host, spec: Value) -> ObjectRef {
    host.put(json!({"apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": "p"}, "spec": spec}))
}

pub(crate) fn failure(outcome: Result<capstan_sdk::testing::Reconciled, Failed>) -> (Step, String, bool) {
    let Failed { step, failure } = outcome.unwrap_err();
    (step, failure.problem().reason.clone(), failure.is_terminal())
}

pub(crate) fn owned_by_kubectl() -> Error {
    let owners = vec![Owner { manager: "kubectl".to_owned(), field: ".data.x".to_owned() }];
    Error::Conflict { message: "apply failed".to_owned(), owners }
}

/// What `bar` holds.
pub(crate) fn data(host: &Host) -> Value {
    host.object(&bar()).unwrap()["data"].clone()
}

/// Something is written, and then nothing more.
pub(crate) fn settles(host: &Host, patch: &ObjectRef) {
    assert_eq!(host.reconcile(&PROVIDER, patch).unwrap().action, Action::Update);
    assert_eq!(host.reconcile(&PROVIDER, patch).unwrap().action, Action::Nothing);
}

/// The writes since this was last asked, without those that were only tried.
pub(crate) fn writes(host: &Host) -> Vec<Call> {
    host.take_calls().into_iter().filter(|call| call.verb() == Verb::Patch).collect()
}

/// Gives a `Patch` another specification.
pub(crate) fn respecify(host: &Host, patch: &ObjectRef, change: impl FnOnce(&mut Value)) {
    let mut object = host.object(patch).unwrap();
    change(&mut object["spec"]);
    host.put(object);
}
