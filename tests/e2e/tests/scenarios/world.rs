//! What all scenarios share.

use std::{future::Future, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{
    Collector, HostProcess, Objects, Proxy, Server, ServerKind, capstan, eventually, package_rights, play_kubelet,
    plugin, probe,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    runtime::{Handle, Runtime},
    task::JoinHandle,
};

use crate::hub::Hub;

/// For what should take a moment. Long, because the machine may be busy with other things.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Grants of the providers in the directory.
const PATCH_GRANTS: &str = r#"
kubernetes:
  - {apiGroups: ["", apps], kinds: [ConfigMap, Deployment, Service], verbs: [get, list, watch, create, patch]}
  - {apiGroups: [test.capstan.dev], kinds: [Gauge], verbs: [get, list, watch, patch]}
  - {apiGroups: [""], kinds: [Secret], verbs: [get, list, watch], namespaces: [vault]}
limits: {callTimeout: 3s}
"#;
const NEIGHBOUR_GRANTS: &str = r#"
kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get, list, watch, create, update, patch, delete]}
"#;
/// Small, so that what never ends is ended soon.
const HOSTILE_GRANTS: &str = r#"
kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get], names: [allowed]}
manages:
  - {apiGroups: [test.capstan.dev], kinds: [Hostile]}
limits: {callTimeout: 500ms, reconcileTimeout: 2s, memory: 16Mi}
"#;

/// In place of grants that name the ports of this world's hub.
const OF_THE_HUB: &str = "";

/// The hostile guest brings none, and patches need something with numbers, lists and a status of its own.
const DEFINITIONS: &str = "
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
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.test.capstan.dev}
spec:
  group: test.capstan.dev
  names: {kind: Gauge, listKind: GaugeList, plural: gauges, singular: gauge}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {status: {}}
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: vault}}
";

/// Of what the proxy leaves to chance.
const SEED: u64 = 1;

/// The namespace and the service account of the host, as its manifests have them.
pub(crate) const NAMESPACE: &str = "capstan-system";
pub(crate) const ACCOUNT: &str = "capstan";

/// One API server with Capstan installed as an administrator would, and one host with the rights of its service account.
pub(crate) struct World {
    // In this order: the host goes before its server.
    host: HostProcess,
    kubelet: JoinHandle<()>,
    proxy: Option<Proxy>,
    collector: Collector,
    hub: Hub,
    server: Server,
    folder: TempDir,
    runtime: Runtime,
}

impl World {
    /// With the providers patch, neighbour, hostile and github.
    pub(crate) fn start(kind: ServerKind) -> Result<Self> {
        let all = [
            ("patch", PATCH_GRANTS),
            ("neighbour", NEIGHBOUR_GRANTS),
            ("hostile", HOSTILE_GRANTS),
            ("github", OF_THE_HUB),
        ];
        Self::with(kind, &all, false)
    }

    /// With only the provider patch.
    pub(crate) fn with_patch(kind: ServerKind) -> Result<Self> {
        Self::with(kind, &[("patch", PATCH_GRANTS)], false)
    }

    /// With only the provider github.
    pub(crate) fn with_github(kind: ServerKind) -> Result<Self> {
        Self::with(kind, &[("github", OF_THE_HUB)], false)
    }

    /// With only the provider hostile.
    pub(crate) fn with_hostile(kind: ServerKind) -> Result<Self> {
        Self::with(kind, &[("hostile", HOSTILE_GRANTS)], false)
    }

    /// Without any provider.
    pub(crate) fn bare(kind: ServerKind) -> Result<Self> {
        Self::with(kind, &[], false)
    }

    /// Without any provider, and with a proxy between host and server.
    pub(crate) fn bare_behind_proxy(kind: ServerKind) -> Result<Self> {
        Self::with(kind, &[], true)
    }

    /// With only the provider neighbour, and a proxy between host and server.
    pub(crate) fn behind_proxy(kind: ServerKind) -> Result<Self> {
        Self::with(kind, &[("neighbour", NEIGHBOUR_GRANTS)], true)
    }

    /// With the providers patch and neighbour, a proxy between host and server, and a server that can be
    /// [restarted](Self::restart_server).
    pub(crate) fn with_a_server_apart(kind: ServerKind) -> Result<Self> {
        Self::at(Server::start_apart(kind)?, &[("patch", PATCH_GRANTS), ("neighbour", NEIGHBOUR_GRANTS)], true)
    }

    fn with(kind: ServerKind, providers: &[(&str, &str)], behind_proxy: bool) -> Result<Self> {
        Self::at(Server::start(kind)?, providers, behind_proxy)
    }

