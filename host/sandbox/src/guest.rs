//! A component as the lifecycle knows it.

use std::sync::Arc;

use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Cluster, Reach, Watches};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure};
use capstan_events::{Recorder, Regarding};

use crate::{
    Budget, Call, Component, Counts, Granted, answer, cluster,
    counts::Counters,
    events,
    instance::Instance,
    log::{Journal, Origin},
    session::Session,
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
}

/// A component with its grants and budget. Each session is a fresh instance.
pub struct Guest {
    component: Component,
    provider: Arc<str>,
    granted: Arc<Granted>,
    budget: Budget,
    services: Services,
    counters: Arc<Counters>,
}

impl Guest {
    /// `provider` is the name under which the administrator runs it, a DNS label: it stands in the field manager, in
    /// events and in logs.
    #[must_use]
    pub fn new(component: Component, provider: &str, granted: Granted, budget: Budget, services: Services) -> Self {
        let granted = Arc::new(granted);
        Self { component, provider: provider.into(), granted, budget, services, counters: Arc::default() }
    }

    /// What was refused to it or dropped so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    fn journal(&self, context: &Context) -> Journal {
        let origin = Origin {
            provider: Arc::clone(&self.provider),
            object: Some(context.object.clone()),
            reconcile_id: context.reconcile_id,
        };
        Journal::new(origin, &self.budget, Arc::clone(&self.counters))
    }

    fn capabilities(&self, context: &Context, log: Journal) -> Capabilities {
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
            requests: (self.budget.requests, self.budget.requests),
        };
        let recorder = self.services.recorder.clone();
        let counters = Arc::clone(&self.counters);
        let events = events::Sink::new(recorder, counters, &self.provider, regarding, self.budget.events);
        Capabilities { cluster, events, log }
    }
}

#[async_trait]
impl ExternalSystem for Guest {
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let journal = self.journal(context);
        let capabilities = self.capabilities(context, journal.clone());
        let mut instance =
            Instance::start(&self.component, Call::Connect, &self.budget, journal, Some(capabilities)).await?;
        instance.connect(managed.to_owned()).await?.map_err(answer::failure)?;
        Ok(Box::new(Session::new(instance)))
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.granted.reach(target)
    }
}
