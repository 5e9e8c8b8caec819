//! Events are forgotten an hour after they were last written.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::object::ObjectExt;
use crate::store::{ObjectRef, Store};

/// As in Kubernetes, where it is a flag of the server.
const LIFETIME: Duration = Duration::from_hours(1);

/// Where events of both their APIs are.
const COLLECTION: &str = "events";

/// When which event expires, the next one first. Looked at on writes of events: nothing grows without them.
#[derive(Debug, Default)]
pub(crate) struct EventExpiry {
    queue: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    expires: Instant,
    at: ObjectRef,
    /// Of the write. An event that was written again meanwhile has another entry.
    revision: u64,
}

impl Entry {
    fn is_current(&self, store: &Store) -> bool {
        store.get(&self.at).is_some_and(|event| event.revision == self.revision)
    }
}

impl EventExpiry {
    /// Notes the write of an event, and returns those that have to go now.
    pub(crate) fn written(&mut self, store: &Store, at: &ObjectRef, revision: u64) -> Vec<ObjectRef> {
        let now = Instant::now();
        self.queue.push_back(Entry { expires: now + LIFETIME, at: at.clone(), revision });
        let expired = self.queue.iter().take_while(|entry| entry.expires < now);
        expired.filter(|entry| entry.is_current(store)).map(|entry| entry.at.clone()).collect()
    }

    /// Forgets what is outdated. Not before a commit: the write or removal that outdates an entry may yet be rolled back.
    pub(crate) fn commit(&mut self, store: &Store) {
        while self.queue.pop_front_if(|entry| !entry.is_current(store)).is_some() {}
    }

    /// Forgets writes that were undone: a store is at this revision again.
    pub(crate) fn roll_back(&mut self, revision: u64) {
        while self.queue.pop_back_if(|entry| entry.revision > revision).is_some() {}
    }

    /// Starts with the events of a store. Their age is what they say themselves, in whole seconds.
    pub(crate) fn restore(&mut self, store: &Store) {
        let (now, today) = (Instant::now(), Timestamp::now());
        let events = store.collection(COLLECTION).into_iter().flat_map(|events| events.objects(None));
        let mut entries: Vec<Entry> = events
            .map(|(namespace, name, event)| {
                let age = last_write(&event.value).map(|written| today.duration_since(written));
                // A time to come is that of a clock that was set back.
                let age = age.and_then(|age| Duration::try_from(age).ok()).unwrap_or_default();
                let at = ObjectRef { collection: COLLECTION.into(), namespace: namespace.into(), name: name.into() };
                Entry { expires: now + LIFETIME.saturating_sub(age), at, revision: event.revision }
            })
            .collect();
        entries.sort_by_key(|entry| entry.expires);
        self.queue = entries.into();
    }
}

/// Every write leaves its time with the fields of its manager.
fn last_write(event: &Value) -> Option<Timestamp> {
    let managed = event["metadata"]["managedFields"].as_array().into_iter().flatten();
    let times = managed.filter_map(|fields| fields["time"].as_str()).chain([event.meta_str("creationTimestamp")]);
    times.filter_map(|time| time.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(name: &str) -> ObjectRef {
        ObjectRef { collection: COLLECTION.into(), namespace: "default".into(), name: name.into() }
    }

    fn ago(minutes: i64) -> String {
        (Timestamp::now() - jiff::SignedDuration::from_mins(minutes)).to_string()
    }

    fn put(store: &mut Store, name: &str, created: i64, written: i64) -> u64 {
        let fields = json!([{"manager": "m", "time": ago(written)}]);
        let event = json!({"metadata": {"creationTimestamp": ago(created), "managedFields": fields}});
        let revision = store.put(&at(name), event, 0).revision;
        store.commit().unwrap();
        revision
    }

    #[tokio::test(start_paused = true)]
    async fn restored_events_expire_an_hour_after_their_last_write() {
        let mut store = Store::new(10, 10);
        put(&mut store, "renewed", 500, 10);
        put(&mut store, "old", 50, 50);
        put(&mut store, "of a clock set back", -500, -500);
        let mut expiry = EventExpiry::default();
        expiry.restore(&store);
        assert_eq!(expiry.written(&store, &at("new"), 10), []);
        tokio::time::advance(Duration::from_mins(15)).await;
        assert_eq!(expiry.written(&store, &at("new"), 11), [at("old")]);
        tokio::time::advance(Duration::from_mins(40)).await;
        let gone = expiry.written(&store, &at("new"), 12);
        assert_eq!(gone, [at("old"), at("renewed")]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_whose_removal_was_rolled_back_expires_with_the_next_write() {
        let mut store = Store::new(10, 10);
        let mut expiry = EventExpiry::default();
        let old = put(&mut store, "old", 0, 0);
        assert_eq!(expiry.written(&store, &at("old"), old), []);
        tokio::time::advance(Duration::from_mins(61)).await;
        for _ in 0..2 {
            let new = store.put(&at("new"), json!({"metadata": {}}), 0).revision;
            assert_eq!(expiry.written(&store, &at("new"), new), [at("old")]);
            store.remove(&at("old"));
            store.roll_back();
            expiry.roll_back(store.revision());
            assert_eq!(expiry.queue.len(), 1);
        }
        store.remove(&at("old"));
        store.commit().unwrap();
        expiry.commit(&store);
        assert!(expiry.queue.is_empty());
    }
}
