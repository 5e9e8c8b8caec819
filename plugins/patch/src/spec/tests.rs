use serde_json::{Value, json};

use super::*;

fn sample() -> Value {
    json!({
        "from": {"objectReference": {"kind": "ConfigMap", "name": "foo"}, "fieldPath": "data"},
        "to": {
            "objectReference": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "bar", "namespace": "team"},
            "fieldPath": "spec.replicas"
        }
    })
}

/// The error of the sample after `change`.
fn error(change: impl FnOnce(&mut Value)) -> String {
    let mut spec = sample();
    change(&mut spec);
    Spec::of(&spec.to_string()).and_then(|spec| spec.check(Scope::Cluster)).unwrap_err().to_string()
}

fn remove(pointer: &str, key: &str) -> String {
    error(|spec| {
        spec.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    })
}

#[test]
fn defaults_are_filled_in() {
    let spec = Spec::of(&sample().to_string()).unwrap().check(Scope::Cluster).unwrap();
    let source = &spec.sources[0].object;
    assert_eq!((source.api_version.as_str(), source.namespace.as_str()), ("v1", "default"));
    let Target::Named(target) = &spec.target else { panic!("{spec:?}") };
    assert_eq!((target.api_version.as_str(), target.namespace.as_str()), ("apps/v1", "team"));
    assert_eq!(spec.transform, Transform::None);
    assert_eq!(spec.merge, None);
}

#[test]
fn the_target_path_is_the_source_path_unless_given() {
    let mut spec = sample();
    spec["to"]["fieldPath"] = Value::Null;
    let spec = Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).unwrap();
    assert_eq!(spec.target_path.to_string(), "data");
}

#[test]
fn an_error_names_the_field_and_what_to_write() {
    assert_eq!(remove("", "from"), "spec.from is required: say where the value comes from");
    assert_eq!(remove("", "to"), "spec.to is required: say where the value goes");
    let hint = "name the object by kind, name and namespace";
    assert_eq!(remove("/from", "objectReference"), format!("spec.from.objectReference is required: {hint}"));
    assert_eq!(remove("/to", "objectReference"), format!("spec.to.objectReference is required: {hint}"));
    assert!(remove("/from", "fieldPath").starts_with("spec.from.fieldPath is required: "));
    assert!(error(|spec| spec["from"]["fieldPath"] = json!("")).starts_with("spec.from.fieldPath is required: "));
    assert!(remove("/from/objectReference", "kind").starts_with("spec.from.objectReference.kind is required: "));
    assert!(remove("/to/objectReference", "name").starts_with("spec.to.objectReference.name is required: "));
}

#[test]
fn a_path_that_does_not_parse_is_refused_with_its_field() {
    assert_eq!(
        error(|spec| spec["to"]["fieldPath"] = json!("a[0")),
        "spec.to.fieldPath: cannot parse path \"a[0\": unterminated '[' at position 1"
    );
    assert!(error(|spec| spec["from"]["fieldPath"] = json!(".a")).starts_with("spec.from.fieldPath: "));
}

#[test]
fn a_source_with_a_wildcard_is_refused() {
    assert!(error(|spec| spec["from"]["fieldPath"] = json!("a[*].b")).contains("wildcard"));
}

#[test]
fn two_transforms_are_refused_and_an_empty_list_is_none() {
    let both = error(|spec| {
        spec["to"]["transform"] = json!("x");
        spec["to"]["transforms"] = json!(["."]);
    });
    assert_eq!(both, "spec.to has both transform and transforms: keep one of them");

    let mut spec = sample();
    spec["to"]["transforms"] = json!([]);
    assert_eq!(Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).unwrap().transform, Transform::None);
}

#[test]
fn a_missing_spec_and_a_wrong_type_are_told() {
    assert!(
        Spec::of("null").unwrap().check(Scope::Cluster).unwrap_err().to_string().starts_with("spec.from is required")
    );
    let shape = error(|spec| spec["from"]["fieldPath"] = json!(3));
    assert_eq!(shape, "spec does not have the shape of a Patch: invalid type: integer `3`, expected a string");
}

fn several() -> Value {
    let mut spec = sample();
    let from = spec["from"].take();
    let mut second = from.clone();
    second["name"] = json!("b");
    let mut first = from;
    first["name"] = json!("a");
    spec.as_object_mut().unwrap().remove("from");
    spec["sources"] = json!([first, second]);
    spec
}

fn refused(spec: &Value) -> String {
    Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).unwrap_err().to_string()
}

#[test]
fn several_sources_have_names_of_their_own() {
    let checked = Spec::of(&several().to_string()).unwrap().check(Scope::Cluster).unwrap();
    let names: Vec<_> = checked.sources.iter().map(|source| source.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["a", "b"]);

    let mut twice = several();
    twice["sources"][1]["name"] = json!("a");
    assert_eq!(refused(&twice), "spec.sources has the name \"a\", which is there twice");
    let mut unfit = several();
    unfit["sources"][1]["name"] = json!("a-b");
    assert!(refused(&unfit).contains("letters"));
    let mut nameless = several();
    nameless["sources"][1]["name"] = json!(null);
    assert!(refused(&nameless).starts_with("spec.sources[1].name is required"));
    let mut both = several();
    both["from"] = sample()["from"].clone();
    assert_eq!(refused(&both), "spec has both from and sources: keep one of them");
    let mut pathless = several();
    pathless["to"]["fieldPath"] = json!(null);
    assert!(refused(&pathless).starts_with("spec.to.fieldPath is required"));
    let mut many = several();
    many["sources"] = (0..17).map(|_| several()["sources"][0].clone()).collect();
    assert!(refused(&many).contains("17 entries"));
}

