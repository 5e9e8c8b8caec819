//! What is counted of providers at work, told when it is asked for.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use capstan_sandbox::{Compilations, Sandbox, Spent};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use tokio::time::{sleep, timeout};

use crate::{slot::Slot, tally::Tally};

/// What is known of every provider that runs here, by the provider's name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    slots: Arc<Mutex<BTreeMap<String, Weak<Slot>>>>,
    tallies: Arc<Mutex<BTreeMap<String, Weak<Tally>>>>,
    /// How often the host's own work on one panicked; none that never did.
    panics: Arc<Mutex<BTreeMap<String, u64>>>,
    /// How often which source of providers did; none that never did.
    sources: Arc<Mutex<BTreeMap<&'static str, u64>>>,
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
struct Followed {
    source: &'static str,
}

#[derive(Debug, Clone, EncodeLabelSet)]
struct Compiled {
    result: &'static str,
}

/// What components cost before they run.
pub(crate) struct Compiling(pub(crate) Arc<Sandbox>);

/// A metric's name, its help and its value.
type Told<T> = (&'static str, &'static str, fn(&T) -> u64);

const TALLIED: [Told<Tally>; 2] = [
    ("capstan_provider_traps", "Calls into the provider that crashed", Tally::traps),
    ("capstan_provider_kills", "Calls that were ended as a budget ran out", Tally::kills),
];

const COUNTERS: [Told<Slot>; 5] = [
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

    /// A new tally for a provider; from now on told, for as long as it is there.
    pub(crate) fn tally(&self, provider: &str) -> Arc<Tally> {
        let tally = Arc::<Tally>::default();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.retain(|_, tally| tally.strong_count() > 0);
        tallies.insert(provider.to_owned(), Arc::downgrade(&tally));
        tally
    }

    /// The host's own work on a provider panicked.
    pub(crate) fn panicked(&self, provider: &str) {
        let mut panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner);
        *panics.entry(provider.to_owned()).or_default() += 1;
    }

    /// A source of providers panicked.
    pub(crate) fn source_panicked(&self, source: &'static str) {
        *self.sources.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default() += 1;
    }

    /// The object of a provider is gone. What else is told of it goes with what ran for it.
    pub(crate) fn forget(&self, provider: &str) {
        self.panics.lock().unwrap_or_else(PoisonError::into_inner).remove(provider);
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
}

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (tallies, slots) = (alive(&self.tallies), alive(&self.slots));
        counters(&mut encoder, &TALLIED, &tallies)?;
        counters(&mut encoder, &COUNTERS, &slots)?;
        let help = "How often the host's own work on the provider panicked and was begun anew";
        let mut family = encoder.encode_descriptor("capstan_provider_panics", help, None, MetricType::Counter)?;
        let panics = self.panics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (provider, count) in panics {
            ConstCounter::new(count).encode(family.encode_family(&Labels { provider })?)?;
        }
        let help = "How often a source of providers panicked and was begun anew";
        let mut family = encoder.encode_descriptor("capstan_source_panics", help, None, MetricType::Counter)?;
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (source, count) in sources {
            ConstCounter::new(count).encode(family.encode_family(&Followed { source })?)?;
        }
        let help = "1 while the provider is given rest, as its calls are cut off again and again";
        let mut family = encoder.encode_descriptor("capstan_provider_resting", help, None, MetricType::Gauge)?;
        for (labels, slot) in &slots {
            ConstGauge::new(i64::from(slot.breaker().is_open())).encode(family.encode_family(labels)?)?;
        }
        used(&mut encoder, slots.iter().map(|(labels, slot)| (&*labels.provider, slot.spent())))
    }
}

/// Those of whom something is left.
fn alive<T>(all: &Mutex<BTreeMap<String, Weak<T>>>) -> Vec<(Labels, Arc<T>)> {
    let all = all.lock().unwrap_or_else(PoisonError::into_inner);
    let alive = all.iter().filter_map(|(name, one)| Some((name.clone(), one.upgrade()?)));
    alive.map(|(provider, one)| (Labels { provider }, one)).collect()
}

/// What sessions of which provider used.
fn used<'a>(encoder: &mut DescriptorEncoder<'_>, of: impl Iterator<Item = (&'a str, Vec<Spent>)>) -> fmt::Result {
    let help = "How much of each bound of the budget sessions use, as a part of the limit";
    let mut family = encoder.encode_descriptor("capstan_budget_used_ratio", help, None, MetricType::Gauge)?;
    for (provider, spent) in of {
        for Spent { bound, p50, p99, max, limit } in spent {
            for (quantile, used) in [("0.5", p50), ("0.99", p99), ("1", max)] {
                let labels = Used { provider: provider.to_owned(), bound: bound.as_str(), quantile };
                ConstGauge::new(ratio(used, limit)).encode(family.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}

fn counters<T>(encoder: &mut DescriptorEncoder<'_>, told: &[Told<T>], of: &[(Labels, Arc<T>)]) -> fmt::Result {
    for (name, help, value) in told {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, one) in of {
            ConstCounter::new(value(one)).encode(family.encode_family(labels)?)?;
        }
    }
    Ok(())
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
    use capstan_sandbox::{Bound, Call, LastWords, Outcome};
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;

    #[tokio::test]
    async fn panics_and_crashes_are_told_by_provider_also_where_nothing_runs() {
        let (metrics, mut registry) = (Metrics::default(), Registry::default());
        registry.register_collector(Box::new(metrics.clone()));
        metrics.panicked("bad");
        metrics.panicked("bad");
        let tally = metrics.tally("crashes");
        drop(metrics.tally("gone"));
        let (call, trap, last_words) = (Call::Describe, "unreachable".to_owned(), LastWords::default());
        tally.described(&Outcome::Trapped { call, trap, last_words });
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("capstan_provider_panics_total{provider=\"bad\"} 2"), "{text}");
        assert!(text.contains("capstan_provider_traps_total{provider=\"crashes\"} 1"), "{text}");
        assert!(!text.contains("gone"), "{text}");
        assert!(metrics.at_rest("bad").await);
    }

    #[derive(Debug)]
    struct Spends(Vec<Spent>);

    impl Collector for Spends {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            used(&mut encoder, [("p", self.0.clone()), ("idle", Vec::new())].into_iter())
        }
    }

    #[test]
    fn what_is_used_of_a_bound_is_told_as_a_part_of_its_limit() {
        let mut registry = Registry::default();
        let memory = Spent { bound: Bound::Memory, p50: 16 << 20, p99: 32 << 20, max: 64 << 20, limit: 64 << 20 };
        let events = Spent { bound: Bound::Events, p50: 0, p99: 0, max: 8, limit: 32 };
        registry.register_collector(Box::new(Spends(vec![memory, events])));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let told: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let line = |bound: &str, quantile: &str, part: &str| {
            format!(r#"capstan_budget_used_ratio{{provider="p",bound="{bound}",quantile="{quantile}"}} {part}"#)
        };
        let wanted = [
            line("memory", "0.5", "0.25"),
            line("memory", "0.99", "0.5"),
            line("memory", "1", "1.0"),
            line("events", "0.5", "0.0"),
            line("events", "0.99", "0.0"),
            line("events", "1", "0.25"),
        ];
        assert_eq!(told, wanted);
    }
}
