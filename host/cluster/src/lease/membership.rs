//! The Lease that stands for this replica, kept by renewing it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{Identity, LeaseError, Timing, record::Record, requests::Requests};
use crate::Fence;

/// Between two tries to give it up.
const LEAVE_PAUSE: Duration = Duration::from_millis(500);

/// A membership, renewed by a task that this owns. Dropped, it is not renewed any more, and its fence is closed.
pub(super) struct Membership {
    fence: Closing,
    stop: CancellationToken,
    leaving: CancellationToken,
    renewing: AbortOnDropHandle<Renewer>,
}

/// A fence that does not outlive the membership.
struct Closing(Fence);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Renews one Lease.
struct Renewer {
    requests: Arc<Requests>,
    identity: Identity,
    timing: Timing,
    random: StdRng,
    /// The newest state known.
    record: Record,
}

impl Membership {
    /// Makes the Lease. An answer that came too late to be of use is an error like others.
    pub(super) async fn begin(
        requests: &Arc<Requests>,
        identity: &Identity,
        timing: Timing,
        seed: u64,
    ) -> Result<Self, LeaseError> {
        let now = Timestamp::now();
        let record = Record::of_new_member(requests.namespace(), identity, &timing, now);
        let random = StdRng::seed_from_u64(seed);
        let mut renewer =
            Renewer { requests: Arc::clone(requests), identity: identity.clone(), timing, random, record };
        let sent = renewer.create().await?;
        let fence = Fence::new(sent + timing.renew_deadline());
        let (stop, leaving) = (CancellationToken::new(), CancellationToken::new());
        let renewing = tokio::spawn(keep(renewer, sent, fence.clone(), stop.clone(), leaving.clone()));
        Ok(Self { fence: Closing(fence), stop, leaving, renewing: AbortOnDropHandle::new(renewing) })
    }

    pub(super) fn fence(&self) -> &Fence {
        &self.fence.0
    }

    /// From its next renewal on, which comes at once, it says that it will soon be gone.
    pub(super) fn announce_leave(&self) {
        self.leaving.cancel();
    }

    /// Deletes the Lease. Tried for half the renewal deadline; then it expires.
    pub(super) async fn end(self) -> Result<(), LeaseError> {
        self.stop.cancel();
        self.fence.0.close();
        let mut renewer = self.renewing.await.map_err(|_| LeaseError::Ended)?;
        let patience = renewer.timing.request();
        let mut last = None;
        let deleted = timeout(patience, async {
            while let Err(error) = renewer.delete().await {
                last = Some(error);
                sleep(LEAVE_PAUSE).await;
            }
        });
        if deleted.await.is_ok() {
            return Ok(());
        }
        let late = || crate::Error::unavailable(format!("no answer from the API server within {patience:?}")).into();
        Err(last.unwrap_or_else(late))
    }
}

/// Renews until it is stopped or lost. A request under way is dropped then; its result does not matter any more.
async fn keep(
    mut renewer: Renewer,
    sent: Instant,
    fence: Fence,
    stop: CancellationToken,
    leaving: CancellationToken,
) -> Renewer {
    tokio::select! {
        biased;
        () = stop.cancelled() => return renewer,
        () = fence.closed() => {
            let within = renewer.timing.renew_deadline();
            tracing::warn!(member = %renewer.identity, ?within, "the membership is lost: its lease could not be renewed");
        }
        () = renewer.renewals(sent, &fence, &leaving) => {
            tracing::warn!(member = %renewer.identity, "the membership is lost: its lease was taken away");
        }
    }
    fence.close();
    renewer
}

impl Renewer {
    /// Gives the time before it was sent: the API server cannot have had it earlier, and nobody can have seen it earlier.
    async fn create(&mut self) -> Result<Instant, LeaseError> {
        let sent = Instant::now();
        match self.requests.create(&self.record.renewed(false, Timestamp::now())).await {
            // Ours, made by a try whose answer was lost: nobody else has the name. Others count from when they saw that one.
            Err(LeaseError::Contended) => self.renew(false).await,
            made => {
                self.record = Record::of(&made?)?;
                Ok(sent)
            }
        }
    }

    /// Renews until the Lease is gone.
    async fn renewals(&mut self, sent: Instant, fence: &Fence, leaving: &CancellationToken) {
        let mut next = sent + self.timing.pause(&mut self.random);
        let mut said = None;
        loop {
            if leaving.is_cancelled() && !self.record.is_leaving() {
                next = next.min(Instant::now());
            }
            tokio::select! {
                () = sleep_until(next) => {}
                () = leaving.cancelled(), if !leaving.is_cancelled() => continue,
            }
            match self.renew(leaving.is_cancelled()).await {
                Ok(sent) => {
                    // Too late is too late: the fence is closed then, which ends this.
                    let _ = fence.extend(sent + self.timing.renew_deadline());
                    said = None;
                    next = sent + self.timing.pause(&mut self.random);
                }
                Err(LeaseError::Deleted) => return,
                Err(error) => {
                    if said.as_ref() != Some(&error) {
                        tracing::warn!(member = %self.identity, %error, "the membership is not renewed yet");
                        said = Some(error);
                    }
                    next = Instant::now() + self.timing.pause(&mut self.random);
                    // Not at once again, though it is urgent.
                    if leaving.is_cancelled() {
                        sleep_until(next).await;
                    }
                }
            }
        }
    }

    /// Gives the time before it was sent. An error but [`LeaseError::Deleted`] says nothing about whether it was done.
    async fn renew(&mut self, leaving: bool) -> Result<Instant, LeaseError> {
        if !self.record.resource_version().is_empty() {
            match self.update(leaving).await {
                Err(LeaseError::Contended) => {}
                done => return done,
            }
        }
        // Whoever wrote it may have put a label on it, or have been ourselves, with an answer that did not arrive.
        let found = self.requests.get(&self.identity.lease_name()).await?.ok_or(LeaseError::Deleted)?;
        self.record = Record::of(&found)?;
        if self.record.holder() != Some(self.identity.as_str()) {
            return Err(LeaseError::Deleted);
        }
        self.update(leaving).await
    }

    async fn update(&mut self, leaving: bool) -> Result<Instant, LeaseError> {
        let sent = Instant::now();
        let written = self.requests.update(&self.record.renewed(leaving, Timestamp::now())).await?;
        self.record = Record::of(&written)?;
        Ok(sent)
    }

    async fn delete(&mut self) -> Result<(), LeaseError> {
        let name = self.identity.lease_name();
        match self.requests.delete(&name, self.record.resource_version()).await {
            Err(LeaseError::Contended) => {}
            done => return done,
        }
        // A renewal whose answer was not waited for.
        match self.requests.get(&name).await? {
            Some(found) => {
                self.record = Record::of(&found)?;
                self.requests.delete(&name, self.record.resource_version()).await
            }
            None => Ok(()),
        }
    }
}
