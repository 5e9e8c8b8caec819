//! Kubernetes objects, within what the administrator granted.
//!
//! What is read here is remembered, what was not found too: when it changes or appears, the object being reconciled is
//! reconciled again. Every call may wait for a request to the API server. Reading may be repeated freely; of the writes
//! [`create`] is not idempotent (a second one is a conflict), [`patch`] and [`delete`] are.
//!
//! Objects are read as any type that serde can make, [`Value`] if nothing better is at hand:
//!
//! ```no_run
//! use capstan_sdk::{cluster::{self, ObjectRef}, serde_json::Value};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Secret {
//!     r#type: String,
//! }
//!
//! # fn run() -> capstan_sdk::Result<()> {
//! let target = ObjectRef::new("v1", "Secret", "token").in_namespace("team-a");
//! let secret: Secret = cluster::get(&target)?;
//! let maybe: Option<Value> = cluster::find(&target)?;
//! # Ok(())
//! # }
//! ```

mod error;
mod object_ref;
mod patch;
mod selection;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use self::{
    error::{Error, Owner},
    object_ref::ObjectRef,
    patch::{Patch, PatchKind},
    selection::Selection,
};
use crate::host;

/// One object, without `metadata.managedFields`.
pub fn get<T: DeserializeOwned>(target: &ObjectRef) -> Result<T, Error> {
    read(&host::get(target)?)
}

/// One object, or none if there is no such object (or no such kind).
pub fn find<T: DeserializeOwned>(target: &ObjectRef) -> Result<Option<T>, Error> {
    find_text(target)?.map(|json| read(&json)).transpose()
}

/// Like [`find`], for who reads the JSON in a way of its own: a small part of a large object, for example.
pub fn find_text(target: &ObjectRef) -> Result<Option<String>, Error> {
    match host::get(target) {
        Ok(json) => Ok(Some(json)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All objects of a selection, ordered by namespace and name.
pub fn list<T: DeserializeOwned>(selection: &Selection) -> Result<Vec<T>, Error> {
    list_texts(selection)?.iter().map(|json| read(json)).collect()
}

/// Like [`list`], for who reads the JSON in a way of its own.
pub fn list_texts(selection: &Selection) -> Result<Vec<String>, Error> {
    host::list(selection)
}

/// Makes an object, which must carry `apiVersion`, `kind` and a name, and returns it as stored. One that exists already
/// is a conflict.
pub fn create(object: &impl Serialize) -> Result<Value, Error> {
    let json = serde_json::to_string(object).map_err(|error| Error::Unexpected(error.into()))?;
    read(&host::create(&json)?)
}

/// Changes an object, under the field manager of the object being reconciled, and returns it as stored, or as it would be stored by a [dry run](Patch::dry_run). Only an apply makes
/// an object that does not exist.
pub fn patch(target: &ObjectRef, patch: Patch) -> Result<Value, Error> {
    read(&host::patch(target, &patch.addressed_to(target))?)
}

/// Server-side apply of just the fields that `fields` holds, for objects or fields that are the provider's own: what
/// somebody else has taken meanwhile is taken back. Where others have a right to a field, [`patch`] with
/// [`Patch::apply`], which is a conflict then.
pub fn apply(target: &ObjectRef, fields: impl Into<Value>) -> Result<Value, Error> {
    patch(target, Patch::apply(fields).force())
}

/// Asks for deletion; finalizers may keep the object for a while. What is gone already is a success.
pub fn delete(target: &ObjectRef) -> Result<(), Error> {
    match host::delete(target) {
        Err(Error::NotFound(_)) => Ok(()),
        other => other,
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| Error::Unexpected(error.into()))
}
