//! `capstan provider`: looking into a provider, packing it for a cluster, and pushing it to a registry.

mod carrier;
mod file;
mod grants_file;
mod inspect;
mod package;
mod push;
mod roles;

use anyhow::Result;

use crate::cli;

#[cfg(test)]
pub(crate) use roles::AGGREGATE;

pub(crate) async fn run(command: cli::Provider) -> Result<()> {
    match command {
        cli::Provider::Inspect(options) => inspect::run(&options).await,
        cli::Provider::Package(options) => package::run(options).await,
        cli::Provider::Push(options) => push::run(options).await,
    }
}
