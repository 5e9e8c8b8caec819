//! What stands in a queue, for people who look for what holds it up.

use capstan_api::ObjectKey;
use serde::Serialize;
use tokio::time::Instant;

use super::{Queue, State};

/// A queue at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    /// Keys that are being reconciled.
    pub running: usize,
    /// Keys that wait for a slot.
    pub due: usize,
    /// Keys that wait for their time.
    pub waiting: usize,
    /// What runs, what is due and what waits, in the order of their times; not more than was asked for.
    pub objects: Vec<Listed>,
    /// Keys that are not among `objects`.
    pub omitted: usize,
}

/// A key in a queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// `namespace/name`, or `name`.
    pub object: String,
    /// `running`, `due`, `backoff` (waits after a failure) or `poll` (waits for its interval).
    pub state: &'static str,
    /// With which priority it runs or will run.
    pub priority: &'static str,
    /// Failures in a row.
    pub attempts: u32,
    /// Seconds; since when it has been running or due, or until it is.
    pub seconds: f64,
}

impl Queue {
    /// What stands in it, with the first `limit` keys. Looks at every key there is.
    #[must_use]
    pub fn listing(&self, now: Instant, limit: usize) -> Listing {
        let (mut running, mut due, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for (key, entry) in &self.entries {
            let (of, time) = match entry.state {
                State::Running { since, .. } => (&mut running, since),
                State::Due { since, .. } => (&mut due, since),
                State::Waiting { until, .. } => (&mut waiting, until),
            };
            of.push((time, key.as_ref()));
        }
        for keys in [&mut running, &mut due, &mut waiting] {
            keys.sort_unstable();
        }
        let (running_count, due_count, waiting_count) = (running.len(), due.len(), waiting.len());
        let all = running.into_iter().chain(due).chain(waiting);
        let objects: Vec<Listed> = all.take(limit).filter_map(|(_, key)| self.listed(key, now)).collect();
        let omitted = self.entries.len() - objects.len();
        Listing { running: running_count, due: due_count, waiting: waiting_count, objects, omitted }
    }

    fn listed(&self, key: &ObjectKey, now: Instant) -> Option<Listed> {
        let entry = self.entries.get(key)?;
        let (state, priority, time) = match entry.state {
            State::Running { priority, since, .. } => ("running", priority, now.saturating_duration_since(since)),
            State::Due { priority, since, .. } => ("due", priority, now.saturating_duration_since(since)),
            State::Waiting { priority, until, held, .. } => {
                let state = if held { "backoff" } else { "poll" };
                (state, priority, until.saturating_duration_since(now))
            }
        };
        let (object, priority, attempts) = (key.to_string(), priority.as_str(), entry.attempts);
        Some(Listed { object, state, priority, attempts, seconds: time.as_secs_f64() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::queue::{BACKOFF, Backoff, Next, Pacing, Poll, Priority};

    #[tokio::test(start_paused = true)]
    async fn a_listing_says_what_each_key_waits_for() {
        let pacing = Pacing {
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_mins(1), 0.0).unwrap(),
            poll: Poll::new(Duration::from_mins(1), 0.0).unwrap(),
        };
        let mut queue = Queue::new(pacing, 1);
        for (name, next) in [("polled", Some(Next::Poll)), ("failed", Some(BACKOFF)), ("runs", None)] {
            queue.add(&ObjectKey::namespaced("ns", name), Priority::UserChange);
            let taken = queue.take(Instant::now()).unwrap();
            if let Some(next) = next {
                queue.finish(&taken.key, next, Instant::now());
            }
        }
        queue.add(&ObjectKey::cluster("due"), Priority::Dependency);
        advance(Duration::from_millis(500)).await;

        let listing = queue.listing(Instant::now(), 10);
        let told = |listed: &Listed| {
            let Listed { object, state, priority, attempts, seconds } = listed;
            format!("{object} {state} {priority} {attempts} {seconds}")
        };
        assert_eq!(
            listing.objects.iter().map(told).collect::<Vec<_>>(),
            [
                "ns/runs running user-change 0 0.5",
                "due due dependency 0 0.5",
                "ns/failed backoff user-change 1 0.5",
                "ns/polled poll resync 0 59.5",
            ]
        );
        assert_eq!((listing.running, listing.due, listing.waiting, listing.omitted), (1, 1, 2, 0));
        let short = queue.listing(Instant::now(), 1);
        assert_eq!((short.objects.len(), short.omitted, short.waiting), (1, 3, 2));
    }
}
