//! What a provider read during one reconcile.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use capstan_api::{GroupVersionKind, ObjectRef};

/// One thing that was looked at. What was not found counts too: it may appear.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Read {
    /// A single object.
    Object(ObjectRef),
    /// All objects of a selection.
    List {
        /// The kind listed.
        kind: GroupVersionKind,
        /// `None`: all namespaces.
        namespace: Option<String>,
        /// A label selector in kubectl's grammar.
        labels: Option<String>,
    },
}

/// What the provider knows of a thing it read. A watch that begins later, and finds the same, has missed nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seen {
    /// It asked, and the answer was not noted (a list, or a request that failed).
    #[default]
    Unknown,
    /// There was no such object.
    Absent,
    /// The object with this resourceVersion: read, or answered to a write of the provider's own.
    Version(Box<str>),
}

/// Written by the session while it runs, read by the controller when it is over.
///
/// Expected flow: [`record`](Self::record) before the request, [`saw`](Self::saw) when a single object was answered. The
/// second may be left out; the object is then reconciled once more than needed when its first watch begins.
#[derive(Debug, Default)]
pub struct Reads(Mutex<HashMap<Read, Seen>>);

impl Reads {
    /// Remembers a read; the second time says nothing new.
    pub fn record(&self, read: Read) {
        self.lock().entry(read).or_default();
    }

    /// Remembers what a request for one object answered. Call it after a write too, but it does not make a read of what
    /// was only written. The last answer counts.
    pub fn saw(&self, target: &ObjectRef, seen: Seen) {
        if let Entry::Occupied(mut entry) = self.lock().entry(Read::Object(target.clone())) {
            entry.insert(seen);
        }
    }

    /// Whether a read stays within `most` different ones.
    pub fn admits(&self, read: &Read, most: usize) -> bool {
        let reads = self.lock();
        reads.len() < most || reads.contains_key(read)
    }

    /// Everything read so far with what was seen of it, and forgets it.
    pub fn take(&self) -> HashMap<Read, Seen> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Read, Seen>> {
        // A panic while inserting leaves a map that is still whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
