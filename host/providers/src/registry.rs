//! All providers of the host: the objects that say what is wanted, and what their sources hold.

mod follow;
mod refusals;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use capstan_api::{Source, provider_kind};
use capstan_cluster::{Change, Selection, lease::Leases};
use capstan_engine::Shared;
use capstan_sandbox::{Network, Sandbox};
use prometheus_client::registry::Registry;
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    arrivals::Arrivals,
    drop_in::{self, DropIns, Told},
    metrics::{Compiling, Metrics},
    provider::Surroundings,
    report::Reporter,
    reviewer::Reviewer,
    source::{
        Delivery, Directory, Found, Place,
        oci::{Puller, Pulls},
    },
    terms,
    wanted::{Carrier, Facts, Wanted},
};
use follow::Follow;

/// Deliveries under way. Each may be megabytes, so few.
const UNDER_WAY: usize = 4;

/// For what could not be made, and for what was another replica's to make, which may be gone.
const AGAIN: Duration = Duration::from_secs(5);

/// Where to look for providers.
#[derive(Debug, Default)]
pub struct Sources {
    /// The host's own namespace, for `ConfigMap`s.
    pub namespace: Option<String>,
    /// A directory with `NAME.wasm` and `NAME.grants.yaml`.
    pub directory: Option<Directory>,
}

/// What starts a provider again after a panic, and a source.
const SUPERVISOR: &str = "what keeps a provider running";
const FOLLOWER: &str = "what keeps a source of providers going";

