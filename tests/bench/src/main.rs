//! `cargo xtask bench`: what a call, an instance, a load and a reconcile cost on this machine, each beside its peer of the
//! same run. Absolute figures move with the machine; the ratios are what to look at.

mod calls;
mod figures;
mod loads;
mod peers;
mod reconciles;
mod surroundings;

use anyhow::Result;

fn main() -> Result<()> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{processors} processors; own code as in tests (opt-level 1), dependencies at opt-level 2\n");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        loads::run().await?;
        calls::run().await?;
        reconciles::run().await
    })
}
