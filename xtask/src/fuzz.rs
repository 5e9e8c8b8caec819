//! `cargo xtask fuzz`: the targets of tests/fuzz, for as long as one likes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{cargo, step};

pub(crate) const USAGE: &str = "\
Usage: cargo xtask fuzz [TARGET] [--seconds N]
       cargo xtask fuzz TARGET FILE

Runs one target, or all of them one after the other, for N seconds each (60 if it is not said), under libFuzzer: inputs that
lead the code where it was not yet are kept and go on to be changed. The targets are the folders of tests/fuzz/corpus.
The first time it compiles everything with marks for that, wasmtime too, to target/fuzz. It needs a C++ compiler (c++);
without one inputs are made as in `cargo xtask test`, only more of them, led by nothing.

With a FILE, runs the target once, on what is in it. That is how an input that broke something is tried again, and how it is
seen that the mistake is mended; then it belongs into tests/fuzz/corpus/TARGET, where every test run has it.
";

/// Tells libFuzzer which ways the code takes. It is what cargo-fuzz asks of the compiler, without what only a nightly one has.
const MARKED: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                      -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// What is longer takes longer, and shows no more.
const LONGEST: &str = "-max_len=16384";
/// Seconds for one input; the targets themselves take offence earlier.
const TIMEOUT: &str = "-timeout=20";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Chore<'a> {
    /// One target, or all.
    Search { target: Option<&'a str>, seconds: u32 },
    /// One input.
    Repeat { target: &'a str, file: &'a Path },
    /// Say what there is.
    Help,
}

/// True if it was done and nothing was found; false if the usage should be shown.
pub(crate) fn run(arguments: &[&str]) -> Result<bool> {
    let Some(chore) = chore(arguments)? else { return Ok(false) };
    match chore {
        Chore::Help => print!("{USAGE}"),
        Chore::Repeat { target, file } => repeat(known(target)?, file)?,
        Chore::Search { target, seconds } => {
            let targets = match target {
                Some(target) => vec![known(target)?.to_owned()],
                None => targets()?,
            };
            search(&targets, seconds)?;
        }
    }
    Ok(true)
}

fn chore<'a>(arguments: &[&'a str]) -> Result<Option<Chore<'a>>> {
    let count = |text: &str| {
        // None would be without end to libFuzzer.
        let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
        seconds.with_context(|| format!("{text:?} is no number of seconds"))
    };
    Ok(Some(match arguments {
        ["help" | "--help" | "-h"] => Chore::Help,
        [] => Chore::Search { target: None, seconds: 60 },
        ["--seconds", text] => Chore::Search { target: None, seconds: count(text)? },
        [target] if !target.starts_with('-') => Chore::Search { target: Some(target), seconds: 60 },
        [target, "--seconds", text] | ["--seconds", text, target] => {
            Chore::Search { target: Some(target), seconds: count(text)? }
        }
        [target, file] if !file.starts_with('-') => Chore::Repeat { target, file: Path::new(*file) },
        _ => return Ok(None),
    }))
}

fn corpus() -> PathBuf {
    cargo::root().join("tests/fuzz/corpus")
}

