//! What is missing, broken or refused.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::Error;
use capstan_sdk::testing::{Action, Host, Step, Verb};
use capstan_sdk::{Value, json};

use super::{bar, config_map, failure, host, patch, put};

#[test]
fn what_is_missing_or_broken_is_a_terminal_failure_with_its_reason() {
    let reason = |host: &Host, to: Value| {
        let patch = patch(host, to);
        let (step, reason, is_terminal) = failure(host.reconcile(&PROVIDER, &patch));
        assert_eq!((step, is_terminal), (Step::Observe, true));
        assert!(!host.take_calls().iter().any(|call| call.verb() != Verb::Get), "nothing is written");
        reason
    };
    let value = || json!({"fieldPath": "data.x", "transform": "x"});
    let empty = Host::new();
    assert_eq!(reason(&empty, value()), "SourceNotFound");
    empty.put(config_map("foo", json!({})));
    assert_eq!(reason(&empty, value()), "TargetNotFound");
    assert_eq!(reason(&host(), json!({"fieldPath": "data.value1.x", "transform": "x"})), "FieldNotFound");
    assert_eq!(reason(&host(), json!({"fieldPath": "data..x"})), "InvalidSpec");
    assert_eq!(reason(&host(), json!({"transforms": ["upper ."]})), "TransformFailed");
    assert_eq!(reason(&host(), json!({"transform": "${ error }"})), "TransformFailed");
}

#[test]
fn an_invalid_specification_reads_nothing() {
    let host = host();
    let patch = put(&host, json!({"to": {}}));
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)).1, "InvalidSpec");
    assert_eq!(host.take_calls(), []);
}

#[test]
fn deletion_reads_nothing_and_nothing_can_block_it() {
    for spec in [json!({}), json!(null), json!("nonsense"), json!({"to": {"transform": "${ broken"}})] {
        let host = Host::new();
        let mut object = json!({"apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "spec": spec});
        object["metadata"] = json!({"name": "p", "finalizers": ["x"]});
        let patch = host.put(object);
        host.delete(&patch);
        assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Release);
        assert_eq!(host.object(&patch), None);
        assert_eq!(host.take_calls(), []);
    }
}

#[test]
fn deletion_leaves_the_field_as_it_is() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.value1", "transform": "x"}));
    host.reconcile(&PROVIDER, &patch).unwrap();
    host.delete(&patch);
    host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(host.object(&bar()).unwrap()["data"]["value1"], "x");
}

#[test]
fn content_that_the_api_server_refuses_is_not_repeated() {
    let host = host();
    let patch = patch(&host, json!({}));
    host.fail_next(Verb::Patch, Error::Invalid("the content".to_owned()));
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Update, "Invalid".to_owned(), true));
}
