//! The `capstan` command: wiring, configuration, command line.

mod cli;
mod dev;
mod documents;
mod election;
mod health;
mod host;
mod logging;
mod manifests;
mod provider;
mod run;

use std::process::ExitCode;

use clap::Parser;
use tokio_util::sync::CancellationToken;

use cli::{Cli, Command};

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let cli = Cli::parse();
    logging::start(cli.log);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        let cancel = CancellationToken::new();
        let signals = tokio::spawn(until_stopped(cancel.clone()));
        let done = match cli.command {
            Command::Run(run) => run::run(run, cancel).await,
            Command::Dev(dev) => dev::run(dev, cancel).await,
            Command::Manifests(manifests) => manifests::run(&manifests),
            Command::Provider(provider) => until(cancel, Box::pin(provider::run(provider))).await,
        };
        signals.abort();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// For commands that leave nothing behind when they are cut off.
async fn until(cancel: CancellationToken, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("interrupted")))
}

/// The first signal asks for an orderly end, the second one for an end.
async fn until_stopped(cancel: CancellationToken) {
    let signal = async || {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    signal().await;
    tracing::info!("stopping: what runs may finish; a second signal ends at once");
    cancel.cancel();
    signal().await;
    std::process::exit(1);
}
