//! Ways to change an object.

use serde_json::{Value, json};

use super::ObjectRef;

/// How a patch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// Server-side apply.
    Apply,
    /// RFC 7396.
    Merge,
    /// RFC 6902.
    Json,
}

/// A change to one object.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Patch {
    /// How `body` is to be read.
    pub kind: PatchKind,
    /// An object; for [`PatchKind::Json`] a list of operations.
    pub body: Value,
    /// `status` or `scale`; none for the object itself.
    pub subresource: Option<String>,
    /// Take over fields owned by others (apply only).
    pub force: bool,
    /// Store nothing, and answer what would be.
    pub dry_run: bool,
}

impl Patch {
    /// Server-side apply: `fields` holds just what the provider wants to own, and what it applied before and leaves out
    /// now is removed. Field manager is the host's, one for each object being reconciled. `apiVersion`, `kind`, name and
    /// namespace are filled in.
    pub fn apply(fields: impl Into<Value>) -> Self {
        Self::new(PatchKind::Apply, fields.into())
    }

    /// JSON merge patch (RFC 7396).
    pub fn merge(fields: impl Into<Value>) -> Self {
        Self::new(PatchKind::Merge, fields.into())
    }

    /// JSON patch (RFC 6902): a list of operations.
    pub fn json(operations: impl Into<Value>) -> Self {
        Self::new(PatchKind::Json, operations.into())
    }

    /// Changes a subresource, `status` or `scale`, instead of the object itself.
    pub fn subresource(mut self, name: impl Into<String>) -> Self {
        self.subresource = Some(name.into());
        self
    }

    /// Takes over fields owned by others. Means something for an apply only.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Everything is checked and answered as if it were done, and nothing is stored: the answer is the object as it would
    /// be, at the version that it has. It needs the same rights.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    fn new(kind: PatchKind, body: Value) -> Self {
        Self { kind, body, subresource: None, force: false, dry_run: false }
    }

    /// The API server wants an applied object to name itself, although the request names it too.
    pub(super) fn addressed_to(mut self, target: &ObjectRef) -> Self {
        if let (PatchKind::Apply, Value::Object(body)) = (self.kind, &mut self.body) {
            body.insert("apiVersion".to_owned(), json!(target.api_version));
            body.insert("kind".to_owned(), json!(target.kind));
            let metadata = body.entry("metadata").or_insert_with(|| json!({}));
            if let Value::Object(metadata) = metadata {
                metadata.insert("name".to_owned(), json!(target.name));
                if let Some(namespace) = &target.namespace {
                    metadata.insert("namespace".to_owned(), json!(namespace));
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_applied_object_names_itself() {
        let target = ObjectRef::new("v1", "ConfigMap", "a").in_namespace("n");
        let patch = Patch::apply(json!({"metadata": {"labels": {"x": "y"}}, "data": {}})).addressed_to(&target);
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}}, "data": {},
        });
        assert_eq!(patch.body, expected);
    }

    #[test]
    fn other_patches_stay_as_they_are() {
        let target = ObjectRef::new("v1", "ConfigMap", "a");
        assert_eq!(Patch::merge(json!({"data": {}})).addressed_to(&target).body, json!({"data": {}}));
    }
}
