//! What a provider read and wrote during one reconcile.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use capstan_api::{GroupVersionKind, ObjectRef};

use crate::loops::{Loops, Place, Write, Writer};

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
/// [`strike`](Self::strike) when the request was refused as one that cannot be made.
/// [`wrote`](Self::wrote) after each write of an object.
#[derive(Debug, Default)]
pub struct Reads {
    state: Mutex<State>,
    /// Where writes are told at once, and whose they are.
    told: Option<(Loops, Arc<Writer>)>,
}

#[derive(Debug, Default)]
struct State {
    reads: HashMap<Read, Seen>,
    /// What was written, whichever version of its kind was named.
    written: HashMap<Place, Written>,
    writes: Vec<Write>,
}

/// What this reconcile wrote into one place.
#[derive(Debug, Default)]
struct Written {
    /// What was last seen there that this reconcile had not written, in whatever version of its kind; `None` if nothing
    /// was.
    before: Option<Seen>,
    /// What it made there.
    versions: Vec<Box<str>>,
}

impl Written {
    /// Whether what is seen is its own.
    fn has(&self, seen: &Seen) -> bool {
        matches!(seen, Seen::Version(seen) if self.versions.contains(seen))
    }

    /// What is seen after a write, and is not its own, is somebody else's doing.
    fn saw(&mut self, seen: &Seen) {
        if !self.has(seen) && !self.knows_better(seen) {
            self.before = Some(seen.clone());
        }
    }

    /// Whether it was there before what is known already: a cache may lag behind.
    fn knows_better(&self, seen: &Seen) -> bool {
        let Seen::Version(seen) = seen else { return false };
        let before = match &self.before {
            None | Some(Seen::Unknown) => return false,
            Some(Seen::Absent) => None,
            Some(Seen::Version(before)) => Some(before),
        };
        before.into_iter().chain(self.versions.last()).any(|known| !is_newer(seen, known))
    }
}

/// One reconcile as the guard against loops sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Round {
    /// What was seen, before own writes.
    pub(crate) before: HashMap<Read, Seen>,
    /// The same after them.
    pub(crate) after: HashMap<Read, Seen>,
    pub(crate) writes: Vec<Write>,
}

/// Writes of one reconcile that are looked at; of more, it is the first.
const WRITES: usize = 128;

impl Reads {
    /// For a reconcile of `writer`, whose writes others are to know of.
    pub(crate) fn of(loops: Loops, writer: Arc<Writer>) -> Self {
        Self { state: Mutex::default(), told: Some((loops, writer)) }
    }

    /// Remembers a read; the second time says nothing new.
    pub fn record(&self, read: Read) {
        self.lock().reads.entry(read).or_default();
    }

    /// Remembers what a request for one object answered; it does not make a read of what was not recorded. The last
    /// answer counts.
    pub fn saw(&self, target: &ObjectRef, seen: Seen) {
        let mut state = self.lock();
        let State { reads, written, .. } = &mut *state;
        let Some(known) = reads.get_mut(&Read::Object(target.clone())) else { return };
        if !written.is_empty()
            && let Some(written) = written.get_mut(&Place::of(target))
        {
            written.saw(&seen);
        }
        *known = seen;
    }

    /// Takes back what was recorded of a read that makes no sense, such as one in a namespace for a kind that has none:
    /// nothing can ever change there.
    pub fn strike(&self, read: &Read) {
        self.lock().reads.remove(read);
    }

    /// Remembers a write that the API server answered with this resourceVersion. `content` is a hash of what was written,
    /// without anything that is different each time, so that the same write can be told when it is repeated. A write that
    /// changed nothing is none.
    pub fn wrote(&self, target: &ObjectRef, version: &str, content: u64) {
        // The ledger, which knows what was not read too, is never asked under our own lock: it asks us under its own.
        let changed = self.lock().write(target, version);
        if !changed {
            return;
        }
        let is_new = self.told.as_ref().is_none_or(|(loops, writer)| loops.wrote(writer, target, version));
        let writes = &mut self.lock().writes;
        if is_new && writes.len() < WRITES {
            writes.push(Write { target: target.clone(), version: version.into(), content });
        }
    }

    /// Whether a read stays within `most` different ones.
    pub fn admits(&self, read: &Read, most: usize) -> bool {
        let reads = &self.lock().reads;
        reads.len() < most || reads.contains_key(read)
    }

    /// Everything read so far with what was seen of it, and forgets it.
    pub fn take(&self) -> HashMap<Read, Seen> {
        std::mem::take(&mut self.lock().reads)
    }

    /// Whether anything was written that changed something.
    pub(crate) fn has_written(&self) -> bool {
        !self.lock().writes.is_empty()
    }

    /// Reads and writes so far.
    pub(crate) fn round(&self) -> Round {
        let state = self.lock();
        Round { before: state.before(), after: state.reads.clone(), writes: state.writes.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while inserting leaves a map that is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes note of a write; false if it changed nothing of what was seen.
    fn write(&mut self, target: &ObjectRef, version: &str) -> bool {
        let (place, now) = (Place::of(target), Seen::Version(version.into()));
        let is_there = |read: &Read| matches!(read, Read::Object(target) if place.is_of(target));
        let seen: Vec<_> = self.reads.iter().filter(|(read, _)| is_there(read)).map(|(_, seen)| seen).collect();
        if seen.contains(&&now) {
            return false;
        }
        let former = self.written.get(&place);
        // What was seen since a former write is noted already: of what one of the reads still holds, nobody knows when
        // it was there.
        let before = former.and_then(|former| former.before.clone()).or_else(|| {
            let others = seen.into_iter().filter(|seen| former.is_none_or(|former| !former.has(seen)));
            others.reduce(newest).cloned()
        });
        let written = self.written.entry(place).or_default();
        written.before = before;
        written.versions.push(version.into());
        if let Some(seen) = self.reads.get_mut(&Read::Object(target.clone())) {
            *seen = now;
        }
        true
    }

    /// What was seen, without what this reconcile made of it, in whatever version of its kind that was read back. What it
    /// knows by its own writes alone is left out.
    fn before(&self) -> HashMap<Read, Seen> {
        let before = |(read, seen): (&Read, &Seen)| {
            let written = match read {
                Read::Object(target) if !self.written.is_empty() => self.written.get(&Place::of(target)),
                _ => None,
            };
            let own = written.filter(|written| written.has(seen));
            Some((read.clone(), own.map_or(Some(seen), |own| own.before.as_ref())?.clone()))
        };
        self.reads.iter().filter_map(before).collect()
    }
}

/// The one that says more, and the later one of two versions.
fn newest<'a>(one: &'a Seen, other: &'a Seen) -> &'a Seen {
    match (one, other) {
        (Seen::Version(then), Seen::Version(now)) => {
            if is_newer(now, then) {
                other
            } else {
                one
            }
        }
        (_, Seen::Version(_)) | (Seen::Unknown, _) => other,
        _ => one,
    }
}

/// Versions are numbers on every API server there is. Where they are not, another one counts as newer.
pub(crate) fn is_newer(now: &str, then: &str) -> bool {
    match (now.parse::<u64>(), then.parse::<u64>()) {
        (Ok(now), Ok(then)) => now > then,
        _ => now != then,
    }
}
