//! What a field was before the first write, for giving it back when the `Patch` is deleted.
//!
//! It is kept in `status.reverts`: an annotation would be limited to 256 KiB together with all others and be copied by every
//! tool that copies metadata.

use capstan_sdk::cluster::ObjectRef;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::change::{Assignment, Change, change};
use crate::equal::equal;
use crate::field_path::FieldPath;

/// The most that is kept for all fields of a `Patch`, in bytes of JSON.
pub const MAX_KEPT: usize = 32 << 10;

/// A field that was written, with the value before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    api_version: String,
    kind: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    uid: String,
    field_path: String,
    /// None if there was no field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original: Option<Value>,
    /// None if the field was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<Value>,
}

impl Kept {
    /// The object that was changed.
    #[must_use]
    pub fn target(&self) -> ObjectRef {
        let target = ObjectRef::new(&self.api_version, &self.kind, &self.name);
        match &self.namespace {
            Some(namespace) => target.in_namespace(namespace),
            None => target,
        }
    }

    /// The field that was changed.
    #[must_use]
    pub fn field_path(&self) -> &str {
        &self.field_path
    }

    /// The write that gives the original value back; none if there is nothing to give back any more: the object is
    /// another by now, or somebody else has changed the field since.
    #[must_use]
    pub fn undo(&self, object: &Value) -> Option<Change> {
        let path: FieldPath = self.field_path.parse().ok()?;
        let is_same = object.pointer("/metadata/uid").and_then(Value::as_str) == Some(&self.uid);
        let (original, applied) = (value(self.original.as_ref()), value(self.applied.as_ref()));
        let current = path.get(object).unwrap_or(&Value::Null);
        if !is_same || equal(current, original) || !equal(current, applied) {
            return None;
        }
        let mut reverted = object.clone();
        path.set(&mut reverted, original.clone()).ok()?;
        Some(change(object, &reverted, &[Assignment { path, value: original.clone() }]))
    }
}

fn value(kept: Option<&Value>) -> &Value {
    kept.unwrap_or(&Value::Null)
}

/// What `status` keeps. What cannot be read is as good as nothing.
#[must_use]
pub fn kept(status: &Value) -> Vec<Kept> {
    let entries = status["reverts"].as_array().into_iter().flatten();
    entries.filter_map(|entry| Kept::deserialize(entry).ok()).collect()
}

/// `kept` with a write to come. The first value of a field stays, the last one written counts.
pub fn keep(kept: &mut Vec<Kept>, target: &ObjectRef, object: &Value, path: &FieldPath, applied: &Value) {
    let field_path = path.to_string();
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
    let given = |value: &Value| Some(value.clone()).filter(|value| !value.is_null());
    let is_it = |entry: &&mut Kept| entry.target() == *target && entry.uid == uid && entry.field_path == field_path;
    match kept.iter_mut().find(is_it) {
        Some(entry) => entry.applied = given(applied),
        None => kept.push(Kept {
            api_version: target.api_version.clone(),
            kind: target.kind.clone(),
            name: target.name.clone(),
            namespace: target.namespace.clone(),
            uid: uid.to_owned(),
            field_path,
            original: path.get(object).ok().and_then(given),
            applied: given(applied),
        }),
    }
}

/// The merge patch for `status`; none if that would be more than [`MAX_KEPT`].
#[must_use]
pub fn status(kept: &[Kept]) -> Option<Value> {
    let status = json!({"reverts": kept});
    (status.to_string().len() <= MAX_KEPT).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(data: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n", "uid": "u"}, "data": data})
    }

    fn entry(before: &Value, applied: &Value) -> Kept {
        let mut kept = Vec::new();
        let target = ObjectRef::new("v1", "ConfigMap", "a").in_namespace("n");
        keep(&mut kept, &target, &object(before), &"data.x".parse().unwrap(), &json!("between"));
        keep(&mut kept, &target, &object(&json!({"x": "between"})), &"data.x".parse().unwrap(), applied);
        assert_eq!(kept.len(), 1);
        kept.remove(0)
    }

    #[test]
    fn the_value_before_the_first_write_comes_back() {
        let kept = entry(&json!({"x": "old"}), &json!("new"));
        let Some(Change::Apply { document, .. }) = kept.undo(&object(&json!({"x": "new"}))) else { panic!("{kept:?}") };
        assert_eq!(document["data"], json!({"x": "old"}));
        assert_eq!(kept.undo(&object(&json!({"x": "old"}))), None, "it has come back");
    }

    #[test]
    fn a_field_that_was_not_there_is_removed() {
        let undo = entry(&json!({}), &json!("new")).undo(&object(&json!({"x": "new"})));
        let Some(Change::JsonPatch { operations, .. }) = undo else { panic!("{undo:?}") };
        assert_eq!(operations.as_array().unwrap().last().unwrap(), &json!({"op": "remove", "path": "/data/x"}));
    }

    #[test]
    fn what_somebody_else_wrote_since_stays() {
        let kept = entry(&json!({"x": "old"}), &json!("new"));
        assert_eq!(kept.undo(&object(&json!({"x": "theirs"}))), None);
        let mut another = object(&json!({"x": "new"}));
        another["metadata"]["uid"] = json!("another");
        assert_eq!(kept.undo(&another), None);
    }

    #[test]
    fn what_is_kept_reads_back_and_is_limited() {
        let kept = vec![entry(&json!({"x": "old"}), &json!("new"))];
        assert_eq!(super::kept(&status(&kept).unwrap()), kept);
        assert_eq!(status(&[entry(&json!({"x": "x".repeat(MAX_KEPT)}), &json!("new"))]), None);
    }
}
