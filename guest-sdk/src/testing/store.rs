//! Objects in memory, with the API server's manners as far as providers notice them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    admission::Admission,
    applied::{Applied, Document, Path},
    selector::Selector,
};
use crate::cluster::{Error, ObjectRef, Patch, PatchKind, Selection};

/// There is no clock here, and nobody looks at more than whether it is set.
const DELETION_TIME: &str = "2026-01-01T00:00:00Z";

#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<ObjectRef, Value>,
    /// Of those objects to which something was applied.
    applied: BTreeMap<ObjectRef, Applied>,
    /// By `apiVersion` and kind.
    atomic: BTreeMap<(String, String), Vec<Path>>,
    pub(super) admission: Option<Admission>,
    /// The last resourceVersion that was given out; also makes uids.
    version: u64,
}

impl Store {
    pub(super) fn get(&self, target: &ObjectRef) -> Result<Value, Error> {
        self.objects.get(target).cloned().ok_or_else(|| Error::NotFound(target.to_string()))
    }

    pub(super) fn list(&self, selection: &Selection) -> Result<Vec<Value>, Error> {
        let labels = Selector::parse(selection.labels.as_deref().unwrap_or_default())?;
        let wanted = |target: &ObjectRef, object: &Value| {
            target.api_version == selection.api_version
                && target.kind == selection.kind
                && (selection.namespace.is_none() || target.namespace == selection.namespace)
                && labels.matches(&object["metadata"]["labels"])
        };
        Ok(self
            .objects
            .iter()
            .filter(|(target, object)| wanted(target, object))
            .map(|(_, each)| each.clone())
            .collect())
    }

    /// Creates or replaces. What the server sets of an object that is there stays.
    pub(super) fn put(&mut self, object: &Value) -> Result<ObjectRef, Error> {
        let target = name_of(object)?;
        let mut object = object.clone();
        if let (true, Some(metadata)) = (self.objects.contains_key(&target), object["metadata"].as_object_mut()) {
            metadata.remove("uid");
        }
        self.store(&target, object)?;
        Ok(target)
    }

    /// The map at `path` has one owner as a whole.
    pub(super) fn declare_atomic(&mut self, api_version: &str, kind: &str, path: &str) {
        let path = path.split('.').map(str::to_owned).collect();
        self.atomic.entry((api_version.to_owned(), kind.to_owned())).or_default().push(path);
    }

    pub(super) fn create(&mut self, object: &Value) -> Result<Value, Error> {
        let target = name_of(object)?;
        if self.objects.contains_key(&target) {
            return Err(conflict(format!("{target} exists already")));
        }
        let object = self.admitted(object.clone())?;
        self.store(&target, object)
    }

    /// A patch by the host itself, which no admission sees.
    pub(super) fn merge(&mut self, target: &ObjectRef, patch: &Value) -> Result<Value, Error> {
        let mut object = self.get(target)?;
        json_patch::merge(&mut object, patch);
        self.store(target, object)
    }

    /// A patch by a provider, for the object that `manager` stands for.
    pub(super) fn patch(&mut self, target: &ObjectRef, patch: &Patch, manager: &str) -> Result<Value, Error> {
        let old = match self.objects.get(target) {
            Some(old) => old.clone(),
            None if patch.kind == PatchKind::Apply && patch.subresource.is_none() => {
                match &patch.body["metadata"]["uid"] {
                    Value::Null => json!({}),
                    uid => return Err(conflict(format!("there is no {target} with the uid {uid}"))),
                }
            }
            None => return Err(Error::NotFound(target.to_string())),
        };
        let mut new = old.clone();
        let mut applied = self.applied.get(target).cloned().unwrap_or_default();
        match patch.kind {
            PatchKind::Apply | PatchKind::Merge if !patch.body.is_object() => {
                return Err(Error::Invalid("the patch is not an object".into()));
            }
            PatchKind::Apply => {
                // Each subresource has managers of its own.
                let manager = format!("{manager}/{}", patch.subresource.as_deref().unwrap_or_default());
                let atomic = self.atomic.get(&(target.api_version.clone(), target.kind.clone()));
                let atomic = atomic.map(Vec::as_slice).unwrap_or_default();
                let document = Document { body: &patch.body, manager: &manager, force: patch.force, atomic };
                applied.apply(&document, &mut new)?;
            }
            PatchKind::Merge => json_patch::merge(&mut new, &patch.body),
            PatchKind::Json => {
                let operations: json_patch::Patch =
                    serde_json::from_value(patch.body.clone()).map_err(|error| Error::Invalid(error.to_string()))?;
                json_patch::patch(&mut new, &operations).map_err(|error| Error::Invalid(error.to_string()))?;
            }
        }
        if let Some(subresource) = patch.subresource.as_deref() {
            if subresource != "status" {
                return Err(Error::Invalid(format!("the test host has no subresource `{subresource}`")));
            }
            let status = new["status"].take();
            new = old;
            new["status"] = status;
        }
        if name_of(&new)? != *target {
            return Err(Error::Invalid(format!("the patch would rename {target}")));
        }
        let new = self.admitted(new)?;
        if patch.dry_run {
            return self.stamped(target, new);
        }
        let stored = self.store(target, new)?;
        if patch.kind == PatchKind::Apply {
            self.applied.insert(target.clone(), applied);
        }
        Ok(stored)
    }

