//! What one call and one reconcile of a provider may use.

use std::time::Duration;

use capstan_api::Limits;

/// Bounds for one provider. Time and memory come from its grants, the rest is the same for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// For one call into the guest, with everything it waits for.
    pub call: Duration,
    /// For connect to disconnect, with the wait for a free slot.
    pub reconcile: Duration,
    /// Bytes of all memories and tables of an instance together.
    pub memory: usize,
    /// Requests to the API server in one reconcile.
    pub requests: u32,
    /// Requests to other systems in one reconcile.
    pub http_requests: u32,
    /// Bytes of their bodies, and of those of the answers, in one reconcile.
    pub http_bytes: u64,
    /// Events in one reconcile.
    pub events: u32,
    /// Lines of log and output in one reconcile.
    pub lines: u32,
    /// Bytes of log and output in one reconcile.
    pub output: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            reconcile: Duration::from_mins(1),
            memory: 64 << 20,
            // Ten a second over a whole reconcile is more than any provider needs that does not loop.
            requests: 600,
            // Some hundred pages of a list; quotas of other systems are counted in thousands an hour.
            http_requests: 200,
            http_bytes: 32 << 20,
            // More than a person would read about one change of one object.
            events: 32,
            lines: 256,
            output: 64 << 10,
        }
    }
}

impl Budget {
    /// The defaults, with what the administrator set instead.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let default = Self::default();
        Self {
            call: limits.call_timeout.unwrap_or(default.call),
            reconcile: limits.reconcile_timeout.unwrap_or(default.reconcile),
            memory: limits.memory.map_or(default.memory, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            ..default
        }
    }

    /// For `describe`, which only says what it knows: it has no reason to take long.
    pub(crate) fn describing() -> Self {
        let second = Duration::from_secs(1);
        Self { call: second, reconcile: second, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_administrator_replace_the_defaults_one_by_one() {
        let budget = Budget::new(&Limits { memory: Some(1 << 20), ..Limits::default() });
        assert_eq!(budget, Budget { memory: 1 << 20, ..Budget::default() });
        let budget = Budget::new(&Limits { call_timeout: Some(Duration::from_millis(5)), ..Limits::default() });
        assert_eq!(budget.call, Duration::from_millis(5));
        assert_eq!(budget.reconcile, Budget::default().reconcile);
    }
}
