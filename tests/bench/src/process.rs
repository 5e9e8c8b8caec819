//! What another process uses, as the kernel counts it; see proc(5).

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Resident memory in bytes.
pub(crate) fn resident(process: u32) -> Result<u64> {
    kibibytes(&format!("/proc/{process}/status"), "VmRSS:")
}

/// Resident memory in bytes, of shared pages its share.
pub(crate) fn proportional(process: u32) -> Result<u64> {
    kibibytes(&format!("/proc/{process}/smaps_rollup"), "Pss:")
}

fn kibibytes(path: &str, line: &str) -> Result<u64> {
    let text = fs::read_to_string(path)?;
    let value = text.lines().find_map(|found| found.strip_prefix(line)).with_context(|| format!("no {line}"))?;
    Ok(value.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

/// A moment in the life of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    at: Instant,
    /// What all of its threads ran for.
    ran: Duration,
    /// How often they were switched to after they had waited.
    wakeups: u64,
}

/// What happened between two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    pub(crate) took: Duration,
    pub(crate) ran: Duration,
    pub(crate) wakeups: u64,
}

impl Reading {
    /// Now.
    pub(crate) fn of(process: u32) -> Result<Self> {
        let (mut nanoseconds, mut wakeups) = (0, 0);
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            let task = task?.path();
            // A thread may end meanwhile.
            let (Ok(schedule), Ok(status)) =
                (fs::read_to_string(task.join("schedstat")), fs::read_to_string(task.join("status")))
            else {
                continue;
            };
            nanoseconds += schedule.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
            let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            wakeups += switches.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Self { at: Instant::now(), ran: Duration::from_nanos(nanoseconds), wakeups })
    }

    /// From an earlier moment to this one. Of threads that ended in between nothing is known.
    pub(crate) fn since(&self, earlier: &Self) -> Between {
        Between {
            took: self.at - earlier.at,
            ran: self.ran.saturating_sub(earlier.ran),
            wakeups: self.wakeups.saturating_sub(earlier.wakeups),
        }
    }
}
