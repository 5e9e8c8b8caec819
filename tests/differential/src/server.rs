//! The two servers.

use anyhow::Result;
use capstan_devcluster::{DevCluster, Options};
use capstan_realcluster::RealCluster;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

/// A new embedded server, called in process.
#[must_use]
pub fn embedded() -> Client {
    Client::new(DevCluster::new(Options::default()).router(), "default")
}

/// A client of a kube-apiserver, as its admin.
///
/// # Errors
/// If its kubeconfig cannot be used.
pub async fn real(cluster: &RealCluster) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig())?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // The answer is what is asked for, also when it says to come back later.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
