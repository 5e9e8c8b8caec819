//! Objects and patches that a guest writes. Five lines say what it is of: apiVersion, kind, namespace (or `-`), name, and how
//! it is meant (`apply`, `merge`, `json` or `create`); the rest is its text.

use std::{fmt::Write, sync::LazyLock};

use capstan_api::{Grants, GroupVersionKind, ObjectRef, Verb, api_version};
use capstan_cluster::Resource;
use capstan_sandbox::{
    Descriptor, Granted, ManagedKind,
    boundary::{PatchKind, decide, object, object_ref, patch, pinned},
};
use kube::core::ApiResource;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::is_fit_to_show;

pub(crate) const WORDS: &[&str] = &[
    "..",
    ".",
    "/",
    "%2f",
    "~0",
    "~1",
    "-\n",
    "json\n",
    "merge\n",
    "apply\n",
    "create\n",
    "{}",
    "[]",
    "null",
    "\"\"",
    "1e400",
    "\"/metadata/name\"",
    "\"/metadata/namespace\"",
    "\"/metadata\"",
    "\"/kind\"",
    "\"from\": \"/metadata/name\",",
    "\"op\": \"move\",",
    "\"op\": \"test\",",
    "\"op\": \"remove\",",
    "\"path\": \"\",",
    "\"metadata\": {\"name\": \"other\"},",
    "\"metadata\": {\"uid\": \"other\"},",
    "\"kind\": \"Secret\",",
    "\"\\u006bind\": \"Secret\",",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "capstan-system",
    "team-a",
    "kube-system",
    "foo",
];

/// All that may be done to what is not the provider's own: a `ConfigMap` may be patched by its name, and everything in any
/// namespace that does not hold grants may be created.
static GRANTED: LazyLock<Granted> = LazyLock::new(|| {
    let grants = "kubernetes:
      - {apiGroups: [''], kinds: [ConfigMap], verbs: [patch], namespaces: [team-a], names: [foo]}
      - {apiGroups: ['*'], kinds: ['*'], verbs: [create]}";
    let grants = Grants::parse(grants).expect("they may be granted");
    let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Note");
    let descriptor = Descriptor {
        name: "note".to_owned(),
        version: "0.1.0".to_owned(),
        kinds: vec![ManagedKind { kind, definition: None, recoverable: false }],
        needs: grants.clone(),
        config_schema: None,
    };
    Granted::new(&descriptor, &grants).protecting("capstan-system")
});

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(6, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (api_version, kind, namespace, name, how, body) = (line(), line(), line(), line(), line(), line());
    if how == "create" {
        return created(body);
    }
    let target = match object_ref(api_version, kind, (namespace != "-").then_some(namespace), name) {
        Ok(target) => target,
        Err(problem) => return is_fit_to_show(&problem),
    };
    is_what_was_named(&target, api_version, kind, name);
    stays_in_its_place(&target);
    is_decided_by_name(&target);
    let how = match how {
        "apply" => PatchKind::Apply,
        "merge" => PatchKind::Merge,
        _ => PatchKind::Json,
    };
    let taken = patch(how, body, &target);
    if let Some(spelling) = spelled_otherwise(body) {
        assert_eq!(patch(how, &spelling, &target).ok(), taken.clone().ok(), "written as {spelling}");
    }
    match taken {
        Ok(body) => keeps_its_target(how, &body, &target),
        Err(problem) => is_fit_to_show(&problem),
    }
}

fn created(text: &str) {
    match object(text) {
        Ok((target, body)) => {
            assert_eq!(names_of(&body), names(&target));
            stays_in_its_place(&target);
            is_decided_by_name(&target);
        }
        Err(problem) => is_fit_to_show(&problem),
    }
}

fn is_what_was_named(target: &ObjectRef, api_version: &str, kind: &str, name: &str) {
    assert_eq!(capstan_api::api_version(&target.kind), api_version);
    assert_eq!((target.kind.kind.as_str(), target.key.name.as_str()), (kind, name));
}

/// Its path has the segments it has to have, and each is what was named.
fn stays_in_its_place(target: &ObjectRef) {
    let api = ApiResource::from_gvk_with_plural(&target.kind, "things");
    let resource = Resource { api, namespaced: target.key.namespace.is_some(), subresources: Vec::new() };
    let path = resource.item(&target.key).expect("a name that the sandbox takes");
    let segments: Vec<String> =
        path.split('/').skip(1).map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let GroupVersionKind { group, version, .. } = &target.kind;
    let mut expected = if group.is_empty() { vec!["api"] } else { vec!["apis", group] };
    expected.push(version);
    if let Some(namespace) = &target.key.namespace {
        expected.extend(["namespaces", namespace]);
    }
    expected.extend(["things", &target.key.name]);
    assert_eq!(segments, expected, "{path}");
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte);
    assert!(path.bytes().all(harmless), "{path}");
    assert!(!segments.iter().any(|segment| segment == "." || segment == ".."), "{path}");
}

