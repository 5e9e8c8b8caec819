//! The objects, in memory, with one counter of revisions for all of them and a bounded history for watches.
//!
//! Changes are made in transactions: readers of the same transaction see them at once, watches when it is committed. With a
//! journal, a commit is on file before that.

mod collection;
mod journal;
mod owners;
mod restore;
mod transaction;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::object::ObjectExt;
pub(crate) use collection::{Collection, Key};
use journal::Journal;
pub use journal::OpenError;
use owners::Owners;
pub(crate) use restore::Saved;
use transaction::Step;

/// The identity of an object. The namespace of a cluster-scoped object is "".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectRef {
    pub(crate) collection: Arc<str>,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// One state of an object. `apiVersion` and `kind` are not part of it: they follow from where it is read.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) value: Value,
    pub(crate) revision: u64,
    pub(crate) schema_id: u64,
    json: OnceLock<Bytes>,
}

impl Object {
    fn new(value: Value, revision: u64, schema_id: u64) -> Arc<Self> {
        Arc::new(Self { value, revision, schema_id, json: OnceLock::new() })
    }

    /// A state that is answered but not stored, as by a dry run.
    pub(crate) fn unsaved(value: Value, revision: u64, schema_id: u64) -> Arc<Self> {
        Self::new(value, revision, schema_id)
    }

    /// The same state under another revision, for a client to whom it ends there.
    pub(crate) fn at_revision(&self, revision: u64) -> Arc<Self> {
        let mut value = self.value.clone();
        value.metadata_mut().insert("resourceVersion".into(), json!(revision.to_string()));
        Self::new(value, revision, self.schema_id)
    }

    /// The object as JSON text, serialised once however many readers and watches there are.
    pub(crate) fn json(&self) -> &Bytes {
        // A JSON value has only string keys and finite numbers, so that serialising it cannot fail.
        self.json.get_or_init(|| serde_json::to_vec(&self.value).expect("a JSON value serialises").into())
    }
}

/// One change of an object.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) at: ObjectRef,
    /// The state after the change; for a delete the last state, with the revision of the delete.
    pub(crate) object: Arc<Object>,
    pub(crate) previous: Option<Arc<Object>>,
    pub(crate) deleted: bool,
}

/// All objects of the cluster.
#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    /// The revision at which the store was opened. Nothing is known of the time before.
    opened_at: u64,
    collections: BTreeMap<Arc<str>, Collection>,
    owners: Owners,
    history: usize,
    watch_buffer: usize,
    /// What was done since the last commit.
    pending: Vec<Step>,
    /// `None`: in memory only.
    journal: Option<Journal>,
}

impl Store {
    /// `history` is the number of changes kept per collection, `watch_buffer` how many a slow watch may lag behind.
    pub(crate) fn new(history: usize, watch_buffer: usize) -> Self {
        Self {
            revision: 0,
            opened_at: 0,
            collections: BTreeMap::new(),
            owners: Owners::default(),
            history,
            watch_buffer,
            pending: Vec::new(),
            journal: None,
        }
    }

    /// The revision of the newest change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, at: &ObjectRef) -> Option<&Arc<Object>> {
        self.collections.get(&at.collection)?.get(&at.namespace, &at.name)
    }

    /// The collection, if anything was ever stored in it.
    pub(crate) fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.get(name)
    }

    /// The collection, created when nothing was stored in it yet.
    pub(crate) fn collection_mut(&mut self, name: &Arc<str>) -> &mut Collection {
        let new = || Collection::new(self.opened_at, self.history, self.watch_buffer);
        self.collections.entry(Arc::clone(name)).or_insert_with(new)
    }

    /// Creates or replaces an object and gives it the next revision.
    pub(crate) fn put(&mut self, at: &ObjectRef, mut value: Value, schema_id: u64) -> Arc<Object> {
        self.revision += 1;
        value.metadata_mut().insert("resourceVersion".into(), json!(self.revision.to_string()));
        let object = Object::new(value, self.revision, schema_id);
        let previous = self.get(at).cloned();
        self.set(at, previous.as_deref(), Some(&object));
        self.pending.push(Step::Change(Arc::new(Change {
            revision: self.revision,
            at: at.clone(),
            object: Arc::clone(&object),
            previous,
            deleted: false,
        })));
        object
    }

    /// Removes an object and returns its last state, which carries the revision of the removal.
    pub(crate) fn remove(&mut self, at: &ObjectRef) -> Option<Arc<Object>> {
        let previous = self.get(at).cloned()?;
        self.revision += 1;
        let object = previous.at_revision(self.revision);
        self.set(at, Some(&previous), None);
        self.pending.push(Step::Change(Arc::new(Change {
            revision: self.revision,
            at: at.clone(),
            object: Arc::clone(&object),
            previous: Some(previous),
            deleted: true,
        })));
        Some(object)
    }

    fn set(&mut self, at: &ObjectRef, from: Option<&Object>, to: Option<&Arc<Object>>) {
        self.owners.replace(at, from, to.map(|object| &**object));
        self.collection_mut(&at.collection).set(at, to);
    }

    /// Changes of a collection from now on. A receiver that lags too far behind is told so.
    pub(crate) fn subscribe(&mut self, collection: &Arc<str>) -> broadcast::Receiver<Arc<Change>> {
        self.collection_mut(collection).subscribe()
    }

    /// Ends all watches of a collection when the transaction is committed: what is served there has changed.
    pub(crate) fn end_watches(&mut self, collection: &str) {
        self.pending.push(Step::EndWatches(collection.into()));
    }

    /// The objects of a collection at an earlier revision, or `None` if that is not known any more.
    pub(crate) fn snapshot(&self, collection: &str, revision: u64) -> Option<BTreeMap<Key, Arc<Object>>> {
        match self.collections.get(collection) {
            Some(collection) => collection.snapshot(revision),
            None => (revision >= self.opened_at).then(BTreeMap::new),
        }
    }

    /// The object with a uid.
    pub(crate) fn by_uid(&self, uid: &str) -> Option<&ObjectRef> {
        self.owners.object(uid)
    }

    /// The objects whose owner references name a uid.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<ObjectRef> {
        self.owners.dependents(uid)
    }

    /// The objects with references to owners that are not there.
    pub(crate) fn without_owner(&self) -> Vec<ObjectRef> {
        self.owners.without_owner()
    }

    /// The objects in a namespace, of all collections.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<ObjectRef> {
        let refs = self.collections.iter().flat_map(|(name, collection)| {
            collection.objects(Some(namespace)).map(|(namespace, object_name, _)| ObjectRef {
                collection: Arc::clone(name),
                namespace: namespace.to_owned(),
                name: object_name.to_owned(),
            })
        });
        refs.collect()
    }
}

