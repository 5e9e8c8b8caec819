//! Clocks that differ.

use anyhow::{Context, Result, ensure};
use capstan_realcluster::target;

/// Whether processes can be given a wall clock that is off.
pub const WALL_CLOCKS_CAN_BE_OFF: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// The environment in which a process has a wall clock that is off by so many seconds: ahead, or behind if there are fewer than
/// none.
///
/// # Errors
/// If the library for that was not built.
pub fn wall_clock_off_by(seconds: i64) -> Result<[(&'static str, String); 2]> {
    let library = target()?.join("debug/examples/libwall_clock.so");
    ensure!(library.exists(), "{} is missing: run `cargo test --workspace --no-run`", library.display());
    let library = library.into_os_string().into_string().ok().context("the path of the target folder is not text")?;
    Ok([("LD_PRELOAD", library), ("CAPSTAN_TEST_CLOCK_OFF_BY", seconds.to_string())])
}
