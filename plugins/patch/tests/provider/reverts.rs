//! What is given back when a `Patch` goes.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::{Error, ObjectRef};
use capstan_sdk::testing::{Action, Host, Step, Verb};
use capstan_sdk::{Value, json};

use super::{bar, config_map, data, failure, host, put, respecify, settles};

/// A `Patch` from `foo.data.value1` to `bar.data.x` with a revert.
fn reverting(host: &Host) -> ObjectRef {
    let patch = host.put(json!({
        "apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": "p"},
        "spec": {
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}},
            "onDelete": "revert",
        },
    }));
    host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(host.object(&bar()).unwrap()["data"]["value1"], "Foo1");
    patch
}

#[test]
fn deletion_gives_the_first_value_back() {
    let host = host();
    let patch = reverting(&host);
    host.put(config_map("foo", json!({"value1": "Foo9"})));
    host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(host.object(&patch).unwrap()["status"]["reverts"].as_array().unwrap().len(), 1);
    host.delete(&patch);
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Delete);
    assert_eq!(host.object(&bar()).unwrap()["data"], json!({"value1": "Bar1", "value2": "Bar2"}));
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Release);
}

#[test]
fn deletion_leaves_alone_what_somebody_else_wrote_since() {
    let host = host();
    let patch = reverting(&host);
    host.put(config_map("bar", json!({"value1": "theirs"})));
    host.delete(&patch);
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Release);
    assert_eq!(host.object(&bar()).unwrap()["data"]["value1"], "theirs");
}

#[test]
fn a_target_that_must_not_be_read_any_more_does_not_block_deletion() {
    let host = host();
    let patch = reverting(&host);
    host.delete(&patch);
    host.fail_next(Verb::Get, Error::Denied("granted is nothing".to_owned()));
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Release);
    assert_eq!(host.take_events()[0].reason, "CannotRevert");
}

#[test]
fn values_too_long_to_keep_are_not_overwritten() {
    let host = host();
    host.put(config_map("foo", json!({"value1": "x".repeat(40_000)})));
    let patch = put(
        &host,
        json!({
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}},
            "onDelete": "revert",
        }),
    );
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Observe, "TooLargeToRevert".to_owned(), true));
    assert_eq!(host.object(&bar()).unwrap()["data"]["value1"], "Bar1");
}

/// Has a `Patch` deleted until it is gone.
fn delete(host: &Host, patch: &ObjectRef) {
    host.delete(patch);
    for _ in 0..3 {
        if host.reconcile(&PROVIDER, patch).unwrap().action == Action::Release {
            return;
        }
    }
    panic!("it does not go: {:?}", host.object(patch));
}

fn kept(host: &Host, patch: &ObjectRef) -> usize {
    host.object(patch).unwrap()["status"]["reverts"].as_array().map_or(0, Vec::len)
}

#[test]
fn all_fields_of_an_object_come_back_together() {
    let host = host();
    let patch = reverting(&host);
    respecify(&host, &patch, |spec| {
        spec["to"] = json!({"objectReference": {"kind": "ConfigMap", "name": "bar"}, "fieldPath": "data[*]"});
    });
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "Foo1", "value2": "Foo1"}));
    delete(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "Bar1", "value2": "Bar2"}));
}

#[test]
fn a_field_that_is_named_no_more_gets_its_value_back_at_once() {
    let host = host();
    let patch = reverting(&host);
    respecify(&host, &patch, |spec| spec["to"]["fieldPath"] = json!("data.value2"));
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "Bar1", "value2": "Foo1"}));
    assert_eq!(kept(&host, &patch), 1);
    // Also from a map to one of its members.
    respecify(&host, &patch, |spec| spec["to"]["fieldPath"] = json!("data"));
    respecify(&host, &patch, |spec| spec["to"]["transform"] = json!("${ {value2: .} }"));
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"value2": "Foo1"}));
    respecify(&host, &patch, |spec| spec["to"]["fieldPath"] = json!("data.value2"));
    respecify(&host, &patch, |spec| spec["to"]["transform"] = json!("last"));
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "Bar1", "value2": "last"}));
    delete(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "Bar1", "value2": "Bar2"}));
}

#[test]
fn an_orphan_gives_nothing_back() {
    let host = host();
    let patch = reverting(&host);
    respecify(&host, &patch, |spec| spec["deletionPolicy"] = json!("Orphan"));
    delete(&host, &patch);
    assert_eq!(data(&host)["value1"], "Foo1");
}

#[test]
fn what_was_written_comes_back_although_a_later_write_failed() {
    let host = host();
    let patch = reverting(&host);
    host.put(config_map("foo", json!({"value1": "Foo9"})));
    host.fail_next(Verb::Patch, Error::Unavailable("a storm".to_owned()));
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)).1, "Unavailable");
    delete(&host, &patch);
    assert_eq!(data(&host)["value1"], "Bar1");
}

/// A `Patch` of all `ConfigMap`s with a label, with a revert.
fn of_many(host: &Host) -> ObjectRef {
    put(
        host,
        json!({
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": {"kind": "ConfigMap"}, "selector": {"matchLabels": {"app": "web"}}, "fieldPath": "data.x"},
            "onDelete": "revert",
        }),
    )
}

fn labelled(host: &Host, name: &str, x: &str) -> ObjectRef {
    let mut object = config_map(name, json!({"x": x}));
    object["metadata"]["labels"] = json!({"app": "web"});
    host.put(object)
}

