//! Several hosts at one API server, each with a proxy of its own, and six small providers for them to share.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{
    Accepted, Creates, HostProcess, Objects, Proxy, Server, ServerKind, Signal, capstan, eventually, package_rights,
    play_kubelet, plugin,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::world::{ACCOUNT, NAMESPACE, SOON, redirect};

pub(crate) const PROVIDERS: usize = 6;

/// Compiling six components twice takes its time on a busy machine.
pub(crate) const LOADED: Duration = Duration::from_mins(3);

const GRANTS: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;

/// Times of leases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) duration: Duration,
    pub(crate) deadline: Duration,
    pub(crate) retry: Duration,
}

/// So that a takeover does not take long, and a busy machine still renews in time.
pub(crate) const SHORT: Times =
    Times { duration: Duration::from_secs(6), deadline: Duration::from_secs(4), retry: Duration::from_millis(500) };

/// So that nothing that happens soon can have expired.
pub(crate) const LONG: Times =
    Times { duration: Duration::from_mins(5), deadline: Duration::from_mins(4), retry: Duration::from_millis(500) };

pub(crate) struct ReplicaSet {
    // In this order: hosts go before their server.
    pub(crate) replicas: Vec<Replica>,
    started: usize,
    times: Times,
    kubelet: JoinHandle<()>,
    server: Server,
    folder: TempDir,
    pub(crate) runtime: Runtime,
}

/// One host.
pub(crate) struct Replica {
    pub(crate) pod: String,
    pub(crate) process: HostProcess,
    pub(crate) proxy: Proxy,
    _folder: TempDir,
}

/// Who holds which provider; by provider, empty if nobody does.
pub(crate) type Holders = BTreeMap<String, String>;

