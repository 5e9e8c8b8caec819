//! The cluster of `testing::Host`, as a provider meets it through `cluster`.

use capstan_sdk::{
    Value,
    cluster::{self, Error, ObjectRef, Patch, Selection},
    json,
    testing::{Host, Verb},
};

fn config_map(name: &str, more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n", "labels": {"for": name}},
    });
    for (key, value) in more.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

fn target(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", name).in_namespace("n")
}

#[test]
fn objects_are_created_once_and_found() {
    Host::new().run(|| {
        assert!(matches!(cluster::get::<Value>(&target("a")), Err(Error::NotFound(_))));
        assert_eq!(cluster::find::<Value>(&target("a")).unwrap(), None);
        let stored = cluster::create(&config_map("a", &json!({"data": {"x": "1"}}))).unwrap();
        assert!(stored["metadata"]["uid"].is_string());
        assert_eq!(cluster::get::<Value>(&target("a")).unwrap(), stored);
        assert!(matches!(cluster::create(&config_map("a", &json!({}))), Err(Error::Conflict { .. })));
        assert!(matches!(cluster::create(&json!({"kind": "ConfigMap"})), Err(Error::Invalid(_))));
    });
}

#[test]
fn lists_are_selected_and_ordered() {
    let host = Host::new();
    for name in ["b", "a", "c"] {
        host.put(config_map(name, &json!({})));
    }
    host.run(|| {
        let names = |selection: Selection| -> Vec<String> {
            let found: Vec<Value> = cluster::list(&selection).unwrap();
            found.iter().map(|each| each["metadata"]["name"].as_str().unwrap().to_owned()).collect()
        };
        let all = Selection::new("v1", "ConfigMap");
        assert_eq!(names(all.clone()), ["a", "b", "c"]);
        assert_eq!(names(all.clone().labelled("for in (a, b)")), ["a", "b"]);
        assert_eq!(names(all.clone().in_namespace("elsewhere")), [""; 0]);
        assert_eq!(names(Selection::new("v1", "Secret")), [""; 0]);
        assert!(matches!(cluster::list::<Value>(&all.labelled("for in a")), Err(Error::Invalid(_))));
    });
}

#[test]
fn three_kinds_of_patches() {
    let host = Host::new();
    host.put(config_map("a", &json!({"data": {"x": "1", "y": "2"}})));
    host.run(|| {
        let merged = cluster::patch(&target("a"), Patch::merge(json!({"data": {"x": null, "z": "3"}}))).unwrap();
        assert_eq!(merged["data"], json!({"y": "2", "z": "3"}));
        let operations = json!([{"op": "test", "path": "/data/y", "value": "2"}, {"op": "remove", "path": "/data/y"}]);
        let patched = cluster::patch(&target("a"), Patch::json(operations.clone())).unwrap();
        assert_eq!(patched["data"], json!({"z": "3"}));
        assert!(matches!(cluster::patch(&target("a"), Patch::json(operations)), Err(Error::Invalid(_))));

        assert!(matches!(cluster::patch(&target("b"), Patch::merge(json!({}))), Err(Error::NotFound(_))));
        let applied = cluster::apply(&target("b"), json!({"data": {"x": "1"}})).unwrap();
        assert_eq!(
            (applied["kind"].as_str(), applied["metadata"]["namespace"].as_str()),
            (Some("ConfigMap"), Some("n"))
        );
    });
}

#[test]
fn an_apply_removes_what_it_leaves_out_and_nothing_else() {
    let host = Host::new();
    host.put(config_map("a", &json!({"data": {"theirs": "1", "x": "1"}})));
    host.run(|| {
        let apply = |fields: Value| cluster::apply(&target("a"), fields).unwrap()["data"].clone();
        assert_eq!(apply(json!({"data": {"x": "2", "y": "2"}})), json!({"theirs": "1", "x": "2", "y": "2"}));
        assert_eq!(apply(json!({"data": {"y": "2"}})), json!({"theirs": "1", "y": "2"}));
        // Whoever writes a field otherwise owns it.
        cluster::patch(&target("a"), Patch::merge(json!({"data": {"y": "3"}}))).unwrap();
        assert_eq!(apply(json!({"data": {"z": "4"}})), json!({"theirs": "1", "y": "3", "z": "4"}));
    });
}

#[test]
fn an_apply_means_the_object_whose_uid_and_version_it_names() {
    let host = Host::new();
    host.put(config_map("a", &json!({})));
    host.run(|| {
        let named = |key: &str, value: &str| json!({"metadata": {key: value}, "data": {"x": "1"}});
        for (name, key) in [("a", "uid"), ("a", "resourceVersion"), ("gone", "uid")] {
            let answer = cluster::apply(&target(name), named(key, "another"));
            assert!(
                matches!(&answer, Err(Error::Conflict { owners, .. }) if owners.is_empty()),
                "{name} {key}: {answer:?}"
            );
        }
        for key in ["uid", "resourceVersion"] {
            let stored: Value = cluster::get(&target("a")).unwrap();
            cluster::apply(&target("a"), named(key, stored["metadata"][key].as_str().unwrap())).unwrap();
        }
    });
}

