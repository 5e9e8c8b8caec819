//! What all scenarios share.

use std::{future::Future, path::Path, time::Duration};

use anyhow::{Context, Result};
use capstan_e2e::{HostProcess, Objects, Server, condition, eventually, plugin};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// For what should take a moment. Long, because the machine may be busy with other things.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Grants of the providers in the directory.
const PATCH_GRANTS: &str = r#"
kubernetes:
  - {apiGroups: ["", apps], kinds: [ConfigMap, Deployment], verbs: [get, list, watch, create, patch]}
"#;
const NEIGHBOUR_GRANTS: &str = r#"
kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get, list, watch, create, update, patch, delete]}
"#;
/// Small, so that what never ends is ended soon.
const HOSTILE_GRANTS: &str = r#"
kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get], names: [allowed]}
  - {apiGroups: [test.capstan.dev], kinds: [Hostile], verbs: ["*"]}
limits: {callTimeout: 500ms, reconcileTimeout: 2s, memory: 16Mi}
"#;

/// The hostile guest brings none.
const HOSTILE_DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: hostiles.test.capstan.dev}
spec:
  group: test.capstan.dev
  names: {kind: Hostile, listKind: HostileList, plural: hostiles, singular: hostile}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// One API server and one host.
pub(crate) struct World {
    // In this order: the host goes before its server.
    host: HostProcess,
    server: Server,
    folder: TempDir,
    runtime: Runtime,
}

impl World {
    /// With the providers patch, neighbour and hostile.
    pub(crate) fn start() -> Result<Self> {
        Self::with(&[("patch", PATCH_GRANTS), ("neighbour", NEIGHBOUR_GRANTS), ("hostile", HOSTILE_GRANTS)])
    }

    /// With only the provider patch.
    pub(crate) fn with_patch() -> Result<Self> {
        Self::with(&[("patch", PATCH_GRANTS)])
    }

    fn with(providers: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let directory = folder.path().join("providers");
        std::fs::create_dir(&directory)?;
        for (name, grants) in providers {
            std::fs::copy(plugin(name)?, directory.join(format!("{name}.wasm")))?;
            std::fs::write(directory.join(format!("{name}.grants.yaml")), grants)?;
        }
        let server = Server::start()?;
        server.write_kubeconfig(&folder.path().join("kubeconfig"))?;
        let runtime = Runtime::new()?;
        let objects = runtime.block_on(async { server.client().map(Objects::new) })?;
        runtime.block_on(async {
            objects.namespace("capstan-system").await?;
            objects.apply(HOSTILE_DEFINITION).await
        })?;
        let host = start_host(folder.path())?;
        let world = Self { host, server, folder, runtime };
        for (name, _) in providers {
            let definition = match *name {
                "patch" => "patches.krateo.io",
                "neighbour" => "notes.test.capstan.dev",
                _ => "hostiles.test.capstan.dev",
            };
            world.block_on(world.established(definition)).with_context(|| format!("{name}: {}", world.log()))?;
        }
        Ok(world)
    }

    async fn established(&self, definition: &str) -> Result<Value> {
        let objects = self.objects()?;
        let look = || objects.get("apiextensions.k8s.io/v1", "customresourcedefinitions", "", definition);
        // Compiling a component takes seconds on a busy machine.
        eventually(definition, Duration::from_mins(2), look, |crd| condition(crd, "Established").0 == "True").await
    }

    /// The host's process dies without a word.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.host.kill()
    }

    /// Another host comes in its place.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.host = start_host(self.folder.path())?;
        Ok(())
    }

    /// Objects, seen by somebody with every right. Made anew because a client belongs to the runtime it was made on.
    pub(crate) fn objects(&self) -> Result<Objects> {
        self.server.client().map(Objects::new)
    }

    /// Runs a scenario.
    pub(crate) fn block_on<T>(&self, scenario: impl Future<Output = T>) -> T {
        self.runtime.block_on(scenario)
    }

    /// What the host has logged.
    pub(crate) fn log(&self) -> String {
        self.host.log()
    }
}

fn start_host(folder: &Path) -> Result<HostProcess> {
    let text = |name: &str| folder.join(name).to_string_lossy().into_owned();
    HostProcess::start(folder, &["run", "--kubeconfig", &text("kubeconfig"), "--providers", &text("providers")])
}
