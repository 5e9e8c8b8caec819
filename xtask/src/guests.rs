//! Building components: the providers that ship, and the guests of the tests.

use std::fs;

use anyhow::{Context, Result};

use crate::cargo;

/// Package, and the name its component gets in `target/plugins`.
pub(crate) const GUESTS: [(&str, &str); 5] = [
    ("capstan-github", "github"),
    ("capstan-patch", "patch"),
    ("capstan-neighbour", "neighbour"),
    ("capstan-hostile", "hostile"),
    ("capstan-ring", "ring"),
];

/// Builds all of them to `target/plugins/NAME.wasm`.
pub(crate) fn build() -> Result<()> {
    cargo::ensure_wasm_target()?;
    // A directory of their own: a test that builds a guest does not wait for the lock of the test run around it.
    let built = cargo::target().join("guests");
    let directory = built.to_string_lossy().into_owned();
    let mut arguments =
        vec!["build", "--quiet", "--target", "wasm32-wasip2", "--profile", "guest", "--target-dir", &directory];
    for (package, _) in GUESTS {
        arguments.extend(["--package", package]);
    }
    cargo::run(&arguments)?;

    let plugins = cargo::target().join("plugins");
    fs::create_dir_all(&plugins).with_context(|| format!("{} cannot be made", plugins.display()))?;
    for (package, name) in GUESTS {
        let from = built.join("wasm32-wasip2/guest").join(format!("{}.wasm", package.replace('-', "_")));
        let to = plugins.join(format!("{name}.wasm"));
        fs::copy(&from, &to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
    }
    Ok(())
}
