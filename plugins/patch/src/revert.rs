//! What fields were before the first write, for giving that back when the `Patch` is deleted.
//!
//! It is kept in `status.reverts`: an annotation would be limited to 256 KiB together with all others and be copied by every
//! tool that copies metadata. It is recorded before it is known whether the write succeeds, so what is given back is looked
//! at first: only a field that has a value of this `Patch` gets its old one.

use std::collections::BTreeSet;

use capstan_sdk::cluster::ObjectRef;
use capstan_sdk::equal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::{Assignment, Assignments};
use crate::field_path::FieldPath;

/// The most that is kept for all fields of a `Patch`, in bytes of JSON.
pub const MAX_KEPT: usize = 32 << 10;

/// The most objects that something is kept of: the host lets a reconcile read so many.
pub const MAX_OBJECTS: usize = 64;

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
    /// What is written; none if the field is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<Value>,
    /// What was written before that, for as long as it is not known that the field has the new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earlier: Option<Earlier>,
}

/// A value that was written earlier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Earlier {
    /// None if the field was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
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

    /// What gives the original value back; none if there is nothing to give back (any more): the object is another by
    /// now, or the field has a value that is not from here.
    #[must_use]
    pub fn undo(&self, object: &Value) -> Option<Assignment> {
        let path: FieldPath = self.field_path.parse().ok()?;
        let original = value(self.original.as_ref());
        let current = path.get(object).unwrap_or(&Value::Null);
        let is_due = self.is_of(object) && self.has_written(current) && !equal(current, original);
        is_due.then(|| Assignment { value: original.clone(), path })
    }

    fn is_of(&self, object: &Value) -> bool {
        uid(object) == self.uid
    }

    fn has_written(&self, current: &Value) -> bool {
        let earlier = self.earlier.as_ref().map(|earlier| value(earlier.value.as_ref()));
        equal(current, value(self.applied.as_ref())) || earlier.is_some_and(|earlier| equal(current, earlier))
    }
}

fn value(kept: Option<&Value>) -> &Value {
    kept.unwrap_or(&Value::Null)
}

fn given(value: &Value) -> Option<Value> {
    Some(value.clone()).filter(|value| !value.is_null())
}

fn uid(object: &Value) -> &str {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default()
}

/// All that is kept for one `Patch`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reverts(Vec<Kept>);

impl Reverts {
    /// What `status` keeps. What cannot be read is as good as nothing. A status can be written by others than the provider:
    /// for an object of a namespace only what lies in that namespace counts.
    #[must_use]
    pub fn of(status: &Value, namespace: Option<&str>) -> Self {
        let entries = status["reverts"].as_array().into_iter().flatten();
        let entries = entries.filter_map(|entry| Kept::deserialize(entry).ok());
        Self(entries.filter(|entry| namespace.is_none() || entry.namespace.as_deref() == namespace).collect())
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.0.iter()
    }

    /// Drops what was kept of an object that has been replaced by this one, and gives what was kept of fields that the
    /// `Patch` no longer writes: they get their old values before anything else is written.
    pub fn returns(&mut self, target: &ObjectRef, object: &Value, written: &[FieldPath]) -> Vec<Assignment> {
        // What was written over a whole map has the members of before in its own entry.
        let done = |path: &&FieldPath| {
            let current = path.get(object).unwrap_or(&Value::Null);
            self.entry(target, object, path).is_some_and(|at| self.0[at].has_written(current))
        };
        let done: Vec<FieldPath> = written.iter().filter(done).cloned().collect();
        let mut returns = Vec::new();
        self.0.retain(|entry| {
            let path = entry.field_path.parse::<FieldPath>().unwrap_or_default();
            if entry.target() != *target || entry.is_of(object) && written.contains(&path) {
                return true;
            }
            if done.iter().any(|done| path.segments().starts_with(done.segments())) {
                return false;
            }
            let undo = entry.undo(object);
            let is_due = undo.is_some();
            returns.extend(undo);
            is_due
        });
        returns
    }

    /// Remembers what is about to be written. The first value of a field stays, the last one written counts.
    pub fn keep(&mut self, target: &ObjectRef, object: &Value, assignments: &Assignments) {
        for Assignment { path, value } in &assignments.held {
            if let Some(at) = self.entry(target, object, path) {
                let entry = &mut self.0[at];
                // Now it is known.
                entry.earlier = entry.earlier.take().filter(|_| !equal(self::value(entry.applied.as_ref()), value));
            }
        }
        for Assignment { path, value } in &assignments.pending {
            let current = path.get(object).unwrap_or(&Value::Null);
            let Some(at) = self.entry(target, object, path) else {
                self.0.push(Kept {
                    api_version: target.api_version.clone(),
                    kind: target.kind.clone(),
                    name: target.name.clone(),
                    namespace: target.namespace.clone(),
                    uid: uid(object).to_owned(),
                    field_path: path.to_string(),
                    original: given(current),
                    applied: given(value),
                    earlier: None,
                });
                continue;
            };
            let entry = &mut self.0[at];
            if equal(current, self::value(entry.applied.as_ref())) {
                entry.earlier = Some(Earlier { value: entry.applied.take() });
            }
            entry.applied = given(value);
        }
    }

    fn entry(&self, target: &ObjectRef, object: &Value, path: &FieldPath) -> Option<usize> {
        let path = path.to_string();
        self.0.iter().position(|entry| entry.is_of(object) && entry.field_path == path && entry.target() == *target)
    }

    /// Whether a status has room for it, and a reconcile for looking at its objects.
    #[must_use]
    pub fn fits(&self) -> bool {
        let objects: BTreeSet<ObjectRef> = self.0.iter().map(Kept::target).collect();
        objects.len() <= MAX_OBJECTS && self.status().to_string().len() <= MAX_KEPT
    }

    /// Drops what is kept of objects that are not there any more. `find` gives the object of a name, or that it is not known;
    /// it is asked about those that are not among `present`.
    pub fn drop_gone(&mut self, present: &[ObjectRef], mut find: impl FnMut(&ObjectRef) -> Option<Option<Value>>) {
        let others: BTreeSet<ObjectRef> =
            self.0.iter().map(Kept::target).filter(|target| !present.contains(target)).collect();
        for target in others {
            // More than can be read need not be known to make room.
            let Some(found) = find(&target) else { break };
            let is_there = |entry: &Kept| found.as_ref().is_some_and(|object| entry.is_of(object));
            self.0.retain(|entry| entry.target() != target || is_there(entry));
        }
    }

    /// `status.reverts`; null if there is nothing to keep.
    #[must_use]
    pub fn status(&self) -> Value {
        if self.0.is_empty() { Value::Null } else { serde_json::to_value(&self.0).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests;