    fn at(server: Server, providers: &[(&str, &str)], behind_proxy: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("providers"))?;
        let runtime = Runtime::new()?;
        let kubelet = {
            let _entered = runtime.enter();
            runtime.spawn(play_kubelet(server.client()?))
        };
        runtime.block_on(async {
            let objects = server.client().map(Objects::new)?;
            objects.apply(&capstan(&["manifests"])?).await.context("the manifests")?;
            objects.apply(DEFINITIONS).await
        })?;
        let kubeconfig = folder.path().join("kubeconfig");
        server.write_kubeconfig_for(NAMESPACE, ACCOUNT, &kubeconfig)?;
        let proxy = if behind_proxy {
            let proxy = runtime.block_on(Proxy::start(server.admin(), SEED))?;
            redirect(&kubeconfig, &proxy.url())?;
            Some(proxy)
        } else {
            None
        };
        let collector = runtime.block_on(Collector::start())?;
        let hub = runtime.block_on(Hub::start(folder.path()))?;
        let host = start_host(folder.path(), &collector, &hub)?;
        let world = Self { host, kubelet, proxy, collector, hub, server, folder, runtime };
        for (name, grants) in providers {
            let grants = if *grants == OF_THE_HUB { &world.hub.grants() } else { *grants };
            world.block_on(world.grant_rights(name, grants)).with_context(|| format!("rights of {name}"))?;
            std::fs::copy(plugin(name)?, world.folder.path().join("providers").join(format!("{name}.wasm")))?;
        }
        for (name, _) in providers {
            world.block_on(world.loaded(name)).with_context(|| format!("{name}: {}", world.log()))?;
        }
        Ok(world)
    }

    /// Installs the definitions and rights of a provider, and leaves its grants in the providers directory.
    pub(crate) async fn grant_rights(&self, name: &str, grants: &str) -> Result<()> {
        let path = self.folder.path().join("providers").join(format!("{name}.grants.yaml"));
        std::fs::write(&path, grants)?;
        let component = plugin(name)?;
        let package = || async { package_rights(name, &component, &path, self.server.kubeconfig()) };
        // Discovery follows new definitions a little later.
        let rights = eventually("a package", SOON, package, |_| true).await?;
        self.objects()?.apply(&rights).await
    }

    /// Installs the provider github in a world that has none yet.
    pub(crate) async fn bring_github(&self, grants: &str) -> Result<()> {
        self.grant_rights("github", grants).await?;
        std::fs::copy(plugin("github")?, self.folder.path().join("providers").join("github.wasm"))?;
        self.loaded("github").await
    }

    async fn loaded(&self, provider: &str) -> Result<()> {
        // Compiling a component takes seconds on a busy machine.
        let look = || async { Ok(self.log()) };
        let said = format!("Provider {provider} ");
        eventually(&said, Duration::from_mins(2), look, |log: &String| log.contains(&said)).await.map(drop)
    }

    /// The GitHub of this world.
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The API server.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The API server crashes and comes back.
    pub(crate) fn restart_server(&mut self) -> Result<()> {
        self.server.restart()
    }

    /// What stands between host and server; [`Self::behind_proxy`] makes worlds with one.
    pub(crate) fn proxy(&mut self) -> Result<&mut Proxy> {
        self.proxy.as_mut().context("there is no proxy in this world")
    }

    /// Whether the host still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.host.is_running()
    }

    /// The host's process dies without a word.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.host.kill()
    }

    /// Another host comes in its place.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.host = start_host(self.folder.path(), &self.collector, &self.hub)?;
        Ok(())
    }

    /// Objects, seen by somebody with every right. Made anew because a client belongs to the runtime it was made on.
    pub(crate) fn objects(&self) -> Result<Objects> {
        self.server.client().map(Objects::new)
    }

    /// What the host answers to a GET of the path, as a code and a body.
    pub(crate) async fn probe(&self, path: &str) -> Result<(u16, String)> {
        let log = self.log();
        // The last host of this world; each says where it listens.
        let said =
            log.lines().rev().find_map(|line| line.split_once("probes and metrics are answered address=")?.1.into());
        let address: &str = said.with_context(|| format!("the host does not say where it answers probes: {log}"))?;
        probe(address.trim().parse()?, path).await
    }

    /// Where the host's traces go.
    pub(crate) fn collector(&self) -> &Collector {
        &self.collector
    }

    /// What scenarios run on.
    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Runs a scenario.
    pub(crate) fn block_on<T>(&self, scenario: impl Future<Output = T>) -> T {
        self.runtime.block_on(scenario)
    }

    /// No request of any scenario, whatever it was about, was anything that GitHub does not describe.
    pub(crate) fn assert_described(&self) -> Result<()> {
        for fake in [&self.hub.fake, &self.hub.enterprise] {
            let violations = fake.violations();
            ensure!(violations.is_empty(), "{violations:#?}");
        }
        Ok(())
    }

    /// What the host has logged.
    pub(crate) fn log(&self) -> String {
        self.host.log()
    }
}

/// Lets a kubeconfig lead to another server; what was needed to trust the old one goes.
pub(crate) fn redirect(kubeconfig: &Path, url: &str) -> Result<()> {
    let mut config: Value = serde_saphyr::from_str(&std::fs::read_to_string(kubeconfig)?)?;
    config["clusters"][0]["cluster"] = json!({"server": url});
    // JSON is YAML.
    Ok(std::fs::write(kubeconfig, config.to_string())?)
}

fn start_host(folder: &Path, collector: &Collector, hub: &Hub) -> Result<HostProcess> {
    let text = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (kubeconfig, providers) = (text("kubeconfig"), text("providers"));
    let ca_bundle = hub.ca_bundle().to_string_lossy();
    let arguments = ["run", "--kubeconfig", &kubeconfig, "--providers", &providers, "--ca-bundle", &ca_bundle];
    HostProcess::start_in(
        folder,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())],
        &[&arguments[..], &["--health-address", "127.0.0.1:0"]].concat(),
    )
}

impl Drop for World {
    fn drop(&mut self) {
        self.kubelet.abort();
    }
}
