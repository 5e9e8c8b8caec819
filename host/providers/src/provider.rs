//! One provider: the task that loads whatever is delivered under its name and runs the newest that works.

use std::{sync::Arc, time::Duration};

use capstan_cluster::{Flow, Rate};
use capstan_engine::{Controller, ControllerConfig, Resync, Shared};
use capstan_sandbox::{Budget, Component, Granted, Guest, Network, Sandbox, Services};
use tokio::{sync::watch, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Artifact, ProviderError, claims::Claims, install::install, load::Loaded, report::Reporter, reviewer::Reviewer,
    slot::Slot,
};

/// Between two tries of an artifact that may do better later.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LONGEST: Duration = Duration::from_mins(1);

/// What every provider's task needs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) shared: Shared,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) namespace: Arc<str>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) reporter: Reporter,
    pub(crate) reviewer: Reviewer,
    pub(crate) network: Network,
}

pub(crate) struct Provider {
    name: String,
    surroundings: Surroundings,
    running: Option<Running>,
    /// What was loaded last. Held so that another try of the same bytes need not compile them again.
    tried: Option<Component>,
    /// A load failed half-way: the definitions in the cluster may not be those of what runs.
    unsettled: bool,
}

/// A provider in service.
struct Running {
    artifact: Artifact,
    loaded: Loaded,
    slot: Arc<Slot>,
    resyncs: Vec<Resync>,
    controllers: JoinSet<()>,
    cancel: CancellationToken,
}

impl Provider {
    pub(crate) fn new(name: String, mut surroundings: Surroundings) -> Self {
        // Whatever is asked for this provider, by the host or by its guest, goes at its own pace.
        let cluster = &mut surroundings.shared.cluster;
        *cluster = cluster.paced(Flow::new(Rate::default()));
        Self { name, surroundings, running: None, tried: None, unsettled: false }
    }

    /// Follows what is wanted under this name until it is cancelled; then stops what runs.
    pub(crate) async fn run(mut self, mut wanted: watch::Receiver<Option<Artifact>>, cancel: CancellationToken) {
        let mut retry = None::<(Instant, Duration)>;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                changed = wanted.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    retry = None;
                }
                () = at(retry.map(|(due, _)| due)) => {}
            }
            let Some(artifact) = wanted.borrow_and_update().clone() else {
                self.stop().await;
                continue;
            };
            let taken = cancel.run_until_cancelled(self.take(artifact.clone())).await;
            let Some(Err(error)) = taken else {
                retry = None;
                continue;
            };
            self.surroundings.reporter.failed(&self.name, &artifact.origin, &error);
            self.keep_claims();
            self.unsettled = true;
            retry = error.is_transient().then(|| {
                let delay = retry.map_or(RETRY_FIRST, |(_, delay)| (delay * 2).min(RETRY_LONGEST));
                (Instant::now() + delay, delay)
            });
        }
        self.stop().await;
    }

    /// Brings an artifact into service. If that fails, what ran before still runs.
    async fn take(&mut self, artifact: Artifact) -> Result<(), ProviderError> {
        if let Some(running) = &mut self.running
            && !self.unsettled
            && running.artifact.component == artifact.component
            && running.artifact.grants == artifact.grants
        {
            running.artifact.origin = artifact.origin;
            return Ok(());
        }
        let begun = Instant::now();
        let Surroundings { shared, sandbox, claims, reporter, reviewer, .. } = self.surroundings.clone();
        let loaded = Loaded::from(&artifact, &sandbox).await?;
        self.tried = Some(loaded.component.clone());
        claims.claim(&self.name, loaded.kinds())?;
        let rights = reviewer.rights(&loaded).await;
        if let Some(missing) = reviewer.missing(&self.name, &rights.own).await {
            return Err(ProviderError::RightsMissing(missing));
        }
        for definition in loaded.descriptor.kinds.iter().filter_map(|managed| managed.definition.as_ref()) {
            install(&shared.cluster, &shared.watches, &self.name, definition, &loaded.grants).await?;
        }
        let logic = self.guest(&loaded);
        let note = format!(
            "Provider {} {} ({}) manages {}; ready after {:.1?}",
            self.name,
            loaded.descriptor.version,
            short(loaded.component.digest()),
            loaded.kinds().map(|kind| kind.kind.as_str()).collect::<Vec<_>>().join(", "),
            begun.elapsed(),
        );
        let origin = artifact.origin.clone();
        match &mut self.running {
            Some(running) if running.fits(&loaded) => {
                claims.keep(&self.name, loaded.kinds());
                running.replace(artifact, loaded, logic);
            }
            _ => {
                self.stop_controllers().await;
                claims.keep(&self.name, loaded.kinds());
                self.running = Some(Running::start(&self.name, &shared, artifact, loaded, logic));
            }
        }
        self.unsettled = false;
        reporter.loaded(&self.name, &origin, &note);
        if let Some(missing) = reviewer.missing(&self.name, &rights.granted).await {
            reporter.lacking(&self.name, &origin, &missing);
        }
        Ok(())
    }

    fn guest(&self, loaded: &Loaded) -> Box<dyn capstan_engine::ExternalSystem> {
        let Shared { cluster, watches, recorder, .. } = &self.surroundings.shared;
        let services = Services {
            cluster: cluster.clone(),
            watches: watches.clone(),
            recorder: recorder.clone(),
            network: self.surroundings.network.clone(),
        };
        let granted = Granted::new(&loaded.descriptor, &loaded.grants).protecting(&self.surroundings.namespace);
        let budget = Budget::new(&loaded.grants.limits);
        let guest = Guest::new(loaded.component.clone(), &self.name, granted, budget, services);
        Box::new(guest.configured(loaded.grants.config.as_ref()))
    }

    /// Ends the provider and gives up its kinds.
    async fn stop(&mut self) {
        let ran = self.running.is_some();
        self.stop_controllers().await;
        self.keep_claims();
        if ran {
            tracing::info!(
                provider = self.name,
                "provider stopped; its objects and their finalizers are left as they are"
            );
        }
    }

    /// Gives up the kinds that were claimed for logic that does not run.
    fn keep_claims(&self) {
        let kinds: Vec<_> = self.running.iter().flat_map(|running| running.loaded.kinds()).collect();
        self.surroundings.claims.keep(&self.name, kinds.into_iter());
    }

    async fn stop_controllers(&mut self) {
        if let Some(running) = &mut self.running {
            running.cancel.cancel();
            // Each drains within a time of its own. What runs stays in its place meanwhile: were it dropped, it would be
            // aborted.
            while running.controllers.join_next().await.is_some() {}
        }
        self.running = None;
    }
}

