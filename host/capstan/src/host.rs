//! Wiring: what a host is made of, and in which order it stops.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use capstan_api::provider_kind;
use capstan_cluster::{Change, Cluster, Selection, Watches, lease::Leases};
use capstan_engine::{Shared, runner::Runner};
use capstan_events::{MaxSilence, Recorder};
use capstan_providers::{Arrivals, Directory, Providers, Sources};
use capstan_sandbox::{Network, NetworkSettings, Sandbox, Settings};
use prometheus_client::registry::Registry;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    cli,
    health::{Health, Phase, Work},
};

/// For the first lists. Whoever waits longer is told why that may be.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// For the providers that there are at the start, until they are in service or say why not. What takes longer (a registry that
/// is slow, a kind that the API server does not let the provider list) is the matter of that provider, and told in its
/// conditions: the others are at work.
const LOADED_WITHIN: Duration = Duration::from_mins(1);

/// For reconciles that were dropped, until nothing of them is left. Whatever they do ends at its next wait.
const AT_REST_WITHIN: Duration = Duration::from_secs(20);

/// What stays the same however often the work begins.
pub(crate) struct Host {
    namespace: String,
    concurrency: NonZeroUsize,
    directory: Option<Directory>,
    event_silence: MaxSilence,
    sandbox: Arc<Sandbox>,
    network: Network,
}

/// How the work came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was cancelled, and all of it has come to rest.
    Stopped,
    /// The right to do it was lost.
    Lost,
}

impl Host {
    /// Opens what the settings name.
    pub(crate) fn new(settings: &cli::Host) -> Result<Self> {
        Ok(Self {
            namespace: settings.namespace.clone(),
            concurrency: settings.concurrency,
            directory: settings.providers.as_deref().map(open).transpose()?,
            event_silence: settings.event_silence,
            sandbox: Arc::new(settings.code.sandbox(sandbox_settings(settings))?),
            network: network(&settings.network)?,
        })
    }

    /// The host's own namespace.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Does the work until it is cancelled, or until `lost` resolves. With `leases` it runs those providers whose leases it gets.
    ///
    /// When it is cancelled, what runs may finish, within its time. When the right is lost, reconciles are dropped where they
    /// stand: somebody else may begin, and what they could still write would be refused anyway. In both cases nothing is left
    /// of the work when this returns.
    pub(crate) async fn serve(
        &self,
        cluster: Cluster,
        leases: Option<Leases>,
        health: &Health,
        cancel: &CancellationToken,
        lost: impl Future<Output = ()>,
    ) -> Result<Ending> {
        let sources = Sources { namespace: Some(self.namespace.clone()), directory: self.directory.clone() };
        let watches = Watches::new(cluster.clone(), CancellationToken::new());
        let (recorder, writer) = Recorder::new(cluster.clone(), instance());
        let recorder = recorder.with_max_silence(self.event_silence);
        let mut registry = Registry::default();
        recorder.register_metrics(&mut registry);
        let runner = Runner::new(self.concurrency);
        let shared = Shared::new(cluster, watches.clone(), recorder, runner);
        shared.cluster.register_metrics(&mut registry);
        shared.watches.register_metrics(&mut registry);
        shared.metrics.register(&mut registry);
        let (queues, sandbox) = (shared.queues.clone(), Arc::clone(&self.sandbox));
        let providers = Providers::new(shared, Arc::clone(&sandbox), &self.namespace, &instance(), leases);
        let providers = providers.reaching(self.network.clone());
        providers.register_metrics(&mut registry);
        let arrivals = providers.arrivals();
        let _at_work = health.begin_work(Work { watches: watches.clone(), queues, sandbox, registry });

        let writing_ends = CancellationToken::new();
        let mut writing = AbortOnDropHandle::new(tokio::spawn(writer.run(writing_ends.clone())));
        tracing::info!(namespace = self.namespace, "host started");
        let ends = cancel.child_token();
        let mut work = pin!(async {
            let served = tokio::select! {
                served = providers.run(sources, ends.clone()) => served,
                () = self.tell_when_ready(&watches, &arrivals, health) => Ok(()),
            };
            // What the last reconciles had to say is written before the watches go.
            writing_ends.cancel();
            (&mut writing).await.context("the event writer failed")?;
            served.context("the host stopped by itself")
        });
        let ending = tokio::select! {
            done = &mut work => done.map(|()| Ending::Stopped),
            () = lost => {
                ends.cancel();
                let at_rest = timeout(AT_REST_WITHIN, &mut work).await;
                at_rest.context("reconciles do not end although the lease is lost")?.map(|()| Ending::Lost)
            }
        };
        watches.close().await;
        tracing::info!("host stopped");
        ending
    }

