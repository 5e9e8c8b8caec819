//! Of several replicas, one does the work.

use anyhow::{Context, Result};
use capstan_cluster::{
    Cluster,
    lease::{Identity, Lease, Timing},
};
use tokio_util::sync::CancellationToken;

use crate::{
    health::{Health, Phase},
    host::{Ending, Host},
};

/// The one lease of all replicas, in the host's own namespace.
const LEASE: &str = "capstan-host";

/// Stands by until the lease is held, then runs the host; begins anew if the lease is lost.
///
/// Whoever stands by watches nothing. A term that was lost leaves nothing behind that could write: its requests have a fence
/// that never opens again.
pub(crate) async fn lead(host: &Host, cluster: &Cluster, health: &Health, cancel: &CancellationToken) -> Result<()> {
    let identity = Identity::of_pod(&crate::host::instance());
    let lease = Lease::new(cluster, host.namespace(), LEASE, identity.clone(), Timing::default())
        .context("--namespace cannot hold a lease")?;
    while !cancel.is_cancelled() {
        health.enter(Phase::Standby);
        tracing::info!(lease = LEASE, namespace = host.namespace(), %identity, "standing by");
        let Some(held) = lease.acquire(cancel).await else { break };
        match host.serve(cluster.fenced(held.fence()), health, cancel, held.lost()).await? {
            Ending::Stopped => {
                // All is at rest: whoever comes next may begin at once.
                if let Err(error) = held.release().await {
                    tracing::warn!(%error, "the lease is not given up: it expires by itself");
                }
            }
            Ending::Lost => {
                tracing::error!("the lease is lost: all reconciles were ended, and nothing more is written")
            }
        }
    }
    Ok(())
}
