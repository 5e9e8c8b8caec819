//! What the objects of a controller read, and whom a change of it concerns.
//!
//! Every distinct selection is followed once, for as long as somebody reads it: [`Readers`] keeps the books, [`Followed`]
//! what is followed, and this brings them together. What cannot be followed, as there is too much of it, is tried again
//! whenever one of its readers has been reconciled.

mod followed;
mod readers;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use capstan_api::{ObjectKey, ObjectRef};
use capstan_cluster::{Selection, Watches};

use crate::{ExternalSystem, Read, Seen};

use followed::{Followed, News};
use readers::Readers;

/// The dependencies of one controller's objects.
pub(crate) struct Dependencies {
    watches: Watches,
    external: Arc<dyn ExternalSystem>,
    readers: Readers,
    followed: Followed,
    /// What is read and not followed.
    unwatched: HashSet<Arc<Selection>>,
}

impl Dependencies {
    pub(crate) fn new(watches: Watches, external: Arc<dyn ExternalSystem>) -> Self {
        let (readers, followed) = (Readers::default(), Followed::default());
        Self { watches, external, readers, followed, unwatched: HashSet::new() }
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
            self.follow(selection);
        }
        self.stop(&finished.ended);
        if !self.unwatched.is_empty() {
            let again: Vec<_> = self
                .readers
                .selections(reader)
                .filter(|selection| self.unwatched.contains(*selection))
                .cloned()
                .collect();
            for selection in again {
                self.readers.restart(&selection);
                self.follow(selection);
            }
        }
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
        match self.followed.next().await {
            News::Change(selection, change) => self.readers.change(&selection, &change),
            News::End(selection) => {
                if self.readers.is_read(&selection) {
                    self.miss(selection);
                }
                Vec::new()
            }
        }
    }

    /// How much is read and not followed.
    pub(crate) fn unwatched(&self) -> usize {
        self.unwatched.len()
    }

    fn follow(&mut self, selection: Arc<Selection>) {
        let subscription = if !self.followed.admits(&selection) {
            None
        } else if let Some(target) = target(&selection) {
            let reach = self.external.reach(&target);
            self.watches.subscribe_one(&target, reach)
        } else {
            Some(self.watches.subscribe(selection.as_ref().clone()))
        };
        match subscription {
            Some(subscription) => {
                self.unwatched.remove(&selection);
                self.followed.add(selection, subscription);
            }
            None => self.miss(selection),
        }
    }

    fn miss(&mut self, selection: Arc<Selection>) {
        let kind = &selection.kind.kind;
        if self.unwatched.is_empty() {
            tracing::warn!(
                kind,
                "too much is read to watch all of it: changes of the rest are found at the poll interval"
            );
        }
        self.unwatched.insert(selection);
    }

    fn stop(&mut self, selections: &HashSet<Arc<Selection>>) {
        for selection in selections {
            self.unwatched.remove(selection);
            self.followed.remove(selection);
        }
    }
}

fn selection(read: Read) -> Selection {
    match read {
        Read::Object(target) => Selection::one(&target),
        Read::List { kind, namespace, labels } => Selection { kind, namespace, labels, name: None },
    }
}

/// The opposite of [`Selection::one`].
fn target(selection: &Selection) -> Option<ObjectRef> {
    let Selection { kind, namespace, name, .. } = selection;
    let key = ObjectKey { namespace: namespace.clone(), name: name.clone()? };
    Some(ObjectRef { kind: kind.clone(), key })
}
