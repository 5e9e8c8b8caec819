//! What a watch knows, and who wants to know.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use capstan_api::ObjectKey;
use tokio::{sync::Notify, time::Instant};

use super::{mailbox::Mailbox, objects::Objects};
use crate::Object;

/// Deleted objects whose uid is kept, so that neither a late answer to a write nor a watch that is behind brings them back.
/// Both are seconds late as a rule, and more deletions than this in that time are not expected of one kind. A watch in
/// back-off can be half a minute late: where more than this is deleted meanwhile, what it still has may be taken for there
/// until it has listed again.
const TOMBSTONES: usize = 1024;

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// A write came into doubt while none was.
    doubted: Notify,
}

#[derive(Default)]
struct State {
    objects: Objects,
    mailboxes: Mailboxes,
    /// The first list was seen in full.
    synced: bool,
    /// The API server does not let us look, for the time being.
    refused: bool,
    /// While a list is being told: what it, or a write of ours, has confirmed so far.
    listing: Option<HashSet<ObjectKey>>,
    /// Writes of ours that the watch has not told yet, and since when. Each is in the store.
    doubts: HashMap<ObjectKey, Instant>,
    gone: VecDeque<Box<str>>,
}

/// Those who want to know of everything, and those who want to know of one object.
#[derive(Default)]
struct Mailboxes {
    all: Vec<Arc<Mailbox>>,
    keyed: HashMap<ObjectKey, Vec<Arc<Mailbox>>>,
}

impl Mailboxes {
    fn concerned(&self, key: &ObjectKey) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.all.iter().chain(self.keyed.get(key).into_iter().flatten())
    }

    fn keyed(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.keyed.values().flatten()
    }
}

impl Shared {
    /// A new subscriber, with everything that is known as its first news; with a key, of that object only.
    pub(super) fn join(&self, key: Option<&ObjectKey>) -> Arc<Mailbox> {
        let mut state = self.lock();
        let mailbox = Arc::new(Mailbox::default());
        if let Some(key) = key {
            if let Some(object) = state.objects.get(key) {
                mailbox.applied(None, object.clone());
            }
            state.mailboxes.keyed.entry(key.clone()).or_default().push(Arc::clone(&mailbox));
        } else {
            state.objects.iter().for_each(|object| mailbox.applied(None, object.clone()));
            state.mailboxes.all.push(Arc::clone(&mailbox));
        }
        if state.synced {
            mailbox.synced();
        }
        mailbox
    }

    pub(super) fn leave(&self, key: Option<&ObjectKey>, mailbox: &Arc<Mailbox>) {
        let mut state = self.lock();
        let others = |other: &Arc<Mailbox>| !Arc::ptr_eq(other, mailbox);
        let Some(key) = key else { return state.mailboxes.all.retain(others) };
        if let Some(mailboxes) = state.mailboxes.keyed.get_mut(key) {
            mailboxes.retain(others);
            if mailboxes.is_empty() {
                state.mailboxes.keyed.remove(key);
            }
        }
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.lock().objects.get(key).cloned()
    }

    pub(super) fn with_uid(&self, uid: &str) -> Option<Object> {
        self.lock().objects.with_uid(uid).cloned()
    }

    pub(super) fn owned_by(&self, uid: &str) -> Vec<Object> {
        self.lock().objects.owned_by(uid).cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().objects.len()
    }

    /// Objects, and bytes of their text.
    pub(super) fn size(&self) -> (usize, usize) {
        let state = self.lock();
        (state.objects.len(), state.objects.iter().map(|object| object.json().len()).sum())
    }

    /// Whether the first list was seen in full.
    pub(super) fn is_synced(&self) -> bool {
        self.lock().synced
    }

    /// A list begins. What it does not confirm until [`listed`](Self::listed) is gone.
    pub(super) fn listing(&self) {
        self.lock().listing = Some(HashSet::new());
    }

    /// The list is complete.
    pub(super) fn listed(&self) {
        let mut state = self.lock();
        state.refused = false;
        if let Some(confirmed) = state.listing.take() {
            let vanished: Vec<Object> =
                state.objects.iter().filter(|object| !confirmed.contains(object.key())).cloned().collect();
            for object in vanished {
                state.remove(&object);
            }
        }
        state.say_synced();
    }

