//! All providers of the host: which delivery counts for which name.

use std::{collections::HashMap, sync::Arc};

use cap_std::fs::Dir;
use capstan_cluster::lease::Leases;
use capstan_engine::Shared;
use capstan_sandbox::{Network, Sandbox};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Artifact, Origin, ProviderError,
    provider::Surroundings,
    report::Reporter,
    reviewer::Reviewer,
    source::{Content, Delivery, config_map, directory},
    terms,
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

/// A part of the host is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} panicked; the log says where")]
pub struct Panicked(&'static str);

/// Everything that was delivered, and a task for every name.
pub struct Providers {
    surroundings: Surroundings,
    /// Where replicas share the providers.
    leases: Option<Leases>,
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
    /// `namespace` is the host's own; providers may write there only if a rule of their grants names it. With `leases`, each
    /// provider runs only while its lease is held; `shared` is then for the work that belongs to no provider.
    #[must_use]
    pub fn new(shared: Shared, sandbox: Arc<Sandbox>, namespace: &str, leases: Option<Leases>) -> Self {
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
        Self { surroundings, leases, entries: HashMap::new(), tasks: JoinSet::new() }
    }

    /// The same with another way to other systems: certificates, a proxy, ranges of the cluster.
    #[must_use]
    pub fn reaching(mut self, network: Network) -> Self {
        self.surroundings.network = network;
        self
    }

    /// Follows the sources until it is cancelled; then stops all providers and waits for what they are doing.
    ///
    /// If one of its tasks panics the host does not go on with half of its work: it stops in order, with an error.
    pub async fn run(mut self, sources: Sources, cancel: CancellationToken) -> Result<(), Panicked> {
        let cancel = cancel.child_token();
        if let Some(leases) = &self.leases
            && cancel.run_until_cancelled(leases.known()).await.is_none()
        {
            return Ok(());
        }
        let (sender, mut deliveries) = mpsc::channel(UNDER_WAY);
        let mut following = JoinSet::new();
        if let Some(namespace) = sources.namespace {
            following.spawn(config_map::follow(self.surroundings.shared.watches.clone(), namespace, sender.clone()));
        }
        if let Some(directory) = sources.directory {
            following.spawn(directory::follow(directory, sender.clone()));
        }
        let mut ended = loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break Ok(()),
                Some(ended) = following.join_next() => if ended.is_err() {
                    break Err(Panicked("a source of providers"));
                },
                Some(ended) = self.tasks.join_next() => if ended.is_err() {
                    break Err(Panicked("the task of a provider"));
                },
                delivery = deliveries.recv() => match delivery {
                    Some(delivery) => self.take(delivery, &cancel),
                    None => break Ok(()),
                },
            }
        };
        cancel.cancel();
        following.shutdown().await;
        while let Some(stopped) = self.tasks.join_next().await {
            if stopped.is_err() {
                ended = Err(Panicked("the task of a provider"));
            }
        }
        ended
    }

    fn take(&mut self, Delivery { name, content }: Delivery, cancel: &CancellationToken) {
        match content {
            Content::Arrived(artifact) => self.arrived(&name, artifact, cancel),
            Content::Broken { origin, error } => self.refuse(&name, &origin, &error.into()),
            Content::Gone(origin) => self.gone(&name, &origin),
        }
    }

    fn arrived(&mut self, name: &str, artifact: Artifact, cancel: &CancellationToken) {
        // A name that is gone keeps its task: what comes under it again must not overlap with what is still stopping.
        let entry = self.entries.entry(name.to_owned()).or_insert_with(|| {
            let (wanted, follows) = watch::channel(None);
            let (name, surroundings) = (name.to_owned(), self.surroundings.clone());
            self.tasks.spawn(terms::serve(name, surroundings, self.leases.clone(), follows, cancel.clone()));
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
            let origin = entry.candidates[place].origin.clone();
            self.refuse(name, &origin, &error);
        }
    }

    /// What never comes as far as a lease: of all replicas one says so.
    fn refuse(&self, name: &str, origin: &Origin, error: &ProviderError) {
        if self.leases.as_ref().is_none_or(|leases| leases.speaks_for(name)) {
            self.surroundings.reporter.failed(name, origin, error);
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
