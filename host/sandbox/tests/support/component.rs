//! The hostile guest, built once for a test run.

use std::{fs, path::Path, process::Command, sync::OnceLock};

/// The component's bytes.
pub(crate) fn hostile() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(build)
}

/// In a target folder of its own: the outer cargo may hold the lock of the usual one.
fn build() -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = workspace.join("target/guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--target", "wasm32-wasip2", "--profile", "guest", "--package", "capstan-hostile"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&workspace)
        .status()
        .expect("cargo runs");
    assert!(
        status.success(),
        "the hostile guest does not build; if the target is missing: rustup target add wasm32-wasip2"
    );
    fs::read(target.join("wasm32-wasip2/guest/capstan_hostile.wasm")).expect("cargo has built it")
}
