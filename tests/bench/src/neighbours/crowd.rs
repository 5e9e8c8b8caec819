//! The quiet guest beside others that use a processor or memory all the time, one of them or many.

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use capstan_engine::{ExternalSystem, Shared, runner::Share};
use capstan_hostile::Behaviour;
use capstan_sandbox::{Budget, Guest, Sandbox, Settings};
use tokio::task::JoinSet;

use super::{CALL, Sessions, context};
use crate::{
    figures::{Times, forget_peak, peak, ratio},
    support::scene::managed,
    surroundings::{component, guest, guest_within},
};

/// In turns, alone and not, so that what else the machine does is shared out.
const ROUNDS: usize = 5;
const RUNS: usize = 200;

pub(super) async fn run(shared: &Shared) -> Result<()> {
    let slots = Share::default().slots.get();
    for (name, behaviour, guests) in [
        ("one that loops".to_owned(), Behaviour::SpinsInObserve, 1),
        (format!("{slots} that loop, as many as one provider may have"), Behaviour::SpinsInObserve, slots),
        ("one that eats memory".to_owned(), Behaviour::Allocates, 1),
    ] {
        let sandbox = Sandbox::new(Settings::default())?;
        let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
        let quiet = guest(loaded.clone(), shared).await?;
        let (mut alone, mut beside) = (Side::default(), Side::default());
        for _ in 0..ROUNDS {
            alone.add(&quiet).await?;
            let mut others = JoinSet::new();
            for _ in 0..guests {
                let budget = Budget { call: CALL, ..Budget::default() };
                others.spawn(misbehave(guest_within(loaded.clone(), shared, budget).await?, behaviour));
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
    Ok(())
}

/// Sessions of the quiet guest, and the most memory that this process had meanwhile.
#[derive(Default)]
struct Side {
    sessions: Sessions,
    peak: u64,
}

impl Side {
    async fn add(&mut self, quiet: &Guest) -> Result<()> {
        forget_peak()?;
        self.sessions.add(&Sessions::of(quiet, RUNS).await?);
        self.peak = self.peak.max(peak()?);
        Ok(())
    }

    fn print(&self, name: &str) -> Times {
        let times = self.sessions.took();
        times.print(name);
        self.sessions.late().print("  later than due");
        println!("  {:44} {} MiB resident at most", "", self.peak >> 20);
        times
    }
}

/// Again and again; ends only if it is not what it should be.
async fn misbehave(guest: Guest, behaviour: Behaviour) -> Result<()> {
    let (context, managed) = (context(), managed(behaviour));
    loop {
        // Among many of its kind a connect may be stopped too.
        let Ok(mut session) = guest.connect(&context, &managed).await else { continue };
        let Err(stopped) = session.observe(&managed).await else { bail!("{}: it was not stopped", behaviour.name()) };
        let reason = stopped.problem.reason.as_ref();
        ensure!(matches!(reason, "DeadlineExceeded" | "MemoryExhausted"), "{}: {stopped}", behaviour.name());
    }
}
