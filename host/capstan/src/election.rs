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
    use std::{num::NonZeroUsize, sync::Arc, time::Duration};

    use capstan_devcluster::{DevCluster, Options};
    use kube::Client;
    use tokio::{
        task::JoinHandle,
        time::{Instant, sleep, timeout},
    };

    use super::*;
    use crate::cli;

    const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/capstan-host";

    struct Replica {
        health: Health,
        cancel: CancellationToken,
        running: JoinHandle<Result<()>>,
    }

    impl Replica {
        fn start(server: &DevCluster) -> Self {
            let settings = cli::Host {
                namespace: "default".to_owned(),
                providers: None,
                concurrency: NonZeroUsize::MIN,
                event_silence: capstan_events::MaxSilence::default(),
            };
            let (host, cluster) = (Arc::new(Host::new(&settings).unwrap()), Cluster::new(client(server)));
            let cancel = CancellationToken::new();
            let health = Health::new(cancel.clone());
            let (told, cancelled) = (health.clone(), cancel.clone());
            let running = tokio::spawn(async move { lead(&host, &cluster, &told, &cancelled).await });
            Self { health, cancel, running }
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

    fn client(server: &DevCluster) -> Client {
        Client::new(server.router(), "default")
    }

    #[tokio::test(start_paused = true)]
    async fn the_standby_watches_nothing_and_takes_over_when_the_leader_stops() {
        let server = DevCluster::new(Options::default());
        let first = Replica::start(&server);
        first.until("capstan_leading 1").await;
        let second = Replica::start(&server);
        sleep(Duration::from_mins(1)).await;
        assert!(first.says("capstan_watches 1"), "the providers are watched");
        assert_eq!(first.health.readiness(), Ok("at work"));
        assert!(second.says("capstan_leading 0") && second.says("capstan_watches 0"));
        assert!(second.health.readiness().is_ok(), "standby is ready");

        let begun = Instant::now();
        first.cancel.cancel();
        first.running.await.unwrap().unwrap();
        second.until("capstan_leading 1").await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_loses_the_lease_lets_go_of_everything_and_stands_by() {
        let server = DevCluster::new(Options::default());
        let replica = Replica::start(&server);
        replica.until("capstan_watches 1").await;
        let stolen = r#"{"spec":{"holderIdentity":"another","leaseDurationSeconds":30}}"#;
        let request = http::Request::patch(LEASES).header("content-type", "application/merge-patch+json");
        client(&server).request_text(request.body(stolen.into()).unwrap()).await.unwrap();
        replica.until("capstan_leading 0").await;
        assert!(replica.says("capstan_watches 0"));
        sleep(Duration::from_secs(20)).await;
        assert!(replica.says("capstan_leading 0"));
        // It is there when the other one has gone.
        replica.until("capstan_terms_total 2").await;
        replica.cancel.cancel();
        replica.running.await.unwrap().unwrap();
    }
}
