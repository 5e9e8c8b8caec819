//! What a cache of objects weighs, and how much more while everything is listed anew.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_cluster::{Cluster, Selection, Watches};
use capstan_e2e::Proxy;
use kube::{Client, Config, api::DynamicObject, runtime::reflector::Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    children::{Process, say, until_told},
    figures::{forget_peak, peak, ratio, resident},
    peers,
    server::{HISTORY, Server},
    surroundings::pods,
};

/// The names of the processes.
pub(crate) const CAPSTAN: &str = "cache-capstan";
pub(crate) const KUBE: &str = "cache-kube";
pub(crate) const KUBE_STRIPPED: &str = "cache-kube-stripped";

const OBJECTS: usize = 10_000;
/// Changed last, so that whoever knows of it knows everything.
const MARK: &str = "bench.capstan.dev/mark";
/// For a list. Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(2);
/// Until what is freed after a list is freed.
const REST: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Weight {
    /// Resident memory that the objects added, in bytes.
    kept: u64,
}

#[derive(Serialize, Deserialize)]
struct Relist {
    /// Resident memory at its highest, beyond what there was before the first list, in bytes.
    peak: u64,
}

pub(crate) async fn run() -> Result<()> {
    let server = Server::start().await?;
    for number in 0..OBJECTS {
        server.create(&pods(), pod(number)).await?;
    }
    let size = server.size(&pods(), &name(0)).await?;
    println!("cache: {OBJECTS} Pods of {size} bytes with their managed fields, each cache in a process of its own");
    let ours = measure(&server, CAPSTAN).await?;
    ours.print("Capstan", None);
    measure(&server, KUBE).await?.print("kube-rs reflector<DynamicObject>", Some(&ours));
    measure(&server, KUBE_STRIPPED).await?.print("the same without managed fields", Some(&ours));
    println!();
    Ok(())
}

struct Figures {
    kept: u64,
    peak: u64,
}

impl Figures {
    fn print(&self, name: &str, ours: Option<&Self>) {
        let each = self.kept / OBJECTS as u64;
        let times = ratio(self.peak.into(), self.kept.into());
        let against = ours.map(|ours| format!("   {:.1} times Capstan's", ratio(self.kept.into(), ours.kept.into())));
        let against = against.unwrap_or_default();
        println!("  {name:44} {each:>6} bytes an object, {times:.2} times that while listing anew{against}");
    }
}

async fn measure(server: &Server, name: &str) -> Result<Figures> {
    let mut proxy = Proxy::start(Config::new(server.url().parse()?), 0).await?;
    let mut process = Process::start(name, &proxy.url())?;
    let Weight { kept } = process.answer()?;
    // While it cannot look, more happens than the server remembers.
    proxy.stop();
    for round in 0..=HISTORY * 2 {
        server.annotate(&pods(), &self::name(0), MARK, &format!("{name}-{round}")).await?;
    }
    server.annotate(&pods(), &self::name(0), MARK, name).await?;
    process.proceed()?;
    let () = process.answer()?;
    proxy.resume()?;
    let Relist { peak } = process.answer()?;
    Ok(Figures { kept, peak })
}

/// In the process: Capstan's cache.
pub(crate) async fn capstan(server: &str) -> Result<()> {
    let cluster = Cluster::new(client(server)?);
    let watches = Watches::new(cluster, CancellationToken::new());
    let before = resident()?;
    let selection = Selection::all(capstan_api::GroupVersionKind::gvk("", "v1", "Pod"));
    let mut subscription = watches.subscribe(selection);
    let store = subscription.store().clone();
    // As a controller does, which keeps nothing of what it is told.
    let listening = tokio::spawn(async move { while subscription.next().await.is_some() {} });
    let first = capstan_api::ObjectKey::namespaced("default", name(0));
    let marked = |mark: &str| store.get(&first).is_some_and(|object| object.json().contains(mark));
    report(before, || store.len() == OBJECTS, || marked(&format!("\"{CAPSTAN}\""))).await?;
    listening.abort();
    Ok(())
}

/// In the process: the cache of kube-rs.
pub(crate) async fn kube(server: &str, strip: bool) -> Result<()> {
    let client = client(server)?;
    let before = resident()?;
    let (store, following) = peers::follow(client, &pods(), strip);
    let listening = tokio::spawn(following);
    let wanted = if strip { KUBE_STRIPPED } else { KUBE };
    let marked = |store: &Store<DynamicObject>| {
        let first = store.find(|object| object.metadata.name.as_deref() == Some(name(0).as_str()));
        first.is_some_and(|object| {
            object.metadata.annotations.as_ref().and_then(|all| all.get(MARK)).is_some_and(|mark| mark == wanted)
        })
    };
    report(before, || store.len() == OBJECTS, || marked(&store)).await?;
    listening.abort();
    Ok(())
}

async fn report(before: u64, complete: impl Fn() -> bool, marked: impl Fn() -> bool) -> Result<()> {
    until(complete).await.context("the first list")?;
    sleep(REST).await;
    say(&Weight { kept: resident()?.saturating_sub(before) })?;
    until_told().await?;
    forget_peak()?;
    say(&())?;
    until(marked).await.context("the second list")?;
    sleep(REST).await;
    say(&Relist { peak: peak()?.saturating_sub(before) })
}

async fn until(done: impl Fn() -> bool) -> Result<()> {
    let began = Instant::now();
    while !done() {
        ensure!(began.elapsed() < LIMIT, "not within {LIMIT:?}");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn client(server: &str) -> Result<Client> {
    Ok(Client::try_from(Config::new(server.parse()?))?)
}

fn name(number: usize) -> String {
    format!("web-{number:05}")
}

/// About as large as Pods of a Deployment are.
fn pod(number: usize) -> Value {
    let variables: Vec<Value> =
        (0..3).map(|at| json!({"name": format!("SETTING_{at}"), "value": format!("value-{at}-of-{number}")})).collect();
    let mounts: Vec<Value> = (0..1)
        .map(|at| json!({"name": format!("volume-{at}"), "mountPath": format!("/var/lib/data-{at}"), "readOnly": true}))
        .collect();
    let volumes: Vec<Value> = (0..1)
        .map(|at| json!({"name": format!("volume-{at}"), "configMap": {"name": format!("settings-{at}"), "defaultMode": 420}}))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name(number), "namespace": "default",
            "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": format!("web-{}", number % 100)},
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
        },
        "spec": {
            "serviceAccountName": "web", "terminationGracePeriodSeconds": 30,
            "containers": [{
                "name": "web", "image": "registry.example.org/team/web:1.2.3", "args": ["--port", "8080"],
                "env": variables, "volumeMounts": mounts, "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
            }],
            "volumes": volumes,
        },
    })
}
