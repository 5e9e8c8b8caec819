//! What one call and one reconcile of a provider may use.

use std::{collections::BTreeMap, time::Duration};

use capstan_api::Limits;

/// Bounds for one provider: what the limits of its grants say, and the defaults where they say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// For one call into the guest, with everything it waits for.
    pub call: Duration,
    /// From connect until the last call before disconnect, with the wait for a free slot. A disconnect has a time of its own: it
    /// tidies up, also where the others took all of theirs.
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
            memory: limits.memory.map_or(default.memory, size),
            requests: limits.requests.unwrap_or(default.requests),
            http_requests: limits.http_requests.unwrap_or(default.http_requests),
            http_bytes: limits.http_bytes.unwrap_or(default.http_bytes),
            events: limits.events.unwrap_or(default.events),
            lines: limits.lines.unwrap_or(default.lines),
            output: limits.log_bytes.map_or(default.output, size),
        }
    }

    /// For `describe`, which only says what it knows: it has no reason to take long.
    pub(crate) fn describing() -> Self {
        let second = Duration::from_secs(1);
        Self { call: second, reconcile: second, ..Self::default() }
    }
}

/// As much of it as a machine can have.
fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The budgets of one provider: one for each kind that has limits of its own, and one for all the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budgets {
    others: Budget,
    kinds: BTreeMap<String, Budget>,
}

impl Budgets {
    /// As the administrator set them.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let own = limits.kinds.iter().map(|own| (own.kind.clone(), Budget::new(&limits.of_kind(&own.kind))));
        Self { others: Budget::new(limits), kinds: own.collect() }
    }

    /// That for objects of a kind.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> &Budget {
        self.kinds.get(kind).unwrap_or(&self.others)
    }

    /// That for kinds without limits of their own.
    #[must_use]
    pub fn others(&self) -> &Budget {
        &self.others
    }
}

/// The same for all kinds.
impl From<Budget> for Budgets {
    fn from(others: Budget) -> Self {
        Self { others, kinds: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use capstan_api::KindLimits;

    use super::*;

    #[test]
    fn limits_of_the_administrator_replace_the_defaults_one_by_one() {
        let budget = Budget::new(&Limits { memory: Some(1 << 20), ..Limits::default() });
        assert_eq!(budget, Budget { memory: 1 << 20, ..Budget::default() });
        let budget = Budget::new(&Limits { call_timeout: Some(Duration::from_millis(5)), ..Limits::default() });
        assert_eq!(budget.call, Duration::from_millis(5));
        assert_eq!(budget.reconcile, Budget::default().reconcile);
    }

    #[test]
    fn every_limit_reaches_its_bound() {
        let limits = Limits {
            call_timeout: Some(Duration::from_secs(1)),
            reconcile_timeout: Some(Duration::from_secs(2)),
            memory: Some(3),
            requests: Some(4),
            http_requests: Some(5),
            http_bytes: Some(6),
            events: Some(7),
            lines: Some(8),
            log_bytes: Some(9),
            kinds: Vec::new(),
        };
        let budget = Budget {
            call: Duration::from_secs(1),
            reconcile: Duration::from_secs(2),
            memory: 3,
            requests: 4,
            http_requests: 5,
            http_bytes: 6,
            events: 7,
            lines: 8,
            output: 9,
        };
        assert_eq!(Budget::new(&limits), budget);
    }

    #[test]
    fn a_kind_may_have_a_budget_of_its_own() {
        let large = KindLimits { kind: "Large".to_owned(), memory: Some(128 << 20), ..KindLimits::default() };
        let call = Duration::from_secs(3);
        let limits = Limits { call_timeout: Some(call), kinds: vec![large], ..Limits::default() };
        let budgets = Budgets::new(&limits);
        let others = Budget { call, ..Budget::default() };
        assert_eq!(budgets.of_kind("Large"), &Budget { memory: 128 << 20, ..others.clone() });
        assert_eq!((budgets.of_kind("Small"), budgets.others()), (&others, &others));
    }
}
