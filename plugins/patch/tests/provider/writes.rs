//! How fields are written: alone, and never over what was not looked at.

use capstan_patch::PROVIDER;
use capstan_patch::provider::Patch;
use capstan_sdk::cluster::{Error, ObjectRef, PatchKind};
use capstan_sdk::serde_json::value::RawValue;
use capstan_sdk::testing::{Call, Host, Step, Verb};
use capstan_sdk::{External, Failure, Managed, Readiness, json};

use super::{bar, config_map, data, failure, host, owned_by_kubectl, patch, put, respecify, settles, writes};

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
fn a_write_that_lost_a_race_is_repeated_from_a_fresh_look() {
    let host = host();
    let reference = patch(&host, json!({}));
    let object = managed(&host, &reference);
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

fn lost() -> Error {
    Error::Conflict { message: "the object has been modified".to_owned(), owners: Vec::new() }
}

#[test]
fn a_race_that_is_lost_beside_the_field_is_run_again_at_once() {
    let host = host();
    let service = service(&host);
    let to = json!({"objectReference": {"kind": "Service", "name": "web"}, "fieldPath": "spec.selector.version", "transform": "v2"});
    let patch = patch(&host, to);
    let mut changed = host.object(&service).unwrap();
    changed["spec"]["selector"]["tier"] = json!("front");
    overtaken(&host, &patch, || drop(host.put(changed))).unwrap();
    let selector = json!({"app": "web", "version": "v2", "tier": "front"});
    assert_eq!(host.object(&service).unwrap()["spec"]["selector"], selector);
}

#[test]
fn a_take_over_that_loses_a_race_is_tried_again_and_told_once() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x"}));
    for error in [owned_by_kubectl(), lost(), owned_by_kubectl()] {
        host.fail_next(Verb::Patch, error);
    }
    host.reconcile(&PROVIDER, &patch).unwrap();
    assert_eq!(data(&host)["x"], "x");
    assert_eq!(host.take_events().iter().map(|event| event.reason.as_str()).collect::<Vec<_>>(), ["TookOver"]);
}

#[test]
fn races_without_end_are_told() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x"}));
    (0..100).for_each(|_| host.fail_next(Verb::Patch, lost()));
    let failed = host.reconcile(&PROVIDER, &patch).unwrap_err().failure;
    assert_eq!((failed.problem().reason.as_str(), failed.is_terminal()), ("Conflict", false));
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

/// The object as a session gets it.
fn managed(host: &Host, reference: &ObjectRef) -> Managed<Box<RawValue>> {
    Managed::parse(&host.object(reference).unwrap()).unwrap()
}

/// The update of a session, after `meanwhile` has happened since its observe.
pub(crate) fn overtaken(host: &Host, patch: &ObjectRef, meanwhile: impl FnOnce()) -> Result<(), Failure> {
    let object = managed(host, patch);
    host.run(|| {
        let mut session = Patch::connect(&object).unwrap();
        assert!(!session.observe(&object).unwrap().up_to_date);
        meanwhile();
        session.update(&object).map(drop)
    })
}

#[test]
fn a_target_that_lacks_the_value_is_not_ready() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x"}));
    let first = host.reconcile(&PROVIDER, &patch).unwrap().observation.readiness;
    assert!(matches!(&first, Readiness::NotReady(why) if why.reason == "Creating"), "{first:?}");
    assert_eq!(host.reconcile(&PROVIDER, &patch).unwrap().observation.readiness, Readiness::Ready);
}

/// A Service whose selector has one owner as a whole.
fn service(host: &Host) -> ObjectRef {
    host.declare_atomic("v1", "Service", "spec.selector");
    host.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web", "version": "v1"}},
    }))
}

#[test]
fn a_member_of_an_atomic_map_is_written_and_its_neighbours_stay() {
    let host = host();
    let service = service(&host);
    let to = json!({"objectReference": {"kind": "Service", "name": "web"}, "fieldPath": "spec.selector.version", "transform": "v2"});
    let patch = patch(&host, to);
    settles(&host, &patch);
    assert_eq!(host.object(&service).unwrap()["spec"]["selector"], json!({"app": "web", "version": "v2"}));
    let written = writes(&host);
    let [Call::Patch(_, patch)] = &written[..] else { panic!("{written:?}") };
    assert_eq!(patch.kind, PatchKind::Json);
}

#[test]
fn whoever_owns_an_atomic_map_is_asked_for_it() {
    for on_conflict in ["fail", "takeOver"] {
        let host = host();
        let service = service(&host);
        let other = put(
            &host,
            json!({
                "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
                "to": {"objectReference": {"kind": "Service", "name": "web"}, "fieldPath": "spec.selector"},
            }),
        );
        host.run(|| {
            drop(capstan_sdk::cluster::apply(&service, json!({"spec": {"selector": {"app": "web", "version": "v0"}}})));
        });
        respecify(&host, &other, |spec| {
            spec["to"] = json!({
                "objectReference": {"kind": "Service", "name": "web"}, "fieldPath": "spec.selector.version",
                "transform": "v2", "onConflict": on_conflict,
            });
        });
        let outcome = host.reconcile(&PROVIDER, &other);
        let version = host.object(&service).unwrap()["spec"]["selector"].clone();
        let events: Vec<String> = host.take_events().into_iter().map(|event| event.reason).collect();
        if on_conflict == "fail" {
            assert_eq!(failure(outcome), (Step::Update, "Conflict".to_owned(), true));
            assert_eq!(version, json!({"app": "web", "version": "v0"}));
        } else {
            outcome.unwrap();
            assert_eq!(version, json!({"app": "web", "version": "v2"}));
            assert_eq!(events, ["TookOver"]);
        }
    }
}

