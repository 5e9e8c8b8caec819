//! What the objects of a controller read, and whom a change of it concerns.
//!
//! Every distinct selection is watched once, for as long as somebody reads it. Nothing is lost between a read and its
//! watch: a watch that begins is compared with what its readers saw, and a reconcile that ends with what its watches
//! brought while it ran.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Change, Selection, Subscription, Watches};
use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture, pending},
    stream::FuturesUnordered,
};

use crate::{Read, Seen};

/// The dependencies of one controller's objects.
pub(crate) struct Dependencies {
    watches: Watches,
    watched: HashMap<Arc<Selection>, Watched>,
    /// What each object reads.
    selections: HashMap<Arc<ObjectKey>, HashSet<Arc<Selection>>>,
    /// Objects being reconciled, with the count of changes at their start.
    running: HashMap<Arc<ObjectKey>, u64>,
    /// Changes so far.
    changes: u64,
    following: FuturesUnordered<Abortable<Following>>,
}

/// Waits for the next change of a selection, and gives the subscription back with it.
type Following = BoxFuture<'static, (Arc<Selection>, Subscription, Option<Change>)>;

/// One selection that is watched.
struct Watched {
    readers: HashMap<Arc<ObjectKey>, Seen>,
    /// Whether the watch has told all there was when it began.
    synced: bool,
    state: Current,
    /// The count of changes at its last one.
    changed: u64,
    stop: AbortHandle,
}

/// What a watch knows of its selection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Current {
    /// A single object that does not exist.
    Absent,
    /// A single object with this resourceVersion.
    Version(Box<str>),
    /// Many objects: nobody can say whether a reader saw them as they are.
    Many,
}

impl Dependencies {
    pub(crate) fn new(watches: Watches) -> Self {
        Self {
            watches,
            watched: HashMap::new(),
            selections: HashMap::new(),
            running: HashMap::new(),
            changes: 0,
            following: FuturesUnordered::new(),
        }
    }

    /// A reconcile of `reader` begins. Until [`finish`](Self::finish) changes do not wake it.
    pub(crate) fn begin(&mut self, reader: &Arc<ObjectKey>) {
        self.running.insert(Arc::clone(reader), self.changes);
    }

    /// A reconcile of `reader` is over; what it read replaces what it read before. `own` is the object itself, which is
    /// no dependency. True if something that was read has changed since, so that it has to run once more.
    pub(crate) fn finish(&mut self, reader: &Arc<ObjectKey>, own: &ObjectRef, reads: HashMap<Read, Seen>) -> bool {
        let since = self.running.remove(reader).unwrap_or(self.changes);
        let mut former = self.selections.remove(reader).unwrap_or_default();
        let mut current = HashSet::with_capacity(reads.len());
        let mut missed = false;
        for (read, seen) in reads {
            if matches!(&read, Read::Object(target) if target == own) {
                continue;
            }
            let selection = self.watch(selection(read));
            former.remove(&selection);
            if let Some(watched) = self.watched.get_mut(&selection) {
                missed |= watched.synced && watched.changed > since && watched.state.is_news_to(&seen);
                watched.readers.insert(Arc::clone(reader), seen);
            }
            current.insert(selection);
        }
        self.leave(reader, former);
        if !current.is_empty() {
            self.selections.insert(Arc::clone(reader), current);
        }
        missed
    }

    /// The object is gone: nothing is watched for it any more.
    pub(crate) fn forget(&mut self, reader: &ObjectKey) {
        if let Some((reader, selections)) = self.selections.remove_entry(reader) {
            self.leave(&reader, selections);
        }
    }

    /// The next change, as the objects that have to be reconciled for it; may be none. Waits for ever while nothing is
    /// watched. Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Vec<Arc<ObjectKey>> {
        loop {
            match self.following.next().await {
                // Let go by its last reader.
                Some(Err(_aborted)) => {}
                Some(Ok((selection, subscription, Some(change)))) => {
                    let woken = self.change(&selection, &change);
                    if let Some(watched) = self.watched.get_mut(&selection) {
                        let (following, stop) = follow(selection, subscription);
                        watched.stop = stop;
                        self.following.push(following);
                    }
                    return woken;
                }
                // The host stops.
                Some(Ok((selection, _, None))) => {
                    self.watched.remove(&selection);
                }
                None => return pending().await,
            }
        }
    }

    /// How many selections are watched.
    #[cfg(test)]
    pub(crate) fn watched(&self) -> usize {
        self.watched.len()
    }

    /// Watches a selection, unless it is watched.
    fn watch(&mut self, selection: Selection) -> Arc<Selection> {
        if let Some((selection, _)) = self.watched.get_key_value(&selection) {
            return Arc::clone(selection);
        }
        let subscription = self.watches.subscribe(selection.clone());
        let state = if selection.name.is_some() { Current::Absent } else { Current::Many };
        let selection = Arc::new(selection);
        let (following, stop) = follow(Arc::clone(&selection), subscription);
        self.following.push(following);
        let watched = Watched { readers: HashMap::new(), synced: false, state, changed: 0, stop };
        self.watched.insert(Arc::clone(&selection), watched);
        selection
    }

    fn leave(&mut self, reader: &ObjectKey, selections: HashSet<Arc<Selection>>) {
        for selection in selections {
            let Some(watched) = self.watched.get_mut(&selection) else { continue };
            watched.readers.remove(reader);
            if watched.readers.is_empty() {
                watched.stop.abort();
                self.watched.remove(&selection);
            }
        }
    }

    /// Takes note of a change, and finds those whom it concerns.
    fn change(&mut self, selection: &Selection, change: &Change) -> Vec<Arc<ObjectKey>> {
        let Some(watched) = self.watched.get_mut(selection) else { return Vec::new() };
        if watched.state != Current::Many {
            match change {
                Change::Applied { new, .. } => watched.state = Current::Version(new.resource_version().into()),
                Change::Deleted(_) => watched.state = Current::Absent,
                Change::Synced => {}
            }
        }
        // What is there when the watch begins is compared once, when it has been told in full.
        watched.synced |= matches!(change, Change::Synced);
        if !watched.synced {
            return Vec::new();
        }
        self.changes += 1;
        watched.changed = self.changes;
        let concerned = watched.readers.iter().filter(|(_, seen)| watched.state.is_news_to(seen));
        concerned.map(|(reader, _)| reader).filter(|reader| !self.running.contains_key(*reader)).cloned().collect()
    }
}

impl Current {
    /// Whether a reader that saw this would see something else now.
    fn is_news_to(&self, seen: &Seen) -> bool {
        match (self, seen) {
            (Self::Absent, Seen::Absent) => false,
            (Self::Version(now), Seen::Version(then)) => is_newer(now, then),
            _ => true,
        }
    }
}

/// Versions are numbers on every API server there is. Where they are not, another one counts as newer.
fn is_newer(now: &str, then: &str) -> bool {
    match (now.parse::<u64>(), then.parse::<u64>()) {
        (Ok(now), Ok(then)) => now > then,
        _ => now != then,
    }
}

fn follow(selection: Arc<Selection>, mut subscription: Subscription) -> (Abortable<Following>, AbortHandle) {
    let following = async move {
        let change = subscription.next().await;
        (selection, subscription, change)
    };
    futures::future::abortable(following.boxed())
}

fn selection(read: Read) -> Selection {
    match read {
        Read::Object(ObjectRef { kind, key }) => {
            Selection { kind, namespace: key.namespace, labels: None, name: Some(key.name) }
        }
        Read::List { kind, namespace, labels } => Selection { kind, namespace, labels, name: None },
    }
}
