//! The write that gives fields their values.

use serde_json::{Value, json};

use crate::field_path::{FieldPath, Segment, SetError};

/// One write to the target object.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A document for server-side apply that holds the object's identity and the fields. Its `metadata.uid` makes the
    /// API server refuse it when the object was replaced by another of the same name.
    Apply {
        /// The document.
        document: Value,
        /// `status` if the fields are part of it.
        subresource: Option<&'static str>,
    },
    /// A JSON patch (RFC 6902) that starts with a test of `metadata.uid` and with the `metadata.resourceVersion` that it is
    /// for: indices and whole maps are only right for the version they were computed from, and the API server
    /// answers with a conflict when the object is another version by now.
    JsonPatch {
        /// The operations.
        operations: Value,
        /// `status` if the fields are part of it.
        subresource: Option<&'static str>,
    },
}

/// A field and the value it is to have. A null removes the field.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The field, without wildcards.
    pub path: FieldPath,
    /// Its value.
    pub value: Value,
}

impl Assignment {
    /// `status` if the field is part of it.
    pub(crate) fn subresource(&self) -> Option<&'static str> {
        match self.path.segments() {
            [Segment::Field(first), ..] if first == "status" => Some("status"),
            _ => None,
        }
    }
}

/// The fields of one object that a `Patch` is about.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Assignments {
    /// Those that do not have their value yet.
    pub pending: Vec<Assignment>,
    /// Those that have it. An apply names them too: what it left out would be taken for given up, and removed.
    pub held: Vec<Assignment>,
}

impl Assignments {
    /// What writes the pending ones, if the schema lets it: an [`Apply`](Change::Apply) where all fields can be owned alone
    /// as far as can be told without the schema.
    #[must_use]
    pub fn change(&self, target: &Value) -> Change {
        self.apply(target).unwrap_or_else(|| json_patch(target, &self.pending))
    }

    /// The apply of all fields, unless one of them cannot be applied.
    pub(crate) fn apply(&self, target: &Value) -> Option<Change> {
        let all = || self.pending.iter().chain(&self.held);
        let subresource = all().next()?.subresource();
        if !all().all(|each| can_be_applied(target, each)) {
            return None;
        }
        let mut document = identity(target);
        for each in all() {
            // A path through the value of another one leaves no room for both.
            each.path.set(&mut document, each.value.clone()).ok()?;
        }
        Some(Change::Apply { document, subresource })
    }
}

/// The start of a document for server-side apply: which object it is for.
pub(crate) fn identity(target: &Value) -> Value {
    let mut document = json!({"apiVersion": target["apiVersion"], "kind": target["kind"], "metadata": {}});
    for field in ["name", "namespace", "uid"] {
        if let Some(value) = target.pointer(&format!("/metadata/{field}")) {
            document["metadata"][field] = value.clone();
        }
    }
    document
}

/// Apply merges maps and, for some kinds, lists; only a scalar reached through keys is replaced whatever the schema
/// says. A scalar does not replace a map or list either: the API server would see two kinds of value.
fn can_be_applied(target: &Value, assignment: &Assignment) -> bool {
    let is_scalar = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    let is_free = |value: &Value| value.is_null() || is_scalar(value);
    let has_identity = target.pointer("/metadata/uid").is_some();
    !assignment.path.has_index()
        && has_identity
        && is_scalar(&assignment.value)
        && assignment.path.get(target).map_or(true, is_free)
}

/// `target` with all assignments carried out, or the field that has no room and why.
pub(crate) fn updated<'a>(target: &Value, assignments: &'a [Assignment]) -> Result<Value, (&'a FieldPath, SetError)> {
    let mut updated = target.clone();
    for Assignment { path, value } in assignments.iter().filter(|each| !each.value.is_null()) {
        path.set(&mut updated, value.clone()).map_err(|error| (path, error))?;
    }
    for Assignment { path, .. } in removals(assignments) {
        path.remove(&mut updated);
    }
    Ok(updated)
}

/// From the last to the first, so that no element of a list moves before its turn.
fn removals(assignments: &[Assignment]) -> impl Iterator<Item = &Assignment> {
    assignments.iter().rev().filter(|each| each.value.is_null())
}

/// The JSON patch that carries out `assignments`, which are all of one subresource.
pub(crate) fn json_patch(target: &Value, assignments: &[Assignment]) -> Change {
    let mut operations = Vec::new();
    for (op, field) in [("test", "uid"), ("replace", "resourceVersion")] {
        if let Some(value) = target.pointer(&format!("/metadata/{field}")) {
            operations.push(json!({"op": op, "path": format!("/metadata/{field}"), "value": value}));
        }
    }
    let (values, subresource): (Vec<Assignment>, _) = (
        assignments.iter().filter(|each| !each.value.is_null()).cloned().collect(),
        assignments.first().and_then(Assignment::subresource),
    );
    // What has no room was found out when the assignments were made.
    let set = updated(target, &values).unwrap_or_else(|_| target.clone());
    for assignment in &values {
        let operation = operation(target, &set, assignment);
        // Two missing siblings below one missing parent give the same operation twice.
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    for Assignment { path, .. } in removals(assignments).filter(|each| each.path.get(target).is_ok()) {
        let mut pointer = String::new();
        path.segments().iter().for_each(|segment| push_token(&mut pointer, segment));
        operations.push(json!({"op": "remove", "path": pointer}));
    }
    Change::JsonPatch { operations: Value::Array(operations), subresource }
}

/// The operation that brings one field of `target` to its state in `updated`: at the field itself if all of its parents
/// exist, else at the first missing parent, which is added with everything below it.
fn operation(target: &Value, updated: &Value, assignment: &Assignment) -> Value {
    let segments = assignment.path.segments();
    let mut pointer = String::new();
    let mut old = target;
    let mut new = updated;
    for (position, segment) in segments.iter().enumerate() {
        let container = pointer.clone();
        push_token(&mut pointer, segment);
        let (old_child, new_child) = (child(old, segment), child(new, segment));
        let is_last = position + 1 == segments.len();
        match old_child {
            Some(next) if !next.is_null() && !is_last => {
                old = next;
                new = new_child.unwrap_or(&Value::Null);
            }
            Some(_) => return json!({"op": "replace", "path": pointer, "value": new_child}),
            None => {
                // An element beyond the next free one needs its list filled up first.
                if let (Value::Array(list), Segment::Index(index)) = (old, segment)
                    && usize::try_from(*index).is_ok_and(|index| index > list.len())
                {
                    return json!({"op": "replace", "path": container, "value": new});
                }
                return json!({"op": "add", "path": pointer, "value": new_child});
            }
        }
    }
    json!({"op": "replace", "path": pointer, "value": new})
}

fn child<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match segment {
        Segment::Field(name) => value.get(name),
        Segment::Index(index) => value.get(usize::try_from(*index).ok()?),
    }
}

/// Appends a reference token of a JSON pointer (RFC 6901).
fn push_token(pointer: &mut String, segment: &Segment) {
    pointer.push('/');
    match segment {
        Segment::Field(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
        Segment::Index(index) => pointer.push_str(&index.to_string()),
    }
}
