//! Running cargo, rustup and what they built.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use capstan_realcluster::{ASSETS, assets};

/// Builds all programs. Always the whole workspace: a smaller selection has other features in shared dependencies, and
/// wasmtime would be compiled once for each.
pub(crate) const BUILD: &[&str] = &["build", "--quiet", "--workspace", "--bins"];

/// Where cargo is told to put what it builds; from where it is called, if that is no absolute path.
const TARGET: &str = "CARGO_TARGET_DIR";

/// The top of the checkout.
pub(crate) fn root() -> &'static Path {
    // xtask is one folder below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds, as an absolute path: what is run here runs in other folders.
pub(crate) fn target() -> PathBuf {
    let told = std::env::var_os(TARGET).filter(|path| !path.is_empty()).map(PathBuf::from);
    told.map_or_else(|| root().join("target"), |path| std::path::absolute(&path).unwrap_or(path))
}

/// Cargo, at the top of the checkout, in the environment that the user's own cargo has.
///
/// What `cargo run` tells a program of its package is taken out again: the build script of `ring` looks at some of it, so
/// ring, rustls, kube and all above them would be compiled anew at every change between a chore and plain cargo.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    if std::env::var_os(TARGET).is_some() {
        command.env(TARGET, target());
    }
    // Tests run in the folders of their packages.
    command.envs(assets().map(|folder| (ASSETS, folder)));
    command.args(arguments).current_dir(root());
    command
}

/// Runs cargo; its output is the user's.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    finish(command(arguments), arguments)
}

fn finish(mut command: Command, arguments: &[&str]) -> Result<()> {
    let status = command.status().context("cargo cannot be started")?;
    if !status.success() {
        bail!("`cargo {}` failed", arguments.join(" "));
    }
    Ok(())
}

/// Runs cargo with our own code optimised. Dependencies always are, so they are not built again.
pub(crate) fn run_optimised(arguments: &[&str]) -> Result<()> {
    let mut command = command(arguments);
    command
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")
        .env("CARGO_PROFILE_DEV_OVERFLOW_CHECKS", "false");
    finish(command, arguments)
}

/// Runs a binary of the workspace; true if it says it succeeded.
pub(crate) fn run_built(name: &str, arguments: &[&str]) -> Result<bool> {
    let path = target().join("debug").join(name);
    let status = Command::new(&path).args(arguments).current_dir(root()).status();
    Ok(status.with_context(|| format!("{} cannot be started", path.display()))?.success())
}

/// Installs the compilation target of providers if it is missing.
pub(crate) fn ensure_wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-wasip2";
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(root()).output();
    let Ok(listed) = listed else {
        // A toolchain without rustup: cargo itself says what is missing.
        return Ok(());
    };
    if String::from_utf8_lossy(&listed.stdout).lines().any(|line| line == TARGET) {
        return Ok(());
    }
    crate::step(&format!("Installing the {TARGET} target"));
    let status = Command::new("rustup").args(["target", "add", TARGET]).current_dir(root()).status();
    if !status.context("rustup cannot be started")?.success() {
        bail!("`rustup target add {TARGET}` failed: providers are compiled to it");
    }
    Ok(())
}