impl ReplicaSet {
    /// An API server with Capstan and six providers, and no host yet.
    pub(crate) fn new(kind: ServerKind, times: Times) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("providers"))?;
        let (server, runtime) = (Server::start(kind)?, Runtime::new()?);
        let kubelet = {
            let _entered = runtime.enter();
            runtime.spawn(play_kubelet(server.client()?))
        };
        let set = Self { replicas: Vec::new(), started: 0, times, kubelet, server, folder, runtime };
        set.runtime.block_on(set.install())?;
        Ok(set)
    }

    async fn install(&self) -> Result<()> {
        let objects = self.objects()?;
        objects.apply(&capstan(&["manifests"])?).await.context("the manifests")?;
        let neighbour = std::fs::read(plugin("neighbour")?)?;
        let directory = self.folder.path().join("providers");
        for number in 0..PROVIDERS {
            let file = |ending: &str| directory.join(format!("{}{ending}", provider(number)));
            std::fs::write(file(".wasm"), with_group(&neighbour, number)?)?;
            std::fs::write(file(".grants.yaml"), GRANTS)?;
            let (component, grants) = (file(".wasm"), file(".grants.yaml"));
            let name = provider(number);
            let package = || async { package_rights(&name, &component, &grants, self.server.kubeconfig()) };
            objects.apply(&eventually("a package", SOON, package, |_| true).await?).await?;
        }
        Ok(())
    }

    /// Starts one more host; gives its place.
    pub(crate) fn start(&mut self) -> Result<usize> {
        let pod = format!("replica-{}", self.started);
        self.started += 1;
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        self.server.write_kubeconfig_for(NAMESPACE, ACCOUNT, &kubeconfig)?;
        let proxy = self.runtime.block_on(Proxy::start(self.server.admin(), 1))?;
        redirect(&kubeconfig, &proxy.url())?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let millis = |time: Duration| format!("{}ms", time.as_millis());
        let process = HostProcess::start_in(
            folder.path(),
            &[("HOSTNAME", &pod)],
            &[
                "run",
                "--kubeconfig",
                &text(&kubeconfig),
                "--providers",
                &text(&self.folder.path().join("providers")),
                "--leader-elect",
                "--leader-elect-lease-duration",
                &millis(self.times.duration),
                "--leader-elect-renew-deadline",
                &millis(self.times.deadline),
                "--leader-elect-retry-period",
                &millis(self.times.retry),
            ],
        )?;
        self.replicas.push(Replica { pod, process, proxy, _folder: folder });
        Ok(self.replicas.len() - 1)
    }

    /// Two hosts, each of which holds a provider at least. Chance may give all to one: then the second one comes anew.
    pub(crate) fn start_two(&mut self) -> Result<()> {
        self.start()?;
        self.until("the first runs all", LOADED, |set, holders| set.held_by(holders, 0) == PROVIDERS)?;
        let second = self.start_one_with_a_share(1)?;
        ensure!(second == 1, "it comes after the first");
        Ok(())
    }

    /// One more host, at this place, that holds a provider at least.
    pub(crate) fn start_one_with_a_share(&mut self, place: usize) -> Result<usize> {
        for _ in 0..10 {
            self.start()?;
            let settled = self
                .until("it gets its share", Duration::from_secs(20), |set, holders| set.held_by(holders, place) > 0);
            if settled.is_ok() {
                self.quiet()?;
                return Ok(place);
            }
            self.replicas[place].process.signal(Signal::Terminate)?;
            self.replicas[place].ended()?;
            self.replicas.remove(place);
        }
        anyhow::bail!("ten replicas came and none got a provider: {}", self.logs())
    }

    /// Waits until nothing moves any more.
    pub(crate) fn quiet(&self) -> Result<Holders> {
        let mut last = (Holders::new(), Instant::now());
        let deadline = Instant::now() + LOADED;
        loop {
            let holders = self.holders()?;
            if holders != last.0 || holders.len() < PROVIDERS || holders.values().any(String::is_empty) {
                last = (holders, Instant::now());
            }
            if last.1.elapsed() > Duration::from_secs(3) {
                return Ok(last.0);
            }
            ensure!(Instant::now() < deadline, "providers do not come to rest: {:?}", last.0);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the holders are as wanted.
    pub(crate) fn until(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&Self, &Holders) -> bool,
    ) -> Result<Holders> {
        let deadline = Instant::now() + limit;
        loop {
            let holders = self.holders()?;
            if wanted(self, &holders) {
                return Ok(holders);
            }
            ensure!(Instant::now() < deadline, "{what}: not within {limit:?}; {holders:?}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn holders(&self) -> Result<Holders> {
        let leases = self
            .runtime
            .block_on(async { self.objects()?.list("coordination.k8s.io/v1", "leases", NAMESPACE).await })?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let of_providers = leases.iter().filter(|lease| lease["metadata"]["labels"]["capstan.dev/lease"] == "provider");
        Ok(of_providers
            .map(|lease| {
                (text(&lease["metadata"]["labels"]["capstan.dev/provider"]), text(&lease["spec"]["holderIdentity"]))
            })
            .collect())
    }

    /// How many providers the replica at a place holds.
    pub(crate) fn held_by(&self, holders: &Holders, place: usize) -> usize {
        let pod = format!("{}_", self.replicas[place].pod);
        holders.values().filter(|holder| holder.starts_with(&pod)).count()
    }

    pub(crate) fn objects(&self) -> Result<Objects> {
        self.server.client().map(Objects::new)
    }

    pub(crate) fn logs(&self) -> String {
        let log = |replica: &Replica| format!("---- {}\n{}", replica.pod, replica.process.log());
        self.replicas.iter().map(log).collect()
    }

    /// `ConfigMap`s of notes that were asked for more than once, or when they were there, by whomever.
    pub(crate) fn made_twice(&self) -> Result<Vec<String>> {
        let mut all = BTreeMap::<String, Creates>::new();
        for replica in &self.replicas {
            self.runtime.block_on(replica.proxy.settled())?;
            for (path, Creates { made, existing }) in replica.proxy.creates() {
                if path.contains("/configmaps/note-") {
                    let creates = all.entry(path).or_default();
                    creates.made += made;
                    creates.existing += existing;
                }
            }
        }
        let too_often = |creates: &Creates| creates.made > 1 || creates.existing > 0;
        Ok(all.into_iter().filter(|(_, creates)| too_often(creates)).map(|(path, _)| path).collect())
    }
}

impl Replica {
    /// Waits until it has ended by itself, and well.
    pub(crate) fn ended(&mut self) -> Result<()> {
        let deadline = Instant::now() + SOON;
        while !self.process.has_succeeded()? {
            ensure!(Instant::now() < deadline, "{} does not end, or not well", self.pod);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for ReplicaSet {
    fn drop(&mut self) {
        self.kubelet.abort();
        for replica in &self.replicas {
            // One that is stopped could not be waited for.
            let _ = replica.process.signal(Signal::Continue);
        }
    }
}

/// Whether a write is about leases.
pub(crate) fn is_of_lease(write: &Accepted) -> bool {
    write.path.contains("/leases")
}

pub(crate) fn provider(number: usize) -> String {
    format!("note{number}")
}

/// The group of a provider's kind. As long as the one that the component was built with.
fn group(number: usize) -> String {
    format!("tst{number}.capstan.dev")
}

/// The same component for a group of its own.
fn with_group(component: &[u8], number: usize) -> Result<Vec<u8>> {
    const BUILT: &[u8] = b"test.capstan.dev";
    let group = group(number).into_bytes();
    ensure!(group.len() == BUILT.len(), "another length would move everything behind it");
    let mut component = component.to_vec();
    let mut found = 0;
    for start in 0..component.len() - BUILT.len() {
        if &component[start..start + BUILT.len()] == BUILT {
            component[start..start + BUILT.len()].copy_from_slice(&group);
            found += 1;
        }
    }
    ensure!(found > 0, "the component does not name its group");
    Ok(component)
}

/// A note of each provider says this.
pub(crate) async fn write_notes(objects: &Objects, name: &str, text: &str) -> Result<()> {
    for number in 0..PROVIDERS {
        objects
            .apply_value(&json!({
                "apiVersion": format!("{}/v1", group(number)), "kind": "Note",
                "metadata": {"name": format!("{name}-{number}"), "namespace": "default"}, "spec": {"text": text},
            }))
            .await?;
    }
    Ok(())
}

/// Waits until all of them have arrived.
pub(crate) async fn notes_say(objects: &Objects, name: &str, text: &str, limit: Duration) -> Result<()> {
    for number in 0..PROVIDERS {
        let config_map = format!("note-{name}-{number}");
        let look = || objects.get("v1", "configmaps", "default", &config_map);
        eventually(&format!("{config_map} says {text}"), limit, look, |found| found["data"]["text"] == text).await?;
    }
    Ok(())
}

/// The note of one provider.
pub(crate) async fn note(objects: &Objects, name: &str, number: usize) -> Result<Value> {
    objects.get(&format!("{}/v1", group(number)), "notes", "default", &format!("{name}-{number}")).await
}
