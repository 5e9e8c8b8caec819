//! Finding what was built.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use capstan_realcluster::target;

/// A component of `target/plugins`.
pub fn plugin(name: &str) -> Result<PathBuf> {
    let path = target()?.join("plugins").join(format!("{name}.wasm"));
    ensure!(path.exists(), "{} is missing: run `cargo xtask plugins`", path.display());
    Ok(path)
}

/// A binary of the workspace.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = target()?.join("debug").join(name);
    ensure!(path.exists(), "{} is missing: run `cargo build --package {name}`", path.display());
    Ok(path)
}
