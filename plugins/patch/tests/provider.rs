//! The provider under the in-memory host: what it reads, writes and reports.
#![expect(clippy::needless_pass_by_value, reason = "arguments are mostly `json!` literals")]

use capstan_patch::PROVIDER;
use capstan_patch::provider::Patch;
use capstan_sdk::cluster::{Error, ObjectRef, Owner, PatchKind};
use capstan_sdk::testing::{Action, Call, Failed, Host, Step, Verb};
use capstan_sdk::{External, Managed, Metadata, Readiness, Value, json};

fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data})
}

fn host() -> Host {
    let host = Host::new();
    host.put(config_map("foo", json!({"value1": "Foo1", "value2": "Foo2"})));
    host.put(config_map("bar", json!({"value1": "Bar1", "value2": "Bar2"})));
    host
}

fn bar() -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", "bar").in_namespace("default")
}

/// A `Patch` from `foo.data` to a field of `bar`, with `to` added to `spec.to`.
fn patch(host: &Host, to: Value) -> ObjectRef {
    let mut spec = json!({
        "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data"},
        "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}},
    });
    for (key, value) in to.as_object().unwrap() {
        spec["to"][key] = value.clone();
    }
    put(host, spec)
}

fn put(host: &Host, spec: Value) -> ObjectRef {
    host.put(json!({"apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": "p"}, "spec": spec}))
}

fn sample(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn failure(outcome: Result<capstan_sdk::testing::Reconciled, Failed>) -> (Step, String, bool) {
    let Failed { step, failure } = outcome.unwrap_err();
    (step, failure.problem().reason.clone(), failure.is_terminal())
}

#[test]
fn the_sample_with_a_pipeline_comes_out_and_settles() {
    let host = host();
    let patch = host.put(sample(include_str!("../samples/transforms.yaml")));
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
    let patch = host.put(sample(include_str!("../samples/transform.yaml")));
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
        (include_str!("../samples/sources.yaml"), &bar(), "both", "Foo1 and Foo2"),
        (include_str!("../samples/selector.yaml"), &copy, "value1", "Foo1"),
        (include_str!("../samples/namespaced.yaml"), &bar(), "copy", "Foo1"),
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
fn a_text_is_applied_and_a_map_patched_under_its_version() {
    let host = host();
    let text = patch(&host, json!({"fieldPath": "data.new", "transform": "x"}));
    host.reconcile(&PROVIDER, &text).unwrap();
    let calls = host.take_calls();
    let Some(Call::Patch(_, apply)) = calls.last() else { panic!("{calls:?}") };
    assert_eq!((apply.kind, apply.force), (PatchKind::Apply, false));
    assert_eq!(apply.body["data"], json!({"new": "x"}));
    assert!(apply.body["metadata"]["uid"].is_string());

    let map = patch(&host, json!({}));
    host.reconcile(&PROVIDER, &map).unwrap();
    let calls = host.take_calls();
    assert!(matches!(calls.last(), Some(Call::Patch(_, json)) if json.kind == PatchKind::Json));
    assert_eq!(host.object(&bar()).unwrap()["data"], json!({"value1": "Foo1", "value2": "Foo2"}));
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

#[test]
fn content_that_the_api_server_refuses_is_not_repeated() {
    let host = host();
    let patch = patch(&host, json!({}));
    host.fail_next(Verb::Patch, Error::Invalid("the content".to_owned()));
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Update, "Invalid".to_owned(), true));
}

#[test]
fn a_write_that_lost_a_race_is_repeated_from_a_fresh_look() {
    let host = host();
    let reference = patch(&host, json!({}));
    let object = Managed {
        api_version: "krateo.io/v1alpha1".to_owned(),
        kind: "Patch".to_owned(),
        metadata: Metadata::default(),
        spec: host.object(&reference).unwrap()["spec"].clone(),
        status: Value::Null,
    };
    host.run(|| {
        let mut session = Patch::connect(&object).unwrap();
        assert!(!session.observe(&object).unwrap().up_to_date);
        host.put(config_map("bar", json!({"value3": "somebody else's"})));
        let lost = session.update(&object).unwrap_err();
        assert_eq!((lost.problem().reason.as_str(), lost.is_terminal()), ("Conflict", false));
        assert_eq!(host.object(&bar()).unwrap()["data"], json!({"value3": "somebody else's"}));
        let _ = session.update(&object).unwrap();
        assert_eq!(host.object(&bar()).unwrap()["data"], json!({"value1": "Foo1", "value2": "Foo2"}));
    });
}

fn owned_by_kubectl() -> Error {
    let owners = vec![Owner { manager: "kubectl".to_owned(), field: ".data.x".to_owned() }];
    Error::Conflict { message: "apply failed".to_owned(), owners }
}

#[test]
fn what_somebody_else_owns_is_taken_over_and_an_event_says_from_whom() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x"}));
    host.fail_next(Verb::Patch, owned_by_kubectl());
    host.reconcile(&PROVIDER, &patch).unwrap();
    let calls = host.take_calls();
    assert!(matches!(calls.last(), Some(Call::Patch(_, forced)) if forced.force), "{calls:?}");
    let events = host.take_events();
    assert_eq!((events.len(), events[0].reason.as_str()), (1, "TookOver"));
    assert!(events[0].note.contains("kubectl owns .data.x"), "{}", events[0].note);
}

