//! The time of day, for what is written into objects.

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the time of day. Waits and deadlines do not use it: they go by tokio's clock.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    anchor: Option<(Timestamp, Instant)>,
}

impl WallClock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { anchor: None }
    }

    /// A clock that shows `now` at this moment and then goes with tokio's, which tests pause and advance.
    #[must_use]
    pub fn anchored(now: Timestamp) -> Self {
        Self { anchor: Some((now, Instant::now())) }
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let Some((start, since)) = self.anchor else {
            return Timestamp::now();
        };
        let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}
