//! Which object of a controller is reconciled next, and when.
//!
//! A value without tasks and timers: the controller tells it the time and asks it when to wake up. Guarantees:
//!
//! * a key stands in it once, and is never handed out twice at the same time;
//! * the more urgent runs first, and within one priority the one that has been due for longest;
//! * a failing object waits longer and longer whatever else happens, unless somebody changes the object itself: then it
//!   runs at once, and its failures still count.

mod backoff;
mod listing;
mod pending;
mod priority;

use std::{collections::HashMap, sync::Arc, time::Duration};

use capstan_api::ObjectKey;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use pending::Pending;

pub use backoff::{Backoff, InvalidWait, Poll};
pub use listing::{Listed, Listing};
pub use priority::Priority;

/// What becomes of a key after its reconcile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It succeeded: again at the poll interval.
    Poll,
    /// It failed, and repeating does not help: again at the poll interval, or when something changes.
    Park,
    /// Again with back-off, but not before `at_least` is over.
    Backoff {
        /// Zero if the back-off alone decides.
        at_least: Duration,
    },
    /// It made something, which is to be seen soon: after the first wait of back-off, whose count goes on, and news cut it short.
    Confirm,
    /// It waits for what is known when `at_most` is over: with back-off, and then at the latest.
    Await {
        /// From now on.
        at_most: Duration,
    },
    /// It did something, and what came of it is to be looked at soon: with back-off that begins anew with every news, and
    /// that news cut short.
    Recheck,
    /// Not until something changes.
    Stop,
}

impl Next {
    /// With back-off, and not before whatever was asked for already.
    pub(crate) fn or_backoff(self) -> Self {
        if matches!(self, Self::Backoff { .. }) { self } else { BACKOFF }
    }
}

/// Again with back-off alone.
pub(crate) const BACKOFF: Next = Next::Backoff { at_least: Duration::ZERO };

/// A key that is handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which one.
    pub key: Arc<ObjectKey>,
    /// Since when it has been due.
    pub since: Instant,
}

/// How long the waits are that [`Next`] asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pacing {
    /// After failures.
    pub backoff: Backoff,
    /// Between polls.
    pub poll: Poll,
}

/// The queue of one controller.
#[derive(Debug)]
pub struct Queue {
    pacing: Pacing,
    random: StdRng,
    entries: HashMap<Arc<ObjectKey>, Entry>,
    pending: Pending,
}

#[derive(Debug)]
struct Entry {
    /// Failures in a row.
    attempts: u32,
    /// The object's own poll interval.
    interval: Option<Duration>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Stands among the due, for so long.
    Due { priority: Priority, ticket: u64, since: Instant },
    /// Waits for its time. `held` is back-off, which only a change of the object itself cuts short; `priority` is what
    /// it will run with.
    Waiting { until: Instant, ticket: u64, priority: Priority, held: bool },
    /// Handed out with this priority, for so long. `again` is what came in meanwhile, `cuts` whether it cuts short a back-off that may
    /// follow.
    Running { priority: Priority, since: Instant, again: Option<Priority>, cuts: bool },
}

impl Queue {
    /// An empty queue; `seed` makes its jitter repeatable.
    #[must_use]
    pub fn new(pacing: Pacing, seed: u64) -> Self {
        Self { pacing, random: StdRng::seed_from_u64(seed), entries: HashMap::new(), pending: Pending::default() }
    }

    /// Asks for a reconcile as soon as possible. Back-off is cut short by a change of the object itself, by nothing else.
    pub fn add(&mut self, key: &ObjectKey, priority: Priority) {
        self.insert(key, priority, priority == Priority::UserChange);
    }

    /// Asks for a reconcile now, whatever the back-off says: for when what made it fail was replaced. Failures so far
    /// still count.
    pub fn retry(&mut self, key: &ObjectKey) {
        self.insert(key, Priority::Resync, true);
    }

    fn insert(&mut self, key: &ObjectKey, priority: Priority, cuts: bool) {
        let Some((key, entry)) = self.entries.get_key_value(key).map(|(key, entry)| (key.clone(), entry.state)) else {
            let key = Arc::new(key.clone());
            let state = self.due(&key, priority, Instant::now());
            self.entries.insert(key, Entry { attempts: 0, interval: None, state });
            return;
        };
        let state = match entry {
            State::Running { priority: with, since, again, cuts: cut } => {
                State::Running { priority: with, since, again: again.max(Some(priority)), cuts: cut || cuts }
            }
            State::Due { priority: old, .. } if old >= priority => return,
            State::Due { priority: old, ticket, since } => {
                self.pending.remove_due(old, ticket);
                self.due(&key, priority, since)
            }
            State::Waiting { until, ticket, priority: old, held: true } if !cuts => {
                State::Waiting { until, ticket, priority: old.max(priority), held: true }
            }
            State::Waiting { until, ticket, .. } => {
                self.pending.remove_waiting(until, ticket);
                self.due(&key, priority, Instant::now())
            }
        };
        self.set(&key, state);
    }

