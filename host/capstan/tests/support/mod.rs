//! Running the command as a user does.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// `capstan`, which keeps compiled code where all tests do.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_capstan"));
    command.env("CAPSTAN_CODE_CACHE", target().join("code")).env_remove("CAPSTAN_NAMESPACE");
    command
}

/// `capstan ARGUMENTS`, to its end.
pub(crate) fn capstan(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("the command was built for this test")
}

/// What it printed; it has to succeed.
pub(crate) fn stdout(arguments: &[&str]) -> String {
    let output = capstan(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Its exit code and what it said; it must not print anything.
pub(crate) fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = capstan(arguments);
    assert!(output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The objects in some YAML.
pub(crate) fn objects(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// A component of `target/plugins`, which `cargo xtask plugins` builds.
pub(crate) fn plugin(name: &str) -> PathBuf {
    let path = target().join("plugins").join(format!("{name}.wasm"));
    assert!(path.exists(), "{} is missing: run `cargo xtask plugins`", path.display());
    path
}

fn target() -> &'static Path {
    let program = Path::new(env!("CARGO_BIN_EXE_capstan"));
    program.ancestors().nth(2).expect("programs are two folders below the target directory")
}
