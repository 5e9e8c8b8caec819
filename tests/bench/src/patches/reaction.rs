//! From the change of a source to the last of its targets, through the program as it ships.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use capstan_e2e::{HostProcess, Objects, Server, ServerKind, capstan, package_rights, plugin};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{figures::Times, process::resident};

const SOURCES: usize = 10;
const COUNTS: [usize; 3] = [1, 100, 1000];
/// Changes of one source.
const CHANGES: usize = 40;
/// Far more than it takes, so that a bench that hangs ends.
const LIMIT: Duration = Duration::from_mins(3);
const GRANTS: &str = "kubernetes: [{apiGroups: [\"\"], kinds: [ConfigMap], verbs: [get, list, watch, patch]}]";

pub(super) fn run(kind: ServerKind) -> Result<()> {
    let server = Server::start(kind)?;
    tokio::runtime::Runtime::new()?.block_on(measure(&server))
}

async fn measure(server: &Server) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let providers = folder.path().join("providers");
    fs::create_dir(&providers)?;
    let grants = providers.join("patch.grants.yaml");
    fs::write(&grants, GRANTS)?;
    let component = plugin("patch")?;
    let objects = Objects::new(server.client()?);
    objects.apply(&capstan(&["manifests"])?).await?;
    objects.apply(&package_rights("patch", &component, &grants, server.kubeconfig())?).await?;
    fs::copy(&component, providers.join("patch.wasm"))?;
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let host = HostProcess::start(
        folder.path(),
        &[
            "run",
            "--kubeconfig",
            &text(server.kubeconfig()),
            "--providers",
            &text(&providers),
            "--health-address",
            "127.0.0.1:0",
        ],
    )?;
    println!("  {} API server: source changed to target seen written", server.kind());
    let mut made = 0;
    let mut first = None;
    for count in COUNTS {
        while made < count {
            make(&objects, made).await.with_context(|| host.log())?;
            made += 1;
        }
        let waits = changes(server.client()?, &objects, count).await.with_context(|| host.log())?;
        Times::of(waits).print(&format!("  {count} patches of {} sources", count.min(SOURCES)));
        let resident = resident(host.id())?;
        match first {
            None => first = Some(resident),
            Some(first) if count == COUNTS[COUNTS.len() - 1] => {
                println!(
                    "    memory of the host: {} MiB with one patch, {:.1} KiB more for each",
                    first >> 20,
                    per(resident, first, count)
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn per(all: u64, first: u64, count: usize) -> f64 {
    all.saturating_sub(first) as f64 / 1024.0 / (count - 1) as f64
}

/// A patch with its target, and its source if there is none.
async fn make(objects: &Objects, number: usize) -> Result<()> {
    let source = format!("source-{}", number % SOURCES);
    let reference = |name: &str| json!({"kind": "ConfigMap", "name": name, "namespace": "default"});
    let target = format!("target-{number}");
    let mut names = vec![&target];
    if number < SOURCES {
        names.push(&source);
    }
    for name in names {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"of": "none"}});
        objects.apply_value(&map).await?;
    }
    objects
        .apply_value(&json!({
            "apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": format!("bench-{number}")},
            "spec": {
                "from": {"objectReference": reference(&source), "fieldPath": "data.of"},
                "to": {"objectReference": reference(&target), "fieldPath": "data.copy"},
            },
        }))
        .await
}

/// Changes one source after the other; how long each of their targets took.
async fn changes(client: Client, objects: &Objects, count: usize) -> Result<Vec<Duration>> {
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let mut seen = watcher(maps, watcher::Config::default()).default_backoff().applied_objects().boxed();
    let mut waits = Vec::new();
    // The first of them finds patches that are new, and is no measurement.
    for change in 0..=CHANGES {
        let source = change % SOURCES.min(count);
        let value = format!("{count}-{change}");
        let began = Instant::now();
        objects
            .merge("v1", "configmaps", "default", &format!("source-{source}"), json!({"data": {"of": value}}))
            .await?;
        let wanted: Vec<String> =
            (0..count).filter(|number| number % SOURCES == source).map(|number| format!("target-{number}")).collect();
        let mut left: Vec<&String> = wanted.iter().collect();
        let follow = async {
            while !left.is_empty() {
                let map = seen.try_next().await?.context("the watch ended")?;
                let (Some(name), Some(copy)) = (map.metadata.name, map.data.and_then(|mut data| data.remove("copy")))
                else {
                    continue;
                };
                if copy == value && left.iter().any(|wanted| **wanted == name) {
                    left.retain(|wanted| **wanted != name);
                    if change > 0 {
                        waits.push(began.elapsed());
                    }
                }
            }
            anyhow::Ok(())
        };
        timeout(LIMIT, follow).await.with_context(|| format!("targets of source-{source} were not written"))??;
        sleep(Duration::from_millis(20)).await;
    }
    Ok(waits)
}
