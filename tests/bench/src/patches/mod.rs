//! What the patch provider costs: a reconcile, the way from a change of a source to its target, memory, and its size.

mod reaction;
mod reconcile;

use std::io::Write as _;

use anyhow::Result;
use capstan_e2e::ServerKind;
use flate2::{Compression, write::GzEncoder};

use crate::surroundings::component;

/// What a `ConfigMap` holds.
const ROOM: usize = 1 << 20;

pub(crate) async fn run() -> Result<()> {
    let bytes = component("patch")?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    let packed = packed.finish()?.len();
    println!(
        "patch: the component has {} KiB, {} KiB with gzip (goal: below {})",
        bytes.len() >> 10,
        packed >> 10,
        ROOM >> 10
    );
    reconcile::run(bytes).await?;
    for kind in [ServerKind::Embedded, ServerKind::Real] {
        if kind == ServerKind::Real && !capstan_realcluster::is_here() {
            println!("  the real API server was not built: `cargo xtask cluster build`");
            continue;
        }
        // It brings a runtime of its own, which must not be entered from this one.
        tokio::task::spawn_blocking(move || reaction::run(kind)).await??;
    }
    println!();
    Ok(())
}