#[cfg(test)]
mod tests {
    use broadcast::error::TryRecvError;

    use super::*;

    fn at(name: &str) -> ObjectRef {
        ObjectRef { collection: "widgets".into(), namespace: "default".into(), name: name.into() }
    }

    fn object(uid: &str) -> Value {
        json!({"metadata": {"uid": uid}})
    }

    #[test]
    fn each_change_has_the_next_revision() {
        let mut store = Store::new(10, 10);
        assert_eq!(store.put(&at("a"), object("1"), 0).revision, 1);
        assert_eq!(store.put(&at("a"), object("1"), 0).value.meta_str("resourceVersion"), "2");
        assert_eq!(store.remove(&at("a")).unwrap().value.meta_str("resourceVersion"), "3");
        assert!(store.get(&at("a")).is_none());
    }

    #[test]
    fn an_old_snapshot_is_rebuilt_from_history_until_that_is_compacted() {
        let mut store = Store::new(2, 10);
        store.put(&at("a"), object("1"), 0);
        store.put(&at("b"), object("2"), 0);
        store.remove(&at("a"));
        store.commit().unwrap();
        let names: Vec<String> =
            store.snapshot("widgets", 2).unwrap().into_keys().map(|key| key.parts().1.to_owned()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(store.snapshot("widgets", 0).is_none());
    }

    #[test]
    fn changes_are_seen_by_watches_when_they_are_committed_and_never_when_rolled_back() {
        let mut store = Store::new(10, 10);
        let mut watch = store.subscribe(&at("a").collection);
        store.put(&at("a"), object("1"), 0);
        store.end_watches("widgets");
        assert!(watch.try_recv().is_err_and(|error| error == TryRecvError::Empty));
        store.commit().unwrap();
        assert_eq!(watch.try_recv().unwrap().revision, 1);
        assert!(watch.try_recv().is_err_and(|error| error == TryRecvError::Closed));

        let mut watch = store.subscribe(&at("a").collection);
        store.put(&at("b"), object("2"), 0);
        store.end_watches("widgets");
        store.roll_back();
        store.commit().unwrap();
        assert!(watch.try_recv().is_err_and(|error| error == TryRecvError::Empty));
    }

    #[test]
    fn a_roll_back_restores_objects_owners_and_the_revision() {
        let mut store = Store::new(10, 10);
        let owned = |by: &str| json!({"metadata": {"uid": "2", "ownerReferences": [{"uid": by}]}});
        store.put(&at("a"), object("1"), 0);
        store.put(&at("b"), owned("1"), 0);
        store.commit().unwrap();
        store.put(&at("b"), owned("9"), 0);
        store.remove(&at("a"));
        store.put(&at("a"), object("3"), 0);
        store.put(&at("c"), object("4"), 0);
        store.remove(&at("b"));
        store.roll_back();
        assert_eq!(store.revision(), 2);
        assert_eq!(store.get(&at("a")).unwrap().value.meta_str("uid"), "1");
        assert_eq!(store.get(&at("b")).unwrap().revision, 2);
        assert!(store.get(&at("c")).is_none());
        assert_eq!((store.by_uid("1"), store.by_uid("3"), store.by_uid("4")), (Some(&at("a")), None, None));
        assert_eq!((store.dependents("1"), store.dependents("9")), (vec![at("b")], vec![]));
    }
}
