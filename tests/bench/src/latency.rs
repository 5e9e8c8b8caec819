//! How long a change waits until its reconcile begins.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, ensure};
use capstan_engine::{Controller, ControllerConfig};
use futures::stream;
use kube::{Client, Config};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    children::{Process, say, until_told},
    figures::{Times, ratio},
    peers::{self, Native},
    server::Server,
    surroundings::{CONCURRENCY, definition, definitions, hostile, hostiles, kind, shared_with},
};

/// The names of the processes.
pub(crate) const CAPSTAN: &str = "latency-capstan";
pub(crate) const KUBE: &str = "latency-kube";

const OBJECTS: u64 = 1000;
const PER_SECOND: u64 = 1000;
const SECONDS: u64 = 10;
/// When the change was sent, in nanoseconds since 1970.
const SENT: &str = "bench.capstan.dev/sent";
/// Nothing has happened for so long: it is done.
const REST: Duration = Duration::from_secs(1);
/// Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(1);

#[derive(Serialize, Deserialize)]
struct Waits {
    /// In nanoseconds.
    waits: Vec<u64>,
}

pub(crate) async fn run() -> Result<()> {
    println!(
        "event to reconcile: {PER_SECOND} changes of {OBJECTS} objects a second for {SECONDS} s, each controller in a process \
         of its own"
    );
    let ours = measure(CAPSTAN).await?;
    ours.print("Capstan, the whole lifecycle");
    let theirs = measure(KUBE).await?;
    theirs.print("kube-rs Controller, an empty reconcile");
    let at = |percent| ratio(ours.percentile(percent).as_nanos(), theirs.percentile(percent).as_nanos());
    println!("  Capstan's waits are {:.2} (p50) and {:.2} (p99) times those of kube-rs\n", at(50), at(99));
    Ok(())
}

async fn measure(name: &str) -> Result<Times> {
    let server = Server::start().await?;
    server.create(&definitions(), definition()).await?;
    for number in 0..OBJECTS {
        server.create(&hostiles(), hostile(number)).await?;
    }
    let mut process = Process::start(name, server.url())?;
    let () = process.answer()?;
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(PER_SECOND)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    for change in 0..PER_SECOND * SECONDS {
        ticks.tick().await;
        let name = format!("object-{}", change % OBJECTS);
        server.annotate(&hostiles(), &name, SENT, &now().to_string()).await?;
    }
    let took = began.elapsed();
    ensure!(
        took < Duration::from_secs(SECONDS) * 11 / 10,
        "the changes took {took:?}: this machine is too busy to tell"
    );
    process.proceed()?;
    let Waits { waits } = process.answer()?;
    Ok(Times::of(waits.into_iter().map(Duration::from_nanos).collect()))
}

/// In the process: Capstan's controller, with logic that answers at once.
pub(crate) async fn capstan(server: &str) -> Result<()> {
    let shared = shared_with(Client::try_from(Config::new(server.parse()?))?);
    let seen = Arc::new(Log::default());
    let log = Arc::clone(&seen);
    let logic = Native::telling(Arc::new(move |object| {
        let object: Partial = serde_json::from_str(object).unwrap_or_default();
        log.began(&object.metadata.name, object.metadata.annotations.get(SENT).map(String::as_str));
    }));
    let controller = Controller::new(ControllerConfig::new("bench", kind()), shared, Arc::new(logic));
    let cancel = CancellationToken::new();
    let running = tokio::spawn(controller.run(cancel.clone()));
    seen.report().await?;
    cancel.cancel();
    Ok(running.await?)
}

/// In the process: the controller of kube-rs.
pub(crate) async fn kube(server: &str) -> Result<()> {
    let client = Client::try_from(Config::new(server.parse()?))?;
    let seen = Arc::new(Log::default());
    let log = Arc::clone(&seen);
    let concurrency = u16::try_from(CONCURRENCY)?;
    let running = tokio::spawn(peers::controller(client, hostiles(), concurrency, stream::pending(), move |object| {
        let sent = object.metadata.annotations.as_ref().and_then(|all| all.get(SENT));
        log.began(object.metadata.name.as_deref().unwrap_or_default(), sent.map(String::as_str));
    }));
    seen.report().await?;
    running.abort();
    Ok(())
}

#[derive(Default, Deserialize)]
struct Partial {
    metadata: PartialMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PartialMetadata {
    name: String,
    annotations: HashMap<String, String>,
}

/// What the reconciles of a process saw.
#[derive(Default)]
struct Log(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    reconciles: u64,
    /// The newest change of each object.
    newest: HashMap<String, u64>,
    waits: Vec<u64>,
}

impl Log {
    /// A reconcile begins. Only the first one of a change counts.
    fn began(&self, object: &str, sent: Option<&str>) {
        let now = now();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.reconciles += 1;
        let Some(sent) = sent.and_then(|sent| sent.parse().ok()) else { return };
        if seen.newest.insert(object.to_owned(), sent) != Some(sent) {
            seen.waits.push(now.saturating_sub(sent));
        }
    }

    fn reconciles(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reconciles
    }

    /// Waits for the first pass over all objects, then for the changes, and says what they waited.
    async fn report(&self) -> Result<()> {
        self.quiet().await?;
        say(&())?;
        until_told().await?;
        self.quiet().await?;
        let waits = std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).waits);
        say(&Waits { waits })
    }

    async fn quiet(&self) -> Result<()> {
        let began = Instant::now();
        let mut last = 0;
        while last < OBJECTS || last != self.reconciles() {
            ensure!(began.elapsed() < LIMIT, "{last} reconciles after {LIMIT:?}");
            last = self.reconciles();
            sleep(REST).await;
        }
        Ok(())
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or_default()
}
