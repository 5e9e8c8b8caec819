//! For tests: is there a control plane, and one of a test's own.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

use crate::{Programs, RealCluster, state::sweep};

/// Set by `cargo xtask test` where the programs can be built: then it is a failure if they are missing.
pub const REQUIRED: &str = "CAPSTAN_REAL_CLUSTER_REQUIRED";

/// Clusters of tests live for minutes and there is memory: collecting garbage would be a sixth of their work.
const GARBAGE: (&str, &str) = ("GOGC", "400");

/// Cargo's target directory, seen from a program in it: one of its binaries, or a test.
///
/// # Errors
/// If the running program was not built in the dev profile.
pub fn target() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let profile = own.ancestors().find(|path| path.file_name().is_some_and(|name| name == "debug"));
    profile.and_then(Path::parent).map(Path::to_owned).context("this program was not built by cargo in the dev profile")
}

/// Whether tests against the real control plane can run; says loudly if not. True, too, where they must: then starting one says
/// what is missing.
#[must_use]
pub fn is_here() -> bool {
    let found = target().map(|target| Programs::find(&target));
    if let Ok(Err(missing)) = found
        && std::env::var_os(REQUIRED).is_none()
    {
        eprintln!("!!! SKIPPED: nothing is tested against the real control plane: {missing} (it needs Go) !!!");
        return false;
    }
    true
}

impl RealCluster {
    /// Starts one below cargo's target directory; those of test runs that were killed are ended first. Its programs collect
    /// garbage seldom, unless `GOGC` is set.
    ///
    /// # Errors
    /// If the programs are missing, or it does not start.
    pub fn start_for_test() -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let target = target()?;
        let programs = Programs::find(&target)?;
        let parent = target.join("realcluster/tests");
        sweep(&parent)?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let environment = if std::env::var_os(GARBAGE.0).is_some() { &[][..] } else { &[GARBAGE] };
        Self::start_in(&programs, &parent.join(format!("{}-{number}", std::process::id())), environment)
    }
}
