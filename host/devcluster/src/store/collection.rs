//! The objects of one resource, their recent changes, and the watches on them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Change, Object, ObjectRef};

/// Namespace and name as one text, `namespace/name`, which is what lists are sorted by: `a-b/x` comes before `a/x`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}"))
    }

    /// Reads what [`Key::text`] gave away; nothing if it cannot be that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.contains('/').then(|| Self(text.to_owned()))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Namespace, which has no slash, and name.
    pub(crate) fn parts(&self) -> (&str, &str) {
        self.0.split_once('/').unwrap_or(("", &self.0))
    }
}

#[derive(Debug)]
pub(crate) struct Collection {
    objects: BTreeMap<Key, Arc<Object>>,
    history: VecDeque<Arc<Change>>,
    history_limit: usize,
    /// The revision of the newest change that is no longer in the history.
    compacted: u64,
    /// Made for the first watch; most collections have none.
    sender: Option<broadcast::Sender<Arc<Change>>>,
    watch_buffer: usize,
}

impl Collection {
    /// A collection that knows nothing of the time before a revision.
    pub(super) fn new(since: u64, history_limit: usize, watch_buffer: usize) -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            history_limit,
            compacted: since,
            sender: None,
            watch_buffer,
        }
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.objects.get(&Key::new(namespace, name))
    }

    /// The objects in the order of their keys: of one namespace, or all.
    pub(crate) fn objects(&self, namespace: Option<&str>) -> impl Iterator<Item = (&str, &str, &Arc<Object>)> {
        let start = namespace.map_or(Bound::Unbounded, |namespace| Bound::Included(Key::new(namespace, "")));
        self.objects
            .range((start, Bound::Unbounded))
            .map(|(key, object)| (key.parts(), object))
            .take_while(move |((found, _), _)| namespace.is_none_or(|namespace| namespace == *found))
            .map(|((namespace, name), object)| (namespace, name, object))
    }

    /// The objects as they were at a revision, or `None` if the history does not reach back that far.
    pub(crate) fn snapshot(&self, revision: u64) -> Option<BTreeMap<Key, Arc<Object>>> {
        if revision < self.compacted {
            return None;
        }
        let mut objects = self.objects.clone();
        for change in self.history.iter().rev().take_while(|change| change.revision > revision) {
            let key = Key::new(&change.at.namespace, &change.at.name);
            match &change.previous {
                Some(previous) => objects.insert(key, Arc::clone(previous)),
                None => objects.remove(&key),
            };
        }
        Some(objects)
    }

    /// The changes after a revision, or how far back they go if that is not far enough.
    pub(crate) fn changes_since(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Change>>, u64> {
        if revision < self.compacted {
            return Err(self.compacted);
        }
        let first = self.history.partition_point(|change| change.revision <= revision);
        Ok(self.history.range(first..))
    }

    /// Sets the state of an object: `None` if it is gone.
    pub(super) fn set(&mut self, at: &ObjectRef, object: Option<&Arc<Object>>) {
        let key = Key::new(&at.namespace, &at.name);
        match object {
            Some(object) => self.objects.insert(key, Arc::clone(object)),
            None => self.objects.remove(&key),
        };
    }

    /// Lets watches see a change that is final.
    pub(super) fn publish(&mut self, change: Arc<Change>) {
        self.history.push_back(Arc::clone(&change));
        while self.history.len() > self.history_limit {
            if let Some(dropped) = self.history.pop_front() {
                self.compacted = dropped.revision;
            }
        }
        if let Some(sender) = &self.sender {
            // An error means that nobody watches any more; the channel is kept for the next one.
            let _ = sender.send(change);
        }
    }

    pub(super) fn subscribe(&mut self) -> broadcast::Receiver<Arc<Change>> {
        self.sender.get_or_insert_with(|| broadcast::Sender::new(self.watch_buffer)).subscribe()
    }

    pub(super) fn end_watches(&mut self) {
        self.sender = None;
    }
}
