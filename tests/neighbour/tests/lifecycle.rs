//! A `Note` from its first reconcile to its last, on the in-memory host.

use capstan_neighbour::PROVIDER;
use capstan_sdk::{
    Readiness, Value,
    cluster::{Error, ObjectRef},
    json,
    testing::{Action, Call, Host, Step, Verb},
};

fn note(host: &Host, text: &str) -> ObjectRef {
    host.put(json!({
        "apiVersion": "test.capstan.dev/v1", "kind": "Note",
        "metadata": {"name": "a", "namespace": "n"}, "spec": {"text": text},
    }))
}

fn written(host: &Host) -> Option<Value> {
    let target = ObjectRef::new("v1", "ConfigMap", "note-a").in_namespace("n");
    host.object(&target).map(|object| object["data"]["text"].clone())
}

#[test]
fn the_text_is_written_kept_and_removed() {
    let host = Host::new();
    let object = note(&host, "one");
    let step = || host.reconcile(&PROVIDER, &object).unwrap();

    assert_eq!(step().action, Action::Create);
    assert_eq!(written(&host), Some(json!("one")));
    let settled = step();
    assert_eq!((settled.action, settled.observation.readiness), (Action::Nothing, Readiness::Ready));
    assert_eq!(host.object(&object).unwrap()["status"]["written"], "one");

    note(&host, "two");
    let changed = step();
    assert_eq!(changed.action, Action::Update);
    assert_eq!(changed.observation.differences[0].path, "data.text");
    assert_eq!(host.object(&object).unwrap()["status"]["written"], "two");

    host.delete(&object);
    assert_eq!(step().action, Action::Delete);
    assert_eq!(written(&host), None);
    assert_eq!(step().action, Action::Release);
    assert_eq!(host.object(&object), None);
}

#[test]
fn a_config_map_that_vanished_is_written_again() {
    let host = Host::new();
    let object = note(&host, "one");
    host.reconcile(&PROVIDER, &object).unwrap();
    host.delete(&ObjectRef::new("v1", "ConfigMap", "note-a").in_namespace("n"));
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Create);
    assert_eq!(written(&host), Some(json!("one")));
}

#[test]
fn a_storm_is_waited_out() {
    let host = Host::new();
    let object = note(&host, "one");
    host.fail_next(Verb::Create, Error::Unavailable("a storm".into()));
    let failed = host.reconcile(&PROVIDER, &object).unwrap_err();
    assert_eq!((failed.step, failed.failure.is_terminal()), (Step::Create, false));
    host.reconcile(&PROVIDER, &object).unwrap();
    assert_eq!(written(&host), Some(json!("one")));
}

#[test]
fn what_an_unclear_create_made_is_found_and_not_made_again() {
    let host = Host::new();
    let object = note(&host, "one");
    let creates = || host.take_calls().iter().filter(|call| matches!(call, Call::Create(_))).count();
    host.fail_next(Verb::Create, Error::Unavailable("the answer is lost".into()));
    host.reconcile(&PROVIDER, &object).unwrap_err();
    assert_eq!(creates(), 1);
    // It was carried out all the same, and the text changes before the next attempt.
    host.put(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note-a", "namespace": "n"}, "data": {"text": "one"},
    }));
    note(&host, "two");
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Update);
    assert_eq!((written(&host), creates()), (Some(json!("two")), 0));
}

#[test]
fn an_existing_one_is_found_by_its_external_name() {
    let host = Host::new();
    let config_map = host.put(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old", "namespace": "n"}, "data": {"text": "old"},
    }));
    let object = host.put(json!({
        "apiVersion": "test.capstan.dev/v1", "kind": "Note", "spec": {"text": "new"},
        "metadata": {"name": "a", "namespace": "n", "annotations": {"krateo.io/external-name": "old"}},
    }));
    assert_eq!(host.reconcile(&PROVIDER, &object).unwrap().action, Action::Update);
    assert_eq!(host.object(&config_map).unwrap()["data"]["text"], "new");
    assert_eq!(written(&host), None);
}
