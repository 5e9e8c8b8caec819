//! The two servers.

use std::env;

use anyhow::{Context as _, Result};
use capstan_devcluster::{DevCluster, Options};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

/// A new embedded server, called in process.
#[must_use]
pub fn embedded() -> Client {
    Client::new(DevCluster::new(Options::default()).router(), "default")
}

/// The kube-apiserver named by `REAL_SERVER` (https URL), `REAL_CA` (file) and `REAL_TOKEN`, if the first is set.
///
/// # Errors
/// A variable that is missing, a CA file that cannot be read.
pub async fn real() -> Result<Option<Client>> {
    let Ok(server) = env::var("REAL_SERVER") else { return Ok(None) };
    let setting = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
    let kubeconfig = json!({
        "current-context": "real",
        "contexts": [{"name": "real", "context": {"cluster": "real", "user": "real"}}],
        "clusters": [{"name": "real", "cluster": {"server": server, "certificate-authority": setting("REAL_CA")?}}],
        "users": [{"name": "real", "user": {"token": setting("REAL_TOKEN")?}}],
    });
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // The answer is what is asked for, also when it says to come back later.
    config.default_retry = false;
    Ok(Some(Client::try_from(config)?))
}
