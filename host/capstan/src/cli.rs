//! The command line.
#![expect(clippy::doc_markdown, reason = "these comments are help texts, shown as they are")]

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::health;

/// The host's own namespace, unless another one is named.
pub(crate) const DEFAULT_NAMESPACE: &str = "capstan-system";

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
    /// Prints what a cluster needs to run the host, ready for `kubectl apply -f -`
    Manifests(Manifests),
    /// Looks into a provider, or packs it for a cluster
    #[command(subcommand)]
    Provider(Provider),
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
    /// Works only while it holds the lease `capstan-host` in its namespace, so that there can be several replicas
    /// [default: true in a pod that uses its own cluster, false otherwise]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) leader_elect: Option<bool>,
    /// Where /livez, /readyz and /metrics are answered, or `off` [default: port 8081 of all addresses in a pod, off
    /// otherwise]
    #[arg(long, value_name = "ADDR")]
    pub(crate) health_address: Option<health::Address>,
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
    /// Where the objects of the API server are kept; made if it is not there [default: in memory, gone when this ends]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) host: Host,
}

/// `capstan manifests`
#[derive(Debug, Args)]
pub(crate) struct Manifests {
    /// The host's own namespace
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAMESPACE, value_parser = namespace)]
    pub(crate) namespace: String,
    /// The host's container image, as your cluster can pull it [default: capstan:VERSION]
    #[arg(long, value_parser = image)]
    pub(crate) image: Option<String>,
    /// How many replicas; one leads, another takes over
    #[arg(long, value_name = "N", default_value = "2")]
    pub(crate) replicas: std::num::NonZeroU16,
    /// Adds a ServiceMonitor, for clusters with the Prometheus operator
    #[arg(long)]
    pub(crate) service_monitor: bool,
    /// Only a part: what a cluster's administrator has to apply, or what runs in the namespace
    #[arg(long, value_enum, default_value_t = Part::All)]
    pub(crate) part: Part,
}

/// A part of the manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Namespace, ServiceAccount, roles and their bindings.
    Rbac,
    /// Definitions of the host's own kinds.
    Crds,
    /// Deployment and what belongs to it.
    Workload,
    /// Everything.
    All,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Provider {
    /// Says what a provider is, what it manages and what it asks for
    Inspect(Inspect),
    /// Prints what a cluster needs to run a provider, ready for `kubectl apply --server-side -f -`
    Package(Package),
}

/// `capstan provider inspect`
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The component: .wasm, or packed with gzip
    pub(crate) file: PathBuf,
    /// How to say it
    #[arg(short, long, value_enum, default_value_t = Account::Text)]
    pub(crate) output: Account,
}

/// How a provider is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Account {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// Only the grants file that it asks for, to be narrowed down.
    Grants,
}

/// `capstan provider package`
#[derive(Debug, Args)]
pub(crate) struct Package {
    /// The component: .wasm, or packed with gzip
    pub(crate) file: PathBuf,
    /// The provider's name in the cluster [default: the name it gives itself]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What the provider may do beyond its own kinds [default: nothing]
    #[arg(long, value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// The host's own namespace
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAMESPACE, env = "CAPSTAN_NAMESPACE", value_parser = namespace)]
    pub(crate) namespace: String,
    /// Leaves out the ConfigMap: definitions and roles only
    #[arg(long)]
    pub(crate) without_component: bool,
    /// A cluster to ask about kinds of other systems that the grants name
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    pub(crate) context: Option<String>,
    /// How to write it
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    pub(crate) output: Format,
}

/// How objects are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One document after the other.
    Yaml,
    /// One List.
    Json,
}

/// What both have in common.
#[derive(Debug, Args)]
pub(crate) struct Host {
    /// The host's own namespace. ConfigMaps in it with the label capstan.dev/provider are providers: whoever may write there
    /// may grant
    #[arg(long, default_value = DEFAULT_NAMESPACE, env = "CAPSTAN_NAMESPACE")]
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

/// A name that the API server takes for a namespace.
fn namespace(text: &str) -> Result<String, &'static str> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fine =
        (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-');
    if fine { Ok(text.to_owned()) } else { Err("a namespace has 1 to 63 lower-case letters, digits and inner hyphens") }
}

fn image(text: &str) -> Result<String, &'static str> {
    let fine = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if fine { Ok(text.to_owned()) } else { Err("an image is a reference such as registry.example.org/capstan:1.0") }
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
