//! The program: where it is, and how it is built.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use capstan_realcluster::{Go, target};

/// Set by `cargo xtask test` where the program can be built: then it is a failure if it is missing.
pub const REQUIRED: &str = "CAPSTAN_REGISTRY_REQUIRED";

const NAME: &str = "registry";
/// What was built of, beside the program: it is built anew when that differs from the sources.
const STAMP: &str = "built-from";

/// Built before, from today's sources, below cargo's target directory.
#[must_use]
pub fn find(target: &Path) -> Option<PathBuf> {
    let folder = folder(target);
    let current = fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == sources());
    Some(folder.join(NAME)).filter(|program| current && program.exists())
}

/// Builds it if [`find`] does not find it, and says on stderr how long that takes.
///
/// # Errors
/// If there is no usable Go, or it fails: its own words are on stderr by then.
pub fn build(target: &Path) -> Result<PathBuf> {
    if let Some(program) = find(target) {
        return Ok(program);
    }
    if let Go::Missing(advice) = Go::find() {
        bail!("the registry is built with Go: {advice}");
    }
    let into = folder(target);
    fs::create_dir_all(&into).with_context(|| format!("{} cannot be made", into.display()))?;
    eprintln!(
        "Building the registry {} from its Go module: about two minutes on two cores, once per version",
        version()
    );
    let start = Instant::now();
    let mut go = Go::command(env!("CARGO_MANIFEST_DIR"));
    // As the real control plane is built, with which it shares some packages and all of Go's own.
    go.args(["build", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", "-s -w", "-o"])
        .arg(into.join(NAME))
        .arg(".");
    let built = go.stdin(Stdio::null()).status().context("go cannot be started")?;
    if !built.success() {
        bail!("go cannot build the registry: see above");
    }
    eprintln!("    registry built in {:.0?}", start.elapsed());
    fs::write(into.join(STAMP), sources()).context("the build cannot be marked as complete")?;
    Ok(into.join(NAME))
}

/// Whether tests against the real registry can run; says loudly if not. True, too, where they must: then starting one says what
/// is missing.
#[must_use]
pub fn is_here() -> bool {
    let here = target().is_ok_and(|target| find(&target).is_some());
    if !here && std::env::var_os(REQUIRED).is_none() {
        eprintln!(
            "!!! SKIPPED: nothing is tested against a real registry: run `cargo xtask registry` (it needs Go) !!!"
        );
        return false;
    }
    true
}

/// One folder per version, so that going back to an older commit costs nothing.
fn folder(target: &Path) -> PathBuf {
    target.join("registry").join(version())
}

/// As `go.mod` has it.
fn version() -> &'static str {
    let module = "github.com/distribution/distribution/v3 ";
    let lines = include_str!("../go.mod").lines();
    let mut required = lines.filter_map(|line| line.trim().trim_start_matches("require ").strip_prefix(module));
    // go.mod is part of this crate, and a test reads it.
    required.next().expect("go.mod requires the registry")
}

/// Everything a build depends on, beside the Go toolchain.
fn sources() -> String {
    [include_str!("../go.mod"), include_str!("../go.sum"), include_str!("../main.go"), include_str!("program.rs")]
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_module() {
        assert!(version().starts_with("v3.") && !version().contains(' '), "{}", version());
    }
}
