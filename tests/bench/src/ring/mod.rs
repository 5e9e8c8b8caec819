//! Many small operators in one host: each hands a number on to the next one's object, around a ring, on the real API server.

mod floor;
mod host;
mod objects;

use std::time::Duration;

use anyhow::{Context, Result};
use capstan_e2e::{Server, ServerKind};
use tokio::time::{Instant, sleep};

use crate::{
    figures::{Times, ratio},
    process::{Reading, proportional},
};
use host::RingHost;
use objects::Ring;

/// How many operators.
const COUNTS: [usize; 4] = [10, 25, 50, 100];
/// Around the ring, for each count; those before let everything become warm.
const ROUNDS: u64 = 30;
const WARM_UP: u64 = 5;
/// Until the last repetitions of events are written, which are kept for some seconds to go together.
const AFTERWARDS: Duration = Duration::from_secs(12);
/// Nothing is asked of it for so long.
const IDLE: Duration = Duration::from_secs(20);
/// Objects that come at once.
const BURST: usize = 2000;

/// Rings of so many operators each, and nothing else; of each usual size, and a burst, if none is given.
pub(crate) async fn run(counts: &[usize]) -> Result<()> {
    if !capstan_realcluster::is_here() {
        println!("ring: the real API server was not built: `cargo xtask cluster build`\n");
        return Ok(());
    }
    println!("ring: every operator a component of its own, a fresh instance for each reconcile, no leader election");
    // The server brings a runtime of its own, which must not be entered from this one.
    let counts = counts.to_vec();
    let measured = move || -> Result<()> {
        let all = counts.is_empty();
        for count in if all { COUNTS.to_vec() } else { counts } {
            let server = Server::start(ServerKind::Real)?;
            tokio::runtime::Runtime::new()?.block_on(measure(&server, count))?;
        }
        if !all {
            return Ok(());
        }
        let server = Server::start(ServerKind::Real)?;
        tokio::runtime::Runtime::new()?.block_on(burst(&server))
    };
    tokio::task::spawn_blocking(measured).await??;
    println!();
    Ok(())
}

async fn measure(server: &Server, count: usize) -> Result<()> {
    let ring = Ring::new(server.client()?, count);
    let code = tempfile::tempdir()?;
    let mut host = RingHost::start(server, count, &code.path().join("code")).await?;
    let cold = host.until_all_serve().await?;
    ring.make().await.with_context(|| host.log())?;
    ring.settled().await.with_context(|| host.log())?;

    let mut nonce = 0;
    let mut rounds = Vec::new();
    let (mut before, mut counted) = (Reading::of(host.id())?, 0);
    for round in 0..WARM_UP + ROUNDS {
        if round == WARM_UP {
            (before, counted) = (Reading::of(host.id())?, host.reconciles().await?);
        }
        nonce += 1;
        let took = ring.round(nonce).await.with_context(|| host.log())?;
        if round >= WARM_UP {
            rounds.push(took);
        }
    }
    // What the last change brings with it: the status of the last object.
    sleep(Duration::from_secs(1)).await;
    let busy = Reading::of(host.id())?.since(&before);
    let reconciles = host.reconciles().await? - counted;
    let loaded = proportional(host.id())?;

    sleep(AFTERWARDS).await;
    let before = Reading::of(host.id())?;
    sleep(IDLE).await;
    let idle = Reading::of(host.id())?.since(&before);
    let rested = proportional(host.id())?;
    host.stop()?;
    let mut host = RingHost::start(server, count, &code.path().join("code")).await?;
    let warm = host.until_reconciled(count).await?;
    host.stop()?;
    let floors = floor::rounds(&ring, &mut nonce, WARM_UP, ROUNDS).await?;

    let hops = u32::try_from(count - 1)?;
    let (rounds, floors) = (Times::of(rounds), Times::of(floors));
    rounds.print(&format!("  {count} operators, a round of {hops} hops"));
    floors.print("    the same requests, no operator");
    let hop = |times: &Times, percent| times.percentile(percent) / hops;
    println!(
        "    a hop, its share of a round: p50 {:.1?}, p95 {:.1?}, p99 {:.1?}: {:.2} times the API server's own",
        hop(&rounds, 50),
        hop(&rounds, 95),
        hop(&rounds, 99),
        ratio(rounds.percentile(50).as_nanos(), floors.percentile(50).as_nanos())
    );
    let thousand = busy.ran.as_secs_f64() * 1000.0 / to_float(reconciles.max(1));
    println!("    {thousand:.2} s of CPU for 1,000 reconciles ({reconciles} counted)");
    println!("    {} MiB (PSS) after the rounds, {} MiB after {IDLE:?} of rest", loaded >> 20, rested >> 20);
    println!(
        "    at rest {:.2} ms of CPU and {:.1} wakeups a second",
        idle.ran.as_secs_f64() * 1000.0 / idle.took.as_secs_f64(),
        to_float(idle.wakeups) / idle.took.as_secs_f64(),
    );
    println!(
        "    all serve {cold:.1?} after a start with nothing compiled; started again, each has reconciled after {warm:.1?}"
    );
    Ok(())
}

/// Many objects of one kind at once; then all of them looked at by a host that is new.
async fn burst(server: &Server) -> Result<()> {
    let ring = Ring::new(server.client()?, 1);
    let code = tempfile::tempdir()?;
    let mut host = RingHost::start(server, 1, &code.path().join("code")).await?;
    host.until_all_serve().await?;
    let began = Instant::now();
    ring.crowd(BURST).await.with_context(|| host.log())?;
    let made = began.elapsed();
    ring.crowd_settled(BURST).await.with_context(|| host.log())?;
    let written = began.elapsed();
    host.stop()?;
    let host = RingHost::start(server, 1, &code.path().join("code")).await?;
    let looked = host.until_reconciled(BURST).await?;
    println!(
        "  {BURST} objects at once: made in {made:.1?}, ready (a finalizer and a status each) in {written:.1?}; looked at by a new \
         host, which finds nothing to write, in {looked:.1?} after its start",
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
fn to_float(number: u64) -> f64 {
    number as f64
}
