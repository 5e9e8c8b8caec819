//! `capstan provider`: beginning a provider, testing one, looking into it, packing it for a cluster, and pushing it to a
//! registry.

mod carrier;
mod file;
mod grants_file;
mod inspect;
mod new;
mod package;
mod push;
mod roles;
mod test;

use anyhow::Result;

use crate::cli;

#[cfg(test)]
pub(crate) use roles::AGGREGATE;

pub(crate) async fn run(command: cli::Provider) -> Result<()> {
    match command {
        cli::Provider::New(options) => new::run(&options),
        cli::Provider::Test(options) => test::run(&options).await,
        cli::Provider::Inspect(options) => inspect::run(&options).await,
        cli::Provider::Package(options) => package::run(options).await,
        cli::Provider::Push(options) => push::run(options).await,
    }
}
