//! `cargo xtask bench`: what a call, an instance, a load, a reconcile and a cache cost on this machine, each beside its
//! peer of the same run. Absolute figures move with the machine; the ratios are what to look at.

mod cache;
mod calls;
mod children;
mod deadlines;
mod figures;
mod hostile;
mod latency;
mod loads;
mod neighbours;
mod patches;
mod peers;
mod process;
mod queues;
mod reconciles;
mod replacements;
mod ring;
mod server;
/// What the tests of the sandbox have around a guest.
#[path = "../../../host/sandbox/tests/support/mod.rs"]
mod support;
mod surroundings;

use anyhow::{Result, bail};

const SECTIONS: [&str; 11] =
    ["load", "call", "neighbour", "deadline", "replace", "reconcile", "queue", "latency", "cache", "patch", RING];
/// Runs for minutes, and only when it is named.
const RING: &str = "ring";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    if let [flag, name, server] = arguments.as_slice()
        && flag == children::FLAG
    {
        return runtime.block_on(child(name, server));
    }
    // After the ring, how many operators it has.
    let (counts, arguments): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|argument| argument.parse::<usize>().is_ok());
    let counts: Vec<usize> = counts.iter().filter_map(|count| count.parse().ok()).collect();
    if let Some(unknown) = arguments.iter().find(|argument| !SECTIONS.contains(&argument.as_str())) {
        bail!("there is no section {unknown:?}: {}", SECTIONS.join(", "));
    }
    if !counts.is_empty() && (arguments != [RING] || counts.iter().any(|count| *count < 2)) {
        bail!("only a ring has a number of operators, two or more of them: `cargo xtask bench ring 50`");
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let optimised = if cfg!(debug_assertions) { "not optimised, use cargo xtask bench" } else { "optimised" };
    println!("{processors} processors; our code is {optimised}\n");
    runtime.block_on(async {
        for section in SECTIONS {
            if arguments.is_empty() && section != RING || arguments.iter().any(|argument| argument == section) {
                run(section, &counts).await?;
            }
        }
        Ok(())
    })
}

async fn run(section: &str, counts: &[usize]) -> Result<()> {
    match section {
        "load" => loads::run().await,
        "call" => calls::run().await,
        "neighbour" => neighbours::run().await,
        "deadline" => deadlines::run().await,
        "replace" => replacements::run().await,
        "reconcile" => reconciles::run().await,
        "queue" => queues::run().await,
        "latency" => latency::run().await,
        "cache" => cache::run().await,
        "patch" => patches::run().await,
        RING => ring::run(counts).await,
        _ => bail!("there is no section {section:?}"),
    }
}

/// One side of a comparison, in a process of its own.
async fn child(name: &str, server: &str) -> Result<()> {
    match name {
        cache::CAPSTAN => cache::capstan(server).await,
        cache::KUBE => cache::kube(server, false).await,
        cache::KUBE_STRIPPED => cache::kube(server, true).await,
        latency::CAPSTAN => latency::capstan(server).await,
        latency::KUBE => latency::kube(server).await,
        _ => bail!("there is no such part of the bench: {name:?}"),
    }
}