    /// The watch, or a list, says so.
    pub(super) fn apply(&self, object: &Object) {
        let mut state = self.lock();
        // Wherever the watch stands, it stands before the end of this object.
        state.doubts.remove(object.key());
        if let Some(confirmed) = &mut state.listing {
            confirmed.insert(object.key().clone());
        }
        state.put(object);
    }

    /// The answer to a write of ours says so.
    pub(super) fn remember(&self, object: &Object) {
        let mut state = self.lock();
        if state.is_gone(object.uid()) {
            return;
        }
        let listing = match &mut state.listing {
            Some(confirmed) => confirmed.insert(object.key().clone()),
            None => false,
        };
        if state.put(object) || listing {
            let first = state.doubts.is_empty();
            state.doubts.entry(object.key().clone()).or_insert_with(Instant::now);
            if first {
                self.doubted.notify_one();
            }
        }
    }

    /// The watch says that it is gone.
    pub(super) fn delete(&self, object: &Object) {
        self.lock().remove(object);
    }

    /// Whether the object with this uid was here, or might have been, and is gone.
    pub(super) fn saw_the_end_of(&self, uid: &str) -> bool {
        self.lock().is_gone(uid)
    }

    /// The whole kind is gone.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        let all: Vec<Object> = state.objects.iter().cloned().collect();
        for object in all {
            state.remove(&object);
        }
        state.listing = None;
    }

    /// The API server does not let us look. Who wants to know of one object only may look for itself.
    pub(super) fn refuse(&self) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.refused, true) {
            state.mailboxes.keyed().for_each(|mailbox| mailbox.refused());
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.lock().refused
    }

    /// Waits until a write is in doubt: the oldest one, and since when.
    pub(super) async fn doubtful(&self) -> (Object, Instant) {
        loop {
            let doubted = self.doubted.notified();
            let oldest = {
                let state = self.lock();
                let oldest = state.doubts.iter().min_by_key(|(_, since)| **since);
                oldest.and_then(|(key, since)| Some((state.objects.get(key)?.clone(), *since)))
            };
            match oldest {
                Some(oldest) => return oldest,
                None => doubted.await,
            }
        }
    }

    /// Whether the watch has not told of it since.
    pub(super) fn doubts(&self, object: &Object, since: Instant) -> bool {
        self.lock().doubts.get(object.key()) == Some(&since)
    }

    /// A look at the object told nothing: others are looked at first.
    pub(super) fn put_off(&self, object: &Object) {
        if let Some(since) = self.lock().doubts.get_mut(object.key()) {
            *since = Instant::now();
        }
    }

    /// A look at the object itself says so.
    pub(super) fn confirm(&self, object: &Object) {
        let mut state = self.lock();
        state.doubts.remove(object.key());
        state.put(object);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The same version again is no news, and an older one is none either: false then.
    fn put(&mut self, object: &Object) -> bool {
        let old = self.objects.get(object.key()).cloned();
        if old.as_ref().is_some_and(|old| !object.is_newer_than(old)) {
            return false;
        }
        self.objects.put(object);
        for mailbox in self.mailboxes.concerned(object.key()) {
            mailbox.applied(old.clone(), object.clone());
        }
        true
    }

    fn is_gone(&self, uid: &str) -> bool {
        self.gone.iter().any(|gone| **gone == *uid)
    }

    fn remove(&mut self, last: &Object) {
        if self.gone.len() == TOMBSTONES {
            self.gone.pop_front();
        }
        self.gone.push_back(last.uid().into());
        let Some(old) = self.objects.get(last.key()).cloned() else {
            return;
        };
        // Another object of that name has taken its place already.
        if old.uid() != last.uid() {
            return;
        }
        self.objects.remove(last.key());
        self.doubts.remove(last.key());
        for mailbox in self.mailboxes.concerned(last.key()) {
            mailbox.deleted(old.clone(), last.clone());
        }
    }

    fn say_synced(&mut self) {
        if !std::mem::replace(&mut self.synced, true) {
            self.mailboxes.all.iter().chain(self.mailboxes.keyed()).for_each(|mailbox| mailbox.synced());
        }
    }
}

#[cfg(test)]
mod tests;
