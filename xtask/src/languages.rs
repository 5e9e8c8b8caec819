//! `cargo xtask languages`: the example provider in every language, built with pinned tools and put through the same cases.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{cargo, step};

/// One of `examples/`.
struct Language {
    /// Its folder there, and `greeting-NAME.wasm` in `target/languages`.
    name: &'static str,
    /// What the machine has to have.
    needs: &'static [Need],
    /// Makes the component.
    build: fn() -> Result<()>,
}

/// A program that can tell its version.
struct Need {
    program: &'static str,
    /// The first two numbers of the oldest version that will do.
    least: (u32, u32),
    /// Where to get it.
    advice: &'static str,
}

const LANGUAGES: [Language; 4] = [
    Language { name: "python", needs: &[A_PYTHON], build: python },
    Language {
        name: "javascript",
        needs: &[
            Need { program: "node", least: (18, 0), advice: "install Node.js 18 or newer with npm" },
            Need { program: "npm", least: (0, 0), advice: "it comes with Node.js (Debian: apt-get install npm)" },
        ],
        build: javascript,
    },
    Language {
        name: "c",
        // The compiler is a package of pip.
        needs: &[A_PYTHON],
        build: c,
    },
    Language { name: "rust", needs: &[], build: rust },
];

const PYTHON: &str = "python3";
const A_PYTHON: Need = Need {
    program: PYTHON,
    least: (3, 10),
    advice: "install Python 3.10 or newer with venv (Debian: apt-get install python3-venv)",
};
/// Generates C for the contract.
const WIT_BINDGEN: &[&str] = &["wit-bindgen-cli@0.63.0", "--no-default-features", "--features", "c"];
/// Makes a component of a module.
const WASM_TOOLS: &[&str] = &["wasm-tools@1.262.0", "--no-default-features", "--features", "component"];

/// Builds and tests those that are named, or all. True if none failed; the last line counts them.
pub(crate) fn run(names: &[&str]) -> Result<bool> {
    if let Some(unknown) = names.iter().find(|name| LANGUAGES.iter().all(|language| language.name != **name)) {
        let known: Vec<&str> = LANGUAGES.iter().map(|language| language.name).collect();
        bail!("there is no example in {unknown:?}, only in {}", known.join(", "));
    }
    cargo::ensure_wasm_target()?;
    step("Building the host (the first time this compiles wasmtime: about ten minutes on two cores)");
    cargo::run(cargo::BUILD)?;
    fs::create_dir_all(folder()).context("target/languages cannot be made")?;

    let (mut passed, mut failed, mut skipped) = (0, 0, Vec::new());
    for language in LANGUAGES.iter().filter(|language| names.is_empty() || names.contains(&language.name)) {
        if let Some(lack) = language.needs.iter().find_map(Need::lack) {
            skipped.push(format!("!!! SKIPPED: {} was not tested, {lack} !!!", language.name));
            continue;
        }
        match language.check() {
            Ok(()) => passed += 1,
            Err(error) => {
                failed += 1;
                eprintln!("error: {}: {error:#}", language.name);
            }
        }
    }
    for line in &skipped {
        eprintln!("{line}");
    }
    println!("{passed} passed, {failed} failed, {} skipped", skipped.len());
    Ok(failed == 0)
}

impl Language {
    fn check(&self) -> Result<()> {
        step(&format!("Building the provider in {}", self.name));
        let start = Instant::now();
        (self.build)()?;
        let component = component(self.name);
        let size = fs::metadata(&component).with_context(|| format!("{} was not made", component.display()))?.len();
        eprintln!("{} KiB, built in {:.0?}", size / 1024, start.elapsed());

        step(&format!("Testing the provider in {}", self.name));
        let component = component.to_string_lossy();
        // The lines that providers log are not asked for; what fails is said by the command itself.
        let arguments = [
            "provider",
            "test",
            &*component,
            "--grants",
            "examples/grants.yaml",
            "--timeout",
            "60s",
            "examples/cases.yaml",
        ];
        let mut command = Command::new(cargo::target().join("debug/capstan"));
        finish(command.args(arguments).env("RUST_LOG", "error"))
    }
}

/// Where all of it goes: tools, what they make, and the components. The scripts of npm know it too.
fn folder() -> PathBuf {
    cargo::root().join("target/languages")
}

fn component(name: &str) -> PathBuf {
    folder().join(format!("greeting-{name}.wasm"))
}

fn examples(name: &str) -> PathBuf {
    cargo::root().join("examples").join(name)
}

fn python() -> Result<()> {
    let tools = virtual_environment("python")?;
    let mut command = Command::new(tools.join("componentize-py"));
    command.args(["--quiet", "--wit-path", "wit", "--world", "provider", "componentize"]);
    command.args(["--python-path", "examples/python", "--python-path", "examples"]);
    finish(command.arg("--output").arg(component("python")).arg("greeting"))
}

fn javascript() -> Result<()> {
    let place = folder().join("javascript");
    fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(examples("javascript").join(name), place.join(name))
            .with_context(|| format!("{name} cannot be copied"))?;
    }
    // Packages bring their programs with them: nothing of theirs has to run here to install them.
    let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    finish(Command::new("npm").args(arguments).current_dir(&place))?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([place.join("node_modules/.bin")].into_iter().chain(env::split_paths(&path)))?;
    let arguments = ["run", "--silent", "build"];
    finish(Command::new("npm").args(arguments).current_dir(examples("javascript")).env("PATH", path))
}

