//! From a new build in a `ConfigMap` to the first object that it has reconciled, through the program as it ships.

use std::{
    fs,
    io::Write,
    path::Path,
    pin::Pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{HostProcess, Objects, Server, ServerKind, capstan, condition, eventually, package_rights, plugin};
use flate2::{Compression, write::GzEncoder};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use kube::{
    Api,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{figures::Times, surroundings::component};

/// Builds, each put in the place of the one before: once when none of them was ever compiled, and once when all were.
const BUILDS: usize = 30;
/// Between two of them, so that what one brings with it is over.
const REST: Duration = Duration::from_millis(500);
/// Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(2);
const NAMESPACE: &str = "capstan-system";
const GRANTS: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;
/// The key under which the neighbour tells in the status what it wrote, with a number in its place in each build.
const KEY: &[u8] = b"written";

pub(crate) async fn run() -> Result<()> {
    println!(
        "replace: a new build in the place of another, until its first reconcile is seen in the status of an object"
    );
    for kind in [ServerKind::Embedded, ServerKind::Real] {
        if kind == ServerKind::Real && !capstan_realcluster::is_here() {
            println!("  the real API server was not built: `cargo xtask cluster build`");
            continue;
        }
        // It brings a runtime of its own, which must not be entered from this one.
        let measured = move || -> Result<()> {
            let server = Server::start(kind)?;
            tokio::runtime::Runtime::new()?.block_on(measure(&server))
        };
        tokio::task::spawn_blocking(measured).await??;
    }
    println!();
    Ok(())
}

async fn measure(server: &Server) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let grants = folder.path().join("grants.yaml");
    fs::write(&grants, GRANTS)?;
    let objects = Objects::new(server.client()?);
    objects.apply(&capstan(&["manifests"])?).await?;
    objects.apply(&package_rights("neighbour", &plugin("neighbour")?, &grants, server.kubeconfig())?).await?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let host = HostProcess::start_in(
        folder.path(),
        &[("CAPSTAN_CODE_CACHE", &text(&folder.path().join("code")))],
        &["run", "--kubeconfig", &text(server.kubeconfig()), "--health-address", "127.0.0.1:0"],
    )?;
    let mut builds = Builds::begin(server, objects).await.with_context(|| host.log())?;
    println!("  {} API server", server.kind());
    for name in ["compiled for it", "compiled before"] {
        let (mut sent, mut stored) = (Vec::new(), Vec::new());
        for number in 1..=BUILDS {
            let took = builds.replace(number).await.with_context(|| host.log())?;
            sent.push(took.since_sent);
            stored.push(took.since_stored);
        }
        print(name, "since it was sent", sent);
        print("", "since it was stored", stored);
    }
    Ok(())
}

fn print(name: &str, since: &str, took: Vec<Duration>) {
    let times = Times::of(took);
    let [p50, p90, most] = [50, 90, 100].map(|percent| times.percentile(percent));
    println!("    {name:16} {since:20} p50 {p50:>8.1?}   p90 {p90:>8.1?}   at most {most:>8.1?}   ({BUILDS} builds)");
}

struct Took {
    /// Since the request with the `ConfigMap` was sent.
    since_sent: Duration,
    /// Since it was answered.
    since_stored: Duration,
}

type Notes = Pin<Box<dyn Stream<Item = Result<DynamicObject, watcher::Error>> + Send>>;

/// A provider with one object, whose builds follow each other.
struct Builds {
    objects: Objects,
    notes: Notes,
}

impl Builds {
    /// With a build in service, and its object settled.
    async fn begin(server: &Server, objects: Objects) -> Result<Self> {
        objects.apply_value(&carrier(0)?).await?;
        let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "neighbour");
        eventually("the first build is in service", LIMIT, look, |found| condition(found, "Healthy").0 == "True")
            .await?;
        // Nothing but a replacement has it looked at again.
        let annotations = json!({"capstan.dev/poll-interval": "24h"});
        let metadata = json!({"name": "bench", "namespace": "default", "annotations": annotations});
        let note =
            json!({"apiVersion": "test.capstan.dev/v1", "kind": "Note", "metadata": metadata, "spec": {"text": "x"}});
        objects.apply_value(&note).await?;
        let kind = GroupVersionKind::gvk("test.capstan.dev", "v1", "Note");
        let resource = ApiResource::from_gvk_with_plural(&kind, "notes");
        let api = Api::namespaced_with(server.client()?, "default", &resource);
        let notes = watcher(api, watcher::Config::default()).default_backoff().applied_objects().boxed();
        let mut builds = Self { objects, notes };
        builds.told(0).await?;
        Ok(builds)
    }

    async fn replace(&mut self, number: usize) -> Result<Took> {
        let carrier = carrier(number)?;
        // Whatever a build told stays in the status.
        let untold = json!({String::from_utf8(key(number))?: null});
        self.objects.merge_status("test.capstan.dev/v1", "notes", "default", "bench", untold).await?;
        sleep(REST).await;
        while let Some(Some(_)) = self.notes.next().now_or_never() {}
        let sent = Instant::now();
        self.objects.apply_value(&carrier).await?;
        let stored = Instant::now();
        self.told(number).await?;
        // It may be done before the answer is here.
        Ok(Took { since_sent: sent.elapsed(), since_stored: stored.elapsed() })
    }

    /// Waits until the object has been reconciled by a build.
    async fn told(&mut self, number: usize) -> Result<()> {
        let key = String::from_utf8(key(number))?;
        let told = async {
            loop {
                let note = self.notes.try_next().await?.context("the watch ended")?;
                if note.data.get("status").is_some_and(|status| status.get(&key).is_some()) {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(LIMIT, told).await.with_context(|| format!("build {number} has reconciled nothing"))?
    }
}

/// As long as [`KEY`].
fn key(number: usize) -> Vec<u8> {
    format!("writ{number:03}").into_bytes()
}

/// The `ConfigMap` with a build.
fn carrier(number: usize) -> Result<Value> {
    let mut build = component("neighbour")?;
    // In quotes it stands in the definition, which is to stay as it is.
    let key_at = (1..build.len()).find(|&at| build[at..].starts_with(KEY) && build[at - 1] != b'"');
    let at = key_at.context("the neighbour does not tell what was written")?;
    build[at..at + KEY.len()].copy_from_slice(&key(number));
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&build)?;
    Ok(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "carrier", "namespace": NAMESPACE, "labels": {"capstan.dev/provider": "neighbour"}},
        "data": {"grants.yaml": GRANTS}, "binaryData": {"provider.wasm.gz": STANDARD.encode(packed.finish()?)},
    }))
}
