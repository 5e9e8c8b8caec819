//! How long a watch waits after a failure.

use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep};

use crate::Error;

/// One watch's waiting after failures: from half a second, doubling to half a minute, each a little off so that many
/// watches do not come back together. It begins anew after a while without failure, and not with the first sign of life:
/// a list that works says nothing about the watch that follows it.
#[derive(Debug, Default)]
pub(super) struct Delay {
    failures: u32,
    last: Option<Instant>,
}

impl Delay {
    const FIRST: Duration = Duration::from_millis(500);
    pub(super) const LONGEST: Duration = Duration::from_secs(30);
    /// A CRD that is installed after its provider should be noticed while a person looks.
    pub(super) const MISSING: Duration = Duration::from_secs(10);
    /// So long without failure is success; what client-go takes.
    const CALM: Duration = Duration::from_mins(2);

    /// Not so long that a wrong word of the API server ends a watch.
    const REST: Duration = Duration::from_mins(10);

    pub(super) async fn wait(&mut self, longest: Duration) {
        self.wait_between(Duration::ZERO, longest).await;
    }

    /// Not before the time that the API server gave, if it did.
    pub(super) async fn wait_after(&mut self, error: &Error) {
        let rest = error.retry_after().unwrap_or_default().min(Self::REST);
        self.wait_between(rest, Self::LONGEST).await;
    }

    async fn wait_between(&mut self, at_least: Duration, longest: Duration) {
        if self.last.is_some_and(|last| last.elapsed() >= Self::CALM) {
            self.failures = 0;
        }
        let delay = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures += 1;
        let jitter = rand::rng().random_range(0.8..1.2);
        sleep(delay.mul_f64(jitter).max(at_least)).await;
        self.last = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_to_a_bound_and_begin_anew_after_a_calm() {
        let mut delay = Delay::default();
        let mut waits = Vec::new();
        for _ in 0..10 {
            let before = Instant::now();
            delay.wait(Delay::LONGEST).await;
            waits.push(before.elapsed());
        }
        assert!(waits[0] < Duration::from_millis(700));
        assert!(waits[9] > Duration::from_secs(20) && waits[9] < Duration::from_secs(40));
        advance(Delay::CALM).await;
        let before = Instant::now();
        delay.wait(Delay::LONGEST).await;
        assert!(before.elapsed() < Duration::from_millis(700));
    }
}
