//! Objects and patches as a guest gives them: read, checked against the target, completed.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use capstan_api::{ObjectKey, ObjectRef, api_version};
use serde_json::{Map, Value, json};

use super::names;
use crate::{
    answer,
    bindings::capstan::provider::cluster::{Error, PatchKind},
};

/// A whole object, for a create. It must name itself: no name is generated, so that a repeated create is a conflict.
pub(crate) fn object(text: &str) -> Result<(ObjectRef, Value), Error> {
    let body = answer::object("object", text).map_err(Error::Invalid)?;
    let member = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = names::kind(member("/apiVersion"), member("/kind"))?;
    names::check("name", member("/metadata/name"))?;
    let namespace = body.pointer("/metadata/namespace").map(|_| member("/metadata/namespace").to_owned());
    if let Some(namespace) = &namespace {
        names::check("namespace", namespace)?;
    }
    let key = ObjectKey { namespace, name: member("/metadata/name").to_owned() };
    Ok((ObjectRef { kind, key }, body))
}

/// A patch that stays with its target.
pub(crate) fn patch(kind: PatchKind, text: &str, target: &ObjectRef) -> Result<Value, Error> {
    match kind {
        PatchKind::Apply => {
            let mut body = answer::object("patch", text).map_err(Error::Invalid)?;
            stays(&body, target)?;
            complete(&mut body, target)?;
            Ok(body)
        }
        PatchKind::Merge => {
            let body = answer::object("patch", text).map_err(Error::Invalid)?;
            stays(&body, target)?;
            Ok(body)
        }
        PatchKind::Json => {
            let body = answer::json("patch", text).map_err(Error::Invalid)?;
            let Value::Array(operations) = &body else {
                return Err(Error::Invalid("a JSON patch is a list of operations".to_owned()));
            };
            operations.iter().try_for_each(leaves_identity_alone)?;
            Ok(body)
        }
    }
}

/// What names an object, and where.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"];

/// The API server holds every object to its path. That is not left to it alone: what was decided was about this target.
fn stays(body: &Value, target: &ObjectRef) -> Result<(), Error> {
    let own = [
        api_version(&target.kind),
        target.kind.kind.clone(),
        target.key.namespace.clone().unwrap_or_default(),
        target.key.name.clone(),
    ];
    for (pointer, own) in IDENTITY.into_iter().zip(own) {
        if let Some(found) = body.pointer(pointer).filter(|found| **found != *own) {
            let found = crate::text::line(&found.to_string(), 256);
            return Err(Error::Invalid(format!("the patch is of {target}, but its {pointer} is {found}")));
        }
    }
    Ok(())
}

/// What an apply must carry, and the target says already.
fn complete(body: &mut Value, target: &ObjectRef) -> Result<(), Error> {
    let Value::Object(members) = body else { return Ok(()) };
    members.insert("apiVersion".into(), api_version(&target.kind).into());
    members.insert("kind".into(), target.kind.kind.clone().into());
    let metadata = metadata(members)?;
    metadata.insert("name".into(), target.key.name.clone().into());
    if let Some(namespace) = &target.key.namespace {
        metadata.insert("namespace".into(), namespace.clone().into());
    }
    Ok(())
}

fn metadata(members: &mut Map<String, Value>) -> Result<&mut Map<String, Value>, Error> {
    let metadata = members.entry("metadata").or_insert_with(|| json!({}));
    metadata.as_object_mut().ok_or_else(|| Error::Invalid("`metadata` of the patch is no object".to_owned()))
}

/// An operation may test what names the object, and change anything else.
fn leaves_identity_alone(operation: &Value) -> Result<(), Error> {
    if operation["op"] == "test" {
        return Ok(());
    }
    let Some(path) = operation["path"].as_str() else {
        return Err(Error::Invalid("an operation of the patch has no path".to_owned()));
    };
    let from = operation["from"].as_str().filter(|_| operation["op"] == "move");
    let touches = |path: &str| IDENTITY.iter().any(|identity| *identity == path || is_above(path, identity));
    if touches(path) || from.is_some_and(touches) {
        return Err(Error::Invalid(format!(
            "the patch replaces what names the object, at `{}`",
            crate::text::cut(path, 256)
        )));
    }
    Ok(())
}

/// Whether a JSON pointer names something that holds what the other one names.
fn is_above(path: &str, other: &str) -> bool {
    other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))
}

