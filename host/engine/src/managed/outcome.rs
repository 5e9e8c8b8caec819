//! How reconciles end, for counting.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// What a reconcile came to. Few values: they are a metric's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// All is well, and nothing had to be done outside.
    Settled,
    /// Created outside.
    Created,
    /// Updated outside.
    Updated,
    /// Deletion asked for outside.
    Deleted,
    /// Gone outside, or left there by policy; the object was let go.
    Released,
    /// Waits for a confirmation or for other finalizers.
    Waiting,
    /// Paused.
    Paused,
    /// An earlier create had an unknown result.
    Unclear,
    /// Does not exist outside, and policy does not allow to create it.
    Missing,
    /// Somebody changed the object meanwhile.
    Conflict,
    /// The object is gone.
    Gone,
    /// A call or a write failed.
    Failed,
    /// The reconcile panicked.
    Panicked,
    /// The reconcile ran out of time.
    TimedOut,
}

impl Outcome {
    /// Every one, in the order of the counters.
    pub const ALL: [Self; 14] = [
        Self::Settled,
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Released,
        Self::Waiting,
        Self::Paused,
        Self::Unclear,
        Self::Missing,
        Self::Conflict,
        Self::Gone,
        Self::Failed,
        Self::Panicked,
        Self::TimedOut,
    ];

    /// The value of the metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Released => "released",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Unclear => "unclear",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed-out",
        }
    }

    /// Whether it counts as a failure.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Panicked | Self::TimedOut | Self::Unclear)
    }
}

/// Counts the reconciles of one controller.
#[derive(Debug, Default)]
pub struct Counters {
    ended: [AtomicU64; Outcome::ALL.len()],
    /// Nanoseconds.
    spent: AtomicU64,
}

impl Counters {
    /// Reconciles that ended so.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.ended[outcome as usize].load(Ordering::Relaxed)
    }

    /// All reconciles that ended.
    #[must_use]
    pub fn reconciles(&self) -> u64 {
        Outcome::ALL.into_iter().map(|outcome| self.of(outcome)).sum()
    }

    /// Those that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_failure()).map(|outcome| self.of(outcome)).sum()
    }

    /// The time that they took together, each from its beginning to its end.
    #[must_use]
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Ordering::Relaxed))
    }

    pub(crate) fn count(&self, outcome: Outcome, took: Duration) {
        self.ended[outcome as usize].fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.spent.fetch_add(took, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_counter_and_a_label_of_its_own() {
        let counters = Counters::default();
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index);
            counters.count(outcome, Duration::from_secs(1));
            assert_eq!(counters.of(outcome), 1);
        }
        let labels: std::collections::HashSet<_> = Outcome::ALL.into_iter().map(Outcome::as_str).collect();
        assert_eq!(labels.len(), Outcome::ALL.len());
        assert_eq!((counters.reconciles(), counters.failures()), (14, 4));
        assert_eq!(counters.spent(), Duration::from_secs(14));
    }
}
