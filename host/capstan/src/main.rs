//! The `capstan` command: wiring, configuration, command line.

mod cli;
mod dev;
mod election;
mod health;
mod host;
mod logging;
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
