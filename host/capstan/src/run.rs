//! `capstan run`: the host on somebody else's API server, alone or as one of several replicas.

use std::future::pending;

use anyhow::{Context, Result};
use capstan_cluster::Cluster;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    cli, election,
    health::{Address, Health, Server},
    host::Host,
    kubeconfig, manifests,
};

pub(crate) async fn run(run: cli::Run, cancel: CancellationToken) -> Result<()> {
    // Set by the kubelet in every container.
    let defaults = Defaults::of(&run, std::env::var_os("KUBERNETES_SERVICE_HOST").is_some());
    let timing = run.election.timing().context("the times of leases do not fit together")?;
    let health = Health::new(cancel.clone());
    // Before anything that may take its time, or fail: somebody wants to know.
    let server = Server::start(run.health_address.unwrap_or(defaults.health_address), health.clone())?;
    if let Some(server) = &server {
        tracing::info!(address = %server.address(), "probes and metrics are answered");
    }
    let beating = health.clone();
    let _beating = AbortOnDropHandle::new(tokio::spawn(async move { beating.beat().await }));

    let client = kubeconfig::connect(run.kubeconfig.as_deref(), run.context).await?;
    manifests::warn_about_missing(&client, &run.host.namespace).await;
    let (host, cluster) = (Host::new(&run.host)?, Cluster::new(client));
    if run.leader_elect.unwrap_or(defaults.leader_elect) {
        election::share(&host, &cluster, timing, &health, &cancel).await
    } else {
        host.serve(cluster, None, &health, &cancel, pending()).await.map(drop)
    }
}

/// What depends on where the process runs.
#[derive(Debug, PartialEq, Eq)]
struct Defaults {
    leader_elect: bool,
    health_address: Address,
}

impl Defaults {
    /// A pod is probed, and its Deployment may have several replicas, if only during an update. By hand, on a kubeconfig, the
    /// namespace for a lease need not exist, and two hosts may well want the port.
    fn of(run: &cli::Run, in_pod: bool) -> Self {
        Self {
            leader_elect: in_pod && run.kubeconfig.is_none() && run.context.is_none(),
            health_address: if in_pod { Address::Everywhere } else { Address::Off },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(arguments: &[&str]) -> cli::Run {
        let Command::Run(run) = Cli::parse_from(["capstan", "run"].iter().chain(arguments)).command else {
            panic!("not run");
        };
        run
    }

    #[test]
    fn replicas_of_a_pod_elect_and_are_probed() {
        let both = Defaults { leader_elect: true, health_address: Address::Everywhere };
        assert_eq!(Defaults::of(&parse(&[]), true), both);
        let none = Defaults { leader_elect: false, health_address: Address::Off };
        assert_eq!(Defaults::of(&parse(&[]), false), none);
        assert_eq!(Defaults::of(&parse(&["--kubeconfig", "f"]), false), none);
        assert!(!Defaults::of(&parse(&["--context", "c"]), true).leader_elect, "another cluster");
    }

    #[test]
    fn both_can_be_said_outright() {
        let run = parse(&["--leader-elect", "--health-address", "off"]);
        assert_eq!((run.leader_elect, run.health_address), (Some(true), Some(Address::Off)));
        assert_eq!(parse(&["--leader-elect=false"]).leader_elect, Some(false));
        assert_eq!(parse(&[]).leader_elect, None);
    }
}
