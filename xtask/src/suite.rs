//! `cargo xtask test`: everything a contributor must see green, counted.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use capstan_realcluster::{Go, Programs, REQUIRED};

use crate::{cargo, guests, step};

const NOT_TESTED: &str =
    "!!! SKIPPED: nothing was tested against the real Kubernetes control plane, which is built with Go !!!";

const NO_REGISTRY: &str = "!!! SKIPPED: nothing was tested against a real registry, which is built with Go !!!";

/// What was run so far. Each step that is no test run counts as one.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
    /// Why, as the tests said it.
    failures: Vec<String>,
    /// What could not be tested without Go, and how it can be.
    missing: Vec<String>,
}

/// What is kept of the failures of one test program: a test may print a host's whole log.
const KEPT_LINES: usize = 100;

/// Runs all steps, whatever the earlier ones said, and prints the sum as the last line. True if nothing failed.
pub(crate) fn run() -> Result<bool> {
    let start = Instant::now();
    let mut tally = Tally::default();
    // Beside the other steps: neither Go nor cargo keeps all processors busy from its beginning to its end.
    let built_with_go = thread::spawn(|| (Program::real_cluster(), Program::registry()));
    tally.step("Format", || cargo::run(&["fmt", "--all", "--check"]));
    let guests = tally.step("Guests", guests::build);
    tally.step("Lints", || {
        cargo::run(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])
    });
    tally.step("Lints of guests", guest_lints);
    // Scenarios run the real binary, which cargo builds with the tests: by itself it would have fewer features of what it
    // depends on, and all would be compiled twice.
    let host = tally.step("Host and tests", || cargo::run(&["test", "--quiet", "--workspace", "--no-run"]));
    step("Programs built with Go");
    let (real, registry) = built_with_go.join().map_err(|_| anyhow!("the thread that builds with Go panicked"))?;
    let (real, registry) = (tally.program("real control plane", real), tally.program("registry", registry));
    if guests && host {
        step("Tests");
        // From here on it is a failure not to find what was found or built.
        let required = [(real, REQUIRED), (registry, capstan_registry::REQUIRED)];
        let required: Vec<&str> = required.into_iter().filter_map(|(here, name)| here.then_some(name)).collect();
        tally.tests(&["test", "--workspace", "--no-fail-fast"], &required)?;
    }
    // Once more at the end, where it is seen.
    tally.missing.iter().for_each(|said| eprintln!("{said}"));
    if !tally.failures.is_empty() {
        step("What failed");
        tally.failures.iter().for_each(|line| eprintln!("{line}"));
    }
    eprintln!("done in {:.0?}", start.elapsed());
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    Ok(tally.failed == 0)
}

/// The lines that only a component has are not seen by the lints above.
fn guest_lints() -> Result<()> {
    let directory = cargo::target().join("guests").to_string_lossy().into_owned();
    let mut arguments = vec!["clippy", "--quiet", "--target", "wasm32-wasip2", "--target-dir", &directory];
    for package in guests::GUESTS.iter().map(|(package, _)| *package).chain(["capstan-sdk"]) {
        arguments.extend(["--package", package]);
    }
    arguments.extend(["--", "--deny", "warnings"]);
    cargo::run(&arguments)
}

/// What tests need that is built with Go.
enum Program {
    /// It was there.
    Found,
    /// It was built, or could not be.
    Built(Result<()>),
    /// There is no Go; the text says so.
    Missing(String),
}

impl Program {
    fn real_cluster() -> Self {
        if Programs::find(&cargo::target()).is_ok() {
            return Self::Found;
        }
        match Go::find() {
            Go::Usable => Self::Built(capstan_realcluster::build(&cargo::target()).map(drop)),
            Go::Missing(advice) => Self::Missing(format!(
                "{NOT_TESTED}\n    {advice}; then `cargo xtask cluster build`, or set KUBEBUILDER_ASSETS"
            )),
        }
    }

