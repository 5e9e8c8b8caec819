//! What guests that misbehave cost one beside them.

mod behaviours;
mod crowd;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use capstan_engine::{Context, ExternalSystem, Reads};
use capstan_hostile::Behaviour;
use capstan_sandbox::{Guest, Sandbox, Settings};
use tokio::time::{Instant, sleep_until};

use crate::{
    figures::Times,
    support::scene::managed,
    surroundings::{component, guest, object, shared},
};

/// Between two sessions of the quiet guest.
const PAUSE: Duration = Duration::from_millis(2);
/// For a call of the others, so that they are stopped often too.
const CALL: Duration = Duration::from_millis(100);

pub(crate) async fn run() -> Result<()> {
    println!("neighbour: connect, observe, disconnect of a quiet guest, alone and beside guests that misbehave");
    let shared = shared();
    let sandbox = Sandbox::new(Settings::default())?;
    let loaded = sandbox.load(Bytes::from(component("hostile")?)).await?;
    let quiet = guest(loaded.clone(), &shared).await?;
    behaviours::run(&sandbox, &loaded, &quiet).await?;
    crowd::run(&shared).await?;
    println!();
    Ok(())
}

/// Sessions of the quiet guest.
#[derive(Debug, Default, Clone)]
struct Sessions {
    took: Vec<Duration>,
    /// How much later than it was due each of them began. The clock that wakes them has a grain of a millisecond.
    late: Vec<Duration>,
}

impl Sessions {
    /// So many, one after the other.
    async fn of(quiet: &Guest, count: usize) -> Result<Self> {
        let (mut sessions, context, managed) = (Self::default(), context(), managed(Behaviour::Behaves));
        for _ in 0..count {
            let due = Instant::now() + PAUSE;
            sleep_until(due).await;
            let began = Instant::now();
            let mut session = quiet.connect(&context, &managed).await?;
            session.observe(&managed).await?;
            session.disconnect().await?;
            sessions.took.push(began.elapsed());
            sessions.late.push(began - due);
        }
        Ok(sessions)
    }

    fn add(&mut self, others: &Self) {
        self.took.extend(&others.took);
        self.late.extend(&others.late);
    }

    fn took(&self) -> Times {
        Times::of(self.took.clone())
    }

    fn late(&self) -> Times {
        Times::of(self.late.clone())
    }
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
