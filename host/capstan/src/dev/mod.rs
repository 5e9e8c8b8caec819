//! `capstan dev`: an embedded API server and a host in one process.

mod serving;

use std::{
    future::pending,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Patch};
use capstan_devcluster::{DevCluster, Options};
use kube::Client;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{cli, health::Health, host::Host, manifests};
use serving::Serving;

pub(crate) async fn run(dev: cli::Dev, cancel: CancellationToken) -> Result<()> {
    if !dev.listen.ip().is_loopback() {
        bail!(
            "--listen {} is no loopback address: the embedded API server asks nobody who they are; use 127.0.0.1 or [::1]",
            dev.listen
        );
    }
    // Before anything is served or written, so that a mistake leaves nothing behind.
    let host = Host::new(&dev.host)?;
    let server = match &dev.data {
        Some(directory) => DevCluster::open(Options::default(), directory)
            .with_context(|| format!("--data {} cannot be used", directory.display()))?,
        None => DevCluster::new(Options::default()),
    };
    let listener = serving::listen(dev.listen).await?;
    let client = Client::new(server.router(), "default");
    make_namespace(&client, &dev.host.namespace).await?;
    install_definitions(&Cluster::new(client.clone())).await?;
    let serving = Serving::start(server, listener, dev.plain_http)?;
    write_private(&dev.kubeconfig, serving.kubeconfig())
        .with_context(|| format!("--kubeconfig {} cannot be written", dev.kubeconfig.display()))?;
    introduce(&dev, serving.url());

    // One process, nobody else who could want the work, and nobody who probes.
    let health = Health::new(cancel.clone());
    let ends = cancel.child_token();
    let hosting = Box::pin(host.serve(Cluster::new(client), None, &health, &ends, pending()));
    serving.beside(hosting, &ends).await.map(drop)
}

/// Where everything is, for whoever started this.
fn introduce(dev: &cli::Dev, url: &str) {
    eprintln!("API server   {url}");
    match &dev.data {
        Some(directory) => eprintln!("data         in {}, kept when this ends", directory.display()),
        None => eprintln!("data         in memory: gone when this ends (--data DIR keeps it)"),
    }
    eprintln!("kubectl      export KUBECONFIG={}", dev.kubeconfig.display());
    eprintln!("providers    ConfigMaps labelled capstan.dev/provider in namespace {}", dev.host.namespace);
    if let Some(directory) = &dev.host.providers {
        eprintln!("             NAME.wasm with NAME.grants.yaml in {}", directory.display());
    }
}

async fn make_namespace(client: &Client, name: &str) -> Result<()> {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string();
    let request = http::Request::post("/api/v1/namespaces")
        .header("content-type", "application/json")
        .body(body.into_bytes())
        .context("no request")?;
    match client.request_text(request).await {
        // Some are there from the start.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        made => made.map(drop).with_context(|| format!("namespace {name} cannot be made")),
    }
}

/// The host's own kinds, as an administrator installs them elsewhere.
pub(crate) async fn install_definitions(cluster: &Cluster) -> Result<()> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    for definition in manifests::definitions()? {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default();
        let target = ObjectRef { kind: kind.clone(), key: ObjectKey::cluster(name) };
        let apply = Patch::Apply { body: &definition, manager: "capstan-dev", force: true };
        cluster.patch(&target, None, apply).await.with_context(|| format!("{name} cannot be installed"))?;
    }
    Ok(())
}

/// For the owner alone, also if the file was there before and open to everybody. Whoever waits for it sees all of it or nothing.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = Path::new(&beside);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(beside, path)).inspect_err(|_| {
        // Nothing to be done about what cannot be removed either.
        let _ = std::fs::remove_file(beside);
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_kubeconfig_is_private_whatever_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
