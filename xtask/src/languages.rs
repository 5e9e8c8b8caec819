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
    /// What the machine has to have: a program that can tell its version, and where to get it.
    needs: Option<(&'static str, &'static str)>,
    /// Makes the component.
    build: fn() -> Result<()>,
}

const LANGUAGES: [Language; 4] = [
    Language {
        name: "python",
        needs: Some((PYTHON, "install Python 3.10 or newer with venv (Debian: apt-get install python3-venv)")),
        build: python,
    },
    Language {
        name: "javascript",
        needs: Some(("npm", "install Node.js 18 or newer with npm (Debian: apt-get install npm)")),
        build: javascript,
    },
    Language {
        name: "c",
        needs: Some((PYTHON, "the compiler comes as a package of pip: install Python 3.10 or newer with venv")),
        build: c,
    },
    Language { name: "rust", needs: None, build: rust },
];

const PYTHON: &str = "python3";
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
        if let Some((program, advice)) = language.needs.filter(|(program, _)| !is_here(program)) {
            skipped.push(format!("!!! SKIPPED: {} was not tested, {program} is missing: {advice} !!!", language.name));
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
    if !place.exists() {
        finish(Command::new(PYTHON).args(["-m", "venv"]).arg(&place))?;
    }
    let mut install = Command::new(programs.join("python"));
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

fn is_here(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|done| done.success())
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
