//! What is shown of values, and of Secrets.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::Error;
use capstan_sdk::json;
use capstan_sdk::testing::{Host, Verb};

use super::{bar, config_map, host, owned_by_kubectl, patch, put};

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
fn what_no_policy_lets_be_written_is_shown_and_nothing_is_kept_of_it() {
    for (policy, is_shown) in [
        ("observe", true),
        ("observe-delete", true),
        ("mistaken", true),
        ("observe-create-update", false),
        ("default", false),
    ] {
        let host = host();
        let patch = patch(&host, json!({"fieldPath": "data.value1", "transform": "new"}));
        let mut object = host.object(&patch).unwrap();
        object["metadata"]["annotations"] = json!({"krateo.io/management-policy": policy});
        object["spec"]["onDelete"] = json!("revert");
        host.put(object);
        let status = host.reconcile(&PROVIDER, &patch).unwrap().observation.status.unwrap();
        assert_eq!(
            (status.get("preview").is_some(), status.get("reverts").is_some()),
            (is_shown, !is_shown),
            "{policy}"
        );
    }
}

/// The host takes 8 MiB of one answer, and 64 differences.
#[test]
fn many_long_differences_are_told_shortly() {
    let host = host();
    host.put(config_map("foo", json!({"value1": "x".repeat(200_000)})));
    for number in 0..100 {
        let mut object = config_map(&format!("n{number:03}"), json!({"value1": "y".repeat(200_000)}));
        object["metadata"]["labels"] = json!({"app": "many"});
        host.put(object);
    }
    let patch = put(
        &host,
        json!({
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": {"kind": "ConfigMap"}, "selector": {"matchLabels": {"app": "many"}}},
        }),
    );
    let differences = host.reconcile(&PROVIDER, &patch).unwrap().observation.differences;
    assert_eq!(differences.len(), 64);
    let texts = differences.iter().flat_map(|each| [&each.desired, &each.actual]);
    let texts: Vec<&str> = texts.map(|value| value.as_ref().unwrap().as_str().unwrap()).collect();
    assert!(texts.iter().all(|text| text.len() < 5_000 && text.ends_with(" ...")), "{}", texts[0].len());
    assert!(texts[0].starts_with("\"xxx") && texts[1].starts_with("\"yyy"));
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

type Refusal = fn(String) -> Error;

#[test]
fn what_the_api_server_says_of_a_secrets_value_is_not_passed_on() {
    let refusals: [(&str, Refusal); 4] = [
        ("Invalid", Error::Invalid),
        ("Denied", Error::Denied),
        ("Unavailable", Error::Unavailable),
        ("Conflict", |message| Error::Conflict { message, owners: Vec::new() }),
    ];
    for to in ["data.x", "data.list[0]"] {
        for (reason, refusal) in refusals {
            let host = host();
            host.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "data": {"k": "aHVzaA=="}}));
            let patch = patch(&host, json!({"fieldPath": to, "transform": "${ @base64d }"}));
            super::respecify(&host, &patch, |spec| {
                spec["from"] = json!({"objectReference": {"kind": "Secret", "name": "s"}, "fieldPath": "data.k"});
            });
            host.admit(move |object| {
                if object.to_string().contains("hush") {
                    Err(refusal("Invalid value: \"hush\"".to_owned()))
                } else {
                    Ok(())
                }
            });
            let failed = host.reconcile(&PROVIDER, &patch).unwrap_err().failure;
            assert_eq!(failed.problem().reason, reason);
            let shown = format!("{failed:?}{:?}{:?}{:?}", host.object(&patch), host.take_events(), host.take_log());
            assert!(!shown.contains("hush") && shown.contains("because a Secret takes part"), "{reason}: {shown}");
        }
        // Nor is what it makes of it.
        let host = host();
        host.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "data": {"k": "aHVzaA=="}}));
        let patch = patch(&host, json!({"fieldPath": to, "transform": "${ @base64d }"}));
        super::respecify(&host, &patch, |spec| {
            spec["from"] = json!({"objectReference": {"kind": "Secret", "name": "s"}, "fieldPath": "data.k"});
        });
        host.admit(|object| {
            for pointer in ["/data/x", "/data/list/0"] {
                if let Some(value) = object.pointer_mut(pointer) {
                    *value = json!("hush!");
                }
            }
            Ok(())
        });
        let failed = host.reconcile(&PROVIDER, &patch).unwrap_err().failure;
        assert!(failed.problem().reason == "NotKept" && !format!("{failed:?}").contains("hush"), "{failed:?}");
    }
}
