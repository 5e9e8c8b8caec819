use serde_json::{Value, json};

use super::*;

fn path(text: &str) -> FieldPath {
    text.parse().unwrap()
}

fn sample() -> Value {
    json!({
        "apiVersion": "v1",
        "metadata": {"name": "foo", "annotations": {"krateo.io/external-name": "ext"}, "labels": {"a.b": "dotted"}},
        "data": {".config.yml": "text", "value1": "Foo1", "nothing": null, "7": "seven"},
        "spec": {
            "m": [[1, 2], [3, 4]],
            "replicas": 3,
            "containers": [{"name": "a", "env": [{"name": "x", "value": "1"}]}, {"name": "b"}],
            "empty": []
        }
    })
}

#[test]
fn existing_fields_are_found_in_every_spelling() {
    let table = [
        ("apiVersion", json!("v1")),
        ("metadata.name", json!("foo")),
        ("metadata[name]", json!("foo")),
        ("metadata['name']", json!("foo")),
        ("metadata[\"name\"]", json!("foo")),
        ("metadata.'name'", json!("foo")),
        ("[metadata].name", json!("foo")),
        ("metadata.annotations['krateo.io/external-name']", json!("ext")),
        ("metadata.annotations[krateo.io/external-name]", json!("ext")),
        ("metadata.labels[a.b]", json!("dotted")),
        ("data[.config.yml]", json!("text")),
        ("data.7", json!("seven")),
        ("data['7']", json!("seven")),
        ("data.nothing", Value::Null),
        ("spec.m[0][1]", json!(2)),
        ("spec.m[1]", json!([3, 4])),
        ("spec.m[00]", json!([1, 2])),
        ("spec.replicas", json!(3)),
        ("spec.containers[1].name", json!("b")),
        ("spec.containers[1]name", json!("b")),
        ("spec.containers[0].env[0]", json!({"name": "x", "value": "1"})),
        ("spec.empty", json!([])),
    ];
    for (text, expected) in table {
        assert_eq!(path(text).get(&sample()), Ok(&expected), "{text}");
    }
    assert_eq!(path("").get(&sample()), Ok(&sample()));
}

