//! Guests, each built once for a test run.

use std::{fs, path::Path, process::Command, sync::OnceLock};

/// The hostile guest's bytes.
pub(crate) fn hostile() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| build(&["--package", "capstan-hostile"], "capstan_hostile.wasm"))
}

/// The bytes of the SDK's example that reaches outside.
pub(crate) fn things() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| build(&["--package", "capstan-sdk", "--example", "things"], "examples/things.wasm"))
}

/// In a target folder of its own: the outer cargo may hold the lock of the usual one.
fn build(what: &[&str], built: &str) -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = workspace.join("target/guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--target", "wasm32-wasip2", "--profile", "guest"])
        .args(what)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&workspace)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the guest does not build; if the target is missing: rustup target add wasm32-wasip2");
    fs::read(target.join("wasm32-wasip2/guest").join(built)).expect("cargo has built it")
}
