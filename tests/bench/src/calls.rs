//! One reconcile's calls into a guest.

use std::{sync::Arc, time::Instant};

use anyhow::Result;
use bytes::Bytes;
use capstan_engine::{Context, ExternalSystem, Reads};
use capstan_sandbox::{Sandbox, Settings};

use crate::{
    figures::{Times, ratio},
    surroundings::{component, guest, object, shared},
};

const RUNS: usize = 5000;
const WARM_UP: usize = 200;

/// 300 bytes or so, as a small object is.
const MANAGED: &str = r#"{"apiVersion":"test.capstan.dev/v1","kind":"Hostile","metadata":{"name":"bench","namespace":"default",
"uid":"5d0c7a8e-8d1e-4b8b-9c5e-0a4f6b1c2d3e","resourceVersion":"12345","generation":1,"creationTimestamp":"2026-01-01T00:00:00Z",
"finalizers":["finalizer.managedresource.krateo.io"]},"spec":{"behaviour":"behaves"}}"#;

pub(crate) async fn run() -> Result<()> {
    println!("call: a guest that answers \"exists, up to date\" and asks the host for nothing");
    let sandbox = Sandbox::new(Settings::default())?;
    let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
    let guest = guest(loaded, &shared()).await?;
    let context = Context {
        object: object(),
        uid: "uid".to_owned(),
        reconcile_id: 1,
        verbose: false,
        reads: Arc::new(Reads::default()),
    };

    let (mut whole, mut instance, mut call) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..WARM_UP + RUNS {
        let began = Instant::now();
        let mut session = guest.connect(&context, MANAGED).await?;
        let connected = began.elapsed();
        let observing = Instant::now();
        session.observe(MANAGED).await?;
        let observed = observing.elapsed();
        session.disconnect().await?;
        if run >= WARM_UP {
            whole.push(began.elapsed());
            instance.push(connected);
            call.push(observed);
        }
    }
    let (whole, instance, call) = (Times::of(whole), Times::of(instance), Times::of(call));
    instance.print("fresh instance and connect");
    call.print("observe");
    whole.print("connect, observe, disconnect");
    let share = ratio(whole.percentile(50).as_nanos(), call.percentile(50).as_nanos());
    println!("  a whole session costs {share:.2} times its one call into a warm instance");
    println!("  instances from a pool: {}\n", if sandbox.pooled() { "yes" } else { "no" });
    Ok(())
}
