//! A store as it was when its journal was last written to.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::journal::{Contents, Journal, OpenError, Stored};
use super::{Object, Store};

/// What a journal holds, before a store is made of it.
#[derive(Debug)]
pub(crate) struct Saved {
    journal: Journal,
    contents: Contents,
}

impl Saved {
    /// Reads the journal in a directory; a new directory has an empty one.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let (journal, contents) = Journal::open(path)?;
        Ok(Self { journal, contents })
    }

    /// The objects of a collection.
    pub(crate) fn values(&self, collection: &str) -> impl Iterator<Item = &Value> {
        self.contents
            .objects
            .iter()
            .filter(move |(at, _)| &*at.collection == collection)
            .map(|(_, stored)| &stored.value)
    }
}

impl Store {
    /// Takes what was saved into a new store, and writes there from now on. `schema_id` says for an object of a collection
    /// under which schema it may be taken to be written.
    pub(crate) fn restore(&mut self, saved: Saved, schema_id: impl Fn(&str, &Value) -> u64) {
        debug_assert_eq!(self.revision, 0, "a new store");
        self.revision = saved.contents.revision;
        self.opened_at = saved.contents.revision;
        let mut collection: Arc<str> = "".into();
        for (mut at, Stored { revision, value }) in saved.contents.objects {
            // They come in order of collections, which share one name.
            if at.collection != collection {
                collection = Arc::clone(&at.collection);
            }
            at.collection = Arc::clone(&collection);
            let schema_id = schema_id(&collection, &value);
            self.set(&at, None, Some(&Object::new(value, revision, schema_id)));
        }
        self.journal = Some(saved.journal);
    }
}
