//! Times of many runs of the same thing.

use std::{io, time::Duration};

/// At least one.
#[derive(Debug)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that `percent` of the runs stayed within.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(place).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn print(&self, name: &str) {
        println!(
            "  {name:44} p50 {:>9.1?}   p95 {:>9.1?}   p99 {:>9.1?}   ({} runs)",
            self.percentile(50),
            self.percentile(95),
            self.percentile(99),
            self.0.len()
        );
    }
}

/// How many times `other` fits into `this`.
#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
pub(crate) fn ratio(this: u128, other: u128) -> f64 {
    this as f64 / other.max(1) as f64
}

/// Resident memory of this process in bytes.
pub(crate) fn resident() -> io::Result<u64> {
    memory("VmRSS:")
}

/// The most that [`resident`] has been since [`forget_peak`].
pub(crate) fn peak() -> io::Result<u64> {
    memory("VmHWM:")
}

/// Begins the peak anew.
pub(crate) fn forget_peak() -> io::Result<()> {
    // What proc(5) says under clear_refs.
    std::fs::write("/proc/self/clear_refs", "5")
}

fn memory(line: &str) -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let value = status.lines().find_map(|found| found.strip_prefix(line)).unwrap_or_default();
    let kibibytes: u64 = value.trim().trim_end_matches("kB").trim().parse().map_err(io::Error::other)?;
    Ok(kibibytes * 1024)
}
