//! Leases: of several processes that could do the same work, one does.
//!
//! A `Lease` of coordination.k8s.io names its holder, who renews it. The others look at it now and then, and take it when it
//! was given up, or when it did not change for as long as it says. As in client-go, that is measured by the looker's own
//! clock from when it saw the last change: what time of day a record says is for people, and clocks that differ do no harm.
//!
//! The holder counts from before it sent its last renewal, and stops writing when the renewal deadline has passed: with the
//! default timing five seconds before anybody else can begin. That is kept by a [`Fence`](crate::Fence) which every write
//! passes. A write that is late nevertheless (a packet that lay in some queue) is refused by its resourceVersion, if it
//! carries one.

mod contender;
mod error;
mod held;
mod identity;
mod record;
mod requests;
mod timing;

use std::sync::Arc;

use capstan_api::ObjectKey;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Cluster;
use contender::{Attempt, Contender};
use requests::Requests;

pub use error::LeaseError;
pub use held::Held;
pub use identity::Identity;
pub use timing::{InvalidTiming, Timing};

/// A `Lease` that this process wants to hold. Nothing happens before [`acquire`](Self::acquire).
#[derive(Clone)]
pub struct Lease {
    requests: Arc<Requests>,
    identity: Identity,
    timing: Timing,
    seed: u64,
}

impl Lease {
    /// The lease `name` in `namespace`; it is made if it does not exist.
    ///
    /// Its requests share connections with `cluster`, but neither its bound on requests in flight nor its fence.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if a name cannot be one.
    pub fn new(
        cluster: &Cluster,
        namespace: &str,
        name: &str,
        identity: Identity,
        timing: Timing,
    ) -> Result<Self, crate::Error> {
        let requests = Requests::new(cluster.transport(), ObjectKey::namespaced(namespace, name), timing.request())?;
        Ok(Self { requests: Arc::new(requests), identity, timing, seed: rand::random() })
    }

    /// Makes the jitter repeatable; random by default.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Waits until the lease is held, however long that takes. `None` if it was cancelled before.
    ///
    /// Failures of the API server, and rights that are missing, are logged when they change, and tried again. A request that
    /// is under way when it is cancelled is waited for (at most half the renewal deadline): if it brings the lease, it is
    /// held, and can be released.
    pub async fn acquire(&self, cancel: &CancellationToken) -> Option<Held> {
        let mut contender = Contender::new(self);
        let mut said = String::new();
        let mut say = |now: String, tell: &dyn Fn(&str)| {
            if said != now {
                tell(&now);
                said = now;
            }
        };
        while !cancel.is_cancelled() {
            let attempt = contender.acquire().await;
            let pause = Instant::now() + contender.pause();
            let next = match attempt {
                Ok(Attempt::Ours { sent }) => {
                    let until = sent + self.timing.renew_deadline();
                    // The process may have been stopped since; the lease is ours nevertheless, and the next attempt says so.
                    if Instant::now() >= until {
                        continue;
                    }
                    return Some(Held::begin(contender, sent, until));
                }
                Ok(Attempt::Theirs { holder, until }) => {
                    say(
                        holder,
                        &|holder| tracing::info!(lease = %self.requests, holder, "the lease is held by another"),
                    );
                    pause.min(until)
                }
                Ok(Attempt::Contended) => pause,
                Err(error) => {
                    say(error.to_string(), &|error| {
                        tracing::warn!(lease = %self.requests, error, "the lease cannot be acquired yet");
                    });
                    pause
                }
            };
            let _ = cancel.run_until_cancelled(tokio::time::sleep_until(next)).await;
        }
        None
    }
}

#[cfg(test)]
mod tests;
