//! `capstan provider`: looking into a provider, and packing it for a cluster.

mod carrier;
mod file;
mod grants_file;
mod inspect;
mod package;
mod roles;

use anyhow::Result;

use crate::cli;

#[cfg(test)]
pub(crate) use roles::AGGREGATE;

pub(crate) async fn run(command: cli::Provider) -> Result<()> {
    match command {
        cli::Provider::Inspect(options) => inspect::run(&options).await,
        cli::Provider::Package(options) => package::run(options).await,
    }
}
