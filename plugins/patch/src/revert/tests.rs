use serde_json::json;

use super::*;

fn target(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", name).in_namespace("n")
}

fn object(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n", "uid": "u"}, "data": data})
}

fn path(text: &str) -> FieldPath {
    text.parse().unwrap()
}

fn assignment(field: &str, value: Value) -> Assignment {
    Assignment { path: path(field), value }
}

/// Plans to write a value over what is there.
fn plan(reverts: &mut Reverts, data: &Value, value: Value) {
    let assignments = Assignments { pending: vec![assignment("data.x", value)], held: Vec::new() };
    reverts.keep(&target("a"), &object(data), &assignments);
}

/// Of a field that was written twice.
fn written(before: &Value, applied: Value) -> Reverts {
    let mut reverts = Reverts::default();
    plan(&mut reverts, before, json!("between"));
    plan(&mut reverts, &json!({"x": "between"}), applied);
    assert_eq!(reverts.0.len(), 1);
    reverts
}

fn undo(reverts: &Reverts, data: &Value) -> Option<Value> {
    reverts.0[0].undo(&object(data)).map(|undo| undo.value)
}

#[test]
fn the_value_before_the_first_write_comes_back() {
    let reverts = written(&json!({"x": "old"}), json!("new"));
    assert_eq!(undo(&reverts, &json!({"x": "new"})), Some(json!("old")));
    assert_eq!(undo(&reverts, &json!({"x": "old"})), None, "it has come back");
    assert_eq!(undo(&written(&json!({}), json!("new")), &json!({"x": "new"})), Some(Value::Null), "there was none");
}

#[test]
fn what_somebody_else_wrote_since_stays() {
    let reverts = written(&json!({"x": "old"}), json!("new"));
    assert_eq!(undo(&reverts, &json!({"x": "theirs"})), None);
    let mut another = object(&json!({"x": "new"}));
    another["metadata"]["uid"] = json!("another");
    assert_eq!(reverts.0[0].undo(&another), None);
}

#[test]
fn a_write_that_did_not_come_about_leaves_the_earlier_value_to_be_taken_back() {
    let mut reverts = written(&json!({"x": "old"}), json!("new"));
    assert_eq!(undo(&reverts, &json!({"x": "between"})), Some(json!("old")));
    // Nor did the next one.
    plan(&mut reverts, &json!({"x": "between"}), json!("newest"));
    assert_eq!(undo(&reverts, &json!({"x": "between"})), Some(json!("old")));
    // Once the last one is seen, what was before is anybody's.
    let held = Assignments { pending: Vec::new(), held: vec![assignment("data.x", json!("newest"))] };
    reverts.keep(&target("a"), &object(&json!({"x": "newest"})), &held);
    assert_eq!(undo(&reverts, &json!({"x": "between"})), None);
    assert_eq!(undo(&reverts, &json!({"x": "newest"})), Some(json!("old")));
}

#[test]
fn what_is_not_written_any_more_is_given_back_and_forgotten() {
    let mut reverts = written(&json!({"x": "old"}), json!("new"));
    let now = object(&json!({"x": "new"}));
    assert_eq!(reverts.returns(&target("a"), &now, &[path("data.x")]), []);
    assert_eq!(reverts.returns(&target("b"), &now, &[]), [], "of another object");
    assert_eq!(reverts.returns(&target("a"), &now, &[path("data.y")]), [assignment("data.x", json!("old"))]);
    assert_eq!(reverts.0.len(), 1, "it is not done yet");
    assert_eq!(reverts.returns(&target("a"), &object(&json!({"x": "old"})), &[path("data.y")]), []);
    assert_eq!(reverts, Reverts::default());
}

#[test]
fn what_was_kept_of_an_object_goes_with_it() {
    let mut replaced = object(&json!({"x": "new"}));
    replaced["metadata"]["uid"] = json!("another");
    let mut reverts = written(&json!({"x": "old"}), json!("new"));
    assert_eq!(reverts.returns(&target("a"), &replaced, &[path("data.x")]), []);
    assert_eq!(reverts, Reverts::default());

    let kept = written(&json!({"x": "old"}), json!("new"));
    for (found, left) in [(None, 1), (Some(None), 0), (Some(Some(replaced)), 0), (Some(Some(object(&json!({})))), 1)] {
        let mut reverts = kept.clone();
        reverts.drop_gone(&[], |_| found.clone());
        assert_eq!(reverts.0.len(), left, "{found:?}");
    }
    let mut reverts = kept.clone();
    reverts.drop_gone(&[target("a")], |_| panic!("it is known to be there"));
    assert_eq!(reverts, kept);
}

#[test]
fn what_is_kept_reads_back_and_is_limited() {
    let reverts = written(&json!({"x": "old"}), json!("new"));
    assert_eq!(Reverts::of(&json!({"reverts": reverts.status()}), None), reverts);
    assert!(reverts.fits());
    assert!(!written(&json!({"x": "x".repeat(MAX_KEPT)}), json!("new")).fits());
    let mut many = Reverts::default();
    for number in 0..=MAX_OBJECTS {
        assert!(many.fits(), "{number}");
        let assignments = Assignments { pending: vec![assignment("data.x", json!("new"))], held: Vec::new() };
        many.keep(&target(&number.to_string()), &object(&json!({})), &assignments);
    }
    assert!(!many.fits());
}

#[test]
fn an_object_of_a_namespace_gives_nothing_back_elsewhere() {
    let reverts = written(&json!({"x": "old"}), json!("new"));
    let status = json!({"reverts": reverts.status()});
    assert_eq!(Reverts::of(&status, Some("n")), reverts);
    assert_eq!(Reverts::of(&status, Some("other")), Reverts::default());
    let mut outside = status;
    outside["reverts"][0].as_object_mut().unwrap().remove("namespace");
    assert_eq!(Reverts::of(&outside, Some("n")), Reverts::default());
    assert_eq!(Reverts::of(&outside, None).0.len(), 1);
}
