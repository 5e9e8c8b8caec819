//! What goes on while replicas come and go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::Result;
use capstan_e2e::Objects;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use crate::replica_set::ReplicaSet;

/// Between two rounds. The providers of several sets share a machine with their API servers.
const ROUND: Duration = Duration::from_millis(100);

/// Objects that are changed all the time.
pub(crate) struct Changes {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU32>,
    changing: JoinHandle<Result<()>>,
}

impl Changes {
    /// Does this in each round, of which the first has the number 0.
    pub(crate) fn begin<F>(set: &ReplicaSet, change: impl Fn(Objects, u32) -> F + Send + 'static) -> Result<Self>
    where
        F: Future<Output = Result<()>> + Send,
    {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let objects = {
            let _entered = set.runtime.enter();
            set.objects()?
        };
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
        let changing = set.runtime.spawn(async move {
            let mut rounds = tokio::time::interval(ROUND);
            rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !stopped.load(SeqCst) {
                rounds.tick().await;
                change(objects.clone(), counted.fetch_add(1, SeqCst)).await?;
            }
            Ok(())
        });
        Ok(Self { stop, rounds, changing })
    }

    /// Comes to an end, and gives the number of the last round.
    pub(crate) fn end(self, set: &ReplicaSet) -> Result<u32> {
        self.stop.store(true, SeqCst);
        set.runtime.block_on(self.changing)??;
        Ok(self.rounds.load(SeqCst) - 1)
    }
}
