//! The command line, as a user calls it.

use std::{path::Path, process::Command};

use anyhow::Result;

use crate::{output, program};

/// What `capstan ARGUMENTS` prints.
///
/// # Errors
/// If it fails; the error has what it complained of.
pub fn capstan(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program("capstan")?);
    command.args(arguments);
    output(command)
}

/// The definitions and rights that a provider needs, as YAML: `capstan provider package` without the component. The kubeconfig
/// is for looking up kinds that the provider does not bring.
pub fn package_rights(name: &str, component: &Path, grants: &Path, kubeconfig: &Path) -> Result<String> {
    let mut command = Command::new(program("capstan")?);
    command.args(["provider", "package", "--without-component", "--name", name]).arg(component);
    command.arg("--grants").arg(grants).arg("--kubeconfig").arg(kubeconfig);
    output(command)
}
