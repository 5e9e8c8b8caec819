//! Update: the one way in which an existing object changes, whether replaced or patched.

use std::sync::Arc;

use serde_json::{Value, json};

use super::create::set_place;
use super::{Part, Writer, Written, check, rules};
use crate::apply::{Operation, changes};
use crate::cluster::Cluster;
use crate::field_error::FieldError;
use crate::object::{ObjectExt, now, set_member, set_or_remove};
use crate::resource::{Resource, Rules};
use crate::status::Refusal;
use crate::store::{Object, ObjectRef};

/// Metadata that only the server writes.
const SERVER_METADATA: &[&str] =
    &["uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "namespace"];

impl Cluster {
    /// Replaces a part of an object. `applied` says that `managedFields` of `new` are those of an apply, final.
    pub(crate) fn update(
        &mut self,
        resource: &Arc<Resource>,
        at: &ObjectRef,
        mut new: Value,
        part: Part,
        applied: bool,
        writer: &Writer,
    ) -> Result<Written, Refusal> {
        let current = self.get(resource, at)?;
        let old = &current.value;
        set_place(resource, resource.namespaced.then_some(at.namespace.as_str()), &mut new)?;
        let name = new.meta_str("name");
        if name.is_empty() {
            new.metadata_mut().insert("name".into(), at.name.clone().into());
        } else if name != at.name {
            let expected = &at.name;
            let message = format!("the name of the object ({name}) does not match the name on the URL ({expected})");
            return Err(Refusal::bad_request(message));
        }
        check_preconditions(resource, at, old, &new)?;

        let metadata = new.metadata_mut();
        for &field in SERVER_METADATA {
            set_or_remove(metadata, field, old["metadata"].get(field).cloned());
        }
        metadata.insert("resourceVersion".into(), old["metadata"]["resourceVersion"].clone());
        keep_other_parts(resource, part, old, &mut new);
        if matches!(part, Part::Main | Part::Scale) {
            rules::prepare_update(resource, old, &mut new);
        }
        if resource.generation && desired_state(resource, old) != desired_state(resource, &new) {
            let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            new.metadata_mut().insert("generation".into(), json!(generation));
        }
        if !applied {
            let manager = writer.as_manager(resource, Operation::Update, part);
            changes::record_update(old, &mut new, resource.storage_schema(), &manager, &now());
        }
        let warnings = check(resource, &at.name, part, Some(old), &new)?;

        if new == *old {
            return Ok(Written { object: current, warnings });
        }
        let schema_id = resource.schema_id;
        if writer.dry_run {
            return Ok(Written { object: Object::unsaved(new, current.revision, schema_id), warnings });
        }
        let released = new.is_deleting() && new.meta_strings("finalizers").is_empty();
        if released && !is_held_by_spec(resource, &new) {
            // The last finalizer is gone. The answer is the object at its old revision, as in Kubernetes.
            self.remove(at);
            self.finish()?;
            return Ok(Written { object: Object::unsaved(new, current.revision, schema_id), warnings });
        }
        let object = self.put(resource, at, new, schema_id);
        self.finish()?;
        Ok(Written { object, warnings })
    }
}

/// A namespace is held by finalizers in its spec, too, until its content is gone.
pub(super) fn is_held_by_spec(resource: &Resource, object: &Value) -> bool {
    resource.rules == Rules::Namespace
        && object["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
}

fn check_preconditions(resource: &Resource, at: &ObjectRef, old: &Value, new: &Value) -> Result<(), Refusal> {
    let (uid, wanted) = (old.meta_str("uid"), new.meta_str("uid"));
    if !wanted.is_empty() && wanted != uid {
        let cause = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}");
        return Err(Refusal::conflict(resource, &at.name, &cause));
    }
    match new.meta_str("resourceVersion") {
        "" if resource.unconditional_update => Ok(()),
        "" | "0" if !resource.unconditional_update => {
            let error = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            Err(Refusal::invalid_resource(resource, &at.name, &[error]))
        }
        version if version == old.meta_str("resourceVersion") => Ok(()),
        version if version.parse::<u64>().is_err() => {
            Err(Refusal::unclassified(format!("strconv.ParseUint: parsing {version:?}: invalid syntax")))
        }
        _ => Err(Refusal::modified(resource, &at.name)),
    }
}

/// Takes what is not written from the current state.
fn keep_other_parts(resource: &Resource, part: Part, old: &Value, new: &mut Value) {
    match part {
        Part::Main | Part::Scale => {
            if resource.status {
                set_member(new, "status", old.get("status").cloned());
            }
        }
        Part::Status => keep_all_but(old, new, "status"),
        Part::Finalize => keep_all_but(old, new, "spec"),
    }
}

fn keep_all_but(old: &Value, new: &mut Value, member: &str) {
    let written = new.get(member).cloned();
    let managed = new["metadata"].get("managedFields").cloned();
    *new = old.clone();
    set_member(new, member, written);
    set_or_remove(new.metadata_mut(), "managedFields", managed);
}

/// What `metadata.generation` counts the changes of.
fn desired_state(resource: &Resource, object: &Value) -> Value {
    let mut state = object.clone();
    set_member(&mut state, "metadata", None);
    if resource.status {
        set_member(&mut state, "status", None);
    }
    state
}
