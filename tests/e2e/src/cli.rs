//! The command line, as a user calls it.

use std::{path::Path, process::Command};

use anyhow::Result;
use capstan_realcluster::target;

use crate::{output, program};

/// What `capstan ARGUMENTS` prints.
///
/// # Errors
/// If it fails; the error has what it complained of.
pub fn capstan(arguments: &[&str]) -> Result<String> {
    let mut command = command()?;
    command.args(arguments);
    output(command)
}

/// The definitions and rights that a provider needs, as YAML: `capstan provider package` without the component. The kubeconfig
/// is for looking up kinds that the provider does not bring.
pub fn package_rights(name: &str, component: &Path, grants: &Path, kubeconfig: &Path) -> Result<String> {
    let mut command = command()?;
    command.args(["provider", "package", "--without-component", "--name", name]).arg(component);
    command.arg("--grants").arg(grants).arg("--kubeconfig").arg(kubeconfig);
    output(command)
}

/// `capstan`. All that are started keep compiled code in one place, so that each component is compiled once.
///
/// # Errors
/// If it was not built.
pub fn command() -> Result<Command> {
    let mut command = Command::new(program("capstan")?);
    command.env("CAPSTAN_CODE_CACHE", target()?.join("code"));
    Ok(command)
}