    /// The most urgent key that is due, now handed out until [`finish`](Self::finish).
    pub fn take(&mut self, now: Instant) -> Option<Taken> {
        self.promote(now);
        let key = self.pending.pop()?;
        let entry = self.entries.get_mut(&key)?;
        // Whatever stands among the due is.
        let State::Due { priority, since, .. } = entry.state else { return None };
        entry.state = State::Running { priority, since: now, again: None, cuts: false };
        Some(Taken { key, since })
    }

    /// Whether [`take`](Self::take) would give something.
    pub fn is_due(&mut self, now: Instant) -> bool {
        self.promote(now);
        self.pending.has_due()
    }

    /// When the next key becomes due of itself.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.pending.first_waiting()
    }

    /// Gives a key back after its reconcile.
    pub fn finish(&mut self, key: &ObjectKey, next: Next, now: Instant) {
        let Some((key, entry)) = self.entries.get_key_value(key).map(|(key, entry)| (key.clone(), entry)) else {
            return;
        };
        let State::Running { priority, again, cuts, .. } = entry.state else { return };
        let interval = entry.interval;
        let attempts = match next {
            Next::Poll | Next::Stop => 0,
            Next::Park => entry.attempts,
            // It ran for something that was new: what came of earlier ones says nothing about it.
            Next::Recheck if priority > Priority::Resync => 1,
            Next::Backoff { .. } | Next::Await { .. } | Next::Confirm | Next::Recheck => {
                entry.attempts.saturating_add(1)
            }
        };
        let wait = match next {
            Next::Poll | Next::Park => Some(self.pacing.poll.at(interval).delay(&mut self.random)),
            Next::Backoff { at_least } => Some(self.pacing.backoff.delay(attempts, &mut self.random).max(at_least)),
            Next::Await { at_most } => Some(self.pacing.backoff.delay(attempts, &mut self.random).min(at_most)),
            Next::Confirm => Some(self.pacing.backoff.delay(1, &mut self.random)),
            Next::Recheck => Some(self.pacing.backoff.delay(attempts, &mut self.random)),
            Next::Stop => None,
        };
        let held = matches!(next, Next::Backoff { .. } | Next::Await { .. });
        let state = match (again, wait) {
            (Some(priority), _) if !held || cuts => self.due(&key, priority, now),
            (_, Some(wait)) => {
                let until = now + wait;
                let ticket = self.pending.wait(key.clone(), until);
                // What was urgent and failed is no less urgent when it is tried again.
                let priority = again.max(held.then_some(priority)).unwrap_or(Priority::Resync);
                State::Waiting { until, ticket, priority, held }
            }
            (_, None) => {
                self.entries.remove(&key);
                return;
            }
        };
        self.entries.insert(key, Entry { attempts, interval, state });
    }

    /// Polls a key at an interval of its own from its next [`finish`](Self::finish) on; `None`: at the controller's.
    pub fn pace(&mut self, key: &ObjectKey, interval: Option<Duration>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.interval = interval;
        }
    }

    /// Drops a key whose object is gone. If it is handed out it stays so until it is finished; what came in for it, and
    /// its failures, are forgotten.
    pub fn forget(&mut self, key: &ObjectKey) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        match entry.state {
            State::Running { priority, since, .. } => {
                let state = State::Running { priority, since, again: None, cuts: false };
                *entry = Entry { attempts: 0, interval: None, state };
            }
            State::Due { priority, ticket, .. } => {
                self.pending.remove_due(priority, ticket);
                self.entries.remove(key);
            }
            State::Waiting { until, ticket, .. } => {
                self.pending.remove_waiting(until, ticket);
                self.entries.remove(key);
            }
        }
    }

    /// Failures in a row of a key.
    #[must_use]
    pub fn attempts(&self, key: &ObjectKey) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.attempts)
    }

    /// How many keys are due and not handed out.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.pending.due()
    }

    fn promote(&mut self, now: Instant) {
        while let Some((key, since)) = self.pending.pop_waiting(now) {
            let Some(State::Waiting { priority, .. }) = self.entries.get(&key).map(|entry| entry.state) else {
                continue;
            };
            let state = self.due(&key, priority, since);
            self.set(&key, state);
        }
    }

    fn due(&mut self, key: &Arc<ObjectKey>, priority: Priority, since: Instant) -> State {
        State::Due { priority, ticket: self.pending.push(Arc::clone(key), priority), since }
    }

    fn set(&mut self, key: &ObjectKey, state: State) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.state = state;
        }
    }
}

#[cfg(test)]
mod tests;
