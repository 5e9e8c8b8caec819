//! Reconciles of objects that need nothing, through queue, runner, lifecycle and sandbox.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use capstan_engine::{Controller, ControllerConfig, ExternalSystem, Shared};
use capstan_sandbox::{Sandbox, Settings};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    figures::ratio,
    peers::Native,
    surroundings::{component, guest, kind, shared},
};

const OBJECTS: u64 = 1000;
const ROUNDS: u64 = 10;
/// For one round. Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) async fn run() -> Result<()> {
    println!("reconcile: {OBJECTS} converged objects, all looked at again, {ROUNDS} rounds");
    let native =
        measure("in the process itself", |_| async { Ok(Arc::new(Native) as Arc<dyn ExternalSystem>) }).await?;
    let sandboxed = measure("in a fresh sandbox each", |shared| async move {
        let sandbox = Sandbox::new(Settings::default())?;
        let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
        Ok(Arc::new(guest(loaded, &shared).await?) as Arc<dyn ExternalSystem>)
    })
    .await?;
    println!("  the sandbox makes a reconcile {:.2} times as long", ratio(sandboxed.as_nanos(), native.as_nanos()));
    Ok(())
}

/// The time of all rounds together.
async fn measure<F: Future<Output = Result<Arc<dyn ExternalSystem>>>>(
    name: &str,
    logic: impl FnOnce(Shared) -> F,
) -> Result<Duration> {
    let shared = shared();
    shared.cluster.create(&definition()).await?;
    for number in 0..OBJECTS {
        let object = json!({
            "apiVersion": "test.capstan.dev/v1", "kind": "Hostile",
            "metadata": {"name": format!("object-{number}"), "namespace": "default"},
            "spec": {"behaviour": "behaves"},
        });
        shared.cluster.create(&object).await?;
    }
    let logic = logic(shared.clone()).await?;
    let controller = Controller::new(ControllerConfig::new("bench", kind()), shared, logic);
    let (counters, resync) = (controller.counters(), controller.resync());
    let cancel = CancellationToken::new();
    let running = tokio::spawn(controller.run(cancel.clone()));
    // The first pass adds finalizers and writes conditions.
    settled(|| counters.reconciles()).await?;

    let (before, began) = (counters.reconciles(), Instant::now());
    for round in 1..=ROUNDS {
        resync.request();
        reached(|| counters.reconciles(), before + round * OBJECTS).await?;
    }
    let took = began.elapsed();
    ensure!(counters.failures() == 0, "{} reconciles failed", counters.failures());
    cancel.cancel();
    running.await?;
    let done = u128::from(counters.reconciles() - before);
    println!("  {name:44} {:>9} reconciles/s", done * 1_000_000_000 / took.as_nanos().max(1));
    Ok(took)
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

fn definition() -> serde_json::Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "hostiles.test.capstan.dev"},
        "spec": {
            "group": "test.capstan.dev",
            "names": {"kind": "Hostile", "listKind": "HostileList", "plural": "hostiles", "singular": "hostile"},
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}
