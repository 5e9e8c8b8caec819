//! What is counted of providers at work, told when it is asked for.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use capstan_sandbox::{Compilations, Sandbox};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use tokio::time::{sleep, timeout};

use crate::slot::Slot;

/// What is known of every provider that runs here, by the provider's name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    slots: Arc<Mutex<BTreeMap<String, Weak<Slot>>>>,
    /// How often the host's own work on one panicked; none that never did.
    panics: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// For the reconciles of a provider whose task panicked: they are ended where they stand.
const COMES_TO_REST: Duration = Duration::from_secs(20);
/// Between two looks whether they are.
const LOOK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, EncodeLabelSet)]
struct Labels {
    provider: String,
}

#[derive(Debug, Clone, EncodeLabelSet)]
struct Used {
    provider: String,
    bound: &'static str,
    quantile: &'static str,
}

#[derive(Debug, Clone, EncodeLabelSet)]
struct Compiled {
    result: &'static str,
}

/// What components cost before they run.
pub(crate) struct Compiling(pub(crate) Arc<Sandbox>);

/// A metric's name, its help and its value.
type Told = (&'static str, &'static str, fn(&Slot) -> u64);

const COUNTERS: [Told; 7] = [
    ("capstan_provider_traps", "Calls into the provider that crashed", |slot| slot.tally().traps()),
    ("capstan_provider_kills", "Calls that were ended as a budget ran out", |slot| slot.tally().kills()),
    ("capstan_provider_denied", "Requests that the grants do not allow", |slot| slot.counts().denied),
    ("capstan_provider_http_requests", "Requests sent to other systems", |slot| slot.counts().http_requests),
    (
        "capstan_provider_rate_limited",
        "Requests to other systems that were not sent, or in vain, since their origin told us to wait",
        |slot| slot.counts().rate_limited,
    ),
    ("capstan_provider_events_dropped", "Events beyond those of one reconcile", |slot| slot.counts().events_dropped),
    ("capstan_provider_lines_dropped", "Lines of log beyond those of one reconcile", |slot| {
        slot.counts().lines_dropped
    }),
];

impl Metrics {
    /// From now on told, for as long as it is there.
    pub(crate) fn enter(&self, provider: &str, slot: &Arc<Slot>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| slot.strong_count() > 0);
        slots.insert(provider.to_owned(), Arc::downgrade(slot));
    }

    /// The host's own work on a provider panicked.
    pub(crate) fn panicked(&self, provider: &str) {
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        *panics.entry(provider.to_owned()).or_default() += 1;
    }

    /// Waits until nobody holds the logic of a provider any more. False if somebody still does after a while.
    pub(crate) async fn at_rest(&self, provider: &str) -> bool {
        let wait = async {
            while self.is_held(provider) {
                sleep(LOOK).await;
            }
        };
        timeout(COMES_TO_REST, wait).await.is_ok()
    }

    fn is_held(&self, provider: &str) -> bool {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(provider).is_some_and(|slot| slot.strong_count() > 0)
    }

    fn slots(&self) -> Vec<(Labels, Arc<Slot>)> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = slots.iter().filter_map(|(name, slot)| Some((name.clone(), slot.upgrade()?)));
        alive.map(|(provider, slot)| (Labels { provider }, slot)).collect()
    }
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let slots = self.slots();
        for (name, help, value) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (labels, slot) in &slots {
                ConstCounter::new(value(slot)).encode(family.encode_family(labels)?)?;
            }
        }
        let help = "How often the host's own work on the provider panicked and was begun anew";
        let mut family = encoder.encode_descriptor("capstan_provider_panics", help, None, MetricType::Counter)?;
        let panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (provider, count) in panics {
            ConstCounter::new(count).encode(family.encode_family(&Labels { provider })?)?;
        }
        let help = "1 while the provider is given rest, as its calls are cut off again and again";
        let mut family = encoder.encode_descriptor("capstan_provider_resting", help, None, MetricType::Gauge)?;
        for (labels, slot) in &slots {
            ConstGauge::new(i64::from(slot.breaker().is_open())).encode(family.encode_family(labels)?)?;
        }
        let help = "How much of each bound of the budget sessions use, as a part of the limit";
        let mut family = encoder.encode_descriptor("capstan_budget_used_ratio", help, None, MetricType::Gauge)?;
        for (Labels { provider }, slot) in &slots {
            for spent in slot.spent() {
                for (quantile, used) in [("0.5", spent.p50), ("0.99", spent.p99), ("1", spent.max)] {
                    let labels = Used { provider: provider.clone(), bound: spent.bound.as_str(), quantile };
                    ConstGauge::new(ratio(used, spent.limit)).encode(family.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

impl Collector for Compiling {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Components compiled, found compiled already, or not compiled";
        let mut family = encoder.encode_descriptor("capstan_compilations", help, None, MetricType::Counter)?;
        let Compilations { compiled, found, failed } = self.0.compilations();
        for (result, count) in [("compiled", compiled), ("found", found), ("failed", failed)] {
            ConstCounter::new(count).encode(family.encode_family(&Compiled { result })?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Compiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiling").field(&self.0.compilations()).finish()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a part of something needs few digits")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;

    #[tokio::test]
    async fn panics_are_told_by_provider_and_nothing_is_waited_for_that_is_not_there() {
        let (metrics, mut registry) = (Metrics::default(), Registry::default());
        registry.register_collector(Box::new(metrics.clone()));
        metrics.panicked("bad");
        metrics.panicked("bad");
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("capstan_provider_panics_total{provider=\"bad\"} 2"), "{text}");
        assert!(metrics.at_rest("bad").await);
    }
}
