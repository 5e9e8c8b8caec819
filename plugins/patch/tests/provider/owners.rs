//! Whose the fields are that are written by a JSON patch.

use capstan_patch::PROVIDER;
use capstan_sdk::cluster::{self, Error, ObjectRef, PatchKind};
use capstan_sdk::testing::{Call, Host, Step, Verb};
use capstan_sdk::{Value, json};

use super::{bar, config_map, data, failure, host, patch, put, respecify, settles, writes};

/// What cannot be applied: a whole map, an element of a list, and removals of a field, a map and a list.
fn changes() -> [(Value, &'static str); 5] {
    let nothing = |path: &str| json!({"fieldPath": path, "transform": "${ null }", "whenNull": "delete"});
    [
        (json!({"fieldPath": "data"}), ".data.value1"),
        (json!({"fieldPath": "data.list[1]", "transform": "new"}), ".data.list"),
        (nothing("data.value1"), ".data.value1"),
        (nothing("data"), ".data.value1"),
        (nothing("data.list"), ".data.list"),
    ]
}

/// Somebody owns the fields of `bar`: the patch that applied them before it got another name.
fn owned() -> Host {
    let host = host();
    let fields = json!({"data": {"value1": "Bar1", "list": ["a", "b"]}});
    host.run(|| cluster::apply(&bar(), fields)).unwrap();
    drop(host.take_calls());
    host
}

/// The notes of the events that say from whom a field was taken.
fn taken(host: &Host) -> Vec<String> {
    let events = host.take_events().into_iter().filter(|event| event.reason == "TookOver");
    events.map(|event| event.note).collect()
}

#[test]
fn from_whom_it_is_taken_is_told_once_however_it_is_written() {
    for (to, field) in changes() {
        let host = owned();
        let patch = patch(&host, to.clone());
        settles(&host, &patch);
        let [note] = &taken(&host)[..] else { panic!("{to}: one event") };
        assert!(note.contains(" owns ") && note.contains(field) && note.contains("default/bar"), "{to}: {note}");
        // Somebody who owns nothing is nobody to take it from.
        let mut object = host.object(&bar()).unwrap();
        object["data"] = json!({"value1": "drift", "value2": "Bar2", "list": ["drift", "drift"]});
        host.put(object);
        settles(&host, &patch);
        assert_eq!(taken(&host), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn what_others_own_stays_if_the_patch_says_so_however_it_would_be_written() {
    for (mut to, field) in changes() {
        let host = owned();
        to["onConflict"] = json!("fail");
        let patch = patch(&host, to.clone());
        let before = data(&host);
        let failed = host.reconcile(&PROVIDER, &patch).unwrap_err();
        let message = failed.failure.problem().message.clone();
        assert!(
            message.contains(" owns ") && message.contains(field) && message.contains("onConflict"),
            "{to}: {message}"
        );
        assert_eq!(failure(Err(failed)), (Step::Update, "Conflict".to_owned(), true));
        assert!(data(&host) == before && writes(&host).is_empty() && taken(&host).is_empty(), "{to}");
    }
}

#[test]
fn what_nobody_owns_is_no_conflict_however_it_is_written() {
    for (mut to, _) in changes() {
        let host = host();
        host.put(config_map("bar", json!({"value1": "Bar1", "list": ["a", "b"]})));
        to["onConflict"] = json!("fail");
        settles(&host, &patch(&host, to));
    }
}

#[test]
fn nothing_is_written_where_it_cannot_be_found_out() {
    let unanswered: [fn() -> Error; 3] = [
        || Error::Invalid("no dry runs".to_owned()),
        || Error::Unavailable("a storm".to_owned()),
        || Error::Conflict { message: "another version".to_owned(), owners: Vec::new() },
    ];
    for error in unanswered {
        for on_conflict in ["fail", "takeOver"] {
            let host = host();
            let patch = patch(&host, json!({"fieldPath": "data", "onConflict": on_conflict}));
            // A lost race is run again, if the target can be looked at.
            (0..2).for_each(|_| host.fail_next(Verb::DryRun, error()));
            assert_eq!(host.reconcile(&PROVIDER, &patch).is_err(), on_conflict == "fail", "{}", error());
            assert_eq!(writes(&host).is_empty(), on_conflict == "fail");
        }
    }
}

/// A kind whose `mode` is `on` or `off`, and whose `list` keeps what an apply leaves out of it.
fn with_modes(host: &Host) {
    host.put(config_map("bar", json!({"mode": "on", "list": [{"name": "a", "mode": "on"}]})));
    host.admit(|object| {
        let refused = |value: &Value| !(value.is_null() || value == "on" || value == "off");
        if [&object["data"]["mode"], &object["data"]["list"][0]["mode"]].into_iter().any(refused) {
            return Err(Error::Invalid("data.mode: Unsupported value: supported values: \"on\", \"off\"".to_owned()));
        }
        Ok(())
    });
}

/// The API server tells of conflicts before it looks at values.
#[test]
fn a_free_field_that_takes_no_other_value_can_be_removed_and_an_owned_one_not() {
    let to = json!({"fieldPath": "data.mode", "transform": "${ null }", "whenNull": "delete", "onConflict": "fail"});
    let free = host();
    with_modes(&free);
    settles(&free, &patch(&free, to.clone()));
    assert_eq!(data(&free).get("mode"), None);

    let owned = host();
    with_modes(&owned);
    owned.run(|| cluster::apply(&bar(), json!({"data": {"mode": "on"}}))).unwrap();
    let failed = owned.reconcile(&PROVIDER, &patch(&owned, to)).unwrap_err();
    assert!(failed.failure.problem().message.contains("owns .data.mode"), "{failed}");
    assert_eq!(data(&owned)["mode"], "on");
}

#[test]
fn what_is_refused_in_an_element_says_nothing_and_the_failure_says_what_to_do() {
    let host = host();
    with_modes(&host);
    let to =
        json!({"fieldPath": "data.list[0].mode", "transform": "${ null }", "whenNull": "delete", "onConflict": "fail"});
    let patch = patch(&host, to);
    let failed = host.reconcile(&PROVIDER, &patch).unwrap_err();
    let message = failed.failure.problem().message.clone();
    for part in ["default/bar", "data.list[0].mode", "refuses what is tried", "let onConflict be takeOver"] {
        assert!(message.to_lowercase().contains(&part.to_lowercase()), "{part}: {message}");
    }
    assert_eq!(failure(Err(failed)), (Step::Update, "Conflict".to_owned(), true));
    assert!(writes(&host).is_empty());
    respecify(&host, &patch, |spec| spec["to"]["onConflict"] = json!("takeOver"));
    settles(&host, &patch);
}

/// Elements of a list that have owners of their own keep the members that an apply leaves out.
#[test]
fn a_member_that_goes_from_an_element_is_asked_for() {
    for path in ["data.list[0].dir", "data.list[0]"] {
        let host = host();
        host.put(config_map("foo", json!({"name": "a"})));
        host.put(config_map("bar", json!({"list": [{"name": "a", "dir": "/"}]})));
        let mut to = json!({"fieldPath": path, "onConflict": "fail"});
        if path.ends_with("dir") {
            to["transform"] = json!("${ null }");
            to["whenNull"] = json!("delete");
        }
        let patch = patch(&host, to);
        settles(&host, &patch);
        let asked = |call: &Call| match call {
            Call::Patch(_, patch) if patch.kind == PatchKind::Apply => Some(patch.body["data"]["list"].clone()),
            _ => None,
        };
        let asked: Vec<Value> = host.take_calls().iter().filter_map(asked).collect();
        assert_eq!(asked, [json!([{"name": "a", "dir": "none"}])], "{path}");
    }
}

#[test]
fn why_it_cannot_be_found_out_is_told() {
    let nothing = json!({"transform": "${ null }", "whenNull": "delete"});
    for (path, more, expected) in [
        ("data.empty", &nothing, "an empty map or list is among it"),
        ("data.none", &nothing, "an empty map or list is among it"),
        ("data", &json!({}), "an empty map or list is among it"),
    ] {
        let host = host();
        host.put(config_map("bar", json!({"empty": {}, "none": []})));
        let mut to = more.clone();
        to["fieldPath"] = json!(path);
        to["onConflict"] = json!("fail");
        let failed = host.reconcile(&PROVIDER, &patch(&host, to)).unwrap_err();
        let message = &failed.failure.problem().message;
        assert!(message.contains(expected) && message.contains("default/bar"), "{path}: {message}");
        assert!(!message.contains("elements of a list") && writes(&host).is_empty(), "{path}: {message}");
    }
}

#[test]
fn the_target_is_told_before_any_number_of_owners() {
    for on_conflict in ["fail", "takeOver"] {
        let host = host();
        let fields: Value = (0..60).map(|number| (format!("k{number:02}"), json!("theirs"))).collect();
        host.run(|| cluster::apply(&bar(), json!({"data": fields}))).unwrap();
        let patch = patch(&host, json!({"fieldPath": "data", "onConflict": on_conflict}));
        let outcome = host.reconcile(&PROVIDER, &patch);
        let text = match outcome {
            Err(failed) => failed.failure.problem().message.clone(),
            Ok(_) => taken(&host).remove(0),
        };
        let (target, owners) = text.split_once(": ").unwrap();
        assert!(target.contains("default/bar"), "{text}");
        assert!(owners.contains("owns .data.k00, .data.k01, .data.k02, .data.k03, .data.k04 and 55 more"), "{text}");
        assert!(!text.contains("k05"), "{text}");
    }
}

/// The API server keeps what an apply leaves out of a list whose elements have owners of their own.
#[test]
fn elements_that_go_unasked_are_a_conflict() {
    let host = host();
    host.put(config_map("bar", json!({"list": ["a", "b"]})));
    host.admit(|object| {
        // As it is in a dry run that asks.
        if object["data"]["list"] == json!(["b"]) {
            object["data"]["list"] = json!(["a", "b"]);
        }
        Ok(())
    });
    let to = json!({"fieldPath": "data.list", "transform": "${ [\"b\"] }", "onConflict": "fail"});
    let failed = host.reconcile(&PROVIDER, &patch(&host, to)).unwrap_err();
    assert!(failed.failure.problem().message.contains("elements of a list have owners of their own"), "{failed}");
    assert_eq!(failure(Err(failed)).1, "Conflict");
    assert!(writes(&host).is_empty());
}

/// A custom resource may tell elements apart by members that no kind of Kubernetes' own does.
#[test]
fn a_member_that_goes_from_an_element_unasked_is_a_conflict() {
    let host = host();
    let list = json!([{"id": "1", "dir": "/"}, {"id": "2"}]);
    host.put(config_map("bar", json!({"list": list})));
    host.admit(|object| {
        // As it is in a dry run that asks: what stood first is second, and has what it had.
        let list = &mut object["data"]["list"];
        if list[0]["id"] == "2" && !list[0]["dir"].is_null() {
            list[1]["dir"] = json!("/");
        }
        Ok(())
    });
    let transform = "${ [{id: \"2\"}, {id: \"1\"}] }";
    let patch = patch(&host, json!({"fieldPath": "data.list", "transform": transform, "onConflict": "fail"}));
    let failed = host.reconcile(&PROVIDER, &patch).unwrap_err();
    assert!(failed.failure.problem().message.contains("elements of a list have owners of their own"), "{failed}");
    assert_eq!(failure(Err(failed)), (Step::Update, "Conflict".to_owned(), true));
    assert!(data(&host)["list"] == list && writes(&host).is_empty());
    respecify(&host, &patch, |spec| spec["to"]["onConflict"] = json!("takeOver"));
    settles(&host, &patch);
}

/// Objects that one patch changes, each owned by somebody else.
fn many(host: &Host, count: usize) -> ObjectRef {
    for number in 0..count {
        let mut object = config_map(&format!("n{number:03}"), json!({}));
        object["metadata"]["labels"] = json!({"app": "many"});
        let target = host.put(object);
        host.run(|| cluster::apply(&target, json!({"data": {"value1": "theirs"}}))).unwrap();
    }
    put(
        host,
        json!({
            "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data.value1"},
            "to": {"objectReference": {"kind": "ConfigMap"}, "selector": {"matchLabels": {"app": "many"}}},
        }),
    )
}

#[test]
fn many_that_are_taken_over_are_told_in_as_many_events_as_the_host_takes() {
    for (count, events) in [(12, 12), (13, 13), (100, 13)] {
        let host = host();
        let patch = many(&host, count);
        settles(&host, &patch);
        let notes = taken(&host);
        assert_eq!(notes.len(), events, "{count}");
        let last = notes.last().unwrap();
        if count == 100 {
            assert!(last.contains("the same of 88 more objects") && last.contains("default/n012"), "{last}");
        } else {
            assert!(last.contains(&format!("default/n{:03}", count - 1)), "{last}");
        }
    }
}
