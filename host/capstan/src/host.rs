//! Wiring: what a host is made of, and in which order it stops.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use cap_std::{ambient_authority, fs::Dir};
use capstan_api::provider_kind;
use capstan_cluster::{Change, Cluster, Selection, Watches, lease::Leases};
use capstan_engine::{Shared, runner::Runner};
use capstan_events::{MaxSilence, Recorder};
use capstan_providers::{Providers, Sources};
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

/// For reconciles that were dropped, until nothing of them is left. Whatever they do ends at its next wait.
const AT_REST_WITHIN: Duration = Duration::from_secs(20);

/// What stays the same however often the work begins.
pub(crate) struct Host {
    namespace: String,
    concurrency: NonZeroUsize,
    directory: Option<Dir>,
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
        let directory = self.directory.as_ref().map(Dir::try_clone).transpose().context("the providers directory")?;
        let sources = Sources { namespace: Some(self.namespace.clone()), directory };
        let watches = Watches::new(cluster.clone(), CancellationToken::new());
        let (recorder, writer) = Recorder::new(cluster.clone(), instance());
        let recorder = recorder.with_max_silence(self.event_silence);
        let runner = Runner::new(self.concurrency);
        let shared = Shared::new(cluster, watches.clone(), recorder, runner);
        let mut registry = Registry::default();
        shared.cluster.register_metrics(&mut registry);
        shared.watches.register_metrics(&mut registry);
        shared.metrics.register(&mut registry);
        let (queues, sandbox) = (shared.queues.clone(), Arc::clone(&self.sandbox));
        let providers = Providers::new(shared, Arc::clone(&sandbox), &self.namespace, &instance(), leases);
        let providers = providers.reaching(self.network.clone());
        providers.register_metrics(&mut registry);
        let _at_work = health.begin_work(Work { watches: watches.clone(), queues, sandbox, registry });

        let writing_ends = CancellationToken::new();
        let mut writing = AbortOnDropHandle::new(tokio::spawn(writer.run(writing_ends.clone())));
        tracing::info!(namespace = self.namespace, "host started");
        let ends = cancel.child_token();
        let mut work = pin!(async {
            let served = tokio::select! {
                served = providers.run(sources, ends.clone()) => served,
                () = self.tell_when_listed(&watches, health) => Ok(()),
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

    /// Ready is who knows all providers. Never ends.
    async fn tell_when_listed(&self, watches: &Watches, health: &Health) {
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
        health.enter(Phase::Working);
        std::future::pending::<()>().await;
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

fn open(path: &Path) -> Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
        .with_context(|| format!("the providers directory {} cannot be opened: --providers names it", path.display()))
}

/// Names this process in events and leases: the pod's name in a cluster.
pub(crate) fn instance() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("capstan-{}", std::process::id()))
}
