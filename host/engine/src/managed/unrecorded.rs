//! Results of creates that could not be written down yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde_json::Value;

/// What a create came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CreateResult {
    /// When it was asked for, which tells it from others. `None`: its intent is not on the object any more.
    pub(super) intent: Option<Timestamp>,
    /// The annotations that say how it ended.
    pub(super) annotations: Value,
}

/// By uid, the results still to be written. While the process lives, an API server that was away does not turn a
/// create of known result into one of unknown result. Shared by all controllers, so that it outlives each of them: a
/// provider's are built anew when its kinds or limits change. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unrecorded(Arc<Mutex<HashMap<String, CreateResult>>>);

impl Unrecorded {
    pub(super) fn keep(&self, uid: &str, result: CreateResult) {
        self.lock().insert(uid.to_owned(), result);
    }

    pub(super) fn get(&self, uid: &str) -> Option<CreateResult> {
        self.lock().get(uid).cloned()
    }

    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CreateResult>> {
        // Nothing in here can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
