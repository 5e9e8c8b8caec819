//! Finding what was built.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

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

/// Where cargo put the running program: itself, or its tests in `deps`.
pub fn target() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program does not know where it is")?;
    let profile = own.ancestors().find(|path| path.file_name().is_some_and(|name| name == "debug"));
    profile.and_then(Path::parent).map(Path::to_owned).context("this program was not built by cargo in the dev profile")
}
