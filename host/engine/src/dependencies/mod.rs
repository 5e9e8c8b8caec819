//! What the objects of a controller read, and whom a change of it concerns.
//!
//! Every distinct selection is watched once, for as long as somebody reads it: [`Readers`] keeps the books, and this
//! follows the watches.

mod readers;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Change, Selection, Subscription, Watches};
use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, Abortable, BoxFuture, abortable, pending},
    stream::FuturesUnordered,
};

use crate::{Read, Seen};

use readers::Readers;

/// The dependencies of one controller's objects.
pub(crate) struct Dependencies {
    watches: Watches,
    readers: Readers,
    following: FuturesUnordered<Abortable<Following>>,
    /// Ends the following of a selection.
    stops: HashMap<Arc<Selection>, AbortHandle>,
}

/// Waits for the next change of a selection, and gives the subscription back with it.
type Following = BoxFuture<'static, (Arc<Selection>, Subscription, Option<Change>)>;

impl Dependencies {
    pub(crate) fn new(watches: Watches) -> Self {
        Self { watches, readers: Readers::default(), following: FuturesUnordered::new(), stops: HashMap::new() }
    }

    /// A reconcile of `reader` begins. Until [`finish`](Self::finish) changes do not wake it.
    pub(crate) fn begin(&mut self, reader: &Arc<ObjectKey>) {
        self.readers.begin(reader);
    }

    /// A reconcile of `reader` is over; what it read replaces what it read before. `own` is the object itself, which is
    /// no dependency: its controller watches it. True if something that was read has changed since, so that it has to run
    /// once more.
    pub(crate) fn finish(&mut self, reader: &Arc<ObjectKey>, own: &ObjectRef, reads: HashMap<Read, Seen>) -> bool {
        let foreign = reads.into_iter().filter(|(read, _)| !matches!(read, Read::Object(target) if target == own));
        let finished = self.readers.finish(reader, foreign.map(|(read, seen)| (selection(read), seen)));
        for selection in finished.begun {
            let subscription = self.watches.subscribe(selection.as_ref().clone());
            self.follow(selection, subscription);
        }
        self.stop(&finished.ended);
        finished.missed
    }

    /// The object is gone: nothing is watched for it any more.
    pub(crate) fn forget(&mut self, reader: &ObjectKey) {
        let ended = self.readers.forget(reader);
        self.stop(&ended);
    }

    /// The next change, as the objects that have to be reconciled for it; may be none. Waits for ever while nothing is
    /// watched. Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Vec<Arc<ObjectKey>> {
        loop {
            match self.following.next().await {
                Some(Ok((selection, subscription, Some(change)))) => {
                    let woken = self.readers.change(&selection, &change);
                    self.follow(selection, subscription);
                    return woken;
                }
                // Stopped: by its last reader, or with all watches of the host.
                Some(Err(_) | Ok((_, _, None))) => {}
                None => return pending().await,
            }
        }
    }

    fn follow(&mut self, selection: Arc<Selection>, mut subscription: Subscription) {
        let followed = Arc::clone(&selection);
        let following = async move {
            let change = subscription.next().await;
            (followed, subscription, change)
        };
        let (following, stop) = abortable(following.boxed());
        self.following.push(following);
        self.stops.insert(selection, stop);
    }

    fn stop(&mut self, selections: &HashSet<Arc<Selection>>) {
        for stop in selections.iter().filter_map(|selection| self.stops.remove(selection)) {
            stop.abort();
        }
    }
}

fn selection(read: Read) -> Selection {
    match read {
        Read::Object(ObjectRef { kind, key }) => {
            Selection { kind, namespace: key.namespace, labels: None, name: Some(key.name) }
        }
        Read::List { kind, namespace, labels } => Selection { kind, namespace, labels, name: None },
    }
}
