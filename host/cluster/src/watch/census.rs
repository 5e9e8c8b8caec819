//! What the watches cost, told when it is asked for.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::{Watches, table::Census};

/// Kinds that have lines of their own; providers may read many. The rest is one line more.
const KINDS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    group: String,
    kind: String,
}

/// Registered by [`Watches::register_metrics`].
#[derive(Debug)]
pub(super) struct Collected(pub(super) Watches);

/// A metric's name, its help and its value.
type Told = (&'static str, &'static str, fn(&Census) -> usize);

const TOLD: [Told; 4] = [
    ("capstan_watches_open", "Watches that are open", |census| census.watches),
    ("capstan_watches_unsynced", "Watches that have not told their first list yet", |census| census.unsynced),
    ("capstan_store_objects", "Objects in the stores of the watches", |census| census.objects),
    ("capstan_store_bytes", "Bytes of these objects, as JSON", |census| census.bytes),
];

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let kinds = self.0.census();
        for (name, help, value) in TOLD {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (labels, census) in &kinds {
                let value = i64::try_from(value(census)).unwrap_or(i64::MAX);
                ConstGauge::new(value).encode(family.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

impl Watches {
    /// In the order of their names, so that a kind keeps its line; versions of a kind are one.
    fn census(&self) -> Vec<(Labels, Census)> {
        let mut kinds = std::collections::BTreeMap::<(String, String), Census>::new();
        for watches in self.of_all() {
            for (kind, census) in watches.lock().census() {
                kinds.entry((kind.group, kind.kind)).or_default().add(census);
            }
        }
        let mut rest = Census::default();
        let mut told = Vec::new();
        for ((group, kind), census) in kinds {
            if told.len() < KINDS {
                told.push((Labels { group, kind }, census));
            } else {
                rest.add(census);
            }
        }
        if rest != Census::default() {
            told.push((Labels { group: String::new(), kind: "others".to_owned() }, rest));
        }
        told
    }
}

impl Census {
    fn add(&mut self, other: Self) {
        self.watches += other.watches;
        self.unsynced += other.unsynced;
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}
