//! Wiring: what a host is made of, and in which order it stops.

use std::{num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use cap_std::{ambient_authority, fs::Dir};
use capstan_cluster::{Cluster, Watches};
use capstan_engine::{Shared, runner::Runner};
use capstan_events::Recorder;
use capstan_providers::{Providers, Sources};
use capstan_sandbox::{Sandbox, Settings};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio_util::sync::CancellationToken;

use crate::cli;

/// For the first answer of the API server.
const REACHABLE_WITHIN: Duration = Duration::from_secs(15);

/// `capstan run`
pub(crate) async fn run(run: cli::Run, cancel: CancellationToken) -> Result<()> {
    let client = connect(run.kubeconfig.as_deref(), run.context).await?;
    serve(client, &run.host, cancel).await
}

/// Runs a host until it is cancelled.
pub(crate) async fn serve(client: Client, settings: &cli::Host, cancel: CancellationToken) -> Result<()> {
    let directory = settings.providers.as_deref().map(open).transpose()?;
    let cluster = Cluster::new(client);
    let watches = Watches::new(cluster.clone(), CancellationToken::new());
    let (recorder, writer) = Recorder::new(cluster.clone(), instance());
    let sandbox = Arc::new(Sandbox::new(sandbox_settings(settings)).context("the sandbox cannot be set up")?);
    let runner = Runner::new(settings.concurrency);
    let shared = Shared::new(cluster, watches.clone(), recorder, runner);

    let writing_ends = CancellationToken::new();
    let writing = tokio::spawn(writer.run(writing_ends.clone()));
    let sources = Sources { namespace: Some(settings.namespace.clone()), directory };
    tracing::info!(namespace = settings.namespace, "host started");
    let served = Providers::new(shared, sandbox, &settings.namespace).run(sources, cancel).await;

    // What the last reconciles had to say is written before the watches go.
    writing_ends.cancel();
    writing.await.context("the event writer failed")?;
    watches.close().await;
    tracing::info!("host stopped");
    served.context("the host stopped by itself")
}

/// An instance for every reconcile that may run, and a few for describing providers meanwhile.
fn sandbox_settings(settings: &cli::Host) -> Settings {
    let concurrency = u32::try_from(settings.concurrency.get()).unwrap_or(u32::MAX);
    let concurrency = NonZeroU32::MIN.saturating_add(concurrency.saturating_add(3));
    Settings { concurrency, ..Settings::default() }
}

async fn connect(kubeconfig: Option<&Path>, context: Option<String>) -> Result<Client> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let mut config = match kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).with_context(|| format!("{} cannot be read", path.display()))?;
            Config::from_custom_kubeconfig(file, &options).await.context("the kubeconfig makes no sense")?
        }
        None if options.context.is_some() => Config::from_kubeconfig(&options).await.context("no usable kubeconfig")?,
        None => Config::infer().await.context("no cluster found: give --kubeconfig FILE, or run in a pod")?,
    };
    // What the API server sends back is sent again by the cluster's own client, which knows how much time there is.
    config.default_retry = false;
    let address = config.cluster_url.clone();
    let client = Client::try_from(config).context("no client for this kubeconfig")?;
    tokio::time::timeout(REACHABLE_WITHIN, client.apiserver_version())
        .await
        .with_context(|| format!("no answer from {address} within {REACHABLE_WITHIN:?}"))?
        .with_context(|| format!("the API server at {address} cannot be used"))?;
    Ok(client)
}

fn open(path: &Path) -> Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
        .with_context(|| format!("the providers directory {} cannot be opened", path.display()))
}

/// Names this process in events: the pod's name in a cluster.
fn instance() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("capstan-{}", std::process::id()))
}
