//! The watch mux: one watch for each selection, shared by its subscribers and gone with the last of them.

mod follow;
mod mailbox;
mod raw;
mod state;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use capstan_api::{ObjectKey, ObjectRef};
use kube::Client;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Cluster, Object, Selection};
use mailbox::Mailbox;
use state::Shared;

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

/// All watches of the process. Cheap to clone.
#[derive(Clone)]
pub struct Watches(Arc<Mux>);

struct Mux {
    cluster: Cluster,
    /// For watches only; made with the first of them, as it needs the runtime.
    client: OnceLock<Client>,
    cancel: CancellationToken,
    tasks: TaskTracker,
    watches: Mutex<HashMap<Selection, Watch>>,
}

struct Watch {
    shared: Arc<Shared>,
    cancel: CancellationToken,
    subscribers: usize,
}

impl Watches {
    /// No watches yet. Cancelling the token ends all of them.
    #[must_use]
    pub fn new(cluster: Cluster, cancel: CancellationToken) -> Self {
        Self(Arc::new(Mux {
            cluster,
            client: OnceLock::new(),
            cancel,
            tasks: TaskTracker::new(),
            watches: Mutex::default(),
        }))
    }

    /// Joins the watch of a selection, or starts it. What is known already is told first. Dropping the answer leaves the
    /// watch; the last one ends it.
    #[must_use]
    pub fn subscribe(&self, selection: Selection) -> Subscription {
        let mut watches = self.lock();
        let watch = watches.entry(selection.clone()).or_insert_with(|| {
            let cancel = self.0.cancel.child_token();
            let shared = Arc::new(Shared::default());
            let client = self.0.client.get_or_init(|| follow::client(&self.0.cluster)).clone();
            let following = follow::follow(self.0.cluster.clone(), client, selection.clone(), Arc::clone(&shared));
            let ended = cancel.clone();
            self.0.tasks.spawn(async move { ended.run_until_cancelled(following).await });
            Watch { shared, cancel, subscribers: 0 }
        });
        watch.subscribers += 1;
        let mailbox = watch.shared.join();
        let store = Store(Arc::clone(&watch.shared));
        drop(watches);
        Subscription { watches: self.clone(), selection, store, mailbox }
    }

    /// The newest state known of an object, from any watch that covers it. `None` if none does, or if it does not exist.
    #[must_use]
    pub fn cached(&self, target: &ObjectRef) -> Option<Object> {
        let known = self.covering(target).into_iter().filter_map(|shared| shared.get(&target.key));
        known.reduce(|one, other| if other.is_newer_than(&one) { other } else { one })
    }

    /// Puts the answer to a write of ours into the watches that cover the object, as if it had been watched already: no
    /// reconcile begins with an older copy, and the watch's own event for it says nothing new.
    pub fn remember(&self, object: &Object) {
        // That write took away the last finalizer: the object is gone, and this is only its last state.
        if object.is_released() {
            return;
        }
        for shared in self.covering(&object.reference()) {
            shared.remember(object);
        }
    }

    /// How many watches there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends all watches and waits until their tasks are gone.
    pub async fn close(&self) {
        self.0.cancel.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    fn covering(&self, target: &ObjectRef) -> Vec<Arc<Shared>> {
        let watches = self.lock();
        let covering = watches.iter().filter(|(selection, _)| selection.covers(target));
        covering.map(|(_, watch)| Arc::clone(&watch.shared)).collect()
    }

    fn leave(&self, selection: &Selection, mailbox: &Arc<Mailbox>) {
        let mut watches = self.lock();
        let Some(watch) = watches.get_mut(selection) else {
            return;
        };
        watch.shared.leave(mailbox);
        watch.subscribers -= 1;
        if watch.subscribers == 0 {
            watch.cancel.cancel();
            watches.remove(selection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Selection, Watch>> {
        // Nothing in here panics between two changes that belong together.
        self.0.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").field("watches", &self.len()).finish_non_exhaustive()
    }
}

/// One subscriber's view of a watch.
///
/// Guarantees: every object that exists is told; of many changes of one object between two calls only the last state is
/// told, with the state told before as `old`; a subscriber that does not listen holds up nobody and keeps at most one
/// change for each object.
pub struct Subscription {
    watches: Watches,
    selection: Selection,
    store: Store,
    mailbox: Arc<Mailbox>,
}

impl Subscription {
    /// Waits for the next change. `None` when the watches are closed. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Change> {
        tokio::select! {
            biased;
            () = self.watches.0.cancel.cancelled() => None,
            change = self.mailbox.next() => Some(change),
        }
    }

    /// What the watch knows now, which may be more than [`next`](Self::next) has told.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.watches.leave(&self.selection, &self.mailbox);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("selection", &self.selection).finish_non_exhaustive()
    }
}

/// The objects of a watch.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl Store {
    /// The newest state known.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.0.get(key)
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("objects", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests;
