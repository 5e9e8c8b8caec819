//! What runs at the moment of asking.

use std::{fmt, sync::PoisonError};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};
use tokio::time::Instant;

use super::{Labels, Metrics, Named};

/// Told by the clock, when somebody asks.
#[derive(Debug)]
pub(super) struct Unfinished(Metrics);

impl Unfinished {
    pub(super) fn of(metrics: Metrics) -> Self {
        Self(metrics)
    }
}

impl Collector for Unfinished {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = Instant::now();
        let mut told = Vec::new();
        for (labels, (running, _)) in &*self.0.running() {
            let running = running.lock().unwrap_or_else(PoisonError::into_inner);
            let seconds = |begun: &(Instant, u64)| now.saturating_duration_since(begun.0).as_secs_f64();
            let longest = running.first().map_or(0.0, seconds);
            told.push((labels.clone(), running.iter().map(seconds).fold(0.0, |all, one| all + one), longest));
        }
        let mut gauge = |name: &str, help: &str, value: fn(&(Labels, f64, f64)) -> f64| {
            let unit = Some(&Unit::Seconds);
            let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
            for line in &told {
                let named = Named { name: line.0.controller.clone(), controller: line.0.controller.clone() };
                ConstGauge::new(value(line)).encode(family.encode_family(&named)?)?;
            }
            Ok(())
        };
        gauge("workqueue_unfinished_work", "How long all that run have been running together", |line| line.1)?;
        let help = "How long the one that has been running for longest has been";
        gauge("workqueue_longest_running_processor", help, |line| line.2)
    }
}
