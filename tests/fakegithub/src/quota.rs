//! How many requests a token owner has left.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::state::Actor;

/// The window of the secondary limit on writes.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// The counters of everybody.
#[derive(Default)]
pub(crate) struct Quotas {
    windows: BTreeMap<Actor, Window>,
    writes: BTreeMap<Actor, VecDeque<Timestamp>>,
}

/// A running hour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reset: Timestamp,
}

impl Window {
    pub(crate) fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

impl Quotas {
    /// The running hour of one who asks, begun now if there is none.
    pub(crate) fn window(&mut self, actor: Actor, limit: u64, hour: SignedDuration, now: Timestamp) -> &mut Window {
        let end = now.saturating_add(hour).unwrap_or(Timestamp::MAX);
        // It ends when the header says so, which has whole seconds: whoever waited until then has waited long enough.
        let fresh = Window { limit, used: 0, reset: Timestamp::from_second(end.as_second()).unwrap_or(end) };
        let window = self.windows.entry(actor).or_insert(fresh);
        if now >= window.reset {
            *window = fresh;
        }
        window.limit = limit;
        window
    }

    /// Counts a write; how long to wait instead, if there were too many in the last minute.
    pub(crate) fn write(&mut self, actor: Actor, per_minute: usize, now: Timestamp) -> Option<Duration> {
        let writes = self.writes.entry(actor).or_default();
        while writes.front().is_some_and(|first| now.duration_since(*first) >= MINUTE) {
            writes.pop_front();
        }
        if writes.len() < per_minute {
            writes.push_back(now);
            return None;
        }
        let passed = writes.front().map_or(SignedDuration::ZERO, |first| now.duration_since(*first));
        // Whole seconds, rounded up, as the header has them.
        let left = Duration::try_from(MINUTE - passed).unwrap_or_default();
        Some(Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }
}
