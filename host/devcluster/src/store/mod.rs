//! The objects, in memory, with one counter of revisions for all of them and a bounded history for watches.

mod collection;
mod owners;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::object::ObjectExt;
pub(crate) use collection::Collection;
use owners::Owners;

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

/// One committed change of an object.
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
    collections: BTreeMap<Arc<str>, Collection>,
    owners: Owners,
    history: usize,
    watch_buffer: usize,
}

impl Store {
    /// `history` is the number of changes kept per collection, `watch_buffer` how many a slow watch may lag behind.
    pub(crate) fn new(history: usize, watch_buffer: usize) -> Self {
        Self { revision: 0, collections: BTreeMap::new(), owners: Owners::default(), history, watch_buffer }
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
        self.collections.entry(Arc::clone(name)).or_insert_with(|| Collection::new(self.history, self.watch_buffer))
    }

    /// Creates or replaces an object and gives it the next revision.
    pub(crate) fn put(&mut self, at: &ObjectRef, mut value: Value, schema_id: u64) -> Arc<Object> {
        self.revision += 1;
        value.metadata_mut().insert("resourceVersion".into(), json!(self.revision.to_string()));
        let object = Object::new(value, self.revision, schema_id);
        let previous = self.get(at).cloned();
        self.owners.replace(at, previous.as_deref(), Some(&object));
        self.commit(Change {
            revision: self.revision,
            at: at.clone(),
            object: Arc::clone(&object),
            previous,
            deleted: false,
        });
        object
    }

    /// Removes an object and returns its last state, which carries the revision of the removal.
    pub(crate) fn remove(&mut self, at: &ObjectRef) -> Option<Arc<Object>> {
        let previous = self.get(at).cloned()?;
        self.revision += 1;
        let object = previous.at_revision(self.revision);
        self.owners.replace(at, Some(&previous), None);
        self.commit(Change {
            revision: self.revision,
            at: at.clone(),
            object: Arc::clone(&object),
            previous: Some(previous),
            deleted: true,
        });
        Some(object)
    }

    fn commit(&mut self, change: Change) {
        let collection = Arc::clone(&change.at.collection);
        self.collection_mut(&collection).commit(Arc::new(change));
    }

    /// Changes of a collection from now on. A receiver that lags too far behind is told so.
    pub(crate) fn subscribe(&mut self, collection: &Arc<str>) -> broadcast::Receiver<Arc<Change>> {
        self.collection_mut(collection).subscribe()
    }

    /// Ends all watches of a collection: what is served there has changed.
    pub(crate) fn end_watches(&mut self, collection: &str) {
        if let Some(collection) = self.collections.get_mut(collection) {
            collection.end_watches();
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
        let collection = store.collection("widgets").unwrap();
        let names: Vec<String> = collection.snapshot(2).unwrap().into_keys().map(|(_, name)| name).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(collection.snapshot(0).is_none());
    }
}