#[test]
fn a_malformed_path_is_refused_with_its_position() {
    let table = [
        (".metadata", "unexpected '.'", 0),
        (".", "unexpected '.'", 0),
        ("metadata..name", "unexpected '.'", 9),
        ("metadata.name.", "unexpected '.'", 13),
        ("a.[0]", "unexpected '['", 2),
        ("a[]", "unexpected ']'", 2),
        ("a[0", "unterminated '['", 1),
        ("a[", "unterminated '['", 1),
        ("a]", "unexpected ']'", 1),
        ("]", "unexpected ']'", 0),
        ("a.]", "unexpected ']'", 2),
        ("a[b[c]]", "unexpected '['", 3),
        ("a[0]]", "unexpected ']'", 4),
        ("é[", "unterminated '['", 2),
    ];
    for (text, problem, position) in table {
        let error = text.parse::<FieldPath>().unwrap_err();
        let expected = format!("cannot parse path {text:?}: {problem} at position {position}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_missing_field_is_told_apart_from_a_contradicting_shape() {
    let table = [
        ("metadata.nope", true, "metadata.nope: no such field"),
        ("metadata.nope.deeper", true, "metadata.nope: no such field"),
        ("spec.m[9]", true, "spec.m[9]: no such element"),
        ("spec.m[0][9]", true, "spec.m[0][9]: no such element"),
        ("spec.empty[0]", true, "spec.empty[0]: no such element"),
        ("data.nothing.x", true, "data.nothing.x: no such field"),
        ("metadata.labels[a.c]", true, "metadata.labels[a.c]: no such field"),
        ("metadata.name.x", false, "metadata.name: not an object"),
        ("spec.replicas[0]", false, "spec.replicas: not an array"),
        ("spec.containers.0", false, "spec.containers: not an object"),
        ("spec.containers.name", false, "spec.containers: not an object"),
        ("spec.containers[-1]", false, "spec.containers: not an object"),
        ("spec.containers[+1]", false, "spec.containers: not an object"),
        ("spec.containers[*]", false, "spec.containers: not an object"),
        ("spec.containers[4294967296]", false, "spec.containers: not an object"),
        ("metadata[0]", false, "metadata: not an array"),
    ];
    for (text, not_found, message) in table {
        let error = path(text).get(&sample()).unwrap_err();
        assert_eq!((error.is_not_found(), error.to_string().as_str()), (not_found, message), "{text}");
    }
}

#[test]
fn setting_creates_maps_and_lists_and_pads() {
    let table = [
        (json!({}), "a", json!({"a": 1})),
        (json!({}), "a.b.c", json!({"a": {"b": {"c": 1}}})),
        (json!({"a": 0}), "a", json!({"a": 1})),
        (json!({"a": {"b": 0, "k": 2}}), "a.b", json!({"a": {"b": 1, "k": 2}})),
        (json!({"a": null}), "a.b", json!({"a": {"b": 1}})),
        (json!({"a": null}), "a[0]", json!({"a": [1]})),
        (json!({}), "a[0]", json!({"a": [1]})),
        (json!({}), "a[2]", json!({"a": [null, null, 1]})),
        (json!({}), "a[1].b", json!({"a": [null, {"b": 1}]})),
        (json!({}), "a[1][1]", json!({"a": [null, [null, 1]]})),
        (json!({"a": [5]}), "a[0]", json!({"a": [1]})),
        (json!({"a": [5]}), "a[1]", json!({"a": [5, 1]})),
        (json!({"a": [5]}), "a[3]", json!({"a": [5, null, null, 1]})),
        (json!({"a": [{"b": 0}]}), "a[0].b", json!({"a": [{"b": 1}]})),
        (json!({}), "a[x.y]", json!({"a": {"x.y": 1}})),
        (json!({}), "a['0']", json!({"a": {"0": 1}})),
        (json!({"a": {"b": []}}), "a.b", json!({"a": {"b": 1}})),
        (Value::Null, "a", json!({"a": 1})),
        (json!({"a": 0}), "", json!({"a": 0})),
        (json!({}), "a[*]", json!({"a": {"*": 1}})),
    ];
    for (mut object, text, expected) in table {
        path(text).set(&mut object, json!(1)).unwrap();
        assert_eq!(object, expected, "{text}");
    }
}

#[test]
fn setting_refuses_to_go_through_a_scalar_and_to_grow_without_bound() {
    let table = [
        (json!({"a": "text"}), "a.b", "a is not an object"),
        (json!({"a": [1]}), "a.b", "a is not an object"),
        (json!({"a": "text"}), "a[0]", "a is not an array"),
        (json!({"a": {}}), "a[0]", "a is not an array"),
        (json!({}), "a[1025]", "index 1025 in a[1025] is above the highest that can be created, 1024"),
    ];
    for (mut object, text, message) in table {
        assert_eq!(path(text).set(&mut object, json!(1)).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn a_wildcard_stands_for_every_element() {
    let expand =
        |text: &str| -> Vec<String> { path(text).expand(&sample()).unwrap().iter().map(ToString::to_string).collect() };
    assert_eq!(expand("spec.containers[*].name"), ["spec.containers[0].name", "spec.containers[1].name"]);
    assert_eq!(expand("metadata.labels[*]"), ["metadata.labels[a.b]"]);
    assert_eq!(expand("data.*")[..2], ["data[.config.yml]", "data.7"]);
    assert_eq!(expand("spec.m[*][*]"), ["spec.m[0][0]", "spec.m[0][1]", "spec.m[1][0]", "spec.m[1][1]"]);
    assert_eq!(expand("spec.containers[*].env[*].value"), ["spec.containers[0].env[0].value"], "the second has no env");
    assert_eq!(expand("spec.containers[*].image"), ["spec.containers[0].image", "spec.containers[1].image"]);
    assert_eq!(expand("spec.empty[*].x"), Vec::<String>::new());
    assert_eq!(expand("metadata.name"), ["metadata.name"]);
    assert_eq!(expand("not.there"), ["not.there"]);
}

#[test]
fn a_wildcard_needs_a_list_or_map() {
    let error = |text: &str| path(text).expand(&sample()).unwrap_err();
    assert!(error("spec.nope[*]").is_not_found());
    assert!(!error("metadata.name[*]").is_not_found());
    assert!(!error("spec.containers[*].name[*]").is_not_found());
}

#[test]
fn the_canonical_spelling_reads_back_as_the_same_path() {
    for text in ["a", "a.b[0].c", "a[b.c].d", "[a.b]", "a[0][1]", "data[.config.yml]", "a.7", "[3].x", ""] {
        assert_eq!(path(&path(text).to_string()), path(text), "{text}");
    }
}

#[test]
fn what_a_path_leads_to_is_found_without_the_rest_of_the_object() {
    let whole = sample();
    let text = whole.to_string();
    for segments in [
        "",
        "apiVersion",
        "metadata.name",
        "metadata.labels[a.b]",
        "metadata.nope",
        "metadata.name.x",
        "metadata[0]",
        "data[.config.yml]",
        "data.nothing",
        "data.nothing.x",
        "data['7']",
        "spec.m",
        "spec.m[1][0]",
        "spec.m[9]",
        "spec.m[0][9]",
        "spec.m[0].x",
        "spec.replicas",
        "spec.replicas[0]",
        "spec.containers.name",
        "spec.containers[1].name",
        "spec.empty[0]",
        "spec.containers[0].env[0].value",
        "[0]",
        "nope",
        "*",
        "[3].x",
    ] {
        let only = path(segments).only(&text).unwrap();
        assert_eq!(path(segments).get(&only), path(segments).get(&whole), "{segments}");
    }
    for wildcards in [
        "metadata.labels[*]",
        "data.*",
        "spec.m[*]",
        "spec.m[*][*]",
        "spec.m[*][1]",
        "spec.containers[*].env[*].value",
        "spec.containers[*].image",
        "spec.empty[*].x",
        "spec.nope[*]",
        "metadata.name[*]",
        "spec.containers[*].name[*]",
    ] {
        let only = path(wildcards).only(&text).unwrap();
        let expanded = path(wildcards).expand(&whole);
        assert_eq!(path(wildcards).expand(&only), expanded, "{wildcards}");
        for each in expanded.unwrap_or_default() {
            assert_eq!(each.get(&only), each.get(&whole), "{wildcards}: {each}");
        }
    }
    assert_eq!(path("metadata.name").only(&text).unwrap(), json!({"metadata": {"name": "foo"}}));
    assert_eq!(path("spec.m[1][0]").only(&text).unwrap(), json!({"spec": {"m": [null, [3, null]]}}));
    assert_eq!(path("a\u{e9}").only("{\"a\\u00e9\": 1, \"b\": [{}]}").unwrap(), json!({"aé": 1}));
}