/// Where an object says whose it is: an object whose owners are all gone is deleted by the cluster.
const OWNERS: &str = "/metadata/ownerReferences";

/// Whether a patch changes the owners of its target.
pub(crate) fn changes_owners(body: &Value) -> bool {
    let Value::Array(operations) = body else { return body.pointer(OWNERS).is_some() };
    let touches = |path: &Value| path.as_str().is_some_and(|path| path == OWNERS || is_above(OWNERS, path));
    operations
        .iter()
        .filter(|operation| operation["op"] != "test")
        .any(|operation| touches(&operation["path"]) || operation["op"] == "move" && touches(&operation["from"]))
}

/// Whether an apply can only change an object that exists: the API server refuses one whose uid is not that of the target.
pub(crate) fn names_uid(body: &Value) -> bool {
    body.pointer("/metadata/uid").and_then(Value::as_str).is_some_and(|uid| !uid.is_empty())
}

/// Ties a patch to the very object that was looked at: another one of the same name is a conflict.
pub(crate) fn pin(kind: PatchKind, body: &mut Value, uid: &str) -> Result<(), Error> {
    match (kind, body) {
        (PatchKind::Json, Value::Array(operations)) => {
            operations.insert(0, json!({"op": "test", "path": "/metadata/uid", "value": uid}));
        }
        (_, Value::Object(members)) => {
            metadata(members)?.insert("uid".into(), uid.into());
        }
        // Nothing else gets through `patch`.
        _ => {}
    }
    Ok(())
}

