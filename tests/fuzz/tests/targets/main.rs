//! Every target, on its corpus and on inputs made of that: the same ones every time, however long they take.
//!
//! Two variables, which `cargo xtask fuzz` sets, make something else of it: `CAPSTAN_FUZZ_FILE` is the one input that is
//! run, and `CAPSTAN_FUZZ_SECONDS` is how long more and more inputs are made.

mod mutation;

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use capstan_fuzz::{Corpus, Target};
use libtest_mimic::{Arguments, Failed, Trial};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

/// Of the inputs that are made. Any other number would do as well.
const SEED: u64 = 1;
/// The one input to run.
const FILE: &str = "CAPSTAN_FUZZ_FILE";
/// How long inputs are made, instead of how many.
const SECONDS: &str = "CAPSTAN_FUZZ_SECONDS";

fn main() -> ExitCode {
    if env::var_os(FILE).is_none() {
        // While an input is made shorter, it breaks what it breaks a thousand times. What it was is said at the end.
        set_hook(Box::new(|_| {}));
    }
    let trials = Target::ALL.map(|target| Trial::test(target.name(), move || check(target))).into();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn check(target: Target) -> Result<(), Failed> {
    let done = if let Some(file) = env::var_os(FILE) {
        let file = PathBuf::from(file);
        fs::read(&file).with_context(|| format!("{} cannot be read", file.display())).map(|input| target.run(&input))
    } else {
        all(target)
    };
    done.map_err(|error| Failed::from(format!("{error:#}")))
}

fn all(target: Target) -> Result<()> {
    let corpus = Corpus::of(target)?;
    let broken = |(path, input): (&Path, &[u8])| Some(format!("{}: {}", path.display(), run(target, input).err()?));
    let broken: Vec<String> = corpus.files().filter_map(broken).collect();
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    let seeds: Vec<Vec<u8>> = corpus.files().map(|(_, input)| input.to_vec()).collect();
    let Ok(seconds) = env::var(SECONDS) else {
        return made(target, &seeds, SEED);
    };
    let until = Instant::now() + Duration::from_secs(seconds.parse().context(SECONDS)?);
    let mut seed = SEED;
    while Instant::now() < until {
        made(target, &seeds, seed)?;
        seed += 1;
    }
    println!("{target}: {} inputs", (seed - SEED) * u64::from(target.inputs()));
    Ok(())
}

/// Runs what is made of these inputs.
fn made(target: Target, seeds: &[Vec<u8>], seed: u64) -> Result<()> {
    let config = Config {
        cases: target.inputs(),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        // Enough to make an input short that somebody is to look at.
        max_shrink_iters: 4_096,
        ..Config::default()
    };
    let inputs = mutation::inputs(seeds.to_vec(), target.words());
    let tried = TestRunner::new(config).run(&inputs, |input| run(target, &input).map_err(TestCaseError::fail));
    match tried {
        Ok(()) => Ok(()),
        Err(TestError::Abort(reason)) => bail!("seed {seed}: {reason}"),
        Err(TestError::Fail(reason, input)) => {
            let file = keep(target, &input)?;
            bail!(
                "seed {seed}: {reason}\nthe input is in {}\nagain: cargo xtask fuzz {target} {}\nonce it is mended: cp {} {}/",
                file.display(),
                file.display(),
                file.display(),
                Corpus::folder(target).display()
            )
        }
    }
}

/// Runs one input; what it panicked with, if it did.
fn run(target: Target, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| target.run(input))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// Writes an input down for somebody to look at.
fn keep(target: Target, input: &[u8]) -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(target.name());
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let digest = capstan_oci::Digest::of(input);
    let file = folder.join(&digest.as_str()["sha256:".len()..][..16]);
    fs::write(&file, input).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}
