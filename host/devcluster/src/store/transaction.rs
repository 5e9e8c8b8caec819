//! Transactions: what a request changes, with all that follows from it, becomes final at once or not at all.

use std::sync::Arc;

use super::journal::AppendError;
use super::{Change, ObjectRef, Store};

/// What a transaction has done so far, in this order.
#[derive(Debug)]
pub(super) enum Step {
    Change(Arc<Change>),
    EndWatches(Arc<str>),
}

impl Store {
    /// Makes what was done since the last commit final: on file first, then for the watches.
    ///
    /// # Errors
    /// Nothing was written. The changes are still there for readers, so that the caller has to [roll back](Self::roll_back).
    pub(crate) fn commit(&mut self) -> Result<(), AppendError> {
        let changes = self.pending.iter().filter_map(|step| match step {
            Step::Change(change) => Some(&**change),
            Step::EndWatches(_) => None,
        });
        if let Some(journal) = &mut self.journal
            && changes.clone().next().is_some()
        {
            journal.append(self.revision, changes)?;
        }
        for step in std::mem::take(&mut self.pending) {
            match step {
                Step::Change(change) => {
                    let collection = Arc::clone(&change.at.collection);
                    self.collection_mut(&collection).publish(change);
                }
                Step::EndWatches(collection) => {
                    if let Some(collection) = self.collections.get_mut(&collection) {
                        collection.end_watches();
                    }
                }
            }
        }
        self.rewrite_journal_if_due();
        Ok(())
    }

    /// Undoes what was done since the last commit.
    pub(crate) fn roll_back(&mut self) {
        for step in std::mem::take(&mut self.pending).into_iter().rev() {
            if let Step::Change(change) = step {
                let undone = (!change.deleted).then_some(&*change.object);
                self.set(&change.at, undone, change.previous.as_ref());
                self.revision = change.revision - 1;
            }
        }
    }

    fn rewrite_journal_if_due(&mut self) {
        let Some(journal) = self.journal.as_mut().filter(|journal| journal.is_due()) else { return };
        let objects = self.collections.iter().flat_map(|(collection, content)| {
            content.objects(None).map(move |(namespace, name, object)| {
                let (namespace, name) = (namespace.to_owned(), name.to_owned());
                (ObjectRef { collection: Arc::clone(collection), namespace, name }, &**object)
            })
        });
        journal.rewrite(self.revision, objects);
    }
}
