//! How much of each bound of its budget a provider uses, session by session.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{Budget, spread::Spread};

/// A bound of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// The longest call of a session, in microseconds.
    Call,
    /// From the first call to the last, in microseconds.
    Reconcile,
    /// All memories and tables of the instance, in bytes.
    Memory,
    /// Requests to the API server.
    Requests,
    /// Requests to other systems.
    HttpRequests,
    /// Bytes of their bodies, and of those of the answers.
    HttpBytes,
    /// Events.
    Events,
    /// Lines of log and output.
    Lines,
    /// Bytes of log and output.
    LogBytes,
}

impl Bound {
    /// Every one of them, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Call,
        Self::Reconcile,
        Self::Memory,
        Self::Requests,
        Self::HttpRequests,
        Self::HttpBytes,
        Self::Events,
        Self::Lines,
        Self::LogBytes,
    ];

    /// As `limits` of the grants call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "callTimeout",
            Self::Reconcile => "reconcileTimeout",
            Self::Memory => "memory",
            Self::Requests => "requests",
            Self::HttpRequests => "httpRequests",
            Self::HttpBytes => "httpBytes",
            Self::Events => "events",
            Self::Lines => "lines",
            Self::LogBytes => "logBytes",
        }
    }

    /// How much there is of it for one session.
    #[must_use]
    pub fn limit(self, budget: &Budget) -> u64 {
        match self {
            Self::Call => microseconds(budget.call),
            Self::Reconcile => microseconds(budget.reconcile),
            Self::Memory => budget.memory as u64,
            Self::Requests => budget.requests.into(),
            Self::HttpRequests => budget.http_requests.into(),
            Self::HttpBytes => budget.http_bytes,
            Self::Events => budget.events.into(),
            Self::Lines => budget.lines.into(),
            Self::LogBytes => budget.output as u64,
        }
    }
}

/// What sessions used of one bound, in its unit. Of sessions long past little remains in it, but for the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Of which bound.
    pub bound: Bound,
    /// Half of the sessions used no more, within an eighth.
    pub p50: u64,
    /// 99 of 100 sessions used no more, within an eighth.
    pub p99: u64,
    /// No session used more.
    pub max: u64,
    /// What a session may use.
    pub limit: u64,
}

/// What one session used, in the order of [`Bound::ALL`].
pub(crate) type Session = [u64; Bound::ALL.len()];

/// Of one provider.
#[derive(Debug, Default)]
pub(crate) struct Spending(Mutex<[Spread; Bound::ALL.len()]>);

impl Spending {
    pub(crate) fn add(&self, session: Session) {
        // A spread is whole after a panic.
        let mut spreads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (spread, used) in spreads.iter_mut().zip(session) {
            spread.add(used);
        }
    }

    /// Nothing before the first session.
    pub(crate) fn read(&self, budget: &Budget) -> Vec<Spent> {
        let spreads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = Bound::ALL.into_iter().zip(spreads.iter()).filter(|(_, spread)| !spread.is_empty());
        told.map(|(bound, spread)| Spent {
            bound,
            p50: spread.within(50),
            p99: spread.within(99),
            max: spread.max(),
            limit: bound.limit(budget),
        })
        .collect()
    }
}

/// At most what fits.
pub(crate) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_told_against_its_limit() {
        let (spending, budget) = (Spending::default(), Budget::default());
        assert_eq!(spending.read(&budget), []);
        spending.add([1, 2, 3, 4, 5, 6, 7, 0, 8]);
        let told = spending.read(&budget);
        assert_eq!(told.iter().map(|spent| spent.bound).collect::<Vec<_>>(), Bound::ALL);
        assert_eq!(told.iter().map(|spent| spent.max).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 0, 8]);
        assert_eq!((told[0].limit, told[2].limit), (10_000_000, 64 << 20));
    }
}
