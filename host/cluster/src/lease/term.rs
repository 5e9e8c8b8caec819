//! What a replica hands to whoever runs a provider.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{LeaseError, rendezvous};
use crate::Fence;

/// The leases of providers, as one member of the replicas may have them. Cheap to clone.
#[derive(Clone)]
pub struct Leases {
    pub(super) me: Arc<str>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) replicas: watch::Receiver<Vec<String>>,
}

/// Of one process, over all of its memberships. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct LeaseCounts(pub(super) Arc<Counts>);

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// The Leases that are held, lost or wanted, by name; true: held.
    standing: Mutex<BTreeMap<String, bool>>,
    pub(super) transitions: AtomicU64,
}

impl Counts {
    /// Names of Leases and whether they are held, which wins if one is told twice; nothing of others is told any more.
    pub(super) fn tell(&self, leases: impl Iterator<Item = (String, bool)>) {
        let mut standing = BTreeMap::new();
        for (name, held) in leases {
            *standing.entry(name).or_default() |= held;
        }
        *self.lock() = standing;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        // Each change is one assignment.
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeaseCounts {
    /// How many providers this replica holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.lock().values().filter(|held| **held).count()
    }

    /// The Leases that this replica holds, has lost and not let go of yet, or waits for, by name; true: it holds it.
    #[must_use]
    pub fn standing(&self) -> Vec<(String, bool)> {
        self.0.lock().iter().map(|(name, held)| (name.clone(), *held)).collect()
    }

    /// How often it has taken one, given one up or lost one.
    #[must_use]
    pub fn transitions(&self) -> u64 {
        self.0.transitions.load(Relaxed)
    }
}

/// To the task that keeps the leases.
pub(super) enum Command {
    /// A provider is wanted until the other end of this is gone.
    Want { provider: String, reply: oneshot::Sender<Term> },
    /// Nothing of the provider runs here any more.
    Release { provider: String, reply: oneshot::Sender<Result<(), LeaseError>> },
}

impl Leases {
    /// Waits until this replica is to run the provider, however long that takes; never returns once the membership is over.
    /// Dropping the future withdraws.
    pub async fn acquire(&self, provider: &str) -> Term {
        let (reply, term) = oneshot::channel();
        let _ = self.commands.send(Command::Want { provider: provider.to_owned(), reply }).await;
        match term.await {
            Ok(term) => term,
            Err(_) => std::future::pending().await,
        }
    }

    /// This member, as it stands in the Leases.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.me
    }

    /// Waits until it is known which replicas there are; never returns once the membership is over.
    pub async fn known(&self) {
        let mut replicas = self.replicas.clone();
        if replicas.wait_for(|replicas| !replicas.is_empty()).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether this replica is the one that speaks of a provider which nobody runs: of all replicas one does, as long as they
    /// agree on who is there.
    #[must_use]
    pub fn speaks_for(&self, provider: &str) -> bool {
        let replicas = self.replicas.borrow();
        let first = rendezvous::order(provider, replicas.iter().map(String::as_str)).first().copied();
        first.is_none_or(|first| first == &*self.me)
    }
}

/// The time in which this replica runs a provider.
///
/// Expected flow: do everything for the provider through a [`Cluster`](crate::Cluster) with its [`fence`](Self::fence). When
/// it is [`wanted_elsewhere`](Self::wanted_elsewhere), let all of it come to rest, then [`release`](Self::release). When it is
/// [`lost`](Self::lost), drop all of it, and wait until it is gone, then the same. A term that is dropped is closed, and given
/// back by the host.
pub struct Term {
    pub(super) provider: String,
    pub(super) fence: Fence,
    pub(super) wanted_elsewhere: CancellationToken,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) released: bool,
}

impl Term {
    /// What writes for the provider have to pass.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Waits until another replica is to have the provider.
    pub async fn wanted_elsewhere(&self) {
        self.wanted_elsewhere.cancelled().await;
    }

    /// Waits until the lease is lost.
    pub async fn lost(&self) {
        self.fence.closed().await;
    }

    /// Gives the lease up, so that another replica can begin at once. Nothing of the provider may be under way.
    ///
    /// # Errors
    /// What the API server says. The lease is then given back later, or ends with the membership.
    pub async fn release(mut self) -> Result<(), LeaseError> {
        self.fence.close();
        self.released = true;
        let (reply, done) = oneshot::channel();
        let release = Command::Release { provider: self.provider.clone(), reply };
        self.commands.send(release).await.map_err(|_| LeaseError::Ended)?;
        done.await.map_err(|_| LeaseError::Ended)?
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        self.fence.close();
        if !self.released {
            let (reply, _) = oneshot::channel();
            // If there is no room now, it is given back when the membership ends.
            let _ = self.commands.try_send(Command::Release { provider: std::mem::take(&mut self.provider), reply });
        }
    }
}
