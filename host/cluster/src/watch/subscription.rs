//! One subscriber's view of a watch.

use std::{fmt, sync::Arc};

use capstan_api::{ObjectKey, ObjectRef};

use super::{
    Change, Watches,
    mailbox::{Mailbox, News},
    state::Shared,
};
use crate::{Object, Reach, Selection};

/// One subscriber's view of a watch.
///
/// Guarantees: every object that exists is told; of many changes of one object between two calls only the last state is
/// told, with the state told before as `old`; a subscriber that does not listen holds up nobody and keeps at most one
/// change for each object.
pub struct Subscription {
    watches: Watches,
    source: Source,
    /// If one object is followed.
    one: Option<One>,
}

/// The watch that is followed, and where its news arrive.
pub(super) struct Source {
    pub(super) selection: Selection,
    pub(super) store: Store,
    pub(super) mailbox: Arc<Mailbox>,
}

/// What one who follows a single object was told, so that it can go on with another watch.
struct One {
    target: ObjectRef,
    reach: Reach,
    told: Option<Object>,
    synced: bool,
    /// The watch has confirmed what was told.
    confirmed: bool,
    /// To be told before anything else.
    held: Option<Change>,
}

impl Subscription {
    pub(super) fn to_all(watches: Watches, source: Source) -> Self {
        Self { watches, source, one: None }
    }

    pub(super) fn to_one(watches: Watches, source: Source, target: ObjectRef, reach: Reach) -> Self {
        let one = One { target, reach, told: None, synced: false, confirmed: true, held: None };
        Self { watches, source, one: Some(one) }
    }

    /// Waits for the next change. `None` when the watches are closed, and when a single object can be followed no longer:
    /// the API server refused the watch that it was followed through, and there are too many others. Nothing is lost if
    /// the future is dropped.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(held) = self.one.as_mut().and_then(|one| one.held.take()) {
                return Some(held);
            }
            let news = tokio::select! {
                biased;
                () = self.watches.closed() => return None,
                news = self.source.mailbox.next() => news,
            };
            match (news, &mut self.one) {
                (News::Change(change), None) => return Some(change),
                (News::Change(change), Some(one)) => {
                    if let Some(change) = one.take(change) {
                        return Some(change);
                    }
                }
                (News::Refused, Some(_)) => self.move_on()?,
                (News::Refused, None) => {}
            }
        }
    }

    /// What the watch knows now, which may be more than [`next`](Self::next) has told, and more than was subscribed to.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.source.store
    }

    /// Goes on with another watch.
    fn move_on(&mut self) -> Option<()> {
        let one = self.one.as_mut()?;
        self.watches.refused(&self.source.selection);
        let source = self.watches.join_one(&one.target, one.reach)?;
        one.confirmed = false;
        let former = std::mem::replace(&mut self.source, source);
        self.watches.leave(&former.selection, Some(&one.target.key), &former.mailbox);
        Some(())
    }

    fn key(&self) -> Option<&ObjectKey> {
        self.one.as_ref().map(|one| &one.target.key)
    }
}

impl One {
    /// What a change of the watch is to somebody who was told this much.
    fn take(&mut self, change: Change) -> Option<Change> {
        match change {
            Change::Applied { new, .. } => {
                self.confirmed = true;
                if self.told.as_ref().is_some_and(|told| !new.is_newer_than(told)) {
                    return None;
                }
                let old = self.told.replace(new.clone());
                Some(Change::Applied { old, new })
            }
            Change::Deleted(last) => self.told.take().map(|_| Change::Deleted(last)),
            Change::Synced => {
                let synced = (!std::mem::replace(&mut self.synced, true)).then_some(Change::Synced);
                if std::mem::replace(&mut self.confirmed, true) {
                    return synced;
                }
                // This watch has told everything there is, and not this.
                let Some(told) = self.told.take() else { return synced };
                self.held = synced;
                Some(Change::Deleted(told))
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.watches.leave(&self.source.selection, self.key(), &self.source.mailbox);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("selection", &self.source.selection).finish_non_exhaustive()
    }
}

/// The objects of a watch.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Shared>);

impl Store {
    /// The newest state known.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.0.get(key)
    }

    /// The object with this uid.
    #[must_use]
    pub fn with_uid(&self, uid: &str) -> Option<Object> {
        self.0.with_uid(uid)
    }

    /// The objects that have the one with this uid among their owners.
    #[must_use]
    pub fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.0.owned_by(uid)
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("objects", &self.len()).finish()
    }
}
