//! Results of creates that could not be written down yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

/// By uid, the annotations still to be written. While the process lives, an API server that was away does not turn a
/// create of known result into one of unknown result. Shared by all controllers, so that it outlives each of them: a
/// provider's are built anew when its kinds or limits change. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unrecorded(Arc<Mutex<HashMap<String, Value>>>);

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