#[test]
fn one_element_of_a_wildcard_that_differs_does_not_cost_the_others() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data[*]", "transform": "x"}));
    host.put(config_map("bar", json!({"a": "1", "b": "x"})));
    settles(&host, &patch);
    host.put(config_map("bar", json!({"a": "x", "b": "2", "c": "x"})));
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"a": "x", "b": "x", "c": "x"}));
}

#[test]
fn a_field_that_was_written_before_stays_when_another_one_is_named() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.value1", "transform": "x"}));
    settles(&host, &patch);
    respecify(&host, &patch, |spec| spec["to"]["fieldPath"] = json!("data.value2"));
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "x", "value2": "x"}));
}

#[test]
fn who_cannot_check_a_dry_run_gets_a_patch() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.value1", "transform": "x"}));
    host.fail_next(Verb::DryRun, Error::Invalid("admission webhook \"w\" does not support dry run".to_owned()));
    settles(&host, &patch);
    assert_eq!(data(&host), json!({"value1": "x", "value2": "Bar2"}));

    // Whose field it is cannot be asked for then.
    respecify(&host, &patch, |spec| spec["to"]["onConflict"] = json!("fail"));
    host.put(config_map("bar", json!({})));
    host.fail_next(Verb::DryRun, Error::Invalid("the same".to_owned()));
    assert_eq!(failure(host.reconcile(&PROVIDER, &patch)).1, "Invalid");
    assert_eq!(data(&host), json!({}));
}

#[test]
fn a_value_that_appears_meanwhile_is_kept_if_old_values_are() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x"}));
    respecify(&host, &patch, |spec| spec["mergeOptions"] = json!({"keepMapValues": true}));
    let lost = overtaken(&host, &patch, || {
        drop(host.put(config_map("bar", json!({"value1": "Bar1", "value2": "Bar2", "x": "theirs"}))));
    })
    .unwrap_err();
    assert_eq!((lost.problem().reason.as_str(), lost.is_terminal()), ("Conflict", false));
    assert_eq!(data(&host)["x"], "theirs");
}

#[test]
fn what_is_taken_over_is_what_was_looked_at() {
    let host = host();
    let patch = patch(&host, json!({"fieldPath": "data.x", "transform": "x"}));
    host.fail_next(Verb::Patch, owned_by_kubectl());
    host.reconcile(&PROVIDER, &patch).unwrap();
    let written = writes(&host);
    let [Call::Patch(_, asked), Call::Patch(_, forced)] = &written[..] else { panic!("{written:?}") };
    assert!(!asked.force && asked.body["metadata"]["resourceVersion"].is_null(), "{asked:?}");
    assert!(forced.force && forced.body["metadata"]["resourceVersion"].is_string(), "{forced:?}");
}

#[test]
fn a_target_that_was_replaced_meanwhile_is_looked_at_again() {
    for to in [json!({"fieldPath": "data.x", "transform": "x"}), json!({})] {
        let host = host();
        let patch = patch(&host, to);
        let replace = || {
            host.delete(&bar());
            host.put(config_map("bar", json!({"theirs": "1"})));
        };
        let lost = overtaken(&host, &patch, replace).unwrap_err();
        assert_eq!((lost.problem().reason.as_str(), lost.is_terminal()), ("Conflict", false));
        assert_eq!(data(&host), json!({"theirs": "1"}));
    }
}

#[test]
fn a_value_that_is_stored_otherwise_is_told_and_not_written_for_ever() {
    for path in ["spec.cpu", "spec.list[0].cpu"] {
        let host = host();
        host.put(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"}, "spec": {"list": [{"name": "a"}]},
        }));
        host.admit(|object| {
            for pointer in ["/spec/cpu", "/spec/list/0/cpu"] {
                if let Some(cpu) = object.pointer_mut(pointer).filter(|cpu| **cpu == "1000m") {
                    *cpu = json!("1");
                }
            }
            Ok(())
        });
        let to = json!({"objectReference": {"kind": "Pod", "name": "p"}, "fieldPath": path, "transform": "1000m"});
        let patch = patch(&host, to);
        let failed = host.reconcile(&PROVIDER, &patch).unwrap_err();
        assert!(failed.failure.is_terminal() && failed.failure.problem().reason == "NotKept", "{failed}");
        assert!(failed.failure.problem().message.contains("it has \"1\", and not \"1000m\""), "{failed}");
        let pod = ObjectRef::new("v1", "Pod", "p").in_namespace("default");
        let stored = host.object(&pod).unwrap();
        let _ = host.take_calls();
        assert_eq!(failure(host.reconcile(&PROVIDER, &patch)).1, "NotKept");
        assert_eq!(host.object(&pod).unwrap(), stored, "it is not written again");
        // What is applied is not even sent: the dry run says enough.
        assert_eq!(writes(&host).is_empty(), path == "spec.cpu");
    }
}
