//! Notices when objects of this host, or one of them and somebody else, write in turns without end.
//!
//! Two things are such a loop, and nothing else is:
//!
//! * **a tug of war**: an object writes the same content into the same place again. Its write changed something, so
//!   somebody has undone it in between, whether or not that was an object of this host;
//! * **a circle**: an object writes again into the same place, all that it read and that is new to it was written by
//!   objects of this host, and what those had read leads back to its own writes.
//!
//! A place is an object, whichever version of its kind it is read or written in. What a reconcile reads back of its own
//! writes is no news to it.
//!
//! A write that follows news from elsewhere is neither, however quickly news come. [`ROUNDS`] such writes within
//! [`WINDOW`] are a loop; from then on every further one is, until a reconcile finds nothing to write, something new came
//! from elsewhere, or the object itself was changed. Nothing is judged that does not write into the cluster.

mod ledger;
mod place;
mod trail;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use capstan_api::ObjectRef;

use crate::Reads;
use ledger::Ledger;

pub(crate) use place::Place;

/// Writes in turns that make a loop. More than it takes any two that meet by chance to agree.
pub(crate) const ROUNDS: usize = 10;
/// Within so long. What is slower is no storm.
pub(crate) const WINDOW: Duration = Duration::from_mins(1);

/// An object that a provider manages: who writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Writer {
    provider: Arc<str>,
    object: ObjectRef,
}

impl Writer {
    pub(crate) fn new(provider: impl Into<Arc<str>>, object: ObjectRef) -> Self {
        Self { provider: provider.into(), object }
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (provider {})", self.object, self.provider)
    }
}

/// A write into the cluster that changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) target: ObjectRef,
    /// The resourceVersion that it made.
    pub(crate) version: Box<str>,
    /// Of what was written, whatever the version it was written over.
    pub(crate) content: u64,
}

/// The state of the object that writes: a loop ends when somebody changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edition<'a> {
    pub(crate) uid: &'a str,
    pub(crate) generation: Option<i64>,
}

/// A loop, in words for its condition; the same words each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loop {
    pub(crate) message: String,
    /// It was not known before.
    pub(crate) is_new: bool,
}

/// What all controllers of the host know of each other's writes. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loops(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// How many objects are in a loop. Nearly always none, and then ends of reconciles cost nothing here.
    caught: AtomicUsize,
}

impl Loops {
    /// Takes note of a write as soon as it was answered: whoever is woken by it may be quicker than the end of the
    /// reconcile that made it.
    ///
    /// False if the write changed nothing.
    pub(crate) fn wrote(&self, writer: &Arc<Writer>, target: &ObjectRef, version: &str) -> bool {
        self.lock().wrote(writer, target, version)
    }

    /// A reconcile has changed something outside; says whether that was one turn too many.
    pub(crate) fn judge(&self, writer: &Arc<Writer>, edition: Edition<'_>, reads: &Reads) -> Option<Loop> {
        let mut ledger = self.lock();
        let verdict = ledger.judge(writer, edition, &reads.round());
        self.0.caught.store(ledger.caught(), Ordering::Relaxed);
        verdict
    }

    /// A reconcile found nothing to write: if the object was in a loop, that is over.
    pub(crate) fn settled(&self, writer: &Writer) {
        if self.0.caught.load(Ordering::Relaxed) > 0 {
            let mut ledger = self.lock();
            ledger.settled(writer);
            self.0.caught.store(ledger.caught(), Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        // A panic in between leaves counts that are whole.
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
