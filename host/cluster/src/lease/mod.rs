//! Leases: the replicas of the host share its providers, and each provider is run by one of them at a time.
//!
//! Every replica has a `Lease` of coordination.k8s.io that stands for its *membership*, which it renews. The `Lease` of a
//! *provider* names the member that runs it. It is written only when that changes, and lasts as long as the membership of its
//! holder: however many providers there are, a replica at rest sends one renewal every two seconds.
//!
//! Who is to have a provider all replicas work out for themselves ([rendezvous hashing](rendezvous)). One that is to have what
//! another holds asks for it, by an annotation on the Lease, one provider at a time. The holder lets what runs finish, gives
//! the Lease up, and only then the other takes it.
//!
//! A member whose Lease did not change for as long as it lasts is evicted: its Lease is deleted, on the condition that it is
//! still the one that was seen. Only then are its providers free. As in client-go, the time is measured by the looker's own
//! clock from when it saw the last change: what time of day a record says is for people, and clocks that differ do no harm.
//!
//! A member counts from before it sent its last renewal, and stops writing when the renewal deadline has passed: with the
//! default timing five seconds before anybody else can begin. That is kept by a [`Fence`] which every write passes. One that
//! was evicted is refused its next renewal, and can only join again as somebody else.

mod error;
mod identity;
mod keeper;
mod membership;
mod record;
mod rendezvous;
mod requests;
mod roster;
mod term;
mod timing;

use std::sync::Arc;

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{Cluster, Fence};
use keeper::Keeper;
use membership::Membership;
use requests::Requests;

pub use error::LeaseError;
pub use identity::Identity;
pub use term::{LeaseCounts, Leases, Term};
pub use timing::{InvalidTiming, Timing};

/// Commands under way to the task that keeps the leases.
const COMMANDS: usize = 16;

/// The replicas of a host, which this process can join. Nothing happens before [`join`](Self::join).
#[derive(Clone)]
pub struct Replicas {
    requests: Arc<Requests>,
    cluster: Cluster,
    pod: String,
    timing: Timing,
    seed: Option<u64>,
    counts: LeaseCounts,
}

/// This process is one of the replicas.
///
/// Expected flow: write whatever belongs to no provider through a [`Cluster`] with its [`fence`](Self::fence), and run
/// providers in the terms that its [`leases`](Self::leases) give. End everything when it is [`lost`](Self::lost). At an orderly
/// end [`announce_leave`](Self::announce_leave), release all terms, then [`leave`](Self::leave). Dropped, it is not renewed any
/// more: nothing is written from then on, and others can have its providers when it expires.
pub struct Member {
    identity: Identity,
    membership: Membership,
    leases: Leases,
    stop: CancellationToken,
    leaving: CancellationToken,
    keeping: AbortOnDropHandle<()>,
}

impl Replicas {
    /// Those whose Leases are in `namespace`. `pod` is how this one is named for people.
    ///
    /// Its requests share connections with `cluster`, but neither its bound on requests in flight nor its fence.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if the namespace cannot be one.
    pub fn new(cluster: &Cluster, namespace: &str, pod: &str, timing: Timing) -> Result<Self, crate::Error> {
        let requests = Arc::new(Requests::new(cluster.transport(), namespace, timing.request())?);
        Ok(Self {
            requests,
            cluster: cluster.clone(),
            pod: pod.to_owned(),
            timing,
            seed: None,
            counts: LeaseCounts::default(),
        })
    }

    /// Makes jitter and identities repeatable; random by default. No two replicas may have the same seed.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// What becomes of the leases in this process.
    #[must_use]
    pub fn counts(&self) -> LeaseCounts {
        self.counts.clone()
    }

    /// Waits until this process is a member, however long that takes. `None` if it was cancelled before.
    ///
    /// Failures of the API server, and rights that are missing, are logged when they change, and tried again. A request that
    /// is under way when it is cancelled is waited for, at most half the renewal deadline.
    pub async fn join(&self, cancel: &CancellationToken) -> Option<Member> {
        let seed = self.seed.unwrap_or_else(rand::random);
        let identity = self.seed.map_or_else(|| Identity::of_pod(&self.pod), |seed| Identity::new(&self.pod, seed));
        let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(seed);
        let mut said = None;
        while !cancel.is_cancelled() {
            match Membership::begin(&self.requests, &identity, self.timing, seed).await {
                // The process may have been stopped meanwhile.
                Ok(membership) if membership.fence().is_open() => return Some(self.member(identity, membership, seed)),
                Ok(_) => {}
                Err(error) => {
                    if said.as_ref() != Some(&error) {
                        tracing::warn!(namespace = self.requests.namespace(), %error, "the replicas cannot be joined yet");
                        said = Some(error);
                    }
                }
            }
            let next = Instant::now() + self.timing.pause(&mut random);
            let _ = cancel.run_until_cancelled(sleep_until(next)).await;
        }
        None
    }

    fn member(&self, identity: Identity, membership: Membership, seed: u64) -> Member {
        tracing::info!(member = %identity, "this process is one of the replicas");
        let (stop, leaving) = (CancellationToken::new(), CancellationToken::new());
        let (commands, received) = mpsc::channel(COMMANDS);
        let (replicas, known) = watch::channel(Vec::new());
        let keeper = Keeper {
            requests: Arc::clone(&self.requests),
            cluster: self.cluster.clone(),
            identity: identity.clone(),
            timing: self.timing,
            fence: membership.fence().clone(),
            seed,
            counts: Arc::clone(&self.counts.0),
            replicas,
            commands: commands.downgrade(),
        };
        let keeping = tokio::spawn(keeper.run(received, leaving.clone(), stop.clone()));
        let leases = Leases { me: identity.as_str().into(), commands, replicas: known };
        Member { identity, membership, leases, stop, leaving, keeping: AbortOnDropHandle::new(keeping) }
    }
}

impl Member {
    /// Its name, as it stands in the Leases.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What writes have to pass that belong to no provider.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.membership.fence().clone()
    }

    /// The leases of providers.
    #[must_use]
    pub fn leases(&self) -> Leases {
        self.leases.clone()
    }

    /// Waits until the membership is lost: not renewed in time, or taken away.
    pub async fn lost(&self) {
        self.membership.fence().closed().await;
    }

    /// Tells the others that it will soon be gone: they ask for its providers, and it takes no more.
    pub fn announce_leave(&self) {
        self.leaving.cancel();
        self.membership.announce_leave();
    }

    /// Ends the membership. Nothing that needs it may be under way, and all terms are to be released before: others wait for
    /// those that are not.
    ///
    /// # Errors
    /// What the API server says, if it does not take it within half the renewal deadline. The membership then expires.
    pub async fn leave(self) -> Result<(), LeaseError> {
        self.stop.cancel();
        let kept = self.keeping.await.map_err(|_| LeaseError::Ended);
        self.membership.end().await?;
        tracing::info!(member = %self.identity, "this process is none of the replicas any more");
        kept
    }
}

#[cfg(test)]
mod tests;
