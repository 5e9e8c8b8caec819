//! What was refused to a provider or dropped, since the host began to run it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A reading of one provider's counters, for metrics and status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that the grants do not allow.
    pub denied: u64,
    /// Requests to other systems that were sent.
    pub http_requests: u64,
    /// Requests to other systems that were not sent, or in vain, since their origin told us to wait.
    pub rate_limited: u64,
    /// Events beyond the number of one reconcile.
    pub events_dropped: u64,
    /// Lines of log and output beyond the number of one reconcile.
    pub lines_dropped: u64,
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            denied: self.denied + other.denied,
            http_requests: self.http_requests + other.http_requests,
            rate_limited: self.rate_limited + other.rate_limited,
            events_dropped: self.events_dropped + other.events_dropped,
            lines_dropped: self.lines_dropped + other.lines_dropped,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    denied: AtomicU64,
    http_requests: AtomicU64,
    rate_limited: AtomicU64,
    events_dropped: AtomicU64,
    lines_dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn denied(&self) {
        self.denied.fetch_add(1, Relaxed);
    }

    pub(crate) fn http_request(&self) {
        self.http_requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn rate_limited(&self) {
        self.rate_limited.fetch_add(1, Relaxed);
    }

    pub(crate) fn event_dropped(&self) {
        self.events_dropped.fetch_add(1, Relaxed);
    }

    pub(crate) fn line_dropped(&self) {
        self.lines_dropped.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        Counts {
            denied: self.denied.load(Relaxed),
            http_requests: self.http_requests.load(Relaxed),
            rate_limited: self.rate_limited.load(Relaxed),
            events_dropped: self.events_dropped.load(Relaxed),
            lines_dropped: self.lines_dropped.load(Relaxed),
        }
    }
}