/// A hash of what a body changes, the same each time that the same is written: without the version it is written over.
pub(crate) fn content(body: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match body {
        Value::Array(operations) => {
            let is_change =
                |operation: &&Value| operation["op"] != "test" && operation["path"] != "/metadata/resourceVersion";
            let changes = operations.iter().filter(is_change);
            changes.for_each(|operation| operation.to_string().hash(&mut hasher));
        }
        body => {
            let mut body = body.clone();
            if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.remove("resourceVersion");
            }
            body.to_string().hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The labels that a body sets.
pub(crate) fn labels(body: &Value) -> BTreeMap<String, String> {
    let labels = body.pointer("/metadata/labels").and_then(Value::as_object);
    labels.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use capstan_api::GroupVersionKind;

    use super::*;

    fn target() -> ObjectRef {
        ObjectRef {
            kind: GroupVersionKind::gvk("apps", "v1", "Deployment"),
            key: ObjectKey::namespaced("team-a", "web"),
        }
    }

    #[test]
    fn an_apply_is_completed() {
        let body = patch(PatchKind::Apply, r#"{"spec": {"replicas": 2}}"#, &target()).unwrap();
        assert_eq!(
            body,
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "team-a"},
                "spec": {"replicas": 2},
            })
        );
    }

    #[test]
    fn a_patch_cannot_leave_its_target() {
        for escape in [
            r#"{"metadata": {"name": "other"}}"#,
            r#"{"metadata": {"namespace": "kube-system"}}"#,
            r#"{"metadata": {"namespace": null}}"#,
            r#"{"kind": "Secret"}"#,
            r#"{"apiVersion": "v1"}"#,
        ] {
            for kind in [PatchKind::Apply, PatchKind::Merge] {
                assert!(matches!(patch(kind, escape, &target()), Err(Error::Invalid(_))), "{escape}");
            }
        }
        let owners = r#"{"metadata": {"name": "web", "ownerReferences": [{"name": "other"}]}}"#;
        assert!(patch(PatchKind::Merge, owners, &target()).is_ok());
        assert!(matches!(patch(PatchKind::Apply, r#"{"metadata": 1}"#, &target()), Err(Error::Invalid(_))));
    }

    #[test]
    fn nor_can_a_json_patch() {
        for (operation, allowed) in [
            (r#"{"op": "replace", "path": "/spec/replicas", "value": 1}"#, true),
            (r#"{"op": "test", "path": "/metadata/name", "value": "web"}"#, true),
            (r#"{"op": "add", "path": "/metadata/labels", "value": {}}"#, true),
            (r#"{"op": "copy", "from": "/metadata/name", "path": "/spec/title"}"#, true),
            (r#"{"op": "replace", "path": "", "value": {}}"#, false),
            (r#"{"op": "replace", "path": "/metadata", "value": {}}"#, false),
            (r#"{"op": "replace", "path": "/metadata/name", "value": "x"}"#, false),
            (r#"{"op": "move", "from": "/metadata/namespace", "path": "/spec/x"}"#, false),
            (r#"{"op": "replace", "value": 1}"#, false),
            ("1", false),
        ] {
            let answer = patch(PatchKind::Json, &format!("[{operation}]"), &target());
            assert_eq!(answer.is_ok(), allowed, "{operation}");
        }
        assert!(patch(PatchKind::Json, "{}", &target()).is_err());
    }

    #[test]
    fn who_owns_an_object_is_seen_to_be_changed_by_every_sort_of_patch() {
        for (kind, text, changes) in [
            (PatchKind::Merge, r#"{"metadata": {"ownerReferences": [{"uid": "u"}]}}"#, true),
            (PatchKind::Merge, r#"{"metadata": {"ownerReferences": null}}"#, true),
            (PatchKind::Apply, r#"{"metadata": {"ownerReferences": []}}"#, true),
            (PatchKind::Merge, r#"{"metadata": {"labels": {"ownerReferences": "x"}}, "spec": {}}"#, false),
            (PatchKind::Json, r#"[{"op": "add", "path": "/metadata/ownerReferences", "value": []}]"#, true),
            (PatchKind::Json, r#"[{"op": "add", "path": "/metadata/ownerReferences/-", "value": {}}]"#, true),
            (PatchKind::Json, r#"[{"op": "replace", "path": "/metadata/ownerReferences/0/uid", "value": "u"}]"#, true),
            (PatchKind::Json, r#"[{"op": "remove", "path": "/metadata/ownerReferences/0"}]"#, true),
            (PatchKind::Json, r#"[{"op": "move", "from": "/metadata/ownerReferences/0", "path": "/spec/x"}]"#, true),
            (PatchKind::Json, r#"[{"op": "copy", "from": "/spec/x", "path": "/metadata/ownerReferences"}]"#, true),
            (PatchKind::Json, r#"[{"op": "copy", "from": "/metadata/ownerReferences", "path": "/spec/x"}]"#, false),
            (PatchKind::Json, r#"[{"op": "test", "path": "/metadata/ownerReferences", "value": []}]"#, false),
            (PatchKind::Json, r#"[{"op": "add", "path": "/metadata/ownerReferencesX", "value": 1}]"#, false),
        ] {
            assert_eq!(changes_owners(&patch(kind, text, &target()).unwrap()), changes, "{text}");
        }
    }

    #[test]
    fn an_object_names_itself() {
        let (found, _) =
            object(r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}"#)
                .unwrap();
        assert_eq!(found.to_string(), "ConfigMap n/a");
        for text in [
            "[]",
            "{}",
            r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}}"#,
            r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": 1}}"#,
            r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "../x"}}"#,
        ] {
            assert!(matches!(object(text), Err(Error::Invalid(_))), "{text}");
        }
    }

    #[test]
    fn the_same_write_over_another_version_has_the_same_content() {
        let json = |version: &str, value: &str| {
            json!([
                {"op": "test", "path": "/metadata/resourceVersion", "value": version},
                {"op": "replace", "path": "/data/x", "value": value},
            ])
        };
        // Not by a test, but as an update says it, so that the API server answers with a conflict.
        let update = |version: &str, value: &str| {
            json!([
                {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
                {"op": "replace", "path": "/data/x", "value": value},
            ])
        };
        let merge =
            |version: &str, value: &str| json!({"metadata": {"resourceVersion": version}, "data": {"x": value}});
        for (first, again, other) in [
            (json("1", "a"), json("2", "a"), json("1", "b")),
            (update("1", "a"), update("2", "a"), update("1", "b")),
            (merge("1", "a"), merge("2", "a"), merge("1", "b")),
        ] {
            assert_eq!(content(&first), content(&again));
            assert_ne!(content(&first), content(&other));
        }
    }

    #[test]
    fn a_pinned_patch_carries_the_uid() {
        for kind in [PatchKind::Apply, PatchKind::Merge] {
            let mut body = patch(kind, r#"{"data": {}}"#, &target()).unwrap();
            assert!(!names_uid(&body));
            pin(kind, &mut body, "u-1").unwrap();
            assert!(names_uid(&body));
        }
        let mut body = patch(PatchKind::Json, "[]", &target()).unwrap();
        pin(PatchKind::Json, &mut body, "u-1").unwrap();
        assert_eq!(body[0]["value"], "u-1");
    }
}
