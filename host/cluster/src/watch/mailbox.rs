//! What one subscriber has not been told yet: at most one change for each object, in the order of the first.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use capstan_api::ObjectKey;
use tokio::sync::Notify;

use super::Change;
use crate::Object;

/// What a subscriber finds in its mailbox.
#[derive(Debug, Clone)]
pub(super) enum News {
    Change(Change),
    /// The API server does not let this watch look.
    Refused,
}

#[derive(Default)]
pub(super) struct Mailbox {
    pending: Mutex<Pending>,
    arrived: Notify,
}

#[derive(Default)]
struct Pending {
    /// By arrival; what comes and goes unseen is taken out again, so that a sleeper keeps no more than it knows of.
    order: BTreeMap<u64, Item>,
    changes: HashMap<ObjectKey, Folded>,
    arrivals: u64,
}

enum Item {
    Key(ObjectKey),
    Synced,
    Refused,
}

/// From what the subscriber was told last to what is true now.
struct Folded {
    arrival: u64,
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

    /// The first list has been told in full.
    pub(super) fn synced(&self) {
        self.with(|pending| pending.put(Item::Synced));
        self.arrived.notify_one();
    }

    pub(super) fn refused(&self) {
        self.with(|pending| pending.put(Item::Refused));
        self.arrived.notify_one();
    }

    pub(super) async fn next(&self) -> News {
        loop {
            // Asked for before looking, so that what arrives in between is not missed.
            let arrived = self.arrived.notified();
            if let Some(news) = self.with(Pending::pop) {
                return news;
            }
            arrived.await;
        }
    }

    fn put(&self, key: ObjectKey, old: Option<Object>, now: Now) {
        self.with(|pending| pending.fold(key, old, now));
        self.arrived.notify_one();
    }

    fn with<T>(&self, work: impl FnOnce(&mut Pending) -> T) -> T {
        // Order and changes are altered together and nothing in between panics.
        work(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Pending {
    fn put(&mut self, item: Item) {
        self.arrivals += 1;
        self.order.insert(self.arrivals, item);
    }

    fn fold(&mut self, key: ObjectKey, old: Option<Object>, now: Now) {
        match self.changes.entry(key) {
            Entry::Occupied(entry) if entry.get().told.is_none() && matches!(now, Now::Gone(_)) => {
                self.order.remove(&entry.remove().arrival);
            }
            Entry::Occupied(mut entry) => entry.get_mut().now = now,
            Entry::Vacant(entry) => {
                self.arrivals += 1;
                self.order.insert(self.arrivals, Item::Key(entry.key().clone()));
                entry.insert(Folded { arrival: self.arrivals, told: old, now });
            }
        }
    }

    fn pop(&mut self) -> Option<News> {
        loop {
            let key = match self.order.pop_first()?.1 {
                Item::Synced => return Some(News::Change(Change::Synced)),
                Item::Refused => return Some(News::Refused),
                Item::Key(key) => key,
            };
            let change = match self.changes.remove(&key) {
                Some(Folded { told, now: Now::Exists(new), .. }) => Change::Applied { old: told, new },
                Some(Folded { now: Now::Gone(last), .. }) => Change::Deleted(last),
                // Each place in the order has its change.
                None => continue,
            };
            return Some(News::Change(change));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: u32) -> Object {
        let metadata = serde_json::json!({"name": format!("a{name}"), "uid": "u", "resourceVersion": "1"});
        Object::from_value(serde_json::json!({"apiVersion": "v1", "kind": "A", "metadata": metadata})).unwrap()
    }

    #[test]
    fn what_comes_and_goes_unseen_leaves_nothing() {
        let mailbox = Mailbox::default();
        for name in 0..1000 {
            mailbox.applied(None, object(name));
            mailbox.deleted(object(name), object(name));
        }
        assert_eq!(mailbox.with(|pending| (pending.order.len(), pending.changes.len())), (0, 0));
    }
}
