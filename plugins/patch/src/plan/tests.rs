mod settling;

use serde_json::json;

use super::*;
use crate::change::Change;
use crate::spec::{Scope, Spec, Target};

fn plan(spec: &Spec, source: Option<&Value>, target: Option<&Value>) -> Result<Plan, PlanError> {
    let spec = spec.clone().check(Scope::Cluster)?;
    let Target::Named(key) = &spec.target else { panic!("{spec:?}") };
    let value = value(&spec, &[source])?;
    super::plan(&spec, &value, key, target, &[source])
}

#[expect(clippy::needless_pass_by_value, reason = "arguments are `json!` literals")]
fn spec(to: Value) -> Spec {
    let reference = |name: &str| json!({"kind": "ConfigMap", "name": name});
    let mut spec = json!({
        "from": {"objectReference": reference("foo"), "fieldPath": "data"},
        "to": {"objectReference": reference("bar")}
    });
    for (key, value) in to.as_object().unwrap() {
        let at = if key == "mergeOptions" { &mut spec } else { &mut spec["to"] };
        at[key] = value.clone();
    }
    serde_json::from_value(spec).unwrap()
}

fn foo() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "foo", "namespace": "default", "uid": "u-foo", "resourceVersion": "1"},
        "data": {"value1": "Foo1", "value2": "Foo2"}
    })
}

fn bar() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "bar", "namespace": "default", "uid": "u-bar", "resourceVersion": "7"},
        "data": {"value1": "Bar1", "value2": "Bar2"}
    })
}

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "bar", "namespace": "default", "uid": "u-bar", "resourceVersion": "7"},
        "spec": {"containers": [{"name": "a", "image": "old"}, {"name": "b", "image": "old"}], "nodeSelector": {"x/y": "1"}}
    })
}

fn written(spec: &Spec, target: &Value) -> (Change, Vec<Difference>) {
    let Plan { assignments, differences } = plan(spec, Some(&foo()), Some(target)).unwrap();
    assert!(!assignments.pending.is_empty(), "up to date");
    (assignments.change(target), differences)
}

/// The operations behind the two tests of identity.
fn operations(to: Value, target: &Value) -> Value {
    let Change::JsonPatch { operations, .. } = written(&spec(to), target).0 else {
        panic!("applied");
    };
    let operations = operations.as_array().unwrap().clone();
    assert_eq!(
        operations[..2],
        [
            json!({"op": "test", "path": "/metadata/uid", "value": "u-bar"}),
            json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"})
        ]
    );
    Value::from(operations[2..].to_vec())
}

fn error(spec: &Spec, source: Option<&Value>, target: Option<&Value>) -> (&'static str, String) {
    let error = plan(spec, source, target).unwrap_err();
    (error.reason(), error.to_string())
}

#[test]
fn a_text_field_is_applied_alone_with_the_targets_uid() {
    let pipeline = json!({"fieldPath": "data.value2", "transforms": ["b64enc .value1", "printf \"prefix-%s\""]});
    let (change, differences) = written(&spec(pipeline), &bar());
    let expected = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "bar", "namespace": "default", "uid": "u-bar"},
        "data": {"value2": "prefix-Rm9vMQ=="}
    });
    assert_eq!(change, Change::Apply { document: expected, subresource: None });
    let difference =
        Difference { path: "data.value2".into(), desired: Some(json!("prefix-Rm9vMQ==")), actual: Some(json!("Bar2")) };
    assert_eq!(differences, [difference]);
}

#[test]
fn a_missing_target_field_is_created() {
    let (change, differences) = written(&spec(json!({"fieldPath": "data.fresh", "transform": "new"})), &bar());
    assert!(matches!(change, Change::Apply { document, .. } if document["data"] == json!({"fresh": "new"})));
    assert_eq!(differences[0].actual, None);

    let (change, _) = written(&spec(json!({"fieldPath": "metadata.annotations[a.b/c]", "transform": "new"})), &bar());
    assert!(matches!(change, Change::Apply { document, .. } if document["metadata"]["annotations"]["a.b/c"] == "new"));
}

