//! What guests and controllers need, with an API server in the same process and no sockets in between.

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::{Cluster, Watches};
use capstan_devcluster::{DevCluster, Options};
use capstan_e2e::plugin;
use capstan_engine::{Shared, runner::Runner};
use capstan_events::Recorder;
use capstan_sandbox::{Budget, Component, Granted, Guest, Network, Services};
use kube::Client;
use tokio_util::sync::CancellationToken;

/// As many as the host runs by default.
const CONCURRENCY: usize = 16;

pub(crate) fn shared() -> Shared {
    let server = DevCluster::new(Options::default());
    let cluster = Cluster::new(Client::new(server.router(), "default"));
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

pub(crate) fn object() -> ObjectRef {
    ObjectRef { kind: kind(), key: ObjectKey::namespaced("default", "bench") }
}

/// The components of the bench, as bytes.
pub(crate) fn component(name: &str) -> Result<Vec<u8>> {
    std::fs::read(plugin(name)?).with_context(|| format!("{name}.wasm cannot be read"))
}

/// A guest that answers "exists and is up to date" and asks the host for nothing.
pub(crate) async fn guest(component: Component, shared: &Shared) -> Result<Guest> {
    let descriptor = component.describe().await?;
    let services = Services {
        cluster: shared.cluster.clone(),
        watches: shared.watches.clone(),
        recorder: shared.recorder.clone(),
        network: Network::default(),
    };
    let granted = Granted::new(&descriptor, &Grants::default());
    Ok(Guest::new(component, "bench", granted, Budget::default(), services))
}