#[test]
fn what_somebody_else_owns_stays_if_the_patch_says_so() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x", "onConflict": "fail"}));
    host.fail_next(Verb::Patch, owned_by_kubectl());
    let failed = host.reconcile(&PROVIDER, &patch).unwrap_err().failure;
    assert!(failed.problem().reason == "Conflict" && failed.is_terminal());
    assert!(failed.problem().message.contains("kubectl owns .data.x"), "{}", failed.problem().message);
    assert_eq!(host.object(&bar()).unwrap()["data"].get("x"), None);
}

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
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)), (Step::Update, "TooLargeToRevert".to_owned(), true));
    assert_eq!(host.object(&bar()).unwrap()["data"]["value1"], "Bar1");
}

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

#[test]
fn with_the_observe_policy_the_status_shows_what_would_be_written() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.value1", "transform": "${ .value2 }"}));
    let mut object = host.object(&patch).unwrap();
    object["metadata"]["annotations"] = json!({"krateo.io/management-policy": "observe"});
    host.put(object);
    let preview = |host: &Host| host.reconcile(&PROVIDER, &patch).unwrap().observation.status;
    let expected = json!({"preview": [{
        "target": "ConfigMap default/bar", "fieldPath": "data.value1", "desired": "\"Foo2\"", "actual": "\"Bar1\"",
    }]});
    assert_eq!(preview(&host), Some(expected));

    let mut object = host.object(&patch).unwrap();
    object["metadata"]["annotations"] = json!({});
    host.put(object);
    assert_eq!(preview(&host), Some(json!({"preview": null})), "it goes with the policy");
    assert_eq!(preview(&host), None);
}

#[test]
fn a_secret_shows_in_nothing_but_its_target() {
    let host = host();
    host.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "data": {"k": "aHVzaA=="}}));
    let spec = |transform: &str| {
        json!({
            "from": {"objectReference": {"kind": "Secret", "name": "s"}, "fieldPath": "data.k"},
            "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}, "fieldPath": "data.x", "transform": transform},
        })
    };
    for transform in ["${ . | @base64d }", "${ . | error }", "${ .missing }", "${ tonumber }", "${ . * 100000 }"] {
        let mut object = json!({"apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": "p"}, "spec": spec(transform)});
        object["metadata"]["annotations"] = json!({"krateo.io/management-policy": "observe"});
        let patch = host.put(object);
        host.fail_next(Verb::Patch, owned_by_kubectl());
        let outcome = host.reconcile(&PROVIDER, &patch);
        let shown = format!("{outcome:?}{:?}{:?}{:?}", host.object(&patch), host.take_events(), host.take_log());
        assert!(!shown.contains("hush") && !shown.contains("aHVzaA"), "{transform}: {shown}");
    }
    assert_eq!(host.object(&bar()).unwrap()["data"]["x"], "hush");
}