#[test]
fn a_target_that_fails_does_not_cost_the_others_their_values() {
    let host = host();
    let targets = ["a", "b", "c"].map(|name| labelled(&host, name, "old"));
    host.admit(
        |object| {
            if object["metadata"]["name"] == "b" { Err(Error::Invalid("immutable".to_owned())) } else { Ok(()) }
        },
    );
    let patch = of_many(&host);
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Update, "Invalid".to_owned(), true));
    let values = || targets.each_ref().map(|target| host.object(target).unwrap()["data"]["x"].clone());
    assert_eq!(values(), ["Foo1", "old", "Foo1"].map(Value::from));
    delete(&host, &patch);
    assert_eq!(values(), ["old", "old", "old"].map(Value::from));
}

#[test]
fn many_that_stay_as_they_are_are_told_in_as_many_events_as_the_host_takes() {
    let host = host();
    for number in 0..20 {
        labelled(&host, &format!("n{number:02}"), "theirs");
    }
    let patch = of_many(&host);
    host.reconcile(&PROVIDER, &patch).unwrap();
    host.delete(&patch);
    for _ in 0..20 {
        host.fail_next(Verb::Get, Error::Denied("granted is nothing".to_owned()));
    }
    let _ = host.take_events();
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Release);
    let notes: Vec<String> = host.take_events().into_iter().map(|event| event.note).collect();
    assert_eq!(notes.len(), 13);
    assert!(notes[12].contains("the same of 8 more objects") && notes[12].contains("default/n12"), "{}", notes[12]);
}

#[test]
fn one_that_cannot_be_given_back_does_not_keep_the_others_from_it() {
    let host = host();
    let targets = ["a", "b", "c"].map(|name| labelled(&host, name, "old"));
    let patch = of_many(&host);
    settles(&host, &patch);
    host.admit(
        |object| {
            if object["metadata"]["name"] == "a" { Err(Error::Invalid("immutable".to_owned())) } else { Ok(()) }
        },
    );
    host.delete(&patch);
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Delete, "Invalid".to_owned(), true));
    let values = targets.each_ref().map(|target| host.object(target).unwrap()["data"]["x"].clone());
    assert_eq!(values, ["Foo1", "old", "old"].map(Value::from));
}

#[test]
fn more_objects_than_can_be_read_again_are_not_written() {
    let host = host();
    for number in 0..=64 {
        labelled(&host, &format!("n{number}"), "old");
    }
    let patch = of_many(&host);
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Observe, "TooLargeToRevert".to_owned(), true));
    host.delete(&ObjectRef::new("v1", "ConfigMap", "n64").in_namespace("default"));
    settles(&host, &patch);
    assert_eq!(kept(&host, &patch), 64);
}

#[test]
fn objects_that_come_and_go_do_not_fill_the_status() {
    let host = host();
    let patch = of_many(&host);
    for number in 0..200 {
        let name = format!("n{number}");
        // One keeps its name, the others have names of their own.
        let targets = [labelled(&host, "same", &"x".repeat(500)), labelled(&host, &name, &"x".repeat(500))];
        settles(&host, &patch);
        for target in &targets {
            host.delete(target);
        }
    }
    assert!(kept(&host, &patch) <= 64);
}

#[test]
fn a_forged_record_does_not_lead_out_of_the_namespace() {
    let host = host();
    let victim = host.put(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "victim", "namespace": "kube-system"}, "data": {"x": "theirs"},
    }));
    let uid = host.object(&victim).unwrap()["metadata"]["uid"].clone();
    let forged = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "victim", "namespace": "kube-system", "uid": uid,
        "fieldPath": "data.x", "original": "forged", "applied": "theirs",
    });
    for kind in ["Patch", "NamespacedPatch"] {
        let mut object = json!({
            "apiVersion": "krateo.io/v1alpha1", "kind": kind, "metadata": {"name": "p", "finalizers": ["x"]},
            "spec": {"onDelete": "revert"}, "status": {"reverts": [forged]},
        });
        if kind == "NamespacedPatch" {
            object["metadata"]["namespace"] = json!("default");
        }
        let patch = host.put(object);
        let _ = host.take_calls();
        delete(&host, &patch);
        let expected = if kind == "Patch" { "forged" } else { "theirs" };
        assert_eq!(host.object(&victim).unwrap()["data"]["x"], expected, "{kind}");
        assert_eq!(host.take_calls().is_empty(), kind == "NamespacedPatch");
        host.put(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "victim", "namespace": "kube-system"}, "data": {"x": "theirs"},
        }));
    }
}

#[test]
fn an_object_that_is_not_named_any_more_gets_its_value_back_with_the_deletion() {
    let host = host();
    let patch = reverting(&host);
    host.put(config_map("other", json!({"value1": "Other1"})));
    let other = ObjectRef::new("v1", "ConfigMap", "other").in_namespace("default");
    respecify(&host, &patch, |spec| spec["to"]["objectReference"]["name"] = json!("other"));
    settles(&host, &patch);
    let value = |target: &ObjectRef| host.object(target).unwrap()["data"]["value1"].clone();
    assert_eq!((value(&bar()), value(&other)), (json!("Foo1"), json!("Foo1")));
    host.delete(&patch);
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().action, Action::Delete);
    assert_eq!((value(&bar()), value(&other)), (json!("Bar1"), json!("Other1")));
}
