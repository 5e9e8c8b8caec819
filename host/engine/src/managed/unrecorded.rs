//! Results of creates that could not be written down yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// By uid, the annotations still to be written. While the process lives, an API server that was away does not turn a
/// create of known result into one of unknown result.
#[derive(Default)]
pub(super) struct Unrecorded(Mutex<HashMap<String, Value>>);

impl Unrecorded {
    pub(super) fn keep(&self, uid: &str, annotations: Value) {
        self.lock().insert(uid.to_owned(), annotations);
    }

    pub(super) fn get(&self, uid: &str) -> Option<Value> {
        self.lock().get(uid).cloned()
    }

    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Value>> {
        // Nothing in here can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
