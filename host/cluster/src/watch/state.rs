//! What a watch knows, and who wants to know.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use capstan_api::ObjectKey;

use super::mailbox::Mailbox;
use crate::{Object, object::ByKey};

/// Deleted objects whose uid is kept, so that a late answer to a write does not bring them back. A write takes seconds
/// at most; more deletions than this in that time are not expected of one kind.
const TOMBSTONES: usize = 1024;

#[derive(Default)]
pub(super) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    objects: HashSet<ByKey>,
    mailboxes: Vec<Arc<Mailbox>>,
    /// The first list was seen in full.
    synced: bool,
    /// While a list is being told: what it, or a write of ours, has confirmed so far.
    listing: Option<HashSet<ObjectKey>>,
    gone: VecDeque<Box<str>>,
}

impl Shared {
    /// A new subscriber, with everything that is known as its first news.
    pub(super) fn join(&self) -> Arc<Mailbox> {
        let mut state = self.lock();
        let mailbox = Arc::new(Mailbox::default());
        for ByKey(object) in &state.objects {
            mailbox.applied(None, object.clone());
        }
        if state.synced {
            mailbox.synced();
        }
        state.mailboxes.push(Arc::clone(&mailbox));
        mailbox
    }

    pub(super) fn leave(&self, mailbox: &Arc<Mailbox>) {
        self.lock().mailboxes.retain(|other| !Arc::ptr_eq(other, mailbox));
    }

    pub(super) fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.lock().objects.get(key).map(|ByKey(object)| object.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.lock().objects.len()
    }

    /// A list begins. What it does not confirm until [`listed`](Self::listed) is gone.
    pub(super) fn listing(&self) {
        self.lock().listing = Some(HashSet::new());
    }

    /// The list is complete.
    pub(super) fn listed(&self) {
        let mut state = self.lock();
        if let Some(confirmed) = state.listing.take() {
            let vanished: Vec<Object> = state
                .objects
                .iter()
                .filter(|ByKey(object)| !confirmed.contains(object.key()))
                .map(|ByKey(object)| object.clone())
                .collect();
            for object in vanished {
                state.remove(&object);
            }
        }
        state.say_synced();
    }

    /// The watch, or a list, says so.
    pub(super) fn apply(&self, object: &Object) {
        let mut state = self.lock();
        if let Some(confirmed) = &mut state.listing {
            confirmed.insert(object.key().clone());
        }
        state.put(object);
    }

    /// The answer to a write of ours says so.
    pub(super) fn remember(&self, object: &Object) {
        let mut state = self.lock();
        if state.gone.iter().any(|uid| **uid == *object.uid()) {
            return;
        }
        if let Some(confirmed) = &mut state.listing {
            confirmed.insert(object.key().clone());
        }
        state.put(object);
    }

    /// The watch says that it is gone.
    pub(super) fn delete(&self, object: &Object) {
        self.lock().remove(object);
    }

    /// The whole kind is gone.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        let all: Vec<Object> = state.objects.iter().map(|ByKey(object)| object.clone()).collect();
        for object in all {
            state.remove(&object);
        }
        state.listing = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The same version again is no news, and an older one is none either.
    fn put(&mut self, object: &Object) {
        let old = self.objects.get(object.key()).map(|ByKey(old)| old.clone());
        if old.as_ref().is_some_and(|old| !object.is_newer_than(old)) {
            return;
        }
        self.objects.replace(ByKey(object.clone()));
        for mailbox in &self.mailboxes {
            mailbox.applied(old.clone(), object.clone());
        }
    }

    fn remove(&mut self, last: &Object) {
        if self.gone.len() == TOMBSTONES {
            self.gone.pop_front();
        }
        self.gone.push_back(last.uid().into());
        let Some(ByKey(old)) = self.objects.get(last.key()).cloned() else {
            return;
        };
        // Another object of that name has taken its place already.
        if old.uid() != last.uid() {
            return;
        }
        self.objects.remove(last.key());
        for mailbox in &self.mailboxes {
            mailbox.deleted(old.clone(), last.clone());
        }
    }

    fn say_synced(&mut self) {
        if !std::mem::replace(&mut self.synced, true) {
            for mailbox in &self.mailboxes {
                mailbox.synced();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::Change;

    fn object(name: &str, uid: &str, version: u64) -> Object {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"A","metadata":{{"name":"{name}","uid":"{uid}","resourceVersion":"{version}"}}}}"#
        );
        Object::parse(&json, None).unwrap()
    }

