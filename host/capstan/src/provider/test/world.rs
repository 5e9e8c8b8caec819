//! A cluster in this process, and the provider at work in it.

use std::{num::NonZeroUsize, sync::Arc};

use anyhow::{Context, Result};
use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef, kind_of};
use capstan_cluster::{Cluster, Error, Object, Patch, Selection, Watches};
use capstan_devcluster::{DevCluster, Options};
use capstan_engine::{Controller, ControllerConfig, Shared, runner::Runner};
use capstan_events::Recorder;
use capstan_sandbox::{Budgets, Component, Descriptor, Granted, Guest, Network, Services};
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{answers::Answers, case::Target};

/// Who applies what a case applies.
const USER: &str = "user";

/// Gone when dropped.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) answers: Arc<Answers>,
    running: JoinSet<()>,
    _stop: DropGuard,
}

impl World {
    /// With the provider's definitions, and its controllers at work.
    pub(super) async fn start(component: &Component, descriptor: &Descriptor, grants: &Grants) -> Result<Self> {
        let server = DevCluster::new(Options::default());
        let cluster = Cluster::new(Client::new(server.router(), "default"));
        for definition in descriptor.kinds.iter().filter_map(|managed| managed.definition.as_ref()) {
            cluster.create(definition).await.context("a definition of the provider is refused")?;
        }
        let cancel = CancellationToken::new();
        let answers = Arc::new(Answers::default());
        let mut running = JoinSet::new();
        let watches = Watches::new(cluster.clone(), cancel.clone());
        let (recorder, writer) = Recorder::new(cluster.clone(), "capstan-provider-test".to_owned());
        running.spawn(writer.run(cancel.clone()));
        let budgets = Budgets::new(&grants.limits);
        let services = Services {
            cluster: cluster.clone(),
            watches: watches.clone(),
            recorder: recorder.clone(),
            network: Network::simulated(Arc::clone(&answers) as _),
        };
        let granted = Granted::new(descriptor, grants);
        let guest = Guest::new(component.clone(), &descriptor.name, granted, budgets.clone(), services);
        let guest = Arc::new(guest.configured(grants.config.as_ref()));
        let shared = Shared::new(cluster.clone(), watches, recorder, Runner::new(NonZeroUsize::MIN.saturating_add(3)));
        for managed in &descriptor.kinds {
            let config = ControllerConfig {
                recoverable: managed.recoverable,
                session_time: budgets.of_kind(&managed.kind.kind).reconcile,
                ..ControllerConfig::new(&descriptor.name, managed.kind.clone())
            };
            let controller = Controller::new(config, shared.clone(), Arc::clone(&guest) as _);
            running.spawn(controller.run(cancel.clone()));
        }
        Ok(Self { cluster, answers, running, _stop: cancel.drop_guard() })
    }

    /// Whether a part of the host has ended, which it should not.
    pub(super) fn is_broken(&mut self) -> bool {
        self.running.try_join_next().is_some()
    }

    /// As `kubectl apply --server-side --force-conflicts` does, with the namespace made first.
    pub(super) async fn apply(&self, object: &Value) -> Result<()> {
        let target = Target::of(object)?;
        if let Some(namespace) = target.namespace.as_deref().filter(|namespace| *namespace != "default") {
            let made = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            self.write(&made).await?;
        }
        self.write(object).await.with_context(|| format!("{} {} cannot be applied", target.kind, target.name))?;
        Ok(())
    }

    async fn write(&self, object: &Value) -> Result<Object> {
        let apply = Patch::Apply { body: object, manager: USER, force: true };
        Ok(self.cluster.patch(&Target::of(object)?.reference()?, None, apply).await?)
    }

    /// Asks for deletion.
    pub(super) async fn delete(&self, target: &Target) -> Result<()> {
        let deleted = self.cluster.delete(&target.reference()?, None).await;
        deleted.with_context(|| format!("{} {} cannot be deleted", target.kind, target.name))
    }

    /// An object, if there is one.
    pub(super) async fn find(&self, target: &Target) -> Result<Option<Value>> {
        match self.cluster.get(&target.reference()?).await {
            Ok(object) => Ok(Some(object.value())),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The reasons of all events, as often as they were recorded.
    pub(super) async fn events(&self) -> Result<Vec<String>> {
        let selection = Selection::all(GroupVersionKind::gvk("events.k8s.io", "v1", "Event"));
        let events = self.cluster.list(&selection).await?;
        let reason = |event: &Object| event.value()["reason"].as_str().unwrap_or_default().to_owned();
        let often = |event: &Object| {
            let count = event.value()["series"]["count"].as_u64().unwrap_or(1);
            usize::try_from(count).unwrap_or(1)
        };
        Ok(events.iter().flat_map(|event| std::iter::repeat_n(reason(event), often(event))).collect())
    }
}

impl Target {
    fn reference(&self) -> Result<ObjectRef> {
        let kind = kind_of(&self.api_version, &self.kind);
        let kind = kind.with_context(|| format!("{} {} is no kind", self.api_version, self.kind))?;
        Ok(ObjectRef { kind, key: ObjectKey { namespace: self.namespace.clone(), name: self.name.clone() } })
    }
}
