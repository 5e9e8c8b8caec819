//! What it costs to wait in line.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use capstan_api::ObjectKey;
use capstan_engine::queue::{Next, Pacing, Priority, Queue};
use futures::{StreamExt, stream};
use kube::{
    api::DynamicObject,
    runtime::{
        reflector::ObjectRef,
        scheduler::{ScheduleRequest, scheduler},
    },
};

use crate::{figures::ratio, surroundings::pods};

const ROUNDS: usize = 5;

pub(crate) async fn run() -> Result<()> {
    println!("queue: objects that are all due at once, put in, taken out and done; the best of {ROUNDS} rounds");
    for objects in [1000, 50_000] {
        let ours = best(|| async { capstan(objects) }).await?;
        let theirs = best(|| kube(objects)).await?;
        let each = |time: Duration| time.as_nanos() / objects as u128;
        println!("  {:44} {:>6} ns an object", format!("Capstan, {objects} objects"), each(ours));
        println!("  {:44} {:>6} ns an object", format!("kube-rs scheduler, {objects} objects"), each(theirs));
        println!("  kube-rs takes {:.1} times as long", ratio(theirs.as_nanos(), ours.as_nanos()));
    }
    println!();
    Ok(())
}

async fn best<F: Future<Output = Result<Duration>>>(measure: impl Fn() -> F) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        best = best.min(measure().await?);
    }
    Ok(best)
}

fn capstan(objects: usize) -> Result<Duration> {
    let keys: Vec<_> =
        (0..objects).map(|number| ObjectKey::namespaced("default", format!("object-{number}"))).collect();
    let mut queue = Queue::new(Pacing::default(), 0);
    let began = Instant::now();
    for key in &keys {
        queue.add(key, Priority::Resync);
    }
    let mut taken = 0;
    while let Some(key) = take(&mut queue) {
        queue.finish(&key, Next::Stop, tokio::time::Instant::now());
        taken += 1;
    }
    let took = began.elapsed();
    ensure!(taken == objects, "{taken} of {objects} came out");
    Ok(took)
}

fn take(queue: &mut Queue) -> Option<std::sync::Arc<ObjectKey>> {
    queue.take(tokio::time::Instant::now()).map(|taken| taken.key)
}

async fn kube(objects: usize) -> Result<Duration> {
    let name = |number| format!("object-{number}");
    let keys: Vec<ObjectRef<DynamicObject>> =
        (0..objects).map(|number| ObjectRef::new_with(&name(number), pods()).within("default")).collect();
    let began = Instant::now();
    let requests = stream::iter(keys).map(|message| ScheduleRequest { message, run_at: tokio::time::Instant::now() });
    // It ends with its requests, whatever is still in it; so they do not end before everything is out.
    let taken = scheduler(requests.chain(stream::pending())).take(objects).count().await;
    let took = began.elapsed();
    ensure!(taken == objects, "{taken} of {objects} came out");
    Ok(took)
}
