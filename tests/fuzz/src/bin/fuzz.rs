//! One target under libFuzzer, which makes inputs by the ways that the code takes: `cargo xtask fuzz` builds and runs it.

#![no_main]

use std::{env, fs, path::PathBuf, sync::LazyLock};

use capstan_fuzz::{Corpus, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var("CAPSTAN_FUZZ_TARGET").expect("`cargo xtask fuzz TARGET` says which target it is");
    name.parse().expect("a target")
});

/// Beside what libFuzzer found before, it begins with what is in the repository.
fn begin() {
    let found = PathBuf::from(env::var_os("CAPSTAN_FUZZ_FOUND").expect("a folder for what is found"));
    for (path, input) in Corpus::of(*TARGET).expect("the corpus is there").files() {
        fs::write(found.join(path.file_name().unwrap_or_default()), input).expect("the folder can be written to");
    }
}

libfuzzer_sys::fuzz_target!(init: begin(), |input: &[u8]| TARGET.run(input));
