//! Capstan's chores: `cargo xtask demo`, `cargo xtask test` and others; `cargo xtask help` lists them.
//!
//! Depends on next to nothing, so that it is built in seconds and can show progress while the rest is.

mod cargo;
mod cluster;
#[cfg(test)]
mod documented;
mod fuzz;
mod guards;
mod guests;
mod languages;
mod suite;

use std::{process::ExitCode, time::Instant};

use anyhow::Result;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  demo      builds everything, starts an embedded Kubernetes API server, drops the patch provider into a ConfigMap
            and shows what it does
  test      everything that must be green: format, lints, unit and doc tests, guests, end-to-end scenarios
  bench     what a call, a load, a reconcile, a queue and a cache cost on this machine, beside kube-rs in the same run;
            with names of sections only those: load, call, neighbour, deadline, replace, reconcile, queue, latency, cache,
            patch; and ring, many operators on the real API server, which takes minutes
  languages builds the example provider in every language, with tools that it gets by pip, npm and cargo, and tests each;
            with names only those: python, javascript, c, rust
  fuzz      throws anything at what takes the bytes and texts of strangers, led by the ways that the code takes, a minute for
            each target; `cargo xtask fuzz help` tells more
  guards    takes guards of the host away, one at a time, and sees whether a test misses each; takes long, `cargo xtask guards help`
            tells more
  plugins   builds the providers to target/plugins/NAME.wasm
  cluster   a real Kubernetes control plane to try things on: build, up, env, down
  registry  builds the real OCI registry that tests push to and pull from
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["demo"] => demo(),
        ["test"] => suite::run(),
        ["bench", sections @ ..] => bench(sections),
        ["languages", names @ ..] => languages::run(names),
        ["guards", names @ ..] => guards::run(names),
        ["plugins"] => guests::build().map(|()| true),
        ["cluster", rest @ ..] => match cluster::run(rest) {
            Ok(false) => {
                eprint!("{}", cluster::USAGE);
                return ExitCode::from(2);
            }
            done => done,
        },
        ["fuzz", rest @ ..] => match fuzz::run(rest) {
            Ok(false) => {
                eprint!("{}", fuzz::USAGE);
                return ExitCode::from(2);
            }
            done => done,
        },
        ["registry"] => capstan_registry::build(&cargo::target()).map(|_| true),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(true)
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<bool> {
    let start = Instant::now();
    step("Building the patch provider");
    guests::build()?;
    step("Building the host (the first time this compiles wasmtime: about ten minutes on two cores)");
    cargo::run(cargo::BUILD)?;
    eprintln!("built in {:.0?}\n", start.elapsed());
    cargo::run_built("demo", &[])
}

fn bench(sections: &[&str]) -> Result<bool> {
    step("Building providers, host and bench (optimised, which takes some minutes the first time)");
    guests::build()?;
    cargo::run_optimised(cargo::BUILD)?;
    cargo::run_built("bench", sections)
}

/// Says what is being done, on stderr: stdout is for results.
fn step(text: &str) {
    eprintln!("==> {text}");
}