    fn registry() -> Self {
        if capstan_registry::find(&cargo::target()).is_some() {
            return Self::Found;
        }
        match Go::find() {
            Go::Usable => Self::Built(capstan_registry::build(&cargo::target()).map(drop)),
            Go::Missing(advice) => Self::Missing(format!("{NO_REGISTRY}\n    {advice}; then `cargo xtask registry`")),
        }
    }
}

impl Tally {
    /// Counts what was built; true if it is there.
    fn program(&mut self, name: &str, program: Program) -> bool {
        match program {
            Program::Found => true,
            Program::Built(done) => self.count(name, &done),
            Program::Missing(said) => {
                eprintln!("{said}");
                self.missing.push(said);
                false
            }
        }
    }

    fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        step(name);
        self.count(name, &work())
    }

    fn count(&mut self, name: &str, done: &Result<()>) -> bool {
        match done {
            Ok(()) => self.passed += 1,
            Err(error) => {
                self.failed(format!("FAILED: {name}: {error:#}"));
            }
        }
        done.is_ok()
    }

    /// Runs `cargo test`, shows its output and adds up its result lines.
    ///
    /// Each name of `required` is set, for tests that would be skipped otherwise.
    fn tests(&mut self, arguments: &[&str], required: &[&str]) -> Result<()> {
        let mut command = cargo::command(arguments);
        command.envs(required.iter().map(|name| (name, "1")));
        let mut child = command.stdout(Stdio::piped()).spawn().context("cargo cannot be started")?;
        let output = child.stdout.take().context("cargo has no output")?;
        let failed_before = self.failed;
        let mut failures = None;
        for line in BufReader::new(output).lines() {
            let line = line.context("the output of cargo cannot be read")?;
            println!("{line}");
            self.failure_line(&line, &mut failures);
            self.result_line(&line);
        }
        let status = child.wait().context("cargo cannot be waited for")?;
        if !status.success() && self.failed == failed_before {
            self.failed("FAILED: a test program did not compile, or died without a result: see above".to_owned());
        }
        Ok(())
    }

    fn failed(&mut self, why: String) {
        eprintln!("{why}");
        self.failed += 1;
        self.failures.push(why);
    }

    /// What a test program says between `failures:` and its result line; `left` is how many lines of that may be kept.
    fn failure_line(&mut self, line: &str, left: &mut Option<usize>) {
        if line.starts_with("test result: ") {
            *left = None;
        } else if line == "failures:" {
            // Twice: what each said, and their names.
            *left = Some(KEPT_LINES);
        } else if let Some(left) = left
            && *left > 0
            && !line.is_empty()
        {
            *left -= 1;
            self.failures.push(line.to_owned());
        }
    }

    /// `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    fn result_line(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        let count = |word: &str| -> u32 {
            let numbers =
                rest.split([';', '.']).filter_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u32>().ok());
            numbers.sum()
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.skipped += count("ignored");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_kept_for_the_end_within_bounds() {
        let mut tally = Tally::default();
        let mut left = None;
        let said = ["test a ... FAILED", "", "failures:", "", "---- a ----", "it broke"];
        let noise = vec!["noise"; KEPT_LINES];
        let named = ["", "failures:", "    a", "", "test result: FAILED. 0 passed; 1 failed;", "running 1 test"];
        for line in said.iter().chain(&noise).chain(&named) {
            tally.failure_line(line, &mut left);
        }
        assert_eq!(tally.failures[..2], ["---- a ----", "it broke"]);
        assert_eq!(tally.failures[KEPT_LINES..], ["    a"]);
    }

    #[test]
    fn result_lines_are_added_up() {
        let mut tally = Tally::default();
        tally.result_line(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        tally.result_line(
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        );
        tally.result_line("running 4 tests");
        assert_eq!((tally.passed, tally.failed, tally.skipped), (14, 3, 1));
    }
}
