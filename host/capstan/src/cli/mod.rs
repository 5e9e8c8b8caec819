//! The command line.
#![expect(clippy::doc_markdown, reason = "these comments are help texts, shown as they are")]

mod provider;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use capstan_cluster::lease::{InvalidTiming, Timing};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::{
    code::{COMPILE, Code},
    health,
};

pub(crate) use provider::{Account, Format, Inspect, New, Package, Provider, Push, Test};

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
    /// Begins a provider, looks into one, or packs it for a cluster
    #[command(subcommand)]
    Provider(Provider),
    /// Prints completions for a shell, as its own documentation says to load them
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Compiles a component for the host that starts it
    #[command(name = COMPILE, hide = true)]
    Compile {
        /// Memory it may take, in bytes
        memory: u64,
    },
    /// Prints the manual page, or writes one for each command
    Man {
        /// Where to write capstan.1, capstan-run.1 and so on; made if it is not there
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
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
    /// Shares the providers with other replicas: each runs where its Lease is held
    /// [default: true in a pod that uses its own cluster, false otherwise]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) leader_elect: Option<bool>,
    #[command(flatten)]
    pub(crate) election: Election,
    /// Where /livez, /readyz and /metrics are answered, or `off` [default: port 8081 of all addresses in a pod, off
    /// otherwise]
    #[arg(long, value_name = "ADDR")]
    pub(crate) health_address: Option<health::Address>,
    #[command(flatten)]
    pub(crate) host: Host,
}

/// Times of leases. All replicas should have the same.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Election {
    /// A replica that does not renew for so long is taken for dead by the others: whole seconds
    #[arg(long = "leader-elect-lease-duration", value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub(crate) lease_duration: Duration,
    /// A replica that cannot renew for so long stops working; shorter than the lease's duration
    #[arg(long = "leader-elect-renew-deadline", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) renew_deadline: Duration,
    /// Between two renewals; fits more than twice into the renewal deadline
    #[arg(long = "leader-elect-retry-period", value_name = "DURATION", default_value = "2s", value_parser = duration)]
    pub(crate) retry_period: Duration,
}

impl Election {
    /// Checked: lease > deadline > twice the retry period.
    pub(crate) fn timing(self) -> Result<Timing, InvalidTiming> {
        let Self { lease_duration, renew_deadline, retry_period } = self;
        Timing::new(lease_duration, renew_deadline, retry_period)
    }
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
    /// Serves plain HTTP instead of HTTPS, for tools that cannot be told whom to trust
    #[arg(long)]
    pub(crate) plain_http: bool,
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
    /// How many replicas, which share the providers
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

/// What both have in common.
#[derive(Debug, Args)]
pub(crate) struct Host {
    /// The host's own namespace. ConfigMaps in it with the label capstan.dev/provider are providers: whoever may write there
    /// may grant
    #[arg(long, default_value = DEFAULT_NAMESPACE, env = "CAPSTAN_NAMESPACE", value_parser = namespace)]
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
    #[command(flatten)]
    pub(crate) code: Code,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// The way of providers to other systems.
#[derive(Debug, Default, Args)]
pub(crate) struct Network {
    /// Certificates (PEM) that are trusted beside those of the machine when providers reach other systems
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// http://HOST:PORT: a proxy through which providers reach other systems [default: none, whatever the environment says]
    #[arg(long, value_name = "URL")]
    pub(crate) http_proxy: Option<http::Uri>,
    /// A range of pods, services or nodes that is not private anyway: only who was granted private addresses reaches it. May be
    /// repeated
    #[arg(long = "private-range", value_name = "CIDR")]
    pub(crate) private_ranges: Vec<IpNet>,
}

/// `15s`, `500ms`, `1m30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "a duration is written 15s, 500ms or 1m30s";
    let duration: jiff::SignedDuration = text.parse().map_err(|_| WRONG)?;
    duration.try_into().map_err(|_| WRONG)
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

    #[test]
    fn times_of_leases_are_durations_that_fit_together() {
        let timing = |arguments: &[&str]| {
            let cli =
                Cli::try_parse_from(["capstan", "run"].iter().chain(arguments)).map_err(|error| error.to_string())?;
            let Command::Run(run) = cli.command else { panic!("not run") };
            run.election.timing().map_err(|error| error.to_string())
        };
        assert_eq!(timing(&[]), Ok(Timing::default()));
        let short = [
            "--leader-elect-lease-duration=3s",
            "--leader-elect-renew-deadline=2s",
            "--leader-elect-retry-period=400ms",
        ];
        assert_eq!(timing(&short).unwrap().duration(), Duration::from_secs(3));
        let odd = timing(&["--leader-elect-renew-deadline=15s"]).unwrap_err();
        assert!(odd.contains("shorter than the lease's duration"), "{odd}");
        assert!(timing(&["--leader-elect-retry-period=soon"]).unwrap_err().contains("15s, 500ms"));
        assert!(timing(&["--leader-elect-retry-period=-1s"]).is_err());
    }
}
