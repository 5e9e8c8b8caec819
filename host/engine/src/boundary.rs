//! Where documents of strangers are compared and merged, so that tests can throw anything at it.
//!
//! Behind the feature `fuzz`, which nothing has that ships.

use capstan_api::Condition;
use capstan_cluster::Object;
use serde_json::Value;

use crate::managed::{merge, snapshot::Snapshot, status::Wish};

/// A document with a merge patch applied.
#[must_use]
pub fn merged(mut document: Value, patch: &Value) -> Value {
    merge::apply(&mut document, patch);
    document
}

/// The merge patch between two documents, if they differ.
#[must_use]
pub fn difference(from: &Value, to: &Value) -> Option<Value> {
    merge::difference(from, to)
}

/// What is written to an object's status, if anything, after a provider gave these merge patches for it.
#[must_use]
pub fn status_patch(object: Object, patches: &[Value], conditions: &[Condition]) -> Option<Value> {
    let (patches, conditions) = (patches.to_vec(), conditions.to_vec());
    let now = "2026-01-02T00:00:00Z".to_owned();
    Wish { patches, conditions, handled: None, generation: Some(1), now }.plan(&Snapshot::of(object)).patch
}
