//! What guests that misbehave cost one beside them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use capstan_engine::{Context, ExternalSystem, Reads, runner::Share};
use capstan_sandbox::{Budget, Guest, Sandbox, Settings};
use tokio::task::JoinSet;

use crate::{
    figures::{Times, forget_peak, peak, ratio},
    surroundings::{component, guest, guest_within, object, shared},
};

/// In turns, alone and not, so that what else the machine does is shared out.
const ROUNDS: usize = 5;
const RUNS: usize = 400;
/// Between two sessions of the quiet guest.
const PAUSE: Duration = Duration::from_millis(2);
/// For a call of the others, so that they are stopped often too.
const CALL: Duration = Duration::from_millis(100);

pub(crate) async fn run() -> Result<()> {
    println!("neighbour: connect, observe, disconnect of a quiet guest, alone and beside guests that misbehave");
    let sandbox = Sandbox::new(Settings::default())?;
    let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
    let shared = shared();
    let quiet = guest(loaded.clone(), &shared).await?;
    let slots = Share::default().slots.get();
    for (name, behaviour, guests) in [
        ("one that loops".to_owned(), "spins_in_observe", 1),
        (format!("{slots} that loop, as many as one provider may have"), "spins_in_observe", slots),
        ("one that eats memory".to_owned(), "allocates", 1),
    ] {
        let (mut alone, mut beside) = (Side::default(), Side::default());
        for _ in 0..ROUNDS {
            alone.add(&quiet).await?;
            let mut others = JoinSet::new();
            for _ in 0..guests {
                let budget = Budget { call: CALL, ..Budget::default() };
                others.spawn(misbehave(guest_within(loaded.clone(), &shared, budget).await?, behaviour));
            }
            beside.add(&quiet).await?;
            // They go on until they are ended, unless something is wrong with them.
            if let Some(ended) = others.try_join_next() {
                ended??;
            }
            others.shutdown().await;
        }
        println!("  {name}");
        let (alone, beside) = (alone.print("alone"), beside.print("beside"));
        let more = ratio(beside.percentile(99).as_nanos(), alone.percentile(99).as_nanos());
        println!("  p99 beside them is {more:.2} times that alone");
    }
    println!();
    Ok(())
}

/// Sessions of the quiet guest, and the most memory that this process had meanwhile.
#[derive(Default)]
struct Side {
    times: Vec<Duration>,
    peak: u64,
}

impl Side {
    async fn add(&mut self, quiet: &Guest) -> Result<()> {
        forget_peak()?;
        let (context, managed) = (context(), managed("behaves"));
        for _ in 0..RUNS {
            tokio::time::sleep(PAUSE).await;
            let began = Instant::now();
            let mut session = quiet.connect(&context, &managed).await?;
            session.observe(&managed).await?;
            session.disconnect().await?;
            self.times.push(began.elapsed());
        }
        self.peak = self.peak.max(peak()?);
        Ok(())
    }

    fn print(self, name: &str) -> Times {
        let times = Times::of(self.times);
        times.print(name);
        println!("  {:44} {} MiB resident at most", "", self.peak >> 20);
        times
    }
}

/// Again and again; ends only if it is not what it should be.
async fn misbehave(guest: Guest, behaviour: &'static str) -> Result<()> {
    let (context, managed) = (context(), managed(behaviour));
    loop {
        let mut session = guest.connect(&context, &managed).await?;
        let Err(stopped) = session.observe(&managed).await else { bail!("{behaviour}: it was not stopped") };
        let reason = stopped.problem.reason.as_ref();
        ensure!(matches!(reason, "DeadlineExceeded" | "MemoryExhausted"), "{behaviour}: {stopped}");
    }
}

fn managed(behaviour: &str) -> String {
    format!(r#"{{"metadata":{{"name":"bench","namespace":"default"}},"spec":{{"behaviour":"{behaviour}"}}}}"#)
}

fn context() -> Context {
    Context {
        object: object(),
        uid: "uid".to_owned(),
        reconcile_id: 1,
        verbose: false,
        reads: Arc::new(Reads::default()),
    }
}
