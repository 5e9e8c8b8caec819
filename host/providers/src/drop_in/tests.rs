use bytes::Bytes;
use capstan_cluster::Object;

use super::*;
use crate::{Artifact, Origin};

const GRANTS: &str = "kubernetes: [{apiGroups: [''], kinds: [Pod], verbs: [get]}]\nlimits: {callTimeout: 10s}";
const ALL: Told = Told { config_maps: true, files: true };

fn found(provider: &str, grants: &str) -> Found {
    let origin = Origin::File("from here".to_owned());
    let artifact = Artifact { component: Bytes::from_static(b"x"), grants: grants.into(), origin: origin.clone() };
    Found { provider: Some(provider.to_owned()), origin, artifact: Ok(artifact) }
}

fn place(name: &str) -> Place {
    Place::Labelled(name.to_owned())
}

/// As the API server would give it back.
fn stored(body: &Value) -> Facts {
    let mut body = body.clone();
    body["metadata"]["uid"] = json!("u");
    Facts::of(&Object::from_value(body).unwrap()).unwrap()
}

fn body(steps: &[Step]) -> &Value {
    match steps {
        [Step::Apply { body, .. }] => body,
        other => panic!("{other:?}"),
    }
}

/// What is done to an object that is there, beside making sure that it is the one.
fn amended(steps: &[Step]) -> &[Value] {
    match steps {
        [Step::Amend { patch: Value::Array(operations), .. }] => {
            assert_eq!(operations[0], json!({"op": "test", "path": "/metadata/uid", "value": "u"}));
            &operations[1..]
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_delivered_gets_an_object_and_the_object_goes_with_it() {
    let mut all = DropIns::default();
    all.found(place("carrier"), found("note", GRANTS));
    let steps = all.steps(&HashMap::new(), ALL, |_| true);
    let made = body(&steps);
    assert_eq!(made["spec"]["source"], json!({"configMap": {"name": "carrier"}}));
    assert_eq!(made["spec"]["limits"], json!({"callTimeout": "10s"}));

    let mut objects = HashMap::from([("note".to_owned(), stored(made))]);
    assert_eq!(all.steps(&objects, ALL, |_| true), [], "all is as it should be");
    // What an administrator adds is his.
    if let Ok(spec) = &mut objects.get_mut("note").unwrap().spec {
        spec.paused = true;
    }
    assert_eq!(all.steps(&objects, ALL, |_| true), []);

    // What he adds to the members that come from the source does not stay, and a source that says less takes away.
    let own_limits = |facts: &mut Facts| facts.spec.as_mut().unwrap().limits.memory = Some(1 << 20);
    own_limits(objects.get_mut("note").unwrap());
    let limits = json!({"op": "add", "path": "/spec/limits", "value": {"callTimeout": "10s"}});
    assert_eq!(amended(&all.steps(&objects, ALL, |_| true)), [limits]);
    // An account is part of what it may do.
    all.found(place("carrier"), found("note", &format!("{GRANTS}\nserviceAccount: {{namespace: a, name: b}}")));
    let named = amended(&all.steps(&objects, ALL, |_| true))[0].clone();
    assert_eq!(named, json!({"op": "add", "path": "/spec/serviceAccount", "value": {"namespace": "a", "name": "b"}}));
    all.found(place("carrier"), found("note", ""));
    let removed = ["grants", "limits"].map(|member| json!({"op": "remove", "path": format!("/spec/{member}")}));
    assert_eq!(amended(&all.steps(&objects, ALL, |_| true)), removed);
    // So it is while it waits for its objects: it needs its source to clear up.
    objects.get_mut("note").unwrap().deleting = true;
    assert_eq!(amended(&all.steps(&objects, ALL, |_| true)), removed);
    objects.get_mut("note").unwrap().deleting = false;
    assert_eq!(all.steps(&objects, ALL, |_| false), [], "another replica's");

    all.gone(&place("carrier"));
    let delete = Step::Delete { name: "note".to_owned(), uid: "u".to_owned() };
    assert_eq!(all.steps(&objects, ALL, |_| true), [delete]);
    assert_eq!(all.steps(&objects, Told::default(), |_| true), [], "nobody has said yet what there is");
}

#[test]
fn what_goes_while_its_source_is_begun_anew_goes_when_all_there_is_was_told() {
    let mut all = DropIns::default();
    let file = Place::File("file.wasm".to_owned());
    for (place, provider) in [(place("stays"), "stays"), (place("goes"), "goes"), (file.clone(), "file")] {
        assert!(all.found(place, found(provider, "")));
    }
    let steps = all.steps(&HashMap::new(), ALL, |_| true);
    let made = steps.iter().map(|step| match step {
        Step::Apply { name, body, .. } => (name.clone(), stored(body)),
        other => panic!("{other:?}"),
    });
    let objects: HashMap<String, Facts> = made.collect();
    // It has no more to say than what it said before, and panics once more before it has said all of that.
    for _ in 0..2 {
        all.begun(Listing::ConfigMaps);
        assert!(!all.found(place("stays"), found("stays", "")), "this is no news");
        assert_eq!(all.listed(Listing::Files), [], "that is another source");
        assert_eq!(all.steps(&objects, ALL, |_| true), [], "what it has not told yet may be there");
    }
    assert_eq!(all.listed(Listing::ConfigMaps), [place("goes")]);
    let delete = Step::Delete { name: "goes".to_owned(), uid: "u".to_owned() };
    assert_eq!(all.steps(&objects, ALL, |_| true), [delete]);
    // What is told to be gone is not gone twice.
    all.begun(Listing::ConfigMaps);
    all.gone(&place("stays"));
    assert_eq!(all.listed(Listing::ConfigMaps), []);
    assert!(all.file("file.wasm").is_some());
    assert!(all.found(place("stays"), found("stays", "")), "it came back");
}

#[test]
fn what_is_of_no_use_gets_an_object_that_can_say_so_and_changes_none() {
    let mut all = DropIns::default();
    all.found(place("carrier"), found("note", GRANTS));
    let good = body(&all.steps(&HashMap::new(), ALL, |_| true)).clone();
    all.found(place("carrier"), found("note", "kubernets: []"));
    assert!(body(&all.steps(&HashMap::new(), ALL, |_| true))["spec"].get("grants").is_none());
    let objects = HashMap::from([("note".to_owned(), stored(&good))]);
    assert_eq!(all.steps(&objects, ALL, |_| true), []);
}

#[test]
fn the_first_to_have_a_name_keeps_it() {
    let mut all = DropIns::default();
    let (one, two) = (place("one"), place("two"));
    all.found(one.clone(), found("note", ""));
    all.found(two.clone(), found("note", GRANTS));
    let none = HashMap::new();
    assert!(all.refusal(&one, &found("note", ""), &none).is_none());
    assert_eq!(all.refusal(&two, &found("note", ""), &none).unwrap().reason(), "Conflict");
    // Also when the order is another one after a restart.
    let made = body(&all.steps(&none, ALL, |_| true)).clone();
    let objects = HashMap::from([("note".to_owned(), stored(&made))]);
    let mut again = DropIns::default();
    again.found(two.clone(), found("note", GRANTS));
    again.found(one.clone(), found("note", ""));
    assert!(again.refusal(&one, &found("note", ""), &objects).is_none());
    assert!(again.refusal(&two, &found("note", ""), &objects).is_some());
    // When the first is gone it is the other one's turn.
    again.gone(&one);
    let source = json!({"op": "add", "path": "/spec/source", "value": {"configMap": {"name": "two"}}});
    assert_eq!(amended(&again.steps(&objects, ALL, |_| true))[0], source);

    let by_hand = json!({
        "apiVersion": "capstan.dev/v1alpha1", "kind": "Provider", "metadata": {"name": "note"},
        "spec": {"source": {"file": {"name": "note.wasm"}}},
    });
    let objects = HashMap::from([("note".to_owned(), stored(&by_hand))]);
    assert!(all.refusal(&one, &found("note", ""), &objects).unwrap().to_string().contains("by hand"));
    assert_eq!(all.steps(&objects, ALL, |_| true), []);
}