/// Each has a folder.
fn targets() -> Result<Vec<String>> {
    let folders = fs::read_dir(corpus()).context("tests/fuzz/corpus cannot be read")?;
    let folders = folders.collect::<std::io::Result<Vec<_>>>().context("tests/fuzz/corpus cannot be read")?;
    // What a desktop leaves in a folder is none.
    let folders = folders.into_iter().filter(|folder| folder.path().is_dir());
    let mut names: Vec<_> = folders.map(|folder| folder.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn known(target: &str) -> Result<&str> {
    let targets = targets()?;
    ensure!(targets.iter().any(|known| known == target), "{target:?} is no target: {} are", targets.join(", "));
    Ok(target)
}

/// Runs one input in the tests, which are built anyway.
fn repeat(target: &str, file: &Path) -> Result<()> {
    let file = file.canonicalize().with_context(|| format!("{} is not there", file.display()))?;
    tests(target, "CAPSTAN_FUZZ_FILE", &file.to_string_lossy())
}

fn tests(target: &str, variable: &str, value: &str) -> Result<()> {
    let arguments = ["test", "--quiet", "--workspace", "--test", "targets", "--", "--exact", "--nocapture", target];
    let mut command = cargo::command(&arguments);
    command.env(variable, value);
    if !command.status().context("cargo cannot be started")?.success() {
        bail!("the target {target} failed");
    }
    Ok(())
}

fn search(targets: &[String], seconds: u32) -> Result<()> {
    if Command::new("c++").arg("--version").output().is_err() {
        step("There is no C++ compiler (c++), so that inputs are made without regard to the ways that the code takes");
        return each(targets, |target| {
            step(&format!("Fuzzing {target} for {seconds} seconds"));
            let done = tests(target, "CAPSTAN_FUZZ_SECONDS", &seconds.to_string());
            Ok(done.inspect_err(|error| eprintln!("error: {error:#}")).is_ok())
        });
    }
    let program = build()?;
    each(targets, |target| under_libfuzzer(&program, target, seconds))
}

/// All of them, whatever is found in one.
fn each(targets: &[String], mut is_fine: impl FnMut(&str) -> Result<bool>) -> Result<()> {
    let mut broken = Vec::new();
    for target in targets {
        if !is_fine(target)? {
            broken.push(target.as_str());
        }
    }
    ensure!(broken.is_empty(), "something was found in {}", broken.join(", "));
    Ok(())
}

/// In a directory of its own, so that nothing else is built again.
fn build() -> Result<PathBuf> {
    step("Building the targets (the first time this compiles wasmtime with marks: about twenty minutes on two cores)");
    // Named, so that the flags are not for build scripts and macros, which run here and now.
    let triple = triple()?;
    let directory = cargo::target().join("fuzz");
    let place = directory.to_string_lossy().into_owned();
    let arguments = [
        "build",
        "--quiet",
        "--package",
        "capstan-fuzz",
        "--features",
        "libfuzzer",
        "--bin",
        "fuzz",
        "--target",
        &triple,
        "--target-dir",
        &place,
    ];
    let status = cargo::command(&arguments).env("RUSTFLAGS", MARKED).status().context("cargo cannot be started")?;
    ensure!(status.success(), "the targets cannot be built");
    Ok(directory.join(&triple).join("debug/fuzz"))
}

/// What this machine is called by the compiler.
fn triple() -> Result<String> {
    let output =
        Command::new("rustc").arg("-vV").current_dir(cargo::root()).output().context("rustc cannot be started")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it compiles for")?.to_owned())
}

/// True if nothing was found.
fn under_libfuzzer(program: &Path, target: &str, seconds: u32) -> Result<bool> {
    step(&format!("Fuzzing {target} for {seconds} seconds"));
    let folder = |name: &str| -> Result<PathBuf> {
        let folder = cargo::target().join("fuzz").join(name).join(target);
        fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(folder)
    };
    let (found, broken) = (folder("found")?, folder("broken")?);
    let status = Command::new(program)
        .envs([("CAPSTAN_FUZZ_TARGET", Path::new(target)), ("CAPSTAN_FUZZ_FOUND", &found)])
        .args([LONGEST, TIMEOUT, "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .arg(&found)
        .status()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    if !status.success() {
        eprintln!("the input is in {}, under the name that libFuzzer says above", broken.display());
        eprintln!("again:             cargo xtask fuzz {target} {}/NAME", broken.display());
        eprintln!("once it is mended: cp {}/NAME {}/", broken.display(), corpus().join(target).display());
    }
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_searched_or_an_input_repeated() {
        let search = |target, seconds| Some(Chore::Search { target, seconds });
        for (arguments, expected) in [
            (&[][..], search(None, 60)),
            (&["grants"], search(Some("grants"), 60)),
            (&["--seconds", "5"], search(None, 5)),
            (&["grants", "--seconds", "5"], search(Some("grants"), 5)),
            (&["grants", "a.yaml"], Some(Chore::Repeat { target: "grants", file: Path::new("a.yaml") })),
            (&["--help"], Some(Chore::Help)),
            (&["--second"], None),
            (&["grants", "--seconds"], None),
        ] {
            assert_eq!(chore(arguments).unwrap(), expected, "{arguments:?}");
        }
        for senseless in ["x", "0", "-1", ""] {
            assert!(chore(&["--seconds", senseless]).is_err(), "{senseless:?}");
        }
    }

    #[test]
    fn what_is_found_in_one_target_does_not_keep_the_others_from_their_turn() {
        let targets = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let mut tried = Vec::new();
        let found = each(&targets, |target| {
            tried.push(target.to_owned());
            Ok(target != "a")
        });
        assert_eq!((tried.len(), found.unwrap_err().to_string()), (3, "something was found in a".to_owned()));
        assert!(each(&targets, |_| Ok(true)).is_ok());
    }

    #[test]
    fn targets_are_those_that_have_a_corpus() {
        assert_eq!(known("grants").unwrap(), "grants");
        let refused = known("grant").unwrap_err().to_string();
        assert!(refused.contains("grants, object"), "{refused}");
    }
}
