//! Several replicas share the providers.

use anyhow::{Context, Result};
use capstan_cluster::{
    Cluster,
    lease::{Member, Replicas, Timing},
};
use tokio_util::sync::CancellationToken;

use crate::{
    health::{Health, Phase},
    host::{Ending, Host},
};

/// Joins the replicas and runs those providers whose leases it gets; joins anew if the membership is lost.
///
/// A membership that was lost leaves nothing behind that could write: its requests have fences that never open again.
pub(crate) async fn share(
    host: &Host,
    cluster: &Cluster,
    timing: Timing,
    health: &Health,
    cancel: &CancellationToken,
) -> Result<()> {
    let replicas = Replicas::new(cluster, host.namespace(), &crate::host::instance(), timing)
        .context("--namespace cannot hold leases")?;
    health.tell_leases(replicas.counts());
    while !cancel.is_cancelled() {
        health.enter(Phase::Standby);
        let Some(member) = replicas.join(cancel).await else { break };
        match work(host, cluster, &member, health, cancel).await? {
            Ending::Stopped => {
                // All is at rest: whoever comes next may begin at once.
                if let Err(error) = member.leave().await {
                    tracing::warn!(%error, "the membership is not given up: it expires by itself");
                }
            }
            Ending::Lost => {
                tracing::error!("the membership is lost: all reconciles were ended, and nothing more is written");
            }
        }
    }
    Ok(())
}

/// One membership.
async fn work(
    host: &Host,
    cluster: &Cluster,
    member: &Member,
    health: &Health,
    cancel: &CancellationToken,
) -> Result<Ending> {
    let mut work = std::pin::pin!(host.serve(
        cluster.fenced(member.fence()),
        Some(member.leases()),
        health,
        cancel,
        member.lost()
    ));
    tokio::select! {
        ending = &mut work => ending,
        () = cancel.cancelled() => {
            // Before the first lease is free, so that the others know whose turn it is.
            member.announce_leave();
            work.await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use capstan_devcluster::{DevCluster, Options};
    use clap::Parser;
    use kube::Client;
    use tempfile::TempDir;
    use tokio::{
        task::JoinHandle,
        time::{sleep, timeout},
    };

    use super::*;
    use crate::cli;

    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

    struct Replica {
        health: Health,
        cancel: CancellationToken,
        running: JoinHandle<Result<()>>,
        _folder: TempDir,
    }

    impl Replica {
        fn start(server: &DevCluster) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let code = folder.path().join("code").to_string_lossy().into_owned();
            let arguments = ["capstan", "run", "--namespace", "default", "--concurrency", "1", "--code-cache", &code];
            let cli::Command::Run(run) = cli::Cli::parse_from(arguments).command else { panic!("`run` is asked for") };
            let (host, cluster) = (Arc::new(Host::new(&run.host).unwrap()), Cluster::new(client(server)));
            let cancel = CancellationToken::new();
            let health = Health::new(cancel.clone());
            let (told, cancelled) = (health.clone(), cancel.clone());
            let running =
                tokio::spawn(async move { share(&host, &cluster, Timing::default(), &told, &cancelled).await });
            Self { health, cancel, running, _folder: folder }
        }

        fn says(&self, metric: &str) -> bool {
            self.health.metrics().unwrap().lines().any(|line| line == metric)
        }

        async fn until(&self, metric: &str) {
            let said = async {
                while !self.says(metric) {
                    sleep(Duration::from_millis(10)).await;
                }
            };
            timeout(Duration::from_mins(1), said).await.unwrap_or_else(|_| panic!("never {metric}"));
        }
    }

    /// With the kinds of the host.
    async fn server() -> DevCluster {
        let server = DevCluster::new(Options::default());
        crate::dev::install_definitions(&Cluster::new(client(&server))).await.unwrap();
        server
    }

    fn client(server: &DevCluster) -> Client {
        Client::new(server.router(), "default")
    }

    /// The names of the Leases of members.
    async fn members(server: &DevCluster) -> Vec<String> {
        let request = http::Request::get(LEASES).body(Vec::new()).unwrap();
        let list: serde_json::Value = client(server).request(request).await.unwrap();
        let items = list["items"].as_array().unwrap().iter();
        items.map(|lease| lease["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn replicas_are_ready_with_and_without_a_provider_and_are_gone_when_they_stop() {
        let server = server().await;
        let (first, second) = (Replica::start(&server), Replica::start(&server));
        for replica in [&first, &second] {
            replica.until("capstan_leading 1").await;
            replica.until("capstan_watches 2").await;
            sleep(Duration::from_mins(1)).await;
            assert_eq!(replica.health.readiness(), Ok("at work"));
            assert!(replica.says("capstan_leases_held 0") && replica.says("capstan_terms_total 1"));
        }
        assert_eq!(members(&server).await.len(), 2);
        for replica in [first, second] {
            replica.cancel.cancel();
            replica.running.await.unwrap().unwrap();
        }
        assert_eq!(members(&server).await, [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_loses_its_membership_lets_go_of_everything_and_joins_anew() {
        let server = server().await;
        let replica = Replica::start(&server);
        replica.until("capstan_watches 2").await;
        let before = members(&server).await;
        let request = http::Request::delete(format!("{LEASES}/{}", before[0])).body(Vec::new()).unwrap();
        client(&server).request_text(request).await.unwrap();
        replica.until("capstan_terms_total 2").await;
        let after = members(&server).await;
        assert!(after.len() == 1 && after != before, "as somebody else: {after:?}");
        replica.cancel.cancel();
        replica.running.await.unwrap().unwrap();
    }
}
