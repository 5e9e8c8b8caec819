//! Several hosts at one API server, each with a proxy of its own, and providers for them to share, six small ones for example.

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
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::world::{ACCOUNT, NAMESPACE, SOON, World, redirect};

/// Of small ones.
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
    provided: usize,
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

/// A story of a set that has no providers and no hosts yet.
pub(crate) async fn in_a_set(
    world: &World,
    times: Times,
    story: impl FnOnce(&mut ReplicaSet) -> Result<()> + Send + 'static,
) -> Result<()> {
    let kind: ServerKind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut set = ReplicaSet::new(kind, times)?;
        let told = story(&mut set);
        told.with_context(|| set.logs())
    };
    // It brings a runtime, which must not be entered from the one of this scenario.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

impl ReplicaSet {
    /// An API server with Capstan, and no provider and no host yet.
    fn new(kind: ServerKind, times: Times) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("providers"))?;
        let (server, runtime) = (Server::start(kind)?, Runtime::new()?);
        let kubelet = {
            let _entered = runtime.enter();
            runtime.spawn(play_kubelet(server.client()?))
        };
        let set = Self { replicas: Vec::new(), started: 0, provided: 0, times, kubelet, server, folder, runtime };
        set.runtime
            .block_on(async { set.objects()?.apply(&capstan(&["manifests"])?).await })
            .context("the manifests")?;
        Ok(set)
    }

    /// All hosts have one more provider.
    pub(crate) fn provide(&mut self, name: &str, component: &[u8], grants: &str) -> Result<()> {
        let directory = self.folder.path().join("providers");
        let (file, granted) = (directory.join(format!("{name}.wasm")), directory.join(format!("{name}.grants.yaml")));
        std::fs::write(&file, component)?;
        std::fs::write(&granted, grants)?;
        let package = || async { package_rights(name, &file, &granted, self.server.kubeconfig()) };
        self.runtime.block_on(async {
            let rights = eventually("a package", SOON, package, |_| true).await?;
            self.objects()?.apply(&rights).await
        })?;
        self.provided += 1;
        Ok(())
    }

    /// Six small providers.
    pub(crate) fn provide_notes(&mut self) -> Result<()> {
        let neighbour = std::fs::read(plugin("neighbour")?)?;
        for number in 0..PROVIDERS {
            self.provide(&provider(number), &with_group(&neighbour, number)?, GRANTS)?;
        }
        Ok(())
    }

    /// Starts one more host; gives its place.
    pub(crate) fn start(&mut self) -> Result<usize> {
        self.start_with(&[], &[])
    }

    /// The same, with variables of its environment and further arguments.
    pub(crate) fn start_with(&mut self, environment: &[(&str, &str)], arguments: &[&str]) -> Result<usize> {
        let pod = format!("replica-{}", self.started);
        self.started += 1;
        let folder = tempfile::tempdir()?;
        let kubeconfig = folder.path().join("kubeconfig");
        self.server.write_kubeconfig_for(NAMESPACE, ACCOUNT, &kubeconfig)?;
        let proxy = self.runtime.block_on(Proxy::start(self.server.admin(), 1))?;
        redirect(&kubeconfig, &proxy.url())?;
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let millis = |time: Duration| format!("{}ms", time.as_millis());
        let own = [
            "run",
            "--kubeconfig",
            &path(&kubeconfig),
            "--providers",
            &path(&self.folder.path().join("providers")),
            "--leader-elect",
            "--leader-elect-lease-duration",
            &millis(self.times.duration),
            "--leader-elect-renew-deadline",
            &millis(self.times.deadline),
            "--leader-elect-retry-period",
            &millis(self.times.retry),
        ];
        let environment = [&[("HOSTNAME", pod.as_str())], environment].concat();
        let process = HostProcess::start_in(folder.path(), &environment, &[&own, arguments].concat())?;
        self.replicas.push(Replica { pod, process, proxy, _folder: folder });
        Ok(self.replicas.len() - 1)
    }

    /// Two hosts, each of which holds a provider at least. Chance may give all to one: then the second one comes anew.
    pub(crate) fn start_two(&mut self) -> Result<()> {
        self.start()?;
        self.until("the first runs all", LOADED, |set, holders| set.held_by(holders, 0) == PROVIDERS)?;
        let second = self.start_one_with_a_share(&[])?;
        ensure!(second == 1, "it comes after the first");
        Ok(())
    }

    /// One more host, with variables of its environment, that holds a provider at least; gives its place.
    pub(crate) fn start_one_with_a_share(&mut self, environment: &[(&str, &str)]) -> Result<usize> {
        for _ in 0..10 {
            let place = self.start_with(environment, &[])?;
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
            if holders != last.0 || holders.len() < self.provided || holders.values().any(String::is_empty) {
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
        let of_provider = |lease: &Value| {
            let provider = text(&lease["metadata"]["labels"]["capstan.dev/provider"]);
            (provider, text(&lease["spec"]["holderIdentity"]))
        };
        Ok(self.leases("provider")?.iter().map(of_provider).collect())
    }

    /// When the replica at a place renewed its membership for the last time, by its own words.
    pub(crate) fn renewed(&self, place: usize) -> Result<Timestamp> {
        let pod = format!("{}_", self.replicas[place].pod);
        let leases = self.leases("member")?;
        let lease = leases.iter().find(|lease| text(&lease["spec"]["holderIdentity"]).starts_with(&pod));
        Ok(text(&lease.context("it is no member")?["spec"]["renewTime"]).parse()?)
    }

    fn leases(&self, of: &str) -> Result<Vec<Value>> {
        let mut leases = self
            .runtime
            .block_on(async { self.objects()?.list("coordination.k8s.io/v1", "leases", NAMESPACE).await })?;
        leases.retain(|lease| lease["metadata"]["labels"]["capstan.dev/lease"] == of);
        Ok(leases)
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
        for replica in &mut self.replicas {
            if replica.process.is_running() {
                // One that is stopped could not be waited for.
                let _ = replica.process.signal(Signal::Continue);
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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