impl Running {
    fn start(
        provider: &str,
        shared: &Shared,
        artifact: Artifact,
        loaded: Loaded,
        logic: Box<dyn capstan_engine::ExternalSystem>,
    ) -> Self {
        let slot = Arc::new(Slot::new(logic, shared.cluster.fence().cloned()));
        let cancel = CancellationToken::new();
        let mut controllers = JoinSet::new();
        let mut resyncs = Vec::new();
        let session_time = Budget::new(&loaded.grants.limits).reconcile;
        for managed in &loaded.descriptor.kinds {
            let config = ControllerConfig {
                recoverable: managed.recoverable,
                session_time,
                ..ControllerConfig::new(provider, managed.kind.clone())
            };
            let controller = Controller::new(config, shared.clone(), Arc::clone(&slot) as _);
            resyncs.push(controller.resync());
            controllers.spawn(controller.run(cancel.clone()));
        }
        Self { artifact, loaded, slot, resyncs, controllers, cancel }
    }

    /// Whether the controllers can stay: they know kinds and limits, and nothing else of the logic.
    fn fits(&self, loaded: &Loaded) -> bool {
        let shape = |loaded: &Loaded| -> Vec<_> {
            let kinds = &loaded.descriptor.kinds;
            kinds.iter().map(|managed| (managed.kind.clone(), managed.recoverable)).collect()
        };
        shape(&self.loaded) == shape(loaded)
            && self.loaded.grants.limits.reconcile_timeout == loaded.grants.limits.reconcile_timeout
    }

    /// New logic under running controllers: watches, queues and attempts stay, and every object is looked at again.
    fn replace(&mut self, artifact: Artifact, loaded: Loaded, logic: Box<dyn capstan_engine::ExternalSystem>) {
        self.slot.replace(logic);
        self.artifact = artifact;
        self.loaded = loaded;
        for resync in &self.resyncs {
            resync.request();
        }
    }
}

/// Enough of a digest to tell two builds apart.
fn short(digest: &str) -> &str {
    let digest = digest.strip_prefix("sha256:").unwrap_or(digest);
    digest.get(..12).unwrap_or(digest)
}

/// Never, if there is no time.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
