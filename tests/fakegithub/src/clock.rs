//! The fake's time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock that runs with tokio's (and so stands still while a test has paused that) and can be put forward.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Timestamp,
    since: Instant,
    ahead: Arc<Mutex<Duration>>,
}

impl Clock {
    /// A clock that shows the given time now.
    #[must_use]
    pub fn starting_at(started: Timestamp) -> Self {
        Self { started, since: Instant::now(), ahead: Arc::default() }
    }

    /// Puts the clock forward, for all its clones.
    pub fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(self.since.elapsed() + ahead).unwrap_or(SignedDuration::MAX);
        self.started.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}
