//! The end of a `Patch`. Only what was kept is read, and nothing is transformed, so that a broken specification cannot stand in
//! the way.

use std::collections::BTreeMap;

use capstan_sdk::cluster::{self, Error, ObjectRef};
use capstan_sdk::{Managed, Observation, Result, events};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::change::Assignment;
use crate::failures::Failures;
use crate::notices::Notices;
use crate::revert::{Kept, Reverts};
use crate::spec::Spec;
use crate::subresource::Subresources;
use crate::write::give_back;

/// An object and the fields of it that get their old values back.
struct Due {
    target: ObjectRef,
    object: Value,
    returns: Vec<Assignment>,
}

/// Gone if there is nothing to give back.
pub(crate) fn observe(object: &Managed<Box<RawValue>>) -> Result<Observation> {
    if due(object)?.is_empty() { Ok(Observation::missing()) } else { Ok(Observation::up_to_date()) }
}

/// Gives everything back. What cannot be written does not keep the rest from it.
pub(crate) fn delete(object: &Managed<Box<RawValue>>) -> Result<()> {
    let mut failures = Failures::default();
    let subresources = Subresources::default();
    for Due { target, object, returns } in due(object)? {
        failures.add(give_back(&target, &object, &returns, &subresources).map(drop));
    }
    failures.into_result()
}

/// One entry for each object, because one write is all that a version is good for.
fn due(object: &Managed<Box<RawValue>>) -> Result<Vec<Due>> {
    if !Spec::of(object.spec.get()).is_ok_and(|spec| spec.reverts()) {
        return Ok(Vec::new());
    }
    let reverts = Reverts::of(&object.status, object.namespace());
    let mut kept: BTreeMap<ObjectRef, Vec<&Kept>> = BTreeMap::new();
    for entry in reverts.iter() {
        kept.entry(entry.target()).or_default().push(entry);
    }
    let mut due = Vec::new();
    let mut lost = Notices::new(events::Kind::Warning, "CannotRevert", "Delete");
    for (target, entries) in kept {
        match cluster::find::<Value>(&target) {
            Ok(Some(object)) => {
                let returns: Vec<Assignment> = entries.iter().filter_map(|entry| entry.undo(&object)).collect();
                if !returns.is_empty() {
                    due.push(Due { target, object, returns });
                }
            }
            Ok(None) => {}
            // What must not or cannot be read any more cannot be given back, and the object must be deletable all the same.
            Err(why @ (Error::Denied(_) | Error::Invalid(_))) => {
                let fields: Vec<&str> = entries.iter().map(|entry| entry.field_path()).collect();
                lost.add(format!("{} of {target} stays as it is: {why}", fields.join(", ")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    lost.finish();
    Ok(due)
}
