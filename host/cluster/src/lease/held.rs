//! A lease that this process holds.

use std::time::Duration;

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    LeaseError,
    contender::{Contender, Renewal},
};
use crate::Fence;

/// Between two tries to give the lease up.
const RELEASE_PAUSE: Duration = Duration::from_millis(500);

/// A lease that is ours, and renewed by a task that this owns.
///
/// Expected flow: do everything that needs the lease through a [`Cluster`](crate::Cluster) with its [`fence`](Self::fence),
/// and end it when [`lost`](Self::lost) resolves. At an orderly end let all of it come to rest, then
/// [`release`](Self::release). Dropped, it is not renewed any more: nothing is written from then on, and others can have the
/// lease when it expires.
#[derive(Debug)]
pub struct Held {
    fence: Closing,
    stop: CancellationToken,
    renewing: AbortOnDropHandle<Contender>,
}

/// A fence that does not outlive the lease.
#[derive(Debug)]
struct Closing(Fence);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Held {
    pub(super) fn begin(contender: Contender, sent: Instant, until: Instant) -> Self {
        let fence = Fence::new(until);
        let stop = CancellationToken::new();
        tracing::info!(lease = %contender.requests, identity = %contender.identity(), "the lease is ours");
        let renewing: JoinHandle<_> = tokio::spawn(keep(contender, sent, fence.clone(), stop.clone()));
        Self { fence: Closing(fence), stop, renewing: AbortOnDropHandle::new(renewing) }
    }

    /// What writes have to pass.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.fence.0.clone()
    }

    /// Until when it is safe to write, unless it is renewed before.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.fence.0.until()
    }

    /// Waits until the lease is lost: taken by another, or not renewed in time.
    pub async fn lost(&self) {
        self.fence.0.closed().await;
    }

    /// Gives the lease up, so that a successor can begin at its next look. Nothing that needs the lease may be under way.
    ///
    /// # Errors
    /// What the API server says, if it does not take it within half the renewal deadline. The lease then expires.
    pub async fn release(self) -> Result<(), LeaseError> {
        self.stop.cancel();
        self.fence.0.close();
        let mut contender = self.renewing.await.map_err(|_| LeaseError::Panicked)?;
        let patience = contender.timing().request();
        let mut last = None;
        let released = timeout(patience, async {
            while let Err(error) = contender.release().await {
                last = Some(error);
                sleep(RELEASE_PAUSE).await;
            }
        });
        let released = released.await;
        if released.is_ok() {
            tracing::info!(lease = %contender.requests, "the lease is given up");
            return Ok(());
        }
        let late = || crate::Error::unavailable(format!("no answer from the API server within {patience:?}")).into();
        Err(last.unwrap_or_else(late))
    }
}

/// Renews until it is stopped or lost. A request under way is dropped then; its result does not matter any more.
async fn keep(mut contender: Contender, sent: Instant, fence: Fence, stop: CancellationToken) -> Contender {
    tokio::select! {
        biased;
        () = stop.cancelled() => return contender,
        () = fence.closed() => {
            let within = contender.timing().renew_deadline();
            tracing::warn!(lease = %contender.requests, ?within, "the lease is lost: it could not be renewed");
        }
        holder = renewals(&mut contender, sent, &fence) => {
            tracing::warn!(lease = %contender.requests, holder, "the lease is lost to another");
        }
    }
    fence.close();
    contender
}

/// Renews until another has the lease, and says who.
async fn renewals(contender: &mut Contender, sent: Instant, fence: &Fence) -> String {
    let mut next = sent + contender.pause();
    let mut said = None;
    loop {
        sleep_until(next).await;
        match contender.renew().await {
            Ok(Renewal::Renewed { sent }) => {
                // Too late is too late: the fence is closed then, which ends this.
                let _ = fence.extend(sent + contender.timing().renew_deadline());
                said = None;
                next = sent + contender.pause();
            }
            Ok(Renewal::Lost { holder }) => return holder,
            Err(error) => {
                if said.as_ref() != Some(&error) {
                    tracing::warn!(lease = %contender.requests, %error, "the lease is not renewed yet");
                    said = Some(error);
                }
                next = Instant::now() + contender.pause();
            }
        }
    }
}