/// No name is taken for another one.
fn is_decided_by_name(target: &ObjectRef) {
    let ObjectRef { kind, key } = target;
    let own = kind.group == "test.capstan.dev" && kind.kind == "Note";
    let named = kind.group.is_empty() && kind.kind == "ConfigMap" && key.name == "foo";
    let named = named && key.namespace.as_deref() == Some("team-a");
    let open = key.namespace.as_deref() != Some("capstan-system") && kind.group != "capstan.dev";
    for (verb, expected) in [
        (Verb::Patch, own || named),
        (Verb::Create, own || open),
        (Verb::Get, own),
        (Verb::List, own),
        (Verb::Delete, own),
    ] {
        let decision = decide(&GRANTED, verb, kind, key);
        assert_eq!(decision.is_ok(), expected, "{verb:?} of {target}");
        if let Err(denied) = decision {
            is_fit_to_show(&denied);
        }
    }
}

/// The same JSON with every letter of its texts escaped.
fn spelled_otherwise(text: &str) -> Option<String> {
    // What is refused for its size or depth is not read.
    let value: Value = serde_json::from_str(text).ok().filter(|_| text.len() < 64 << 10)?;
    let mut spelling = String::new();
    spell(&value, &mut spelling);
    Some(spelling)
}

fn spell(value: &Value, to: &mut String) {
    let escaped = |text: &str, to: &mut String| {
        to.push('"');
        // Writing to a string does not fail.
        for unit in text.encode_utf16() {
            let _ = write!(to, "\\u{unit:04X}");
        }
        to.push('"');
    };
    let separated = |index: usize, to: &mut String| to.push_str(if index == 0 { "" } else { " , " });
    match value {
        Value::String(text) => escaped(text, to),
        Value::Array(items) => {
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                separated(index, to);
                spell(item, to);
            }
            to.push(']');
        }
        Value::Object(members) => {
            to.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                separated(index, to);
                escaped(name, to);
                to.push(':');
                spell(value, to);
            }
            to.push('}');
        }
        other => *to += &other.to_string(),
    }
}

/// Whoever applies the patch, the object is still the one that was decided about.
fn keeps_its_target(how: PatchKind, body: &Value, target: &ObjectRef) {
    let mut before = json!({
        "apiVersion": api_version(&target.kind),
        "kind": target.kind.kind,
        "metadata": {"name": target.key.name, "uid": "u-1", "resourceVersion": "1", "labels": {"a": "b"}},
        "spec": {"list": [1, 2]},
    });
    if let Some(namespace) = &target.key.namespace {
        before["metadata"]["namespace"] = json!(namespace);
    }
    let before = before;
    let own = names(target);
    match how {
        PatchKind::Json => {
            if let Some(after) = operated(before.clone(), body) {
                assert_eq!(names_of(&after), own, "{body}");
            }
        }
        PatchKind::Merge => {
            let mut after = before.clone();
            json_patch::merge(&mut after, body);
            // Metadata that is none is refused by every API server.
            if after["metadata"].is_object() {
                assert_eq!(names_of(&after), own, "{body}");
            }
        }
        PatchKind::Apply => assert_eq!(names_of(body), own, "{body}"),
    }
    // Pinned, it does nothing to another object of the same name.
    let mut other = before;
    other["metadata"]["uid"] = json!("u-2");
    let Ok(pinned) = pinned(how, body.clone(), "u-1") else { return };
    match how {
        PatchKind::Json => assert_eq!(operated(other, &pinned), None, "{pinned}"),
        PatchKind::Merge | PatchKind::Apply => assert_eq!(pinned["metadata"]["uid"], "u-1"),
    }
}

/// After a JSON patch, if it can be applied.
fn operated(mut document: Value, patch: &Value) -> Option<Value> {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).ok()?;
    json_patch::patch(&mut document, &patch).ok()?;
    Some(document)
}

type Names = [Value; 4];

fn names(target: &ObjectRef) -> Names {
    [json!(api_version(&target.kind)), json!(target.kind.kind), json!(target.key.namespace), json!(target.key.name)]
}

fn names_of(document: &Value) -> Names {
    ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"]
        .map(|pointer| document.pointer(pointer).cloned().unwrap_or_default())
}
