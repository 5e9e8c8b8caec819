//! The command line.
#![expect(clippy::doc_markdown, reason = "these comments are help texts, shown as they are")]

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A host for Kubernetes controllers whose logic is WebAssembly.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Cli {
    /// How to log; RUST_LOG says what.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Auto)]
    pub(crate) log: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the host, in a cluster or against a kubeconfig
    Run(Run),
    /// Runs an embedded API server and the host in one process, for trying things out
    Dev(Dev),
}

/// `capstan run`
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How to reach the cluster [default: the environment's, as kubectl finds it, or the pod's]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    #[command(flatten)]
    pub(crate) host: Host,
}

/// `capstan dev`
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Where the API server listens: a loopback address, since it asks nobody who they are
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Written for kubectl, readable by you alone
    #[arg(long, value_name = "FILE", default_value = "capstan.kubeconfig")]
    pub(crate) kubeconfig: PathBuf,
    #[command(flatten)]
    pub(crate) host: Host,
}

/// What both have in common.
#[derive(Debug, Args)]
pub(crate) struct Host {
    /// The host's own namespace. ConfigMaps in it with the label capstan.dev/provider are providers: whoever may write there
    /// may grant
    #[arg(long, default_value = "capstan-system", env = "CAPSTAN_NAMESPACE")]
    pub(crate) namespace: String,
    /// A directory with NAME.wasm and NAME.grants.yaml
    #[arg(long, value_name = "DIR")]
    pub(crate) providers: Option<PathBuf>,
    /// How many objects are reconciled at the same time
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) concurrency: std::num::NonZeroUsize,
    /// For how long the same warning about an object is held back before it is published again; 0: for ever
    #[arg(long, value_name = "DURATION", default_value = "5m", env = "EVENTRECORDER_MAX_SILENCE")]
    pub(crate) event_silence: capstan_events::MaxSilence,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
