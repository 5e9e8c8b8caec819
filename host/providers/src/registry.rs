//! All providers of the host: which delivery counts for which name.

use std::{collections::HashMap, sync::Arc};

use cap_std::fs::Dir;
use capstan_engine::Shared;
use capstan_sandbox::{Network, Sandbox};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Artifact, Origin, ProviderError,
    provider::{Provider, Surroundings},
    report::Reporter,
    reviewer::Reviewer,
    source::{Content, Delivery, config_map, directory},
};

/// Deliveries under way. Each may be megabytes, so few.
const UNDER_WAY: usize = 4;

/// Where to look for providers.
#[derive(Debug, Default)]
pub struct Sources {
    /// The host's own namespace, for labelled `ConfigMap`s.
    pub namespace: Option<String>,
    /// A directory with `NAME.wasm` and `NAME.grants.yaml`.
    pub directory: Option<Dir>,
}

/// Everything that was delivered, and a task for every name.
pub struct Providers {
    surroundings: Surroundings,
    entries: HashMap<String, Entry>,
    tasks: JoinSet<()>,
}

struct Entry {
    /// In the order they came; the first is the one that counts.
    candidates: Vec<Artifact>,
    wanted: watch::Sender<Option<Artifact>>,
}

impl Providers {
    /// Nothing is delivered yet.
    ///
    /// `namespace` is the host's own; providers may write there only if a rule of their grants names it.
    #[must_use]
    pub fn new(shared: Shared, sandbox: Arc<Sandbox>, namespace: &str) -> Self {
        let network = Network::default();
        let reporter = Reporter(shared.recorder.clone());
        let reviewer = Reviewer::new(shared.cluster.client().clone(), namespace);
        let surroundings = Surroundings {
            shared,
            sandbox,
            namespace: namespace.into(),
            claims: Arc::default(),
            reporter,
            reviewer,
            network,
        };
        Self { surroundings, entries: HashMap::new(), tasks: JoinSet::new() }
    }

    /// The same with another way to other systems: certificates, a proxy, ranges of the cluster.
    #[must_use]
    pub fn reaching(mut self, network: Network) -> Self {
        self.surroundings.network = network;
        self
    }

    /// Follows the sources until it is cancelled; then stops all providers and waits for what they are doing.
    pub async fn run(mut self, sources: Sources, cancel: CancellationToken) {
        let (sender, mut deliveries) = mpsc::channel(UNDER_WAY);
        let mut following = JoinSet::new();
        if let Some(namespace) = sources.namespace {
            following.spawn(config_map::follow(self.surroundings.shared.watches.clone(), namespace, sender.clone()));
        }
        if let Some(directory) = sources.directory {
            following.spawn(directory::follow(directory, sender.clone()));
        }
        while let Some(Some(delivery)) = cancel.run_until_cancelled(deliveries.recv()).await {
            self.take(delivery, &cancel);
            while self.tasks.try_join_next().is_some() {}
        }
        following.shutdown().await;
        while self.tasks.join_next().await.is_some() {}
    }

    fn take(&mut self, Delivery { name, content }: Delivery, cancel: &CancellationToken) {
        match content {
            Content::Arrived(artifact) => self.arrived(&name, artifact, cancel),
            Content::Broken { origin, error } => self.surroundings.reporter.failed(&name, &origin, &error.into()),
            Content::Gone(origin) => self.gone(&name, &origin),
        }
    }

    fn arrived(&mut self, name: &str, artifact: Artifact, cancel: &CancellationToken) {
        // A name that is gone keeps its task: what comes under it again must not overlap with what is still stopping.
        let entry = self.entries.entry(name.to_owned()).or_insert_with(|| {
            let (wanted, follows) = watch::channel(None);
            let provider = Provider::new(name.to_owned(), self.surroundings.clone());
            self.tasks.spawn(provider.run(follows, cancel.clone()));
            Entry { candidates: Vec::new(), wanted }
        });
        let place = entry.candidates.iter().position(|other| same_place(&other.origin, &artifact.origin));
        let place = place.unwrap_or_else(|| {
            entry.candidates.push(artifact.clone());
            entry.candidates.len() - 1
        });
        entry.candidates[place] = artifact;
        if place == 0 {
            entry.wanted.send_replace(entry.candidates.first().cloned());
        } else {
            let error =
                ProviderError::Conflict(format!("provider {name} comes from {} already", entry.candidates[0].origin));
            self.surroundings.reporter.failed(name, &entry.candidates[place].origin, &error);
        }
    }

    fn gone(&mut self, name: &str, origin: &Origin) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        let Some(place) = entry.candidates.iter().position(|other| same_place(&other.origin, origin)) else {
            return;
        };
        entry.candidates.remove(place);
        if place == 0 {
            entry.wanted.send_replace(entry.candidates.first().cloned());
        }
    }
}

/// A `ConfigMap` made anew under its old name is the same place.
fn same_place(one: &Origin, other: &Origin) -> bool {
    match (one, other) {
        (Origin::File(one), Origin::File(other)) => one == other,
        (Origin::ConfigMap { object: one, .. }, Origin::ConfigMap { object: other, .. }) => one == other,
        _ => false,
    }
}
