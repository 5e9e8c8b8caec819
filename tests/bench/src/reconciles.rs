//! Reconciles of objects that need nothing, through queue, runner, lifecycle and sandbox.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use capstan_engine::{Controller, ControllerConfig, ExternalSystem, Shared};
use capstan_sandbox::{Sandbox, Settings};
use futures::stream;
use kube::Client;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    figures::ratio,
    peers::{self, Native},
    surroundings::{CONCURRENCY, component, definition, embedded, guest, hostile, hostiles, kind, shared_with},
};

const OBJECTS: u64 = 1000;
const ROUNDS: u64 = 10;
/// For one round. Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) async fn run() -> Result<()> {
    println!("reconcile: {OBJECTS} converged objects, all looked at again, {ROUNDS} rounds");
    let native = capstan(|_| async { Ok(Arc::new(Native::new()) as Arc<dyn ExternalSystem>) }).await?;
    print("Capstan, logic in the process itself", native);
    let sandboxed = capstan(|shared| async move {
        let sandbox = Sandbox::new(Settings::default())?;
        let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
        Ok(Arc::new(guest(loaded, &shared).await?) as Arc<dyn ExternalSystem>)
    })
    .await?;
    print("Capstan, logic in a fresh sandbox each", sandboxed);
    let bare = kube().await?;
    print("kube-rs Controller, an empty function", bare);
    println!("  the sandbox makes a reconcile {:.2} times as long", ratio(sandboxed.as_nanos(), native.as_nanos()));
    println!(
        "  the rate of kube-rs is {:.2} times Capstan's in the process, {:.2} times that in a sandbox\n",
        ratio(native.as_nanos(), bare.as_nanos()),
        ratio(sandboxed.as_nanos(), bare.as_nanos())
    );
    Ok(())
}

fn print(name: &str, took: Duration) {
    let rate = u128::from(OBJECTS * ROUNDS) * 1_000_000_000 / took.as_nanos().max(1);
    println!("  {name:44} {rate:>9} reconciles/s");
}

/// The time of all rounds together, after the first pass, which adds finalizers and writes conditions.
async fn capstan<F: Future<Output = Result<Arc<dyn ExternalSystem>>>>(
    logic: impl FnOnce(Shared) -> F,
) -> Result<Duration> {
    let shared = shared_with(filled().await?);
    let logic = logic(shared.clone()).await?;
    let controller = Controller::new(ControllerConfig::new("bench", kind()), shared, logic);
    let (counters, resync) = (controller.counters(), controller.resync());
    let cancel = CancellationToken::new();
    let running = tokio::spawn(controller.run(cancel.clone()));
    let took = rounds(|| counters.reconciles(), || resync.request()).await?;
    ensure!(counters.failures() == 0, "{} reconciles failed", counters.failures());
    cancel.cancel();
    running.await?;
    Ok(took)
}

async fn kube() -> Result<Duration> {
    let client = filled().await?;
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let (again, requested) = mpsc::channel(1);
    let requested = stream::unfold(requested, async |mut requested| requested.recv().await.map(|()| ((), requested)));
    let running =
        tokio::spawn(peers::controller(client, hostiles(), u16::try_from(CONCURRENCY)?, requested, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
    // There is room: each round waits for the one before.
    let took = rounds(
        || count.load(Ordering::Relaxed),
        || {
            let _ = again.try_send(());
        },
    )
    .await?;
    running.abort();
    Ok(took)
}

/// An API server with the objects.
async fn filled() -> Result<Client> {
    let client = embedded();
    let cluster = capstan_cluster::Cluster::new(client.clone());
    cluster.create(&definition()).await?;
    for number in 0..OBJECTS {
        cluster.create(&hostile(number)).await?;
    }
    Ok(client)
}

async fn rounds(count: impl Fn() -> u64, again: impl Fn()) -> Result<Duration> {
    settled(&count).await?;
    let (before, began) = (count(), Instant::now());
    for round in 1..=ROUNDS {
        again();
        reached(&count, before + round * OBJECTS).await?;
    }
    Ok(began.elapsed())
}

async fn reached(count: impl Fn() -> u64, wanted: u64) -> Result<()> {
    let began = Instant::now();
    while count() < wanted {
        ensure!(began.elapsed() < LIMIT, "{} of {wanted} reconciles after {LIMIT:?}", count());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Until nothing has happened for a while.
async fn settled(count: impl Fn() -> u64) -> Result<()> {
    reached(&count, OBJECTS).await?;
    let mut last = 0;
    while last != count() {
        last = count();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
