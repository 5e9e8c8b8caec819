//! `cargo xtask cluster`: a real control plane to try things on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use capstan_realcluster::{Programs, RealCluster, build, end};

use crate::{cargo, step};

pub(crate) const USAGE: &str = "\
Usage: cargo xtask cluster COMMAND [NAME]

  build     builds etcd, kube-apiserver, kube-controller-manager and kubectl from Go modules, unless KUBEBUILDER_ASSETS has them
  up        starts a control plane on the loopback interface and leaves it running (about 450 MiB of memory)
  env       prints shell lines that point kubectl at it: eval \"$(cargo xtask cluster env)\"
  down      ends it and removes its data

NAME tells several apart; without it: default.
";

/// True if it was done; false if the usage should be shown.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    let name = arguments.get(1).copied().unwrap_or("default");
    let valid = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    ensure!(valid && !name.is_empty(), "{name:?} is no name for a control plane: use a-z, 0-9 and -");
    match arguments {
        ["build"] => build(&cargo::target()).map(drop)?,
        ["up", ..] if arguments.len() <= 2 => up(name)?,
        ["env", ..] if arguments.len() <= 2 => env(name)?,
        ["down", ..] if arguments.len() <= 2 => down(name)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn folder(name: &str) -> PathBuf {
    cargo::target().join("realcluster/up").join(name)
}

fn up(name: &str) -> Result<()> {
    let folder = folder(name);
    if folder.exists() {
        bail!("{name} is up already: `cargo xtask cluster down {name}` ends it");
    }
    let programs = build(&cargo::target())?;
    step("Starting etcd, kube-apiserver and kube-controller-manager");
    let cluster = RealCluster::start(&programs, &folder)?;
    eprintln!("API server   {}", cluster.server());
    eprintln!("kubectl      eval \"$(cargo xtask cluster env {name})\"");
    eprintln!("logs         {}/*.log", folder.display());
    eprintln!("end          cargo xtask cluster down {name}");
    cluster.leave()
}

fn env(name: &str) -> Result<()> {
    let kubeconfig = folder(name).join("kubeconfig");
    ensure!(kubeconfig.exists(), "{name} is not up: `cargo xtask cluster up {name}` starts it");
    let programs = Programs::find(&cargo::target())?;
    let folder = programs.kubectl.parent().context("kubectl is in no folder")?;
    println!("export KUBECONFIG='{}'", kubeconfig.display());
    println!("export PATH='{}':\"$PATH\"", folder.display());
    Ok(())
}

fn down(name: &str) -> Result<()> {
    let folder = folder(name);
    ensure!(folder.exists(), "{name} is not up");
    end(&folder)
}