#[test]
fn targets_are_chosen_by_name_or_by_labels() {
    let mut spec = sample();
    spec["to"]["selector"] = json!({"matchLabels": {"app": "web"}});
    assert_eq!(refused(&spec), "spec.to has both objectReference.name and selector: keep one of them");
    spec["to"]["objectReference"].as_object_mut().unwrap().remove("name");
    let labels = |spec: &Value| match Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).unwrap().target {
        Target::Selected { labels, .. } => labels,
        named @ Target::Named(_) => panic!("{named:?}"),
    };
    assert_eq!(labels(&spec), "app=web");
    spec["to"]["selector"] = json!({"matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "x", "operator": "NotIn", "values": ["y"]},
        {"key": "new", "operator": "Exists"}, {"key": "old", "operator": "DoesNotExist"},
    ]});
    assert_eq!(labels(&spec), "tier in (a,b),x notin (y),new,!old");
    for (selector, hint) in [
        (json!({}), "it is empty"),
        (json!({"matchLabels": {"a": "b,c=d"}}), "neither a label"),
        (json!({"matchExpressions": [{"key": "a", "operator": "Like"}]}), "use In, NotIn"),
        (json!({"matchExpressions": [{"key": "a", "operator": "In"}]}), "needs values"),
    ] {
        spec["to"]["selector"] = selector;
        assert!(refused(&spec).contains(hint), "{}", refused(&spec));
    }
}

#[test]
fn the_namespaced_kind_stays_in_its_namespace() {
    let mut spec = sample();
    let check = |spec: &Value| Spec::of(&spec.to_string()).unwrap().check(Scope::Namespace("own"));
    assert!(check(&spec).unwrap_err().to_string().contains("confined to its own, own"));
    spec["to"]["objectReference"]["namespace"] = json!("own");
    assert_eq!(check(&spec).unwrap().sources[0].object.namespace, "own");
}

#[test]
fn the_content_of_a_secret_is_not_kept_for_a_revert() {
    for side in ["from", "to"] {
        let mut spec = sample();
        spec["onDelete"] = json!("revert");
        assert!(Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).is_ok());
        spec[side]["objectReference"] = json!({"kind": "Secret", "name": "s"});
        assert!(refused(&spec).contains("Secret"));
    }
}

#[test]
fn an_element_of_a_list_is_not_reverted_since_it_may_have_moved_by_then() {
    let mut spec = sample();
    spec["onDelete"] = json!("revert");
    let by_name = ["spec.template.spec.containers", "spec.template.metadata.labels.a", "metadata.labels[*]"];
    for (paths, is_fine) in [(&by_name[..], true), (&["spec.list[0]", "spec.list[1].image"], false)] {
        for path in paths {
            spec["to"]["fieldPath"] = json!(path);
            if is_fine {
                assert!(Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).is_ok(), "{path}");
            } else {
                let refused = refused(&spec);
                assert!(refused.contains(path) && refused.contains("leads through a list"), "{refused}");
            }
        }
    }
    // What is not given back may lead anywhere.
    spec["deletionPolicy"] = json!("Orphan");
    assert!(Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).is_ok());
}

#[test]
fn orphans_are_not_reverted() {
    let mut spec = sample();
    spec["onDelete"] = json!("revert");
    let on_delete = |spec: &Value| Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).unwrap().on_delete;
    assert_eq!(on_delete(&spec), OnDelete::Revert);
    spec["deletionPolicy"] = json!("Orphan");
    assert_eq!(on_delete(&spec), OnDelete::Keep);
}

#[test]
fn the_status_of_a_patch_and_whole_objects_are_no_targets() {
    let mut spec = sample();
    for path in ["[*]", "*.x"] {
        spec["to"]["fieldPath"] = json!(path);
        assert!(refused(&spec).contains("begins with a wildcard"), "{}", refused(&spec));
    }
    spec["to"]["fieldPath"] = json!("status.reverts");
    assert!(Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).is_ok(), "of a Deployment");
    for (version, kind, path) in
        [("krateo.io/v1alpha1", "Patch", "status.reverts"), ("krateo.io/v9", "NamespacedPatch", "[status].conditions")]
    {
        let reference = json!({"apiVersion": version, "kind": kind, "name": "p"});
        spec["to"] = json!({"objectReference": reference, "fieldPath": path});
        assert!(refused(&spec).contains("written by its provider alone"), "{}", refused(&spec));
        spec["to"]["fieldPath"] = json!("spec.to.transform");
        assert!(Spec::of(&spec.to_string()).unwrap().check(Scope::Cluster).is_ok());
    }
}