fn c() -> Result<()> {
    let tools = virtual_environment("c")?;
    let (wit_bindgen, wasm_tools) = (installed("wit-bindgen", WIT_BINDGEN)?, installed("wasm-tools", WASM_TOOLS)?);
    let place = folder().join("c");
    let module = place.join("greeting.wasm");

    let mut generate = Command::new(wit_bindgen);
    finish(generate.args(["c", "--world", "provider", "wit", "--out-dir"]).arg(&place).stdout(Stdio::null()))?;
    let mut compile = Command::new(tools.join("python"));
    compile.args(["-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor"]);
    compile.args(["-std=c23", "-Oz", "-s", "-Wl,-z,stack-size=65536", "-Wall", "-Wextra", "-Werror", "-I"]).arg(&place);
    compile.args(["examples/c/greeting.c", "examples/c/json.c"]);
    compile.args([place.join("provider.c"), place.join("provider_component_type.o")]);
    finish(compile.arg("-o").arg(&module))?;
    finish(Command::new(wasm_tools).args(["component", "new"]).arg(&module).arg("-o").arg(component("c")))
}

fn rust() -> Result<()> {
    let target = folder().join("rust");
    let directory = target.to_string_lossy();
    let manifest = examples("rust").join("Cargo.toml");
    let manifest = manifest.to_string_lossy();
    cargo::run(&[
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--target",
        "wasm32-wasip2",
        "--manifest-path",
        &manifest,
        "--target-dir",
        &directory,
    ])?;
    let built = target.join("wasm32-wasip2/release/greeting.wasm");
    fs::copy(&built, component("rust")).with_context(|| format!("{} cannot be copied", built.display()))?;
    Ok(())
}

/// Installs what an example's `requirements.txt` names into an environment of its own; the folder of its programs.
fn virtual_environment(name: &str) -> Result<PathBuf> {
    let place = folder().join(name).join("venv");
    let programs = place.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = programs.join("python");
    if !succeeds(Command::new(&python).args(["-m", "pip", "--version"])) {
        // What a run left that was ended, or that found no pip to put there.
        let _ = fs::remove_dir_all(&place);
        finish(Command::new(PYTHON).args(["-m", "venv"]).arg(&place)).with_context(|| A_PYTHON.advice)?;
    }
    let mut install = Command::new(python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    finish(install.arg(examples(name).join("requirements.txt")))?;
    Ok(programs)
}

/// Installs a program with cargo, which does nothing if that version is there.
fn installed(program: &str, package: &[&str]) -> Result<PathBuf> {
    let (root, build) = (folder().join("tools"), folder().join("tools/build"));
    let (directory, build) = (root.to_string_lossy(), build.to_string_lossy());
    let mut arguments = vec!["install", "--quiet", "--locked", "--root", &directory, "--target-dir", &build];
    arguments.extend(package);
    cargo::run(&arguments)?;
    Ok(root.join("bin").join(program))
}

impl Need {
    /// What is wrong with what the machine has, if anything is.
    fn lack(&self) -> Option<String> {
        let Self { program, least, advice } = self;
        let told = Command::new(program).arg("--version").stderr(Stdio::null()).output();
        let Some(told) = told.ok().filter(|told| told.status.success()) else {
            return Some(format!("{program} is missing: {advice}"));
        };
        let told = String::from_utf8_lossy(&told.stdout);
        match version(&told) {
            Some(found) if found >= *least => None,
            _ => Some(format!("{program} is too old ({}): {advice}", told.trim())),
        }
    }
}

/// The first two numbers of a version, wherever it stands: `Python 3.12.1`, `v20.11.0`.
fn version(told: &str) -> Option<(u32, u32)> {
    let (_, numbers) = told.split_at(told.find(|each: char| each.is_ascii_digit())?);
    let mut numbers = numbers.split(|each: char| !each.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|done| done.success())
}

/// Runs a command at the top of the checkout, unless it says where; its output is the user's.
fn finish(command: &mut Command) -> Result<()> {
    if command.get_current_dir().is_none() {
        command.current_dir(cargo::root());
    }
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().with_context(|| format!("{program} cannot be started"))?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_told() {
        for (told, expected) in [
            ("Python 3.12.1\n", Some((3, 12))),
            ("v20.11.0\n", Some((20, 11))),
            ("10.2.4\n", Some((10, 2))),
            ("Python 3", None),
            ("unknown", None),
            ("", None),
        ] {
            assert_eq!(version(told), expected, "{told:?}");
        }
    }

    #[test]
    fn what_is_missing_or_too_old_is_told_with_what_to_do() {
        let need = |program, least| Need { program, least, advice: "get one" };
        let lack = need("no-such-program-at-all", (0, 0)).lack().unwrap();
        assert_eq!(lack, "no-such-program-at-all is missing: get one");
        assert_eq!(need("rustc", (1, 0)).lack(), None);
        let lack = need("rustc", (1_000, 0)).lack().unwrap();
        assert!(lack.starts_with("rustc is too old (rustc 1.") && lack.ends_with("): get one"), "{lack}");
    }

    #[test]
    fn packages_are_pinned_by_their_content() {
        for name in ["python", "c"] {
            let text = fs::read_to_string(examples(name).join("requirements.txt")).unwrap();
            assert!(text.contains("--require-hashes") && text.contains("--hash=sha256:"), "{name}");
        }
        let lock = fs::read_to_string(examples("javascript").join("package-lock.json")).unwrap();
        assert_eq!(lock.matches("\"version\": \"").count() - 2, lock.matches("\"integrity\": \"sha512-").count());
    }
}
