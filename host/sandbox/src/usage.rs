//! What all guests use together at this moment.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A reading of the sandbox's gauges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Instances alive.
    pub instances: usize,
    /// Bytes of their memories and tables.
    pub memory: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Gauges {
    instances: AtomicUsize,
    memory: AtomicUsize,
}

impl Gauges {
    pub(crate) fn read(&self) -> Usage {
        Usage { instances: self.instances.load(Relaxed), memory: self.memory.load(Relaxed) }
    }
}

/// One instance's part of the gauges; taken out again when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    gauges: Arc<Gauges>,
    memory: usize,
}

impl Share {
    pub(crate) fn new(gauges: Arc<Gauges>) -> Self {
        gauges.instances.fetch_add(1, Relaxed);
        Self { gauges, memory: 0 }
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    pub(crate) fn add_memory(&mut self, bytes: usize) {
        self.memory += bytes;
        self.gauges.memory.fetch_add(bytes, Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.gauges.instances.fetch_sub(1, Relaxed);
        self.gauges.memory.fetch_sub(self.memory, Relaxed);
    }
}
