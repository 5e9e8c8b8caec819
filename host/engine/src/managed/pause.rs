//! Pausing: one object by its annotation, all of them by their provider.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::Resync;

/// Who paused an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PausedBy {
    /// Its own annotation.
    Annotation,
    /// The [`Pause`] of its controller.
    Provider,
}

/// Pauses all objects of a controller, as if each had the annotation. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Pause {
    on: Arc<AtomicBool>,
    resync: Resync,
}

impl Pause {
    /// Not paused; `resync` lets the objects hear of it.
    pub(crate) fn new(resync: Resync) -> Self {
        Self { on: Arc::default(), resync }
    }

    /// Pauses, or resumes. No call to the provider begins after this returned; a call that is running comes to its end.
    /// Every object is looked at again at once, to say so in its conditions or to go on.
    pub fn set(&self, paused: bool) {
        if self.on.swap(paused, Ordering::SeqCst) != paused {
            self.resync.request();
        }
    }

    /// Whether all objects are paused.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }
}
