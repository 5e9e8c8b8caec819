//! Bounds the memory of an instance: the sum of all its memories and tables, not each of them.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::usage::{Gauges, Share};

/// A table holds references, which are pointers to the host.
const ELEMENT: usize = size_of::<usize>();

/// A guest built from several modules, each with its adapters, stays far below; without a bound every one of them
/// would cost host memory that no other limit counts.
pub(crate) const INSTANCES: usize = 32;
/// One is the rule; composed components have one each.
pub(crate) const MEMORIES: usize = 4;
/// One for function pointers, one for the adapter that links lowered imports, for each of the memories.
pub(crate) const TABLES: usize = 2 * MEMORIES;

#[derive(Debug)]
pub(crate) struct Limiter {
    limit: usize,
    share: Share,
    exhausted: bool,
}

impl Limiter {
    pub(crate) fn new(limit: usize, gauges: Arc<Gauges>) -> Self {
        Self { limit, share: Share::new(gauges), exhausted: false }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes of all memories and tables.
    pub(crate) fn used(&self) -> usize {
        self.share.memory()
    }

    /// Whether the guest was ever refused memory: what it fails with afterwards is most likely a consequence.
    pub(crate) fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// Growth that cannot succeed is refused here and now, so that everything counted here exists. The guest sees -1,
    /// as it would on a machine without memory, and may have a way to go on.
    fn grow(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let added = desired.saturating_sub(current);
        let fits = self.share.memory().checked_add(added).is_some_and(|sum| sum <= self.limit)
            && maximum.is_none_or(|maximum| desired <= maximum);
        if fits {
            self.share.add_memory(added);
        } else {
            self.exhausted = true;
        }
        fits
    }
}

/// `memory_grow_failed` is left as it is on purpose: it is called for growth that was never counted too, so that
/// taking something back there would let a guest count itself down.
impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = |elements: usize| elements.saturating_mul(ELEMENT);
        Ok(self.grow(bytes(current), bytes(desired), maximum.map(bytes)))
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_are_summed() {
        let gauges = Arc::new(Gauges::default());
        let mut limiter = Limiter::new(1000, Arc::clone(&gauges));
        assert!(limiter.memory_growing(0, 400, None).unwrap());
        assert!(limiter.memory_growing(0, 400, None).unwrap());
        assert!(!limiter.exhausted());
        assert!(!limiter.table_growing(0, 26, None).unwrap());
        assert!(limiter.exhausted());
        assert!(limiter.table_growing(0, 25, None).unwrap());
        assert_eq!(gauges.read().memory, 1000);
        drop(limiter);
        assert_eq!(gauges.read(), crate::Usage::default());
    }

    #[test]
    fn growth_that_the_memory_cannot_do_is_not_counted() {
        let gauges = Arc::new(Gauges::default());
        let mut limiter = Limiter::new(1000, Arc::clone(&gauges));
        assert!(!limiter.memory_growing(0, 500, Some(400)).unwrap());
        assert_eq!(gauges.read().memory, 0);
    }

    #[test]
    fn a_growth_that_failed_later_does_not_count_down() {
        let mut limiter = Limiter::new(1000, Arc::default());
        assert!(limiter.memory_growing(0, 1000, None).unwrap());
        limiter.memory_grow_failed(wasmtime::Error::msg("beyond the type's limits")).unwrap();
        assert!(!limiter.memory_growing(1000, 1001, None).unwrap());
    }
}
