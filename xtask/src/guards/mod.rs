//! `cargo xtask guards`: takes guards away one at a time, and sees whether a test fails.

mod bounded;
mod copy;
mod list;
mod verdict;

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use self::{copy::Copy, list::GUARDS, verdict::Verdict};
use crate::{cargo, step};

pub(crate) const USAGE: &str = "\
Usage: cargo xtask guards [NAME]...

Takes guards of the host away, one at a time, and sees whether the test fails that is there for it: those that are named, or all.
The checkout is not touched: all of it happens in a copy, target/guards/tree, where the first time everything is compiled anew,
wasmtime too. Prints what became of each, and fails if one was not missed, or nobody can tell. Names:

";

/// A line that keeps something out.
struct Guard {
    /// What it is for.
    name: &'static str,
    file: &'static str,
    /// As it stands there, once.
    text: &'static str,
    /// What stands there without it. It has to compile.
    without: &'static str,
    suite: Suite,
    /// The test that misses it, by its whole name.
    test: &'static str,
}

/// Where a test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suite {
    /// Beside the code.
    Units,
    /// Among those of the hostile guest.
    Hostile,
}

/// Always the same packages: another selection has other features in shared dependencies, and wasmtime would be compiled once
/// for each.
const TEST: [&str; 8] = [
    "test",
    "--quiet",
    "--package",
    "capstan-cluster",
    "--package",
    "capstan-providers",
    "--package",
    "capstan-sandbox",
];

/// For one test that is built already. With its guard each takes seconds, those of the hostile guest up to a minute where a guest
/// has to be compiled first.
const TIME: Duration = Duration::from_mins(5);

impl Suite {
    const ALL: [Self; 2] = [Self::Units, Self::Hostile];

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Units => &["--lib"],
            Self::Hostile => &["--test", "hostile"],
        }
    }
}

impl Guard {
    /// The file without it.
    fn taken_from(&self, content: &str) -> Result<String> {
        let found = content.matches(self.text).count();
        ensure!(found == 1, "{}: `{}` stands {found} times in {}, and not once", self.name, self.text, self.file);
        Ok(content.replacen(self.text, self.without, 1))
    }
}

/// True if it was done and each was missed.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    if matches!(names, ["help" | "--help" | "-h"]) {
        let names: Vec<&str> = GUARDS.iter().map(|guard| guard.name).collect();
        println!("{USAGE}  {}", names.join("\n  "));
        return Ok(true);
    }
    if let Some(unknown) = names.iter().find(|name| GUARDS.iter().all(|guard| guard.name != **name)) {
        bail!("{unknown:?} is no guard: `cargo xtask guards help` lists them");
    }
    let chosen: Vec<&Guard> = GUARDS.iter().filter(|guard| names.is_empty() || names.contains(&guard.name)).collect();
    // All of them first: the rest takes long.
    let without = chosen.iter().map(|guard| guard.taken_from(&read(guard.file)?)).collect::<Result<Vec<_>>>()?;
    cargo::ensure_wasm_target()?;
    let copy = Copy::of(cargo::root(), &cargo::target())?;
    for suite in Suite::ALL {
        passes_as_it_is(&copy, suite, &chosen)?;
    }
    let mut lacking = 0;
    for (guard, content) in chosen.iter().zip(&without) {
        step(&format!("Without {}", guard.name));
        let verdict = copy.changed(guard.file, content, || verdict(copy.root(), guard))?;
        lacking += u32::from(!verdict.is_noticed());
        println!("{}", verdict.line(guard));
    }
    println!("{} guards, {lacking} of them not missed", chosen.len());
    Ok(lacking == 0)
}

fn read(file: &str) -> Result<String> {
    fs::read_to_string(cargo::root().join(file)).with_context(|| format!("{file} cannot be read"))
}

