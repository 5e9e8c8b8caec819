//! `cargo xtask demo`: one provider, from a `ConfigMap` to a reconciled object, against an embedded API server.
//!
//! Everything shown was read back from the API server. Exits with 0 only if the value read back is right.

use std::{
    fmt::Display,
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{HostProcess, Objects, condition, eventually, plugin};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

const GRANTS: &str = r#"kubernetes:
  - {apiGroups: [""], kinds: [ConfigMap], verbs: [get, list, watch, create, patch]}
"#;

const CONFIG_MAPS: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: foo, namespace: default}
data: {value1: Foo1, value2: Foo2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: bar, namespace: default}
data: {value1: Bar1, value2: Bar2}
";

const PATCH: &str = r#"apiVersion: krateo.io/v1alpha1
kind: Patch
metadata:
  name: sample1
spec:
  from:
    objectReference:
      apiVersion: v1
      kind: ConfigMap
      name: foo
    fieldPath: data
  to:
    objectReference:
      apiVersion: v1
      kind: ConfigMap
      name: bar
    fieldPath: data.value2
    transforms:
      - b64enc .value1
      - printf "prefix-%s"
"#;

const EXPECTED: &str = "prefix-Rm9vMQ==";

#[tokio::main]
async fn main() -> ExitCode {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            eprintln!("error: no temporary folder: {error}");
            return ExitCode::FAILURE;
        }
    };
    match story(folder.path()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            let log = std::fs::read_to_string(folder.path().join("host.log")).unwrap_or_default();
            eprintln!("\nThe host's log:\n{log}");
            ExitCode::FAILURE
        }
    }
}

async fn story(folder: &Path) -> Result<()> {
    let mut told = Story::default();

    told.chapter("A host with an embedded API server");
    let kubeconfig = folder.join("kubeconfig");
    let clock = Instant::now();
    let _host =
        HostProcess::start(folder, &["dev", "--listen", "127.0.0.1:0", "--kubeconfig", &kubeconfig.to_string_lossy()])?;
    let file = || async { Ok(kubeconfig.exists()) };
    eventually("the host writes its kubeconfig", Duration::from_mins(1), file, |exists| *exists).await?;
    let config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(&kubeconfig)?, &KubeConfigOptions::default()).await?;
    line(format_args!("capstan dev serves Kubernetes at {}", config.cluster_url));
    took("ready", clock);
    let objects = Objects::new(Client::try_from(config)?);

    told.chapter("A provider in a ConfigMap");
    let component = std::fs::read(plugin("patch")?)?;
    let packed = pack(&component)?;
    line(format_args!(
        "patch.wasm is {} KiB, {} KiB packed; its grants let it read and patch ConfigMaps, nothing else",
        component.len() / 1024,
        packed.len() / 1024
    ));
    let clock = Instant::now();
    objects.apply_value(&carrier(&packed)).await?;
    let look = || objects.events("capstan-system", "ConfigMap", "patch-provider");
    let events = with_dots(
        "the host compiles it",
        eventually("the provider loads", Duration::from_mins(3), look, |events: &Vec<Value>| !events.is_empty()),
    )
    .await?;
    let event = events.last().context("no event")?;
    line(format_args!("{} {}: {}", text(event, "type"), text(event, "reason"), text(event, "note")));
    ensure!(event["reason"] == "Loaded", "the provider was not loaded");
    took("loaded", clock);

    told.chapter("The sample: bar.data.value2 from foo.data.value1, encoded and prefixed");
    objects.apply(CONFIG_MAPS).await?;
    show_config_map(&objects, "foo").await?;
    show_config_map(&objects, "bar").await?;
    line("apply Patch sample1");
    let clock = Instant::now();
    objects.apply(PATCH).await?;
    value(&objects, EXPECTED).await?;
    took("converged", clock);
    show_config_map(&objects, "bar").await?;
    let look = || objects.get("krateo.io/v1alpha1", "patches", "", "sample1");
    let patch = eventually("the patch is ready", Duration::from_secs(30), look, |patch| {
        condition(patch, "Ready").0 == "True" && condition(patch, "Synced").0 == "True"
    })
    .await?;
    for kind in ["Ready", "Synced"] {
        let (status, reason, _) = condition(&patch, kind);
        line(format_args!("Patch sample1   {kind}={status} {reason}"));
    }

    told.chapter("The source changes, and nobody polls");
    let clock = Instant::now();
    objects.merge("v1", "configmaps", "default", "foo", json!({"data": {"value1": "changed"}})).await?;
    value(&objects, "prefix-Y2hhbmdlZA==").await?;
    took("followed", clock);
    show_config_map(&objects, "bar").await?;
    objects.merge("v1", "configmaps", "default", "foo", json!({"data": {"value1": "Foo1"}})).await?;
    value(&objects, EXPECTED).await?;

    told.chapter("What was written down");
    for event in objects.events("default", "Patch", "sample1").await? {
        line(format_args!("{:8} {:24} {}", text(&event, "type"), text(&event, "reason"), text(&event, "note")));
    }

    let bar = objects.get("v1", "configmaps", "default", "bar").await?;
    ensure!(bar["data"]["value2"] == EXPECTED, "bar.data.value2 is {}, not {EXPECTED}", bar["data"]["value2"]);
    println!("\nbar.data.value2 = {EXPECTED}");
    println!(
        "\nNext: `target/debug/capstan dev --providers DIR` runs a host of your own; docs/ says how to write a provider."
    );
    Ok(())
}

async fn value(objects: &Objects, wanted: &str) -> Result<()> {
    let look = || objects.get("v1", "configmaps", "default", "bar");
    let what = format!("bar.data.value2 = {wanted}");
    eventually(&what, Duration::from_secs(30), look, |bar| bar["data"]["value2"] == wanted).await?;
    Ok(())
}

fn carrier(packed: &[u8]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "patch-provider", "namespace": "capstan-system", "labels": {"capstan.dev/provider": "patch"},
        },
        "data": {"grants.yaml": GRANTS},
        "binaryData": {"provider.wasm.gz": STANDARD.encode(packed)},
    })
}

fn pack(component: &[u8]) -> Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(component)?;
    Ok(packer.finish()?)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Counts the chapters.
#[derive(Default)]
struct Story {
    chapters: u32,
}

impl Story {
    fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        println!("\n{}. {title}", self.chapters);
    }
}

fn line(text: impl Display) {
    println!("   {text}");
}

fn took(what: &str, since: Instant) {
    line(format_args!("{what} after {:.2?}", since.elapsed()));
}

async fn show_config_map(objects: &Objects, name: &str) -> Result<()> {
    let found = objects.get("v1", "configmaps", "default", name).await?;
    line(format_args!("ConfigMap {name}   data: {}", found["data"]));
    Ok(())
}

/// A dot for every second, on a terminal.
async fn with_dots<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut dots = 0;
    loop {
        tokio::select! {
            done = &mut work => {
                if dots > 0 {
                    eprintln!();
                }
                return done;
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if std::io::stderr().is_terminal() {
                    eprint!("{}", if dots == 0 { format!("   {what} .") } else { ".".to_owned() });
                    dots += 1;
                }
            }
        }
    }
}