#[test]
fn a_map_that_is_declared_atomic_is_applied_as_a_whole() {
    let host = Host::new();
    host.put(config_map("a", &json!({"spec": {"selector": {"app": "web", "version": "1"}, "size": 1}})));
    host.declare_atomic("v1", "ConfigMap", "spec.selector");
    host.run(|| {
        let stored = cluster::apply(&target("a"), json!({"spec": {"selector": {"version": "2"}}})).unwrap();
        assert_eq!(stored["spec"], json!({"selector": {"version": "2"}, "size": 1}));
    });
}

#[test]
fn a_dry_run_answers_and_stores_nothing() {
    let host = Host::new();
    host.put(config_map("a", &json!({"spec": {"x": 1}})));
    host.run(|| {
        let before: Value = cluster::get(&target("a")).unwrap();
        for patch in [Patch::apply(json!({"spec": {"x": 2}})), Patch::merge(json!({"spec": {"x": 2}}))] {
            let answer = cluster::patch(&target("a"), patch.dry_run()).unwrap();
            assert_eq!(answer["spec"]["x"], 2);
            assert_eq!(answer["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
            assert_eq!(cluster::get::<Value>(&target("a")).unwrap(), before);
        }
        // It owns nothing either.
        cluster::apply(&target("a"), json!({"data": {}})).unwrap();
        assert_eq!(cluster::get::<Value>(&target("a")).unwrap()["spec"]["x"], 1);
    });
    host.fail_next(Verb::Patch, Error::Unavailable("of real ones".into()));
    host.run(|| cluster::patch(&target("a"), Patch::merge(json!({})).dry_run()))
        .expect("a dry run is a verb of its own");
}

#[test]
fn a_status_patch_touches_nothing_else() {
    let host = Host::new();
    host.put(config_map("a", &json!({"data": {"x": "1"}})));
    host.run(|| {
        let patch = Patch::merge(json!({"data": {"x": "2"}, "status": {"done": true}})).subresource("status");
        let stored = cluster::patch(&target("a"), patch).unwrap();
        assert_eq!((&stored["data"]["x"], &stored["status"]["done"]), (&json!("1"), &json!(true)));
    });
}

#[test]
fn versions_move_with_content_and_guard_it() {
    let host = Host::new();
    host.put(config_map("a", &json!({"spec": {"x": 1}})));
    host.run(|| {
        let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let before: Value = cluster::get(&target("a")).unwrap();
        let same = cluster::patch(&target("a"), Patch::merge(json!({"spec": {"x": 1}}))).unwrap();
        assert_eq!(version(&same), version(&before));
        let labelled = cluster::patch(&target("a"), Patch::merge(json!({"metadata": {"labels": {"l": "m"}}}))).unwrap();
        assert_ne!(version(&labelled), version(&before));
        assert_eq!(labelled["metadata"]["generation"], 1);
        let changed = cluster::patch(&target("a"), Patch::merge(json!({"spec": {"x": 2}}))).unwrap();
        assert_eq!(changed["metadata"]["generation"], 2);
        let late = Patch::merge(json!({"metadata": {"resourceVersion": version(&before)}, "spec": {"x": 3}}));
        assert!(matches!(cluster::patch(&target("a"), late), Err(Error::Conflict { .. })));
    });
}

#[test]
fn finalizers_keep_a_deleted_object() {
    let host = Host::new();
    host.put(config_map("a", &json!({})));
    host.run(|| {
        cluster::patch(&target("a"), Patch::merge(json!({"metadata": {"finalizers": ["f"]}}))).unwrap();
        cluster::delete(&target("a")).unwrap();
        let kept: Value = cluster::get(&target("a")).unwrap();
        assert!(kept["metadata"]["deletionTimestamp"].is_string());
        cluster::patch(&target("a"), Patch::merge(json!({"metadata": {"finalizers": []}}))).unwrap();
        assert_eq!(cluster::find::<Value>(&target("a")).unwrap(), None);
        cluster::delete(&target("a")).expect("gone already is a success");
    });
}

#[test]
fn an_object_of_another_shape_is_terminal() {
    #[derive(Debug, serde::Deserialize)]
    struct Shape {
        #[serde(rename = "data")]
        _data: Vec<u8>,
    }
    let host = Host::new();
    host.put(config_map("a", &json!({"data": {"x": "1"}})));
    let error = host.run(|| cluster::get::<Shape>(&target("a"))).unwrap_err();
    assert!(matches!(error, Error::Unexpected(_)));
    assert!(error.is_terminal());
    // The object may be a Secret.
    let told = format!("{error:?}") + &capstan_sdk::Failure::from(error).to_string();
    assert!(told.contains("column") && !told.contains("map"), "{told}");
}

#[test]
fn faults_come_in_order_and_only_for_their_verb() {
    let host = Host::new();
    host.put(config_map("a", &json!({})));
    host.fail_next(Verb::Get, Error::Unavailable("first".into()));
    host.fail_next(Verb::Get, Error::Denied("second".into()));
    host.run(|| {
        cluster::list::<Value>(&Selection::new("v1", "ConfigMap")).unwrap();
        assert!(matches!(cluster::get::<Value>(&target("a")), Err(Error::Unavailable(_))));
        assert!(matches!(cluster::get::<Value>(&target("a")), Err(Error::Denied(_))));
        cluster::get::<Value>(&target("a")).unwrap();
    });
}

#[test]
fn without_a_host_nothing_is_available() {
    assert!(matches!(cluster::get::<Value>(&target("a")), Err(Error::Unavailable(_))));
    capstan_sdk::info!("goes nowhere");
}
