//! A component as the lifecycle knows it.

use std::sync::Arc;

use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Cluster, Reach, Watches};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure};
use capstan_events::{Recorder, Regarding};
use serde_json::{Map, Value};

use crate::{
    Budget, Budgets, Call, Component, Counts, Granted, Network, Spent, answer, cluster,
    config::Config,
    counts::Counters,
    credentials, events,
    http::{self, Egress},
    instance::Instance,
    log::{Journal, Origin},
    session::Session,
    spending::Spending,
    state::Capabilities,
};

/// What of the host a guest reaches through its imports.
#[derive(Clone)]
pub struct Services {
    /// Where its reads and writes go.
    pub cluster: Cluster,
    /// Where what is watched anyway is read from, and where its writes are remembered.
    pub watches: Watches,
    /// Where its events go.
    pub recorder: Recorder,
    /// Where its requests to other systems go. None goes once the cluster's fence is closed.
    pub network: Network,
}

/// A component with its grants and budgets. Each session is a fresh instance.
pub struct Guest {
    component: Component,
    provider: Arc<str>,
    granted: Arc<Granted>,
    budgets: Budgets,
    services: Services,
    counters: Arc<Counters>,
    spending: Arc<Spending>,
    egress: Arc<Egress>,
    config: Config,
}

impl Guest {
    /// `provider` is the name under which the administrator runs it, a DNS label: it stands in the field manager, in
    /// events and in logs.
    #[must_use]
    pub fn new(
        component: Component,
        provider: &str,
        granted: Granted,
        budgets: impl Into<Budgets>,
        services: Services,
    ) -> Self {
        let (granted, provider, counters) = (Arc::new(granted), Arc::<str>::from(provider), Arc::<Counters>::default());
        let network = services.network.clone();
        let egress = Egress::new(network, Arc::clone(&granted), Arc::clone(&provider), Arc::clone(&counters));
        let egress = egress.fenced(services.cluster.fence().cloned());
        let (egress, config, spending) = (Arc::new(egress), Config::new(None), Arc::default());
        let budgets = budgets.into();
        Self { component, provider, granted, budgets, services, counters, spending, egress, config }
    }

    /// The same with a configuration, which [`Descriptor::check_config`](crate::Descriptor::check_config) found sound.
    #[must_use]
    pub fn configured(mut self, config: Option<&Map<String, Value>>) -> Self {
        self.config = Config::new(config);
        self
    }

    /// What was refused to it or dropped so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// What its sessions used of their budget so far; nothing before the first has ended. The limits are those of kinds
    /// that have none of their own.
    #[must_use]
    pub fn spent(&self) -> Vec<Spent> {
        self.spending.read(self.budgets.others())
    }

    fn budget(&self, context: &Context) -> &Budget {
        self.budgets.of_kind(&context.object.kind.kind)
    }

    fn journal(&self, context: &Context) -> Journal {
        let origin = Origin {
            provider: Arc::clone(&self.provider),
            object: Some(context.object.clone()),
            reconcile_id: context.reconcile_id,
        };
        Journal::new(origin, self.budget(context), Arc::clone(&self.counters))
    }

    fn capabilities(&self, context: &Context, log: Journal) -> Capabilities {
        let Budget { call, requests, http_requests, http_bytes, events, .. } = *self.budget(context);
        let regarding =
            // An event is found by the uid; with the version, repetitions would not be recognised as such.
            Regarding { object: context.object.clone(), uid: context.uid.clone(), resource_version: String::new() };
        let cluster = cluster::Access {
            cluster: self.services.cluster.clone(),
            watches: self.services.watches.clone(),
            granted: Arc::clone(&self.granted),
            reads: Arc::clone(&context.reads),
            counters: Arc::clone(&self.counters),
            provider: Arc::clone(&self.provider),
            manager: cluster::field_manager(&self.provider, &context.object),
            requests: (requests, requests),
        };
        let http = http::Access::new(Arc::clone(&self.egress), call, http_requests, http_bytes);
        let vault = credentials::Vault {
            egress: Arc::clone(&self.egress),
            granted: Arc::clone(&self.granted),
            cluster: self.services.cluster.clone(),
            watches: self.services.watches.clone(),
            reads: Arc::clone(&context.reads),
            home: context.object.key.namespace.clone(),
        };
        let credentials = credentials::Access::new(vault, requests);
        let recorder = self.services.recorder.clone();
        let counters = Arc::clone(&self.counters);
        let events = events::Sink::new(recorder, counters, &self.provider, regarding, events);
        let (config, spending) = (self.config.clone(), Arc::clone(&self.spending));
        Capabilities { cluster, http, credentials, config, events, log, spending }
    }
}

#[async_trait]
impl ExternalSystem for Guest {
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let journal = self.journal(context);
        let capabilities = self.capabilities(context, journal.clone());
        let budget = self.budget(context);
        let mut instance = Instance::start(&self.component, Call::Connect, budget, journal, Some(capabilities)).await?;
        instance.connect(managed.to_owned()).await?.map_err(answer::failure)?;
        Ok(Box::new(Session::new(instance)))
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.granted.reach(target)
    }
}
