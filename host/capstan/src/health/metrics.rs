//! The numbers, and how they are written.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};

/// Written by this crate's encoder, and read by every Prometheus since 2.5.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of the process.
pub(super) struct Metrics {
    registry: Registry,
    leading: Gauge,
    leases: Gauge,
    transitions: Counter,
    standing: Family<Lease, Gauge>,
    terms: Counter,
    watches: Gauge,
    instances: Gauge,
    memory: Gauge,
}

/// As client-go labels it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lease {
    /// The name of the Lease.
    name: String,
}

/// What is read when somebody asks, while this process does the work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) watches: usize,
    pub(super) instances: usize,
    /// Bytes.
    pub(super) memory: usize,
}

impl Metrics {
    /// The process is taken to start now.
    pub(super) fn new() -> Self {
        let mut registry = Registry::default();
        let started = Gauge::<f64, AtomicU64>::default();
        // A clock before 1970 is wrong, and nothing hangs on it.
        started.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        registry.register("process_start_time_seconds", "When the process started, in seconds since 1970", started);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("capstan_build", "What is running", build);

        let (leases, transitions) = (Gauge::default(), Counter::default());
        registry.register("capstan_leases_held", "Providers whose lease this replica holds", leases.clone());
        registry.register(
            "capstan_lease_transitions",
            "Leases of providers that this replica has taken, given up or lost",
            transitions.clone(),
        );
        let standing = Family::default();
        registry.register(
            "leader_election_master_status",
            "Whether this replica holds a lease (1), or waits for it or has lost it (0)",
            standing.clone(),
        );
        let (leading, terms) = (Gauge::default(), Counter::default());
        let (watches, instances, memory) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register(
            "capstan_leading",
            "1 while this replica is at work, with or without a provider",
            leading.clone(),
        );
        registry.register("capstan_terms", "How often this replica began to do the work", terms.clone());
        registry.register("capstan_watches", "Watches of the API server", watches.clone());
        registry.register("capstan_sandbox_instances", "Provider instances alive", instances.clone());
        registry.register(
            "capstan_sandbox_memory_bytes",
            "Memories and tables of all provider instances",
            memory.clone(),
        );
        Self { registry, leading, leases, transitions, standing, terms, watches, instances, memory }
    }

    /// `standing`: the Leases that are held or waited for, by name; true: held.
    pub(super) fn tell_leases(&self, standing: Vec<(String, bool)>, transitions: u64) {
        let held = standing.iter().filter(|(_, held)| *held).count();
        self.leases.set(i64::try_from(held).unwrap_or(i64::MAX));
        self.transitions.inner().store(transitions, Relaxed);
        self.standing.clear();
        for (name, held) in standing {
            self.standing.get_or_create(&Lease { name }).set(held.into());
        }
    }

    pub(super) fn begin_term(&self) {
        self.terms.inc();
    }

    /// With the metrics of the work. `None`: this process does not do it.
    pub(super) fn encode(&self, work: Option<(Sample, &Registry)>) -> Result<String, fmt::Error> {
        let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let Sample { watches, instances, memory } =
            work.map_or(Sample { watches: 0, instances: 0, memory: 0 }, |(sample, _)| sample);
        self.leading.set(work.is_some().into());
        self.watches.set(number(watches));
        self.instances.set(number(instances));
        self.memory.set(number(memory));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        if let Some((_, registry)) = work {
            encode_registry(&mut text, registry)?;
        }
        encode_eof(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_openmetrics() {
        let metrics = Metrics::new();
        let text = metrics.encode(None).unwrap();
        assert!(text.contains("\ncapstan_leading 0\n") && text.contains("\ncapstan_terms_total 0\n"), "{text}");
        metrics.begin_term();
        let standing = [("capstan-provider-gone", true), ("capstan-provider-github", false)];
        metrics.tell_leases(standing.map(|(name, held)| (name.to_owned(), held)).into(), 4);
        let standing =
            [("capstan-provider-patch", true), ("capstan-provider-github", true), ("capstan-provider-x", false)];
        metrics.tell_leases(standing.map(|(name, held)| (name.to_owned(), held)).into(), 5);
        let mut registry = Registry::default();
        registry.register("of_the_work", "Told while it is done", Gauge::<i64>::default());
        let sample = Sample { watches: 3, instances: 1, memory: 65_536 };
        let text = metrics.encode(Some((sample, &registry))).unwrap();
        for line in [
            "capstan_leading 1",
            "capstan_terms_total 1",
            "capstan_leases_held 2",
            "capstan_lease_transitions_total 5",
            "leader_election_master_status{name=\"capstan-provider-patch\"} 1",
            "leader_election_master_status{name=\"capstan-provider-x\"} 0",
            "capstan_watches 3",
            "of_the_work 0",
            "capstan_sandbox_instances 1",
            "capstan_sandbox_memory_bytes 65536",
            concat!("capstan_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
            "# EOF",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is missing in\n{text}");
        }
        assert!(text.contains("\nprocess_start_time_seconds 1"), "{text}");
        assert!(!text.contains("gone"), "what is neither held nor waited for is not told any more: {text}");
    }
}