#[test]
fn an_equal_field_needs_nothing() {
    let done = spec(json!({"fieldPath": "data.value2", "transform": "Bar2"}));
    assert!(plan(&done, Some(&foo()), Some(&bar())).unwrap().is_up_to_date());

    let mut float = bar();
    float["spec"] = json!({"replicas": 3.0});
    let three = spec(json!({"fieldPath": "spec.replicas", "transform": "${ 3 }"}));
    assert!(plan(&three, Some(&foo()), Some(&float)).unwrap().is_up_to_date());
}

#[test]
fn a_map_is_replaced_whole_under_the_version_that_was_read() {
    let replace = json!([{"op": "replace", "path": "/data", "value": {"value1": "Foo1", "value2": "Foo2"}}]);
    assert_eq!(operations(json!({}), &bar()), replace);
}

#[test]
fn merge_options_decide_the_value_and_settle() {
    let options = json!({"mergeOptions": {}, "transform": "${ {fresh: 1} }"});
    let value = json!({"value1": "Bar1", "value2": "Bar2", "fresh": 1});
    assert_eq!(operations(options.clone(), &bar()), json!([{"op": "replace", "path": "/data", "value": value}]));

    let mut merged = bar();
    merged["data"] = value;
    assert!(plan(&spec(options), Some(&foo()), Some(&merged)).unwrap().is_up_to_date());
}

#[test]
fn elements_of_lists_are_patched_by_position() {
    let image = |path: &str| json!({"fieldPath": path, "transform": "new"});
    assert_eq!(
        operations(image("spec.containers[1].image"), &pod()),
        json!([{"op": "replace", "path": "/spec/containers/1/image", "value": "new"}])
    );
    assert_eq!(
        operations(image("spec.containers[*].image"), &pod()),
        json!([
            {"op": "replace", "path": "/spec/containers/0/image", "value": "new"},
            {"op": "replace", "path": "/spec/containers/1/image", "value": "new"}
        ])
    );
    assert_eq!(
        operations(image("spec.containers[0].env[0].value"), &pod()),
        json!([{"op": "add", "path": "/spec/containers/0/env", "value": [{"value": "new"}]}])
    );
    assert_eq!(
        operations(image("spec.containers[2].image"), &pod()),
        json!([{"op": "add", "path": "/spec/containers/2", "value": {"image": "new"}}])
    );
    let padded = json!([{"name": "a", "image": "old"}, {"name": "b", "image": "old"}, null, {"image": "new"}]);
    assert_eq!(
        operations(image("spec.containers[3].image"), &pod()),
        json!([{"op": "replace", "path": "/spec/containers", "value": padded}])
    );
}

#[test]
fn pointers_escape_slashes_and_tildes() {
    let list = |path: &str| json!({"fieldPath": path, "transform": "${ [1] }"});
    assert_eq!(
        operations(list("spec.nodeSelector[x/y]"), &pod()),
        json!([{"op": "replace", "path": "/spec/nodeSelector/x~1y", "value": [1]}])
    );
    assert_eq!(operations(list("spec[a~b]"), &pod()), json!([{"op": "add", "path": "/spec/a~0b", "value": [1]}]));
}

#[test]
fn a_scalar_replaces_a_map_by_patch_because_apply_would_mix_them() {
    let operations = operations(json!({"fieldPath": "data", "transform": "text"}), &bar());
    assert_eq!(operations, json!([{"op": "replace", "path": "/data", "value": "text"}]));
}

#[test]
fn null_removes_the_field_if_that_is_asked_for() {
    let null = |path: &str| json!({"fieldPath": path, "transform": "${ .missing }", "whenNull": "delete"});
    assert_eq!(operations(null("data.value2"), &bar()), json!([{"op": "remove", "path": "/data/value2"}]));
    assert!(plan(&spec(null("data.none")), Some(&foo()), Some(&bar())).unwrap().is_up_to_date());
}