    fn admitted(&self, mut object: Value) -> Result<Value, Error> {
        if let Some(admission) = &self.admission {
            admission.review(&mut object)?;
        }
        Ok(object)
    }

    /// At once, or by setting the time of deletion if there are finalizers.
    pub(super) fn delete(&mut self, target: &ObjectRef) -> Result<(), Error> {
        let mut object = self.get(target)?;
        if has_finalizers(&object) {
            object["metadata"]["deletionTimestamp"] = json!(DELETION_TIME);
            self.store(target, object)?;
        } else {
            self.forget(target);
        }
        Ok(())
    }

    fn forget(&mut self, target: &ObjectRef) {
        self.objects.remove(target);
        self.applied.remove(target);
    }

    /// Keeps an object, unless nothing changed; lets one go that was only held by its finalizers.
    fn store(&mut self, target: &ObjectRef, new: Value) -> Result<Value, Error> {
        let mut new = self.stamped(target, new)?;
        let old = self.objects.get(target);
        if old == Some(&new) {
            return Ok(new);
        }
        if let (Some(old), Some(applied)) = (old, self.applied.get_mut(target)) {
            applied.written(old, &new);
        }
        self.version += 1;
        new["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if !new["metadata"]["deletionTimestamp"].is_null() && !has_finalizers(&new) {
            self.forget(target);
        } else {
            self.objects.insert(target.clone(), new.clone());
        }
        Ok(new)
    }

    /// An object with what the server sets, at the version that is stored.
    fn stamped(&self, target: &ObjectRef, mut new: Value) -> Result<Value, Error> {
        let old = self.objects.get(target);
        let metadata = new["metadata"]
            .as_object_mut()
            .ok_or_else(|| Error::Invalid(format!("metadata of {target} is not an object")))?;
        let stored = |key: &str| old.map(|old| old["metadata"][key].clone());
        for (key, what) in [("resourceVersion", "was changed meanwhile"), ("uid", "is another object by now")] {
            if let (Some(stored), Some(given)) = (stored(key), metadata.get(key))
                && stored != *given
            {
                return Err(conflict(format!("{target} {what}")));
            }
        }
        metadata.insert("uid".into(), stored("uid").unwrap_or_else(|| json!(format!("uid-{}", self.version + 1))));
        match stored("resourceVersion") {
            Some(version) => metadata.insert("resourceVersion".into(), version),
            None => metadata.remove("resourceVersion"),
        };
        let generation = stored("generation").as_ref().and_then(Value::as_i64).unwrap_or(0);
        let spec_changed = old.is_none_or(|old| old["spec"] != new["spec"]);
        new["metadata"]["generation"] = json!(generation + i64::from(spec_changed));
        Ok(new)
    }
}

fn name_of(object: &Value) -> Result<ObjectRef, Error> {
    let empty = Map::new();
    let metadata = object["metadata"].as_object().unwrap_or(&empty);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let needed = |name: &str, value: Option<String>| value.ok_or_else(|| Error::Invalid(format!("{name} is missing")));
    Ok(ObjectRef {
        api_version: needed("apiVersion", text(object.get("apiVersion")))?,
        kind: needed("kind", text(object.get("kind")))?,
        namespace: text(metadata.get("namespace")),
        name: needed("metadata.name", text(metadata.get("name")))?,
    })
}

fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
}

fn conflict(message: String) -> Error {
    Error::Conflict { message, owners: Vec::new() }
}