/// A test that fails anyway, or does not exist, would say nothing.
fn passes_as_it_is(copy: &Copy, suite: Suite, chosen: &[&Guard]) -> Result<()> {
    let mut tests: Vec<&str> = chosen.iter().filter(|guard| guard.suite == suite).map(|guard| guard.test).collect();
    tests.sort_unstable();
    tests.dedup();
    if tests.is_empty() {
        return Ok(());
    }
    step(&format!("Building the tests ({suite:?}) as they are, and running {} of them", tests.len()));
    let output = test(copy.root(), suite, &tests).output().context("cargo cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let passed: usize = said.lines().filter_map(passed).sum();
    ensure!(
        output.status.success() && passed == tests.len(),
        "{passed} of {} tests pass with all guards in their place: {}\n{said}{}",
        tests.len(),
        tests.join(", "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// `test result: ok. 12 passed; 0 failed; ...`
fn passed(line: &str) -> Option<usize> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    rest.split_once(" passed")?.0.parse().ok()
}

fn verdict(tree: &Path, guard: &Guard) -> Result<Verdict> {
    let built = command(tree, guard.suite).arg("--no-run").output().context("cargo cannot be started")?;
    if !built.status.success() {
        return Ok(Verdict::DoesNotCompile(String::from_utf8_lossy(&built.stderr).into_owned()));
    }
    let output = bounded::output(&test(tree, guard.suite, &[guard.test]), TIME)?;
    Ok(Verdict::of(guard.test, output.as_ref()))
}

fn test(tree: &Path, suite: Suite, tests: &[&str]) -> Command {
    let mut command = command(tree, suite);
    // The other tests of a package would only take time, and those of other packages have other names.
    command.args(["--no-fail-fast", "--", "--exact"]).args(tests);
    command
}

fn command(tree: &Path, suite: Suite) -> Command {
    let mut command = cargo::command(&TEST);
    // What is built without a guard stays in the copy.
    command.args(suite.arguments()).current_dir(tree).env_remove("CARGO_TARGET_DIR");
    command
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_guard_stands_once_in_its_file_and_can_be_taken_away() {
        for guard in GUARDS {
            let content = read(guard.file).unwrap();
            let without = guard.taken_from(&content).unwrap();
            assert_ne!(without, content, "{}", guard.name);
        }
        let names: BTreeSet<&str> = GUARDS.iter().map(|guard| guard.name).collect();
        assert_eq!(names.len(), GUARDS.len(), "two have the same name");
    }

    #[test]
    fn each_test_is_there() {
        fn sources(folder: &Path, all: &mut String) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    sources(&path, all);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    *all += &fs::read_to_string(path).unwrap();
                }
            }
        }
        for guard in GUARDS {
            let package = guard.file.split_once("/src/").unwrap().0;
            let name = guard.test.rsplit("::").next().unwrap();
            let mut all = String::new();
            sources(&cargo::root().join(package), &mut all);
            assert!(all.contains(&format!("fn {name}(")), "{}: there is no test {name} in {package}", guard.name);
        }
    }

    #[test]
    fn a_text_that_is_not_there_or_there_twice_is_told() {
        let guard = Guard { name: "a", file: "f", text: "if x", without: "", suite: Suite::Units, test: "t" };
        assert_eq!(guard.taken_from("if x {}").unwrap(), " {}");
        for content in ["", "if x {} if x {}"] {
            assert!(guard.taken_from(content).unwrap_err().to_string().contains("and not once"));
        }
    }

    #[test]
    fn passed_tests_are_read_from_the_summary() {
        assert_eq!(passed("test result: ok. 12 passed; 0 failed; 1 ignored"), Some(12));
        assert_eq!(passed("test result: FAILED. 2 passed; 3 failed"), Some(2));
        assert_eq!(passed("running 4 tests"), None);
    }

    #[test]
    fn a_copy_follows_its_tree_and_a_change_in_it_does_not_last() {
        let folder = cargo::target().join("guards/test");
        let tree = folder.join("checkout");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(tree.join("src")).unwrap();
        let git = Command::new("git").args(["init", "--quiet"]).current_dir(&tree).status().unwrap();
        assert!(git.success());
        fs::write(tree.join("src/one"), "one").unwrap();
        fs::write(tree.join("two"), "two").unwrap();
        // Inside the checkout, and nothing says that it is no part of it.
        let target = tree.join("out");
        let copy = Copy::of(&tree, &target).unwrap();
        let found = |name: &str| fs::read_to_string(copy.root().join(name)).ok();
        let seen = copy.changed("src/one", "changed", || Ok(found("src/one"))).unwrap();
        assert_eq!((seen.as_deref(), found("src/one").as_deref()), (Some("changed"), Some("one")));
        assert_eq!(fs::read_to_string(tree.join("src/one")).unwrap(), "one");
        fs::remove_file(tree.join("two")).unwrap();
        Copy::of(&tree, &target).unwrap();
        assert_eq!((found("two"), found("src/one").as_deref()), (None, Some("one")));
        assert!(
            target.join("guards/tree/src/one").is_file() && !copy.root().join("out").exists(),
            "a copy of the copy"
        );
        fs::remove_dir_all(&folder).unwrap();
    }
}