#[test]
fn null_is_a_mistake_otherwise() {
    let (reason, message) =
        error(&spec(json!({"fieldPath": "data.x", "transform": "${ .missing }"})), Some(&foo()), Some(&bar()));
    assert_eq!(reason, "TransformFailed");
    assert!(message.starts_with("spec.to.transform gives null"), "{message}");
}

#[test]
fn several_sources_are_a_map_by_their_names() {
    let source = |name: &str, object: &str| json!({"name": name, "objectReference": {"kind": "ConfigMap", "name": object}, "fieldPath": "data"});
    let spec = json!({
        "sources": [source("one", "foo"), source("two", "bar")],
        "to": {"objectReference": {"kind": "ConfigMap", "name": "bar"}, "fieldPath": "data.x",
               "transform": "${ .one.value1 + .two.value2 }"}
    });
    let mut spec = Spec::of(&spec.to_string()).unwrap();
    let read = |spec: &Spec, objects: &[Option<&Value>]| value(&spec.clone().check(Scope::Cluster).unwrap(), objects);
    assert_eq!(read(&spec, &[Some(&foo()), Some(&bar())]).unwrap(), json!("Foo1Bar2"));
    let missing = read(&spec, &[Some(&foo()), None]).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "ConfigMap default/bar, named by spec.sources[two].objectReference, does not exist"
    );
    spec.to.as_mut().unwrap().transform = None;
    spec.to.as_mut().unwrap().transforms = Some(vec!["printf \"%s-%s\" .one.value1 .two.value1".to_owned()]);
    assert_eq!(read(&spec, &[Some(&foo()), Some(&bar())]).unwrap(), json!("Foo1-Bar1"));
}

#[test]
fn status_is_written_through_its_subresource() {
    let (change, _) = written(&spec(json!({"fieldPath": "status.phase", "transform": "x"})), &pod());
    assert!(matches!(change, Change::Apply { subresource: Some("status"), .. }));
    let (change, _) = written(&spec(json!({"fieldPath": "status.list", "transform": "${ [] }"})), &pod());
    assert!(matches!(change, Change::JsonPatch { subresource: Some("status"), .. }));
}

#[test]
fn a_missing_object_is_an_error_that_names_it() {
    let spec = spec(json!({"fieldPath": "data.x"}));
    let source = "ConfigMap default/foo, named by spec.from.objectReference, does not exist";
    assert_eq!(error(&spec, None, Some(&bar())), ("SourceNotFound", source.to_owned()));
    let target = "ConfigMap default/bar, named by spec.to.objectReference, does not exist";
    assert_eq!(error(&spec, Some(&foo()), None), ("TargetNotFound", target.to_owned()));
}

#[test]
fn a_missing_source_field_is_an_error_that_names_path_and_object() {
    let mut spec = spec(json!({"fieldPath": "data.x"}));
    spec.from.as_mut().unwrap().field_path = Some("data.nope".to_owned());
    let message = "ConfigMap default/foo has no field data.nope (spec.from.fieldPath): data.nope: no such field";
    assert_eq!(error(&spec, Some(&foo()), Some(&bar())), ("FieldNotFound", message.to_owned()));
}

#[test]
fn a_target_without_room_for_the_field_is_an_error() {
    let inside_text = spec(json!({"fieldPath": "data.value1.deeper", "transform": "x"}));
    let (reason, message) = error(&inside_text, Some(&foo()), Some(&bar()));
    assert_eq!(reason, "FieldNotFound");
    assert!(message.ends_with("data.value1 is not an object"), "{message}");

    let nothing = spec(json!({"fieldPath": "data.none[*].x", "transform": "x"}));
    assert_eq!(error(&nothing, Some(&foo()), Some(&bar())).0, "FieldNotFound");
}

#[test]
fn a_failing_transform_and_a_bad_specification_have_their_own_reasons() {
    let failing = spec(json!({"fieldPath": "data.x", "transforms": ["b64enc .missing"]}));
    assert_eq!(error(&failing, Some(&foo()), Some(&bar())).0, "TransformFailed");
    let failing = spec(json!({"fieldPath": "data.x", "transform": "${ error(\"no\") }"}));
    assert_eq!(error(&failing, Some(&foo()), Some(&bar())).0, "TransformFailed");
    assert_eq!(error(&Spec::default(), Some(&foo()), Some(&bar())).0, "InvalidSpec");
}

