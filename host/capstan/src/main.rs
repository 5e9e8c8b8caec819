//! The `capstan` command: wiring, configuration, command line.

mod api_server;
mod cli;
mod code;
mod dev;
mod documents;
mod election;
mod health;
mod host;
mod kubeconfig;
mod logging;
mod manifests;
mod manual;
mod provider;
mod run;
mod traces;

use std::{future::pending, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use cli::{Cli, Command};
use traces::Traces;

fn main() -> ExitCode {
    // Wrong usage ends here, with exit code 2.
    let cli = Cli::parse();
    // Before there are any threads, all of which would count against its limits.
    if let Command::Compile { memory } = cli.command {
        return code::compile(memory);
    }
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", in_words(&error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, and of what it came. Errors that say their cause themselves do not have it said twice.
fn in_words(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said {
        said if said.is_empty() => cause,
        said if said.ends_with(&cause) => said,
        said => format!("{said}: {cause}"),
    })
}

fn start(cli: Cli) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("no runtime")?;
    // Dropped before the runtime, as it comes after it: the last traces need it.
    let traces = match &cli.command {
        Command::Run(_) | Command::Dev(_) => Traces::from_environment(runtime.handle())?,
        Command::Manifests(_)
        | Command::Provider(_)
        | Command::Completions { .. }
        | Command::Compile { .. }
        | Command::Man { .. } => None,
    };
    logging::start(cli.log, traces.as_ref());
    if let Some(traces) = &traces {
        traces.tell();
    }
    runtime.block_on(async {
        let cancel = CancellationToken::new();
        let signals = tokio::spawn(until_stopped(cancel.clone()));
        let done = match cli.command {
            Command::Run(run) => run::run(run, cancel).await,
            Command::Dev(dev) => dev::run(dev, cancel).await,
            Command::Manifests(manifests) => manifests::run(&manifests),
            Command::Completions { shell } => manual::completions(shell),
            Command::Man { directory } => manual::pages(directory.as_deref()),
            // Done before there was a runtime.
            Command::Compile { .. } => Ok(()),
            Command::Provider(provider) => until(cancel, Box::pin(provider::run(provider))).await,
        };
        signals.abort();
        done
    })
}

/// For commands that leave nothing behind when they are cut off.
async fn until(cancel: CancellationToken, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    cancel.run_until_cancelled(work).await.unwrap_or_else(|| Err(anyhow::anyhow!("interrupted")))
}

/// The first signal asks for an orderly end, the second one for an end.
async fn until_stopped(cancel: CancellationToken) {
    // The same for both, so that none is missed in between.
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate()].map(heard);
    either(&mut signals).await;
    tracing::info!("stopping: what runs may finish; a second signal ends at once");
    cancel.cancel();
    either(&mut signals).await;
    std::process::exit(1);
}

/// Without a handler a signal ends the process at once, as it would without us.
fn heard(kind: SignalKind) -> Option<Signal> {
    signal(kind).inspect_err(|error| tracing::error!(?kind, %error, "no orderly end on this signal")).ok()
}

async fn either([one, other]: &mut [Option<Signal>; 2]) {
    tokio::select! {
        () = next(one) => {}
        () = next(other) => {}
    }
}

/// Never, of one that cannot be heard.
async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn no_cause_is_said_twice() {
        #[derive(Debug)]
        struct Wordy(io::Error);

        impl std::fmt::Display for Wordy {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "it fails: {}", self.0)
            }
        }

        impl std::error::Error for Wordy {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }

        let error = anyhow::Error::new(Wordy(io::Error::other("no disk"))).context("nothing done");
        assert_eq!(in_words(&error), "nothing done: it fails: no disk");
        let plain = anyhow::anyhow!("no disk").context("it fails").context("nothing done");
        assert_eq!(in_words(&plain), "nothing done: it fails: no disk");
    }
}
