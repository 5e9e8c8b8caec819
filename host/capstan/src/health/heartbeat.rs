//! Whether the runtime still runs tasks.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

const PERIOD: Duration = Duration::from_secs(1);

/// A runtime that has run nothing for so long is stuck: all its threads are blocked, or wait for each other. A starved
/// machine misses a few beats, not ten.
const STUCK: Duration = Duration::from_secs(10);

/// The last sign of life of the runtime that polls [`beat`](Self::beat).
pub(super) struct Heartbeat(Mutex<Instant>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Heartbeat {
    pub(super) async fn beat(&self) {
        loop {
            *self.lock() = Instant::now();
            sleep(PERIOD).await;
        }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.lock().elapsed() < STUCK
    }

    fn lock(&self) -> MutexGuard<'_, Instant> {
        // One value is whole after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_fresh_as_long_as_tasks_run_and_soon_not_after() {
        let heartbeat = Heartbeat::default();
        timeout(Duration::from_mins(1), heartbeat.beat()).await.unwrap_err();
        assert!(heartbeat.is_fresh());
        advance(Duration::from_secs(9)).await;
        assert!(heartbeat.is_fresh());
        advance(Duration::from_secs(1)).await;
        assert!(!heartbeat.is_fresh());
        assert!(timeout(Duration::ZERO, heartbeat.beat()).await.is_err() && heartbeat.is_fresh());
    }
}
