//! The write that gives a field its value.

use serde_json::{Value, json};

use crate::field_path::{FieldPath, Segment};

/// One write to the target object.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A document for server-side apply that holds the object's identity and the one field. Its `metadata.uid` makes the
    /// API server refuse it when the object was replaced by another of the same name.
    Apply {
        /// The document.
        document: Value,
        /// `status` if the field is part of it.
        subresource: Option<&'static str>,
    },
    /// A JSON patch (RFC 6902) that starts with tests of `metadata.uid` and `metadata.resourceVersion`: indices and
    /// whole maps are only right for the version they were computed from.
    JsonPatch {
        /// The operations.
        operations: Value,
        /// `status` if the field is part of it.
        subresource: Option<&'static str>,
    },
}

/// A field and the value it is to have. A null removes the field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) path: FieldPath,
    pub(crate) value: Value,
}

/// The write that carries out `assignments` (at least one) on `target`, whose state with all of them done is `updated`.
pub(crate) fn change(target: &Value, updated: &Value, assignments: &[Assignment]) -> Change {
    let subresource = match assignments.first().map(|first| first.path.segments()) {
        Some([Segment::Field(first), ..]) if first == "status" => Some("status"),
        _ => None,
    };
    if let [only] = assignments
        && can_be_applied(target, only)
    {
        return Change::Apply { document: apply_document(target, only), subresource };
    }
    let mut operations = Vec::new();
    for field in ["uid", "resourceVersion"] {
        if let Some(value) = target.pointer(&format!("/metadata/{field}")) {
            operations.push(json!({"op": "test", "path": format!("/metadata/{field}"), "value": value}));
        }
    }
    for assignment in assignments {
        let operation = operation(target, updated, assignment);
        // Two missing siblings below one missing parent give the same operation twice.
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    Change::JsonPatch { operations: Value::Array(operations), subresource }
}

/// Apply merges maps and, for some kinds, lists; only a scalar reached through keys is replaced whatever the schema
/// says. A scalar does not replace a map or list either: the API server would see two kinds of value.
fn can_be_applied(target: &Value, assignment: &Assignment) -> bool {
    let is_scalar = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    let keys_only = assignment.path.segments().iter().all(|segment| matches!(segment, Segment::Field(_)));
    let is_free = |value: &Value| value.is_null() || is_scalar(value);
    let has_identity = target.pointer("/metadata/uid").is_some();
    keys_only && has_identity && is_scalar(&assignment.value) && assignment.path.get(target).map_or(true, is_free)
}

fn apply_document(target: &Value, assignment: &Assignment) -> Value {
    let mut document = json!({"apiVersion": target["apiVersion"], "kind": target["kind"], "metadata": {}});
    for field in ["name", "namespace", "uid"] {
        if let Some(value) = target.pointer(&format!("/metadata/{field}")) {
            document["metadata"][field] = value.clone();
        }
    }
    // The document is made of maps only, and the path of keys only.
    let set = assignment.path.set(&mut document, assignment.value.clone());
    debug_assert!(set.is_ok());
    document
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
            Some(_) if is_last && assignment.value.is_null() && old.is_object() => {
                return json!({"op": "remove", "path": pointer});
            }
            Some(_) if is_last => return json!({"op": "replace", "path": pointer, "value": new_child}),
            Some(next) if !next.is_null() => {
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