/// A part of the host is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} panicked; the log says where")]
pub struct Panicked(&'static str);

/// Every `Provider` of the cluster, and a task for each.
pub struct Providers {
    surroundings: Surroundings,
    /// Where replicas share the providers.
    leases: Option<Leases>,
    /// The objects, by name.
    objects: HashMap<String, Facts>,
    drop_ins: DropIns,
    told: Told,
    has_directory: bool,
    /// What stands at the places that objects name; nothing where it was looked for in vain.
    named: HashMap<Place, Option<Found>>,
    tasks: HashMap<String, Task>,
    running: JoinSet<()>,
    /// Refusals that were told.
    refused: HashSet<(Place, String)>,
}

/// The task of one name. It stays when its object goes: what comes under it again must not overlap with what is still stopping.
struct Task {
    wanted: watch::Sender<Option<Wanted>>,
    /// Follows the `ConfigMap` that the object names.
    following: Option<(String, AbortHandle)>,
}

impl Providers {
    /// Nothing is wanted yet.
    ///
    /// `namespace` is the host's own; providers may write there only if a rule of their grants names it. `instance` names this
    /// process in the status of what it runs. With `leases`, each provider runs only while its lease is held; `shared` is then
    /// for the work that belongs to no provider.
    #[must_use]
    pub fn new(shared: Shared, sandbox: Arc<Sandbox>, namespace: &str, instance: &str, leases: Option<Leases>) -> Self {
        let network = Network::default();
        let reporter = Reporter(shared.recorder.clone());
        let reviewer = Reviewer::new(shared.cluster.client().clone(), namespace);
        let puller = Puller::new(shared.cluster.clone(), namespace.into(), network.clone(), Pulls::default());
        let instance = leases.as_ref().map_or(instance, Leases::identity).into();
        let surroundings = Surroundings {
            shared,
            sandbox,
            namespace: namespace.into(),
            claims: Arc::default(),
            reporter,
            reviewer,
            network,
            puller,
            instance,
            metrics: Metrics::default(),
            arrivals: Arrivals::default(),
        };
        Self {
            surroundings,
            leases,
            objects: HashMap::new(),
            drop_ins: DropIns::default(),
            told: Told::default(),
            has_directory: false,
            named: HashMap::new(),
            tasks: HashMap::new(),
            running: JoinSet::new(),
            refused: HashSet::new(),
        }
    }

    /// Has what providers do and use told with the metrics of a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.surroundings.metrics.clone()));
        registry.register_collector(Box::new(Compiling(Arc::clone(&self.surroundings.sandbox))));
        self.surroundings.puller.pulls().register(registry);
    }

    /// Whether those that there are at the start are in service.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        self.surroundings.arrivals.clone()
    }

    /// The same with another way to other systems: certificates, a proxy, ranges of the cluster.
    #[must_use]
    pub fn reaching(mut self, network: Network) -> Self {
        let Surroundings { shared, namespace, puller, .. } = &self.surroundings;
        let pulls = puller.pulls().clone();
        self.surroundings.puller = Puller::new(shared.cluster.clone(), Arc::clone(namespace), network.clone(), pulls);
        self.surroundings.network = network;
        self
    }

    /// Follows objects and sources until it is cancelled; then stops all providers and waits for what they are doing.
    ///
    /// A provider whose task panics is started again while the others go on, and so is a source: what it delivered stays meanwhile. If
    /// another part panics that all of them need, the host does not go on with half of its work: it stops in order, with an error.
    pub async fn run(mut self, sources: Sources, cancel: CancellationToken) -> Result<(), Panicked> {
        let cancel = cancel.child_token();
        if let Some(leases) = &self.leases
            && cancel.run_until_cancelled(leases.known()).await.is_none()
        {
            return Ok(());
        }
        let (sender, deliveries) = mpsc::channel(UNDER_WAY);
        let Surroundings { shared, metrics, .. } = &self.surroundings;
        let mut follow = Follow::new(shared.watches.clone(), sender, metrics.clone(), cancel.clone());
        self.has_directory = sources.directory.is_some();
        follow.sources(sources);
        self.serve(follow, deliveries, cancel).await
    }

    /// The same with sources that are followed already.
    async fn serve(
        mut self,
        mut follow: Follow,
        mut deliveries: mpsc::Receiver<Delivery>,
        cancel: CancellationToken,
    ) -> Result<(), Panicked> {
        let mut objects = self.surroundings.shared.watches.subscribe(Selection::all(provider_kind()));
        let mut known = false;
        let mut making = JoinSet::new();
        let mut tried: Vec<drop_in::Step> = Vec::new();
        // Something that decides over what has to be made. A provider's status, which changes most often, does not.
        let mut changed = false;
        let mut again = interval_at(Instant::now() + AGAIN, AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ended = loop {
            let mut due = false;
            tokio::select! {
                biased;
                () = cancel.cancelled() => break Ok(()),
                // Panics of a source are caught in it, and so are those of a provider.
                Some(ended) = follow.tasks.join_next() => if ended.is_err_and(|error| error.is_panic()) {
                    break Err(Panicked(FOLLOWER));
                },
                Some(ended) = self.running.join_next() => if ended.is_err() {
                    break Err(Panicked(SUPERVISOR));
                },
                Some(made) = making.join_next() => match made {
                    Ok(errors) => self.not_made(errors),
                    Err(_) => break Err(Panicked("the task that makes Providers")),
                },
                change = objects.next() => match change {
                    None => break Ok(()),
                    Some(Change::Synced) => (known, changed) = (true, true),
                    Some(change) => changed |= self.object(change, &mut follow),
                },
                Some(delivery) = deliveries.recv() => {
                    self.take(delivery, &mut follow);
                    changed = true;
                }
                _ = again.tick() => (due, changed) = (true, true),
            }
            // Which objects there are has to be known before any is made.
            if !known || !changed {
                continue;
            }
            if making.is_empty() {
                changed = false;
                let steps = self.steps();
                // What was tried and changed nothing waits for its turn.
                if !steps.is_empty() && (due || steps != tried) {
                    making.spawn(drop_in::take(self.surroundings.shared.cluster.clone(), steps.clone()));
                }
                tried = steps;
                self.refuse();
            }
            if self.has_all_sources(&follow) {
                self.expect();
            }
        };
        cancel.cancel();
        follow.tasks.shutdown().await;
        making.shutdown().await;
        while let Some(stopped) = self.running.join_next().await {
            if stopped.is_err() {
                ended = Err(Panicked(SUPERVISOR));
            }
        }
        ended
    }

    /// True if that is more than news of its status.
    fn object(&mut self, change: Change, follow: &mut Follow) -> bool {
        let (name, is_gone) = match change {
            Change::Synced => return false,
            Change::Applied { old, new } => {
                let name = new.key().name.clone();
                let Some(facts) = Facts::of(&new) else { return false };
                if self.objects.get(&name) == Some(&facts) {
                    return false;
                }
                self.objects.insert(name.clone(), facts);
                (name, old.is_some_and(|old| old.uid() != new.uid()))
            }
            Change::Deleted(object) => {
                let name = object.key().name.clone();
                self.objects.remove(&name);
                (name, true)
            }
        };
        self.update(&name, follow);
        // What its task counts from here on, it does not count for that one.
        if is_gone {
            self.surroundings.metrics.forget(&name);
        }
        true
    }

    fn take(&mut self, delivery: Delivery, follow: &mut Follow) {
        match delivery {
            Delivery::Begun(listing) => self.drop_ins.begun(listing),
            Delivery::Listed(listing) => {
                self.told.listed(listing);
                let gone = self.drop_ins.listed(listing);
                self.refused.retain(|(refused, _)| !gone.contains(refused));
            }
            Delivery::Found(place @ Place::Named(_), found) => {
                self.named.insert(place, Some(*found));
            }
            Delivery::Gone(place @ Place::Named(_)) => {
                self.named.insert(place, None);
            }
            // What is told once more is refused no more often.
            Delivery::Found(place, found) => {
                if self.drop_ins.found(place.clone(), *found) {
                    self.refused.retain(|(refused, _)| *refused != place);
                }
            }
            Delivery::Gone(place) => {
                self.refused.retain(|(refused, _)| *refused != place);
                self.drop_ins.gone(&place);
            }
        }
        // There are few providers, and what did not change is not told again.
        let names: Vec<String> = self.objects.keys().cloned().collect();
        for name in names {
            self.update(&name, follow);
        }
    }

    /// Tells the task of a name what is wanted now.
    fn update(&mut self, name: &str, follow: &mut Follow) {
        let facts = self.objects.get(name);
        if facts.is_none() && !self.tasks.contains_key(name) {
            return;
        }
        let named = facts.filter(|facts| !facts.made).and_then(|facts| match facts.source() {
            Some(Source::ConfigMap { name }) => Some(name.clone()),
            _ => None,
        });
        let wanted = facts.map(|facts| Wanted { facts: Arc::new(facts.clone()), carrier: self.carrier(name, facts) });
        let task = self.tasks.entry(name.to_owned()).or_insert_with(|| {
            let (wanted, follows) = watch::channel(None);
            let (name, surroundings) = (name.to_owned(), self.surroundings.clone());
            self.running.spawn(terms::serve(name, surroundings, self.leases.clone(), follows, follow.cancel.clone()));
            Task { wanted, following: None }
        });
        let mut given_up = None;
        if task.following.as_ref().map(|(name, _)| name) != named.as_ref() {
            if let Some((former, following)) = task.following.take() {
                following.abort();
                given_up = Some(former);
            }
            task.following = named.and_then(|config_map| Some((config_map.clone(), follow.named(config_map)?)));
        }
        task.wanted.send_if_modified(|current| {
            let differs = *current != wanted;
            if differs {
                *current = wanted;
            }
            differs
        });
        // Another provider may follow it too.
        let follows = |task: &Task, name: &str| task.following.as_ref().is_some_and(|(other, _)| other == name);
        if let Some(former) = given_up
            && !self.tasks.values().any(|task| follows(task, &former))
        {
            self.named.remove(&Place::Named(former));
        }
    }

    fn carrier(&self, provider: &str, facts: &Facts) -> Carrier {
        let (found, told) = match facts.source() {
            Some(Source::ConfigMap { name }) if facts.made => {
                (self.drop_ins.at(&Place::Labelled(name.clone()), provider), self.told.config_maps)
            }
            Some(Source::ConfigMap { name }) => match self.named.get(&Place::Named(name.clone())) {
                Some(found) => (found.as_ref(), true),
                None => (None, false),
            },
            Some(Source::File { name }) => (self.drop_ins.file(name), self.told.files || !self.has_directory),
            // Only who runs the provider asks its registry.
            Some(Source::Oci(_)) => (None, false),
            None => (None, true),
        };
        match found {
            Some(Found { artifact: Ok(artifact), .. }) => Carrier::Here(artifact.clone()),
            Some(Found { artifact: Err(error), origin, .. }) => Carrier::Broken(origin.clone(), error.clone()),
            None if told => Carrier::Missing,
            None => Carrier::Unknown,
        }
    }

    /// Whether all that carries providers has been listed.
    fn has_all_sources(&self, follow: &Follow) -> bool {
        (self.told.config_maps || follow.namespace.is_none()) && (self.told.files || !self.has_directory)
    }

    /// Those that this replica is to run, with those whose objects are about to be made.
    fn expect(&self) {
        let is_taken = |place: &Place, found: &Found| self.drop_ins.refusal(place, found, &self.objects).is_none();
        let delivered = self.drop_ins.iter().filter(|(place, found)| is_taken(place, found));
        let delivered = delivered.filter_map(|(_, found)| found.provider.as_ref());
        let names = self.objects.keys().chain(delivered).filter(|name| self.speaks_for(name)).cloned();
        self.surroundings.arrivals.expect(names.collect());
    }

    /// What has to be made or deleted, as far as this replica is the one to do it.
    fn steps(&self) -> Vec<drop_in::Step> {
        self.drop_ins.steps(&self.objects, self.told, |name| self.speaks_for(name))
    }

    /// Of all replicas one does what belongs to nobody's lease.
    fn speaks_for(&self, name: &str) -> bool {
        self.leases.as_ref().is_none_or(|leases| leases.speaks_for(name))
    }
}

#[cfg(test)]
mod tests;
