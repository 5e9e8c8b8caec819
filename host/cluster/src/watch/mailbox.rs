//! What one subscriber has not been told yet: at most one change for each object, in the order of the first.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use capstan_api::ObjectKey;
use tokio::sync::Notify;

use super::Change;
use crate::Object;

#[derive(Default)]
pub(super) struct Mailbox {
    pending: Mutex<Pending>,
    arrived: Notify,
}

#[derive(Default)]
struct Pending {
    order: VecDeque<Item>,
    changes: HashMap<ObjectKey, Folded>,
}

enum Item {
    Key(ObjectKey),
    Synced,
}

/// From what the subscriber was told last to what is true now.
struct Folded {
    told: Option<Object>,
    now: Now,
}

enum Now {
    Exists(Object),
    /// With its last state.
    Gone(Object),
}

impl Mailbox {
    /// An object appeared or changed; `old` is what was known before.
    pub(super) fn applied(&self, old: Option<Object>, new: Object) {
        self.put(new.key().clone(), old, Now::Exists(new));
    }

    /// An object that was known is gone.
    pub(super) fn deleted(&self, old: Object, last: Object) {
        self.put(last.key().clone(), Some(old), Now::Gone(last));
    }

    pub(super) fn synced(&self) {
        self.with(|pending| pending.order.push_back(Item::Synced));
        self.arrived.notify_one();
    }

    pub(super) async fn next(&self) -> Change {
        loop {
            // Asked for before looking, so that what arrives in between is not missed.
            let arrived = self.arrived.notified();
            if let Some(change) = self.with(Pending::pop) {
                return change;
            }
            arrived.await;
        }
    }

    fn put(&self, key: ObjectKey, old: Option<Object>, now: Now) {
        self.with(|pending| {
            if let Some(folded) = pending.changes.get_mut(&key) {
                folded.now = now;
            } else {
                pending.order.push_back(Item::Key(key.clone()));
                pending.changes.insert(key, Folded { told: old, now });
            }
        });
        self.arrived.notify_one();
    }

    fn with<T>(&self, work: impl FnOnce(&mut Pending) -> T) -> T {
        // Order and changes are altered together and nothing in between panics.
        work(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Pending {
    fn pop(&mut self) -> Option<Change> {
        loop {
            let key = match self.order.pop_front()? {
                Item::Synced => return Some(Change::Synced),
                Item::Key(key) => key,
            };
            match self.changes.remove(&key) {
                Some(Folded {
                    told,
                    now: Now::Exists(new),
                }) => return Some(Change::Applied { old: told, new }),
                Some(Folded {
                    told: Some(_),
                    now: Now::Gone(last),
                }) => return Some(Change::Deleted(last)),
                // Came and went without having been told.
                Some(Folded {
                    told: None,
                    now: Now::Gone(_),
                })
                | None => {}
            }
        }
    }
}
