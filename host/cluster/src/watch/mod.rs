//! The watch mux: one watch for each selection, shared by its subscribers and gone with the last of them.
//!
//! Who follows one object is served by a watch of its own, or by a wider one that others follow too: [`table`] decides.

mod accounts;
mod census;
mod confirm;
mod delay;
mod follow;
mod listing;
mod mailbox;
mod objects;
mod raw;
mod state;
mod subscription;
mod table;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use capstan_api::{ObjectKey, ObjectRef};
use kube::Client;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Cluster, Object, Reach, Selection};
use accounts::Accounts;
use census::Collected;
use mailbox::Mailbox;
use subscription::Source;
use table::{Table, Watch};

pub use listing::ListedWatch;
pub use subscription::{Store, Subscription};

/// What a subscriber is told.
#[derive(Debug, Clone)]
pub enum Change {
    /// The first list has been told in full. Once.
    Synced,
    /// An object appeared or changed.
    Applied {
        /// What this subscriber was told before; `None` the first time.
        old: Option<Object>,
        /// The newest state.
        new: Object,
    },
    /// An object is gone; its last state.
    Deleted(Object),
}

/// All watches of the process that are made in one name: what one identity may see is never served to another. Cheap to clone.
#[derive(Clone)]
pub struct Watches(Arc<Mux>);

struct Mux {
    cluster: Cluster,
    /// For watches only; made with the first of them, as it needs the runtime.
    client: OnceLock<Client>,
    table: Mutex<Table>,
    process: Arc<Process>,
}

/// What the watches of all identities share: nothing of what they know.
struct Process {
    /// In the host's own name.
    cluster: Cluster,
    cancel: CancellationToken,
    tasks: TaskTracker,
    accounts: Accounts,
}

impl Watches {
    /// No watches yet. Cancelling the token ends all of them.
    #[must_use]
    pub fn new(cluster: Cluster, cancel: CancellationToken) -> Self {
        let (tasks, accounts) = (TaskTracker::new(), Accounts::default());
        let process = Arc::new(Process { cluster: cluster.clone(), cancel, tasks, accounts });
        let own = process.accounts.find_or_make(None, || Mux::new(cluster, Arc::clone(&process)));
        Self(own)
    }

    /// Has the watches counted, and the objects that they keep, with the metrics of a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(Collected(self.clone())));
    }

    /// Joins the watch of a selection, or starts it. What is known already is told first. Dropping the answer leaves the
    /// watch; the last one ends it.
    #[must_use]
    pub fn subscribe(&self, selection: Selection) -> Subscription {
        let source = self.join(&mut self.lock(), selection, None);
        Subscription::to_all(self.clone(), source)
    }

    /// Follows one object, through a watch of its own or through one that sees more, as far as `reach` allows: many
    /// objects of one kind and namespace cost few watches. If the API server refuses the wider one the subscription goes
    /// on with a narrower one by itself. `None` if nothing wider may be watched and too many objects are watched each for
    /// itself.
    #[must_use]
    pub fn subscribe_one(&self, target: &ObjectRef, reach: Reach) -> Option<Subscription> {
        let source = self.join_one(target, reach)?;
        Some(Subscription::to_one(self.clone(), source, target.clone(), reach))
    }

    /// The newest state known of an object, from any watch that covers it. `None` if none does, or if it does not exist: a
    /// watch that has told of its end is believed, however late the others are. What is refused by now tells of no ends: what
    /// such a watch has may be gone.
    #[must_use]
    pub fn cached(&self, target: &ObjectRef) -> Option<Object> {
        let covering = self.lock().covering(target);
        let (having, lacking): (Vec<_>, Vec<_>) = covering
            .into_iter()
            .map(|shared| (shared.get(&target.key).filter(|_| !shared.is_refused()), shared))
            .partition(|(known, _)| known.is_some());
        let known = having.into_iter().filter_map(|(known, _)| known);
        let newest = known.reduce(|one, other| if other.is_newer_than(&one) { other } else { one })?;
        let over = lacking.iter().any(|(_, shared)| shared.saw_the_end_of(newest.uid()));
        (!over).then_some(newest)
    }

    /// Puts the answer to a write of ours into the watches that cover the object, as if it had been watched already: no
    /// reconcile begins with an older copy, and the watch's own event for it says nothing new.
    pub fn remember(&self, object: &Object) {
        // That write took away the last finalizer: the object is gone, and this is only its last state.
        if object.is_released() {
            return;
        }
        let covering = self.lock().covering(&object.reference());
        for shared in covering {
            shared.remember(object);
        }
    }

    /// How many watches there are, in the name of accounts too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.of_all().iter().map(|watches| watches.lock().len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all watches, those in the name of accounts too, and waits until their tasks are gone.
    pub async fn close(&self) {
        let Process { cancel, tasks, .. } = &*self.0.process;
        cancel.cancel();
        tasks.close();
        tasks.wait().await;
    }

    async fn closed(&self) {
        self.0.process.cancel.cancelled().await;
    }

    fn join_one(&self, target: &ObjectRef, reach: Reach) -> Option<Source> {
        let mut table = self.lock();
        let selection = table.place(target, reach, Instant::now())?;
        Some(self.join(&mut table, selection, Some(&target.key)))
    }

    fn join(&self, table: &mut Table, selection: Selection, key: Option<&ObjectKey>) -> Source {
        let watch = table.entry(&selection, || self.begin(&selection));
        watch.subscribers += 1;
        let (mailbox, store) = (watch.shared.join(key), Store(Arc::clone(&watch.shared)));
        // It may have been refused after it was chosen, and says so only to those who are there. Nothing is narrower than a
        // watch of one object.
        if key.is_some() && selection.name.is_none() && watch.shared.is_refused() {
            mailbox.refused();
        }
        Source { selection, store, mailbox }
    }

    fn begin(&self, selection: &Selection) -> Watch {
        let Mux { cluster, client, process, .. } = &*self.0;
        let (cancel, shared) = (process.cancel.child_token(), Arc::default());
        let client = client.get_or_init(|| cluster.transport().watching()).clone();
        let following = follow::follow(cluster.clone(), client, selection.clone(), Arc::clone(&shared));
        let ended = cancel.clone();
        process.tasks.spawn(async move { ended.run_until_cancelled(following).await });
        Watch { shared, cancel, subscribers: 0 }
    }

    fn refused(&self, selection: &Selection) {
        self.lock().refuse(selection, Instant::now());
    }

    fn leave(&self, selection: &Selection, key: Option<&ObjectKey>, mailbox: &Arc<Mailbox>) {
        let mut table = self.lock();
        let Some(watch) = table.get_mut(selection) else {
            return;
        };
        watch.shared.leave(key, mailbox);
        watch.subscribers -= 1;
        if watch.subscribers == 0 {
            watch.cancel.cancel();
            table.remove(selection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics between two changes that belong together.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mux {
    fn new(cluster: Cluster, process: Arc<Process>) -> Self {
        Self { cluster, client: OnceLock::new(), table: Mutex::default(), process }
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").field("watches", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
