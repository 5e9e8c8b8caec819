//! The worlds that scenarios share, one for each API server, made when the first scenario asks.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow};
use capstan_e2e::ServerKind;

use crate::world::World;

/// Why it could not be made stays too: the next scenario need not wait for the same failure.
type Made = Option<Result<Arc<World>, String>>;

#[derive(Default)]
pub(crate) struct Worlds {
    embedded: Mutex<Made>,
    real: Mutex<Made>,
}

impl Worlds {
    /// Waits if another scenario is having it made.
    pub(crate) fn get(&self, kind: ServerKind) -> Result<Arc<World>> {
        let mut slot = self.slot(kind).lock().unwrap_or_else(PoisonError::into_inner);
        let make = || World::start(kind).map(Arc::new).map_err(|error| format!("{error:#}"));
        slot.get_or_insert_with(make).clone().map_err(|error| anyhow!("the {kind} world cannot be made: {error}"))
    }

    /// Keeps what the hosts have logged, which has thousands of lines, and says where.
    pub(crate) fn keep_logs(&self) {
        for kind in [ServerKind::Embedded, ServerKind::Real] {
            let made = self.slot(kind).lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Ok(world)) = &*made {
                let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("host-{kind}.log"));
                match std::fs::write(&path, world.log()) {
                    Ok(()) => eprintln!("the log of the host at the {kind} server is in {}", path.display()),
                    Err(error) => eprintln!("the log of the host at the {kind} server is lost: {error}"),
                }
            }
        }
    }

    /// No request in any of them was anything that GitHub does not describe.
    pub(crate) fn assert_described(&self) -> Result<()> {
        for kind in [ServerKind::Embedded, ServerKind::Real] {
            let made = self.slot(kind).lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Ok(world)) = &*made {
                world.assert_described().with_context(|| format!("GitHub in the {kind} world"))?;
            }
        }
        Ok(())
    }

    fn slot(&self, kind: ServerKind) -> &Mutex<Made> {
        match kind {
            ServerKind::Embedded => &self.embedded,
            ServerKind::Real => &self.real,
        }
    }
}
