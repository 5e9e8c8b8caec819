//! What guests and controllers need.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Watches};
use capstan_devcluster::{DevCluster, Options};
use capstan_e2e::plugin;
use capstan_engine::{Shared, runner::Runner};
use capstan_events::Recorder;
use capstan_sandbox::{Budget, Component, Granted, Guest, Network, Services};
use kube::{Client, api::ApiResource};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// As many as the host runs by default.
pub(crate) const CONCURRENCY: usize = 16;

/// With an API server in the same process and no sockets in between.
pub(crate) fn shared() -> Shared {
    shared_with(embedded())
}

/// A client of an API server that goes with it.
pub(crate) fn embedded() -> Client {
    Client::new(DevCluster::new(Options::default()).router(), "default")
}

/// With the API server of a client.
pub(crate) fn shared_with(client: Client) -> Shared {
    let cluster = Cluster::new(client);
    let watches = Watches::new(cluster.clone(), CancellationToken::new());
    let (recorder, writer) = Recorder::new(cluster.clone(), "bench".to_owned());
    tokio::spawn(writer.run(CancellationToken::new()));
    let runner = Runner::new(NonZeroUsize::new(CONCURRENCY).unwrap_or(NonZeroUsize::MIN));
    Shared::new(cluster, watches, recorder, runner)
}

/// The kind of the guest that does as it is told.
pub(crate) fn kind() -> GroupVersionKind {
    GroupVersionKind::gvk("test.capstan.dev", "v1", "Hostile")
}

/// How [`kind`] is served.
pub(crate) fn hostiles() -> ApiResource {
    resource("test.capstan.dev", "Hostile", "hostiles")
}

/// How Pods are served.
pub(crate) fn pods() -> ApiResource {
    resource("", "Pod", "pods")
}

/// How definitions are served.
pub(crate) fn definitions() -> ApiResource {
    resource("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions")
}

fn resource(group: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural)
}

/// The definition of [`kind`].
pub(crate) fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "hostiles.test.capstan.dev"},
        "spec": {
            "group": "test.capstan.dev",
            "names": {"kind": "Hostile", "listKind": "HostileList", "plural": "hostiles", "singular": "hostile"},
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

/// An object of [`kind`] that behaves.
pub(crate) fn hostile(number: u64) -> Value {
    json!({
        "apiVersion": "test.capstan.dev/v1", "kind": "Hostile",
        "metadata": {"name": format!("object-{number}"), "namespace": "default"},
        "spec": {"behaviour": "behaves"},
    })
}

pub(crate) fn object() -> ObjectRef {
    ObjectRef { kind: kind(), key: ObjectKey::namespaced("default", "bench") }
}

/// The components of the bench, as bytes.
pub(crate) fn component(name: &str) -> Result<Vec<u8>> {
    std::fs::read(plugin(name)?).with_context(|| format!("{name}.wasm cannot be read"))
}

/// A guest that answers "exists and is up to date" and asks the host for nothing.
pub(crate) async fn guest(component: Component, shared: &Shared) -> Result<Guest> {
    guest_within(component, shared, Budget::default()).await
}

/// The same, or one that misbehaves if its object says so, with other limits.
pub(crate) async fn guest_within(component: Component, shared: &Shared, budget: Budget) -> Result<Guest> {
    let descriptor = component.describe().await?;
    let services = Services {
        cluster: shared.cluster.clone(),
        watches: shared.watches.clone(),
        recorder: shared.recorder.clone(),
        network: Network::default(),
    };
    let granted = Granted::new(&descriptor, &Grants::default());
    Ok(Guest::new(component, "bench", granted, budget, services))
}