    /// Ready is who knows all providers, and has those that are its own in service, as far as they can be. It stays so whatever
    /// comes later. Never ends.
    async fn tell_when_ready(&self, watches: &Watches, arrivals: &Arrivals, health: &Health) {
        self.listed(watches).await;
        health.enter(Phase::Loading);
        if timeout(LOADED_WITHIN, arrivals.settled()).await.is_err() {
            if let Some(missing) = arrivals.missing() {
                let providers = missing.join(", ");
                tracing::warn!(providers, "not all providers are in service yet: their conditions say why");
            } else {
                tracing::warn!("which providers there are is not known yet: a source of them cannot be listed");
            }
        }
        health.enter(Phase::Working);
        std::future::pending::<()>().await;
    }

    /// Waits until Providers and what carries them are listed.
    async fn listed(&self, watches: &Watches) {
        // The watches of the registry itself: it costs nothing to listen too.
        let mut listed = pin!(async {
            for selection in [capstan_providers::labelled(&self.namespace), Selection::all(provider_kind())] {
                let mut changes = watches.subscribe(selection);
                while let Some(change) = changes.next().await {
                    if matches!(change, Change::Synced) {
                        break;
                    }
                }
            }
        });
        if timeout(LISTED_WITHIN, &mut listed).await.is_err() {
            tracing::warn!(
                "ConfigMaps and Providers cannot be listed yet; if the kind Provider is not installed: `capstan manifests --part \
                 crds | kubectl apply -f -`"
            );
            listed.await;
        }
    }
}

/// An instance for every reconcile that may run, and a few for describing providers meanwhile.
fn sandbox_settings(settings: &cli::Host) -> Settings {
    let concurrency = u32::try_from(settings.concurrency.get()).unwrap_or(u32::MAX);
    let concurrency = NonZeroU32::MIN.saturating_add(concurrency.saturating_add(3));
    Settings { concurrency, ..Settings::default() }
}

/// The way to other systems.
pub(crate) fn network(settings: &cli::Network) -> Result<Network> {
    let cli::Network { ca_bundle, http_proxy, private_ranges } = settings;
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("--ca-bundle {} cannot be read", path.display()));
    let ca_bundle = ca_bundle.as_ref().map(read).transpose()?.unwrap_or_default();
    let settings = NetworkSettings { ca_bundle, proxy: http_proxy.clone(), private_ranges: private_ranges.clone() };
    Network::new(settings).context("providers cannot reach other systems like this")
}

fn open(path: &Path) -> Result<Directory> {
    Directory::open(path)
        .with_context(|| format!("the providers directory {} cannot be opened: --providers names it", path.display()))
}

/// Names this process in events and leases: the pod's name in a cluster.
pub(crate) fn instance() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("capstan-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use capstan_devcluster::{DevCluster, Options};
    use clap::Parser;
    use kube::Client;
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_cannot_be_loaded_does_not_keep_the_host_from_being_ready() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (code, providers) = (path("code"), path("providers"));
        std::fs::create_dir(&providers).unwrap();
        std::fs::write(folder.path().join("providers/broken.wasm"), "no component").unwrap();
        std::fs::write(folder.path().join("providers/broken.grants.yaml"), "{}").unwrap();
        let arguments = ["capstan", "run", "--namespace", "default", "--concurrency", "1"];
        let folders = ["--code-cache", &code, "--providers", &providers];
        let cli = cli::Cli::parse_from(arguments.iter().chain(&folders));
        let cli::Command::Run(run) = cli.command else { panic!("`run` is asked for") };
        let server = DevCluster::new(Options::default());
        let cluster = Cluster::new(Client::new(server.router(), "default"));
        crate::dev::install_definitions(&cluster).await.unwrap();
        let (host, cancel) = (Host::new(&run.host).unwrap(), CancellationToken::new());
        let health = Health::new(cancel.clone());
        let begun = Instant::now();
        let ready = async {
            while health.readiness() != Ok("at work") {
                sleep(Duration::from_millis(10)).await;
            }
            cancel.cancel();
            begun.elapsed()
        };
        let work = Box::pin(host.serve(cluster, None, &health, &cancel, pending()));
        let (ended, took) = tokio::join!(work, ready);
        assert_eq!(ended.unwrap(), Ending::Stopped);
        assert!(took < LOADED_WITHIN, "it was waited for: {took:?}");
    }
}
