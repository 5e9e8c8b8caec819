//! `capstan provider`: beginning a provider, looking into one, and packing it for a cluster.

mod carrier;
mod file;
mod grants_file;
mod inspect;
mod new;
mod package;
mod roles;

use anyhow::Result;

use crate::cli;

#[cfg(test)]
pub(crate) use roles::AGGREGATE;

pub(crate) async fn run(command: cli::Provider) -> Result<()> {
    match command {
        cli::Provider::New(options) => new::run(&options),
        cli::Provider::Inspect(options) => inspect::run(&options).await,
        cli::Provider::Package(options) => package::run(options).await,
    }
}
