//! How much longer than its time a guest has until it is stopped.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use capstan_engine::{ExternalSystem, runner::Share};
use capstan_hostile::Behaviour;
use capstan_sandbox::{Budget, Component, Descriptor, Guest, Sandbox, Settings};
use tokio::task::JoinSet;

use crate::{
    figures::Times,
    hostile,
    support::scene::{Scene, context, managed},
    surroundings::component,
};

/// Of each sort.
const KILLS: u32 = 200;
const WARM_UP: u32 = 5;
/// What a call may last: the least, and how much more at most, so that ends and ticks fall together in all ways.
const LEAST: Duration = Duration::from_millis(20);
const MORE: Duration = Duration::from_millis(30);
/// What of a call's time a request to another system has: the guest gets its answer while there is time to do something with it.
const REQUEST: f64 = 0.8;

/// What it does when its time is up, and what of the time it has for that.
const SORTS: [(&str, Behaviour, f64); 4] = [
    ("loops", Behaviour::SpinsInObserve, 1.0),
    ("sleeps in the host", Behaviour::Sleeps, 1.0),
    ("asks the API server without end", Behaviour::FloodsTheCluster, 1.0),
    ("waits for another system's answer", Behaviour::WaitsForAnAnswer, REQUEST),
];

pub(crate) async fn run() -> Result<()> {
    println!("deadline: from the end of its time until the call of a guest has ended");
    let sandbox = Sandbox::new(Settings::default())?;
    let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
    let descriptor = loaded.describe().await?;
    for others in [0, 1, Share::default().slots.get()] {
        println!("  beside {others} that loop");
        let scene = hostile::scene().await?;
        let mut crowd = JoinSet::new();
        for _ in 0..others {
            crowd.spawn(spin(hostile::guest(&loaded, &descriptor, &scene, Budget::default())));
        }
        for (name, behaviour, part) in SORTS {
            print(&kills(&loaded, &descriptor, behaviour, part).await?, name);
        }
        crowd.shutdown().await;
    }
    println!();
    Ok(())
}

/// Again and again, until it is given up.
async fn spin(guest: Guest) {
    loop {
        // That it is stopped is what it is there for.
        let _ = hostile::session(&guest, Behaviour::SpinsInObserve).await;
    }
}

/// What each call took too long.
async fn kills(loaded: &Component, descriptor: &Descriptor, behaviour: Behaviour, part: f64) -> Result<Times> {
    let mut over = Vec::new();
    // The first ones bring into memory what was not there yet.
    for kill in 0..WARM_UP + KILLS {
        // It writes down what it is asked.
        let scene = hostile::scene().await?;
        let call = LEAST + MORE * kill / (WARM_UP + KILLS);
        let guest = endless(loaded, descriptor, &scene, call);
        let managed = managed(behaviour);
        // On a busy machine a connect may take as long as is left to it: that is no call that was to be stopped.
        let Ok(mut session) = guest.connect(&context(), &managed).await else { continue };
        let began = Instant::now();
        let ended = session.observe(&managed).await;
        if kill >= WARM_UP {
            over.push(began.elapsed().saturating_sub(call.mul_f64(part)));
        }
        let reason = ended.map_or_else(|failure| failure.problem.reason.into_owned(), |_| "answered".to_owned());
        ensure!(matches!(&*reason, "DeadlineExceeded" | "TimedOut"), "{}: {reason}", behaviour.name());
    }
    Ok(Times::of(over))
}

/// A guest that is stopped by nothing but its time.
fn endless(loaded: &Component, descriptor: &Descriptor, scene: &Scene, call: Duration) -> Guest {
    let budget = Budget { call, requests: u32::MAX, ..Budget::default() };
    hostile::guest(loaded, descriptor, scene, budget)
}

fn print(over: &Times, name: &str) {
    println!(
        "    {name:42} p50 {:>9.1?}   p99 {:>9.1?}   at most {:>9.1?}   ({} times)",
        over.percentile(50),
        over.percentile(99),
        over.percentile(100),
        over.count(),
    );
}