    /// Everything a subscriber would be told now.
    fn told(mailbox: &Mailbox) -> Vec<String> {
        std::iter::from_fn(|| mailbox.next().now_or_never())
            .map(|change| match change {
                Change::Synced => "synced".to_owned(),
                Change::Applied { old, new } => {
                    let old = old.map_or("-".to_owned(), |old| old.resource_version().to_owned());
                    format!("{} {old}>{}", new.key(), new.resource_version())
                }
                Change::Deleted(last) => format!("{} gone", last.key()),
            })
            .collect()
    }

    #[test]
    fn a_late_subscriber_is_told_everything_and_then_synced() {
        let shared = Shared::default();
        shared.listing();
        shared.apply(&object("a", "1", 1));
        shared.listed();
        assert_eq!(told(&shared.join()), ["a ->1", "synced"]);
    }

    #[test]
    fn a_list_with_nothing_new_is_silent_and_one_with_less_deletes() {
        let shared = Shared::default();
        let mailbox = shared.join();
        for names in [&["a", "b"][..], &["a", "b"], &["b"]] {
            shared.listing();
            for name in names {
                shared.apply(&object(name, name, 1));
            }
            shared.listed();
        }
        assert_eq!(told(&mailbox), ["b ->1", "synced"]);
        // One that had been told of `a` hears that it is gone.
        let shared = Shared::default();
        let mailbox = shared.join();
        shared.apply(&object("a", "a", 1));
        assert_eq!(told(&mailbox), ["a ->1"]);
        shared.listing();
        shared.listed();
        assert_eq!(told(&mailbox), ["a gone", "synced"]);
    }

    #[test]
    fn changes_are_folded_and_old_is_what_was_told() {
        let shared = Shared::default();
        let (slow, fast) = (shared.join(), shared.join());
        shared.apply(&object("a", "1", 1));
        assert_eq!(told(&fast), ["a ->1"]);
        assert_eq!(told(&slow), ["a ->1"]);
        for version in 2..100 {
            shared.apply(&object("a", "1", version));
            assert_eq!(told(&fast), [format!("a {}>{version}", version - 1)]);
        }
        assert_eq!(told(&slow), ["a 1>99"]);
    }

    #[test]
    fn what_came_and_went_unseen_is_not_told() {
        let shared = Shared::default();
        let mailbox = shared.join();
        shared.apply(&object("a", "1", 1));
        shared.delete(&object("a", "1", 2));
        assert_eq!(told(&mailbox), Vec::<String>::new());
    }

    #[test]
    fn older_states_never_replace_newer_ones() {
        let shared = Shared::default();
        let mailbox = shared.join();
        shared.remember(&object("a", "1", 10));
        assert_eq!(told(&mailbox), ["a ->10"]);
        shared.apply(&object("a", "1", 9));
        shared.apply(&object("a", "1", 10));
        assert_eq!(told(&mailbox), Vec::<String>::new());
        assert_eq!(shared.get(&ObjectKey::cluster("a")).unwrap().resource_version(), "10");
    }

    #[test]
    fn a_deleted_object_is_not_brought_back_by_a_late_answer() {
        let shared = Shared::default();
        shared.apply(&object("a", "1", 1));
        shared.delete(&object("a", "1", 3));
        shared.remember(&object("a", "1", 2));
        assert!(shared.get(&ObjectKey::cluster("a")).is_none());
        shared.remember(&object("a", "2", 4));
        assert!(shared.get(&ObjectKey::cluster("a")).is_some());
    }

    #[test]
    fn a_write_during_a_list_is_not_taken_for_gone() {
        let shared = Shared::default();
        shared.listing();
        shared.remember(&object("new", "1", 5));
        shared.listed();
        assert!(shared.get(&ObjectKey::cluster("new")).is_some());
    }

    #[test]
    fn the_deletion_of_a_former_object_does_not_touch_its_successor() {
        let shared = Shared::default();
        shared.apply(&object("a", "2", 5));
        shared.delete(&object("a", "1", 4));
        assert!(shared.get(&ObjectKey::cluster("a")).is_some());
    }
}