#[test]
fn all_fields_of_a_wildcard_are_applied_also_those_that_have_the_value() {
    let (change, differences) = written(&spec(json!({"fieldPath": "data[*]", "transform": "Bar1"})), &bar());
    assert!(
        matches!(change, Change::Apply { document, .. } if document["data"] == json!({"value1": "Bar1", "value2": "Bar1"}))
    );
    assert_eq!(differences.len(), 1);
}

#[test]
fn elements_are_removed_from_the_last_to_the_first() {
    let null = |path: &str| json!({"fieldPath": path, "transform": "${ null }", "whenNull": "delete"});
    let removed =
        json!([{"op": "remove", "path": "/spec/containers/1"}, {"op": "remove", "path": "/spec/containers/0"}]);
    assert_eq!(operations(null("spec.containers[*]"), &pod()), removed);
    assert_eq!(operations(null("spec.containers[1]"), &pod()), json!([{"op": "remove", "path": "/spec/containers/1"}]));
    let (reason, message) = error(&spec(null("spec.containers[0]")), Some(&foo()), Some(&pod()));
    assert_eq!(reason, "WouldLoop");
    assert!(message.contains("spec.containers[0]") && message.contains("next element"), "{message}");
}

#[test]
fn siblings_below_a_missing_parent_are_added_once() {
    let assignment = |path: &str| Assignment { path: path.parse().unwrap(), value: json!("x") };
    let fields = [assignment("binaryData.a"), assignment("binaryData.b")];
    let Change::JsonPatch { operations, .. } = crate::change::json_patch(&bar(), &fields) else { panic!("applied") };
    assert_eq!(
        operations.as_array().unwrap()[2..],
        [json!({"op": "add", "path": "/binaryData", "value": {"a": "x", "b": "x"}})]
    );
}

#[test]
fn a_revert_does_not_lead_through_lists() {
    let reverting = |to: Value| {
        let mut spec = spec(to);
        spec.on_delete = Some(crate::spec::OnDelete::Revert);
        plan(&spec, Some(&foo()), Some(&pod()))
    };
    for path in ["spec.containers[0].image", "spec.containers[*].image"] {
        let refused = reverting(json!({"fieldPath": path, "transform": "new"})).unwrap_err();
        assert!(refused.reason() == "InvalidSpec" && refused.to_string().contains("list"), "{refused}");
    }
    assert!(!reverting(json!({"fieldPath": "spec.nodeSelector[*]", "transform": "new"})).unwrap().is_up_to_date());
}

#[test]
fn values_of_secrets_do_not_appear_in_differences() {
    let mut from_secret = spec(json!({"fieldPath": "data.x", "transform": "${ .value1 }"}));
    from_secret.from.as_mut().unwrap().object_reference.as_mut().unwrap().kind = Some("Secret".to_owned());
    let (change, differences) = written(&from_secret, &bar());
    assert_eq!(differences, [Difference { path: "data.x".into(), desired: None, actual: None }]);
    assert!(matches!(change, Change::Apply { document, .. } if document["data"]["x"] == "Foo1"));
}

#[test]
fn a_failed_transform_does_not_tell_the_value_of_a_secret() {
    let mut from_secret = spec(json!({"fieldPath": "data.x", "transform": "${ .value1 | error }"}));
    assert!(error(&from_secret, Some(&foo()), Some(&bar())).1.contains("Foo1"));
    from_secret.from.as_mut().unwrap().object_reference.as_mut().unwrap().kind = Some("Secret".to_owned());
    let (reason, message) = error(&from_secret, Some(&foo()), Some(&bar()));
    assert_eq!(reason, "TransformFailed");
    assert!(!message.contains("Foo1"), "{message}");

    from_secret.to.as_mut().unwrap().transform = Some("${ nope }".to_owned());
    assert!(error(&from_secret, Some(&foo()), Some(&bar())).1.contains("undefined"), "mistakes in the text are told");
}
