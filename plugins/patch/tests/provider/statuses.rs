//! Fields below `status`.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::{Error, ObjectRef};
use capstan_sdk::json;
use capstan_sdk::testing::{Call, Host, Verb};

use super::writes::overtaken;
use super::{host, patch, respecify, settles};

fn thing(host: &Host, name: &str) -> ObjectRef {
    host.put(json!({
        "apiVersion": "example.com/v1", "kind": "Thing",
        "metadata": {"name": name, "namespace": "default", "labels": {"a": "b"}}, "status": {"phase": "old"},
    }))
}

fn missing() -> Error {
    Error::NotFound("the server could not find the requested resource".to_owned())
}

/// The subresources of the patches since this was last asked, tried ones included.
fn asked(host: &Host) -> Vec<Option<String>> {
    let subresource = |call| match call {
        Call::Patch(_, patch) => Some(patch.subresource),
        _ => None,
    };
    host.take_calls().into_iter().filter_map(subresource).collect()
}

#[test]
fn a_kind_without_a_status_subresource_is_written_itself() {
    let status = || Some("status".to_owned());
    for (value, refused, expected) in
        [("new", Verb::DryRun, vec![status(), None, None]), ("${ [1] }", Verb::Patch, vec![status(), status(), None])]
    {
        let host = host();
        let target = thing(&host, "t");
        let reference = json!({"apiVersion": "example.com/v1", "kind": "Thing", "name": "t"});
        let patch =
            patch(&host, json!({"objectReference": reference, "fieldPath": "status.phase", "transform": value}));
        host.fail_next(refused, missing());
        settles(&host, &patch);
        assert_ne!(host.object(&target).unwrap()["status"]["phase"], "old");
        assert_eq!(asked(&host), expected, "{value}");
    }
}

#[test]
fn it_is_found_out_once_for_all_objects_of_a_kind() {
    let host = host();
    let targets = ["t", "u"].map(|name| thing(&host, name));
    let reference = json!({"apiVersion": "example.com/v1", "kind": "Thing"});
    let selector = json!({"matchLabels": {"a": "b"}});
    let to =
        json!({"objectReference": reference, "selector": selector, "fieldPath": "status.phase", "transform": "new"});
    let patch = patch(&host, to);
    respecify(&host, &patch, |spec| spec["onDelete"] = json!("revert"));
    host.fail_next(Verb::DryRun, missing());
    settles(&host, &patch);
    assert_eq!(asked(&host).iter().flatten().count(), 1);
    assert!(targets.iter().all(|target| host.object(target).unwrap()["status"]["phase"] == "new"));

    host.delete(&patch);
    host.fail_next(Verb::Patch, missing());
    host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(asked(&host).iter().flatten().count(), 1);
    assert!(targets.iter().all(|target| host.object(target).unwrap()["status"]["phase"] == "old"));
}

#[test]
fn a_target_that_is_gone_is_not_taken_for_such_a_kind() {
    let host = host();
    let target = thing(&host, "t");
    let reference = json!({"apiVersion": "example.com/v1", "kind": "Thing", "name": "t"});
    for replaced in [false, true] {
        let to = json!({"objectReference": reference, "fieldPath": "status.phase", "transform": "new"});
        let patch = patch(&host, to);
        let lost = overtaken(&host, &patch, || {
            host.delete(&target);
            if replaced {
                thing(&host, "t");
                host.fail_next(Verb::DryRun, missing());
            }
        });
        assert_eq!(lost.unwrap_err().problem().reason, "NotFound");
        assert_eq!(asked(&host), [Some("status".to_owned())]);
        thing(&host, "t");
    }
}
