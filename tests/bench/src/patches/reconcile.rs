//! The CPU time of one reconcile that finds nothing to write, with a fresh instance.

use std::{fs, io, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use capstan_api::{Grants, GroupVersionKind, ObjectKey, ObjectRef};
use capstan_cluster::Selection;
use capstan_engine::{Context, ExternalSystem, Reads};
use capstan_sandbox::{Budget, Granted, Guest, Network, Sandbox, Services, Settings};
use serde_json::{Value, json};

use crate::surroundings::shared;

const RUNS: u32 = 2000;
const WARM_UP: u32 = 200;

/// What a reconcile should stay within.
const GOAL_TEMPLATE: Duration = Duration::from_micros(150);
const GOAL_JQ: Duration = Duration::from_micros(300);

const GRANTS: &str =
    r#"{"kubernetes": [{"apiGroups": [""], "kinds": ["ConfigMap"], "verbs": ["get", "list", "watch", "patch"]}]}"#;

pub(super) async fn run(component: Vec<u8>) -> Result<()> {
    let shared = shared();
    for (name, data) in
        [("foo", json!({"value1": "Foo1"})), ("bar", json!({"plain": "Foo1", "value2": "prefix-Rm9vMQ=="}))]
    {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data,
        });
        shared.cluster.create(&object).await?;
    }
    // As in a host at work, what is read is watched.
    let mut watching = shared.watches.subscribe(Selection::all(GroupVersionKind::gvk("", "v1", "ConfigMap")));
    while !matches!(watching.next().await.context("the watch ended")?, capstan_cluster::Change::Synced) {}
    let sandbox = Sandbox::new(Settings::default())?;
    let loaded = sandbox.load(Bytes::from(component)).await?;
    let descriptor = loaded.describe().await?;
    let granted = Granted::new(&descriptor, &serde_json::from_str::<Grants>(GRANTS)?);
    let services = Services {
        cluster: shared.cluster.clone(),
        watches: shared.watches.clone(),
        recorder: shared.recorder.clone(),
        network: Network::default(),
    };
    let guest = Guest::new(loaded, "patch", granted, Budget::default(), services);
    println!("  CPU time of a reconcile that finds its target as it should be, fresh instance included ({RUNS} runs)");
    for (name, from, to, goal) in [
        ("no transform", "data.value1", json!({"fieldPath": "data.plain"}), None),
        (
            "a template: b64enc and printf",
            "data",
            json!({"fieldPath": "data.value2", "transforms": ["b64enc .value1", "printf \"prefix-%s\""]}),
            Some(GOAL_TEMPLATE),
        ),
        (
            "jq: \"prefix-\" + (.value1 | @base64)",
            "data",
            json!({"fieldPath": "data.value2", "transform": "${ \"prefix-\" + (.value1 | @base64) }"}),
            Some(GOAL_JQ),
        ),
    ] {
        let each = measure(&guest, &patch(from, &to)).await?;
        let goal = goal.map_or_else(String::new, |goal| {
            format!("   goal {goal:.1?}: {}", if each <= goal { "met" } else { "missed" })
        });
        println!("    {name:42} {each:>9.1?}{goal}");
    }
    Ok(())
}

async fn measure(guest: &Guest, managed: &str) -> Result<Duration> {
    let kind = GroupVersionKind::gvk("krateo.io", "v1alpha1", "Patch");
    let mut before = Duration::ZERO;
    for run in 0..WARM_UP + RUNS {
        if run == WARM_UP {
            before = cpu()?;
        }
        let context = Context {
            object: ObjectRef { kind: kind.clone(), key: ObjectKey::cluster("bench") },
            uid: "uid".to_owned(),
            reconcile_id: u64::from(run),
            verbose: false,
            reads: Arc::new(Reads::default()),
        };
        let mut session = guest.connect(&context, managed).await?;
        let found = session.observe(managed).await?;
        ensure!(found.exists && found.up_to_date, "{found:?}");
        session.disconnect().await?;
    }
    Ok(cpu()?.saturating_sub(before) / RUNS)
}

/// What all threads of this process have run for so far; see proc(5) under `schedstat`.
fn cpu() -> io::Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir("/proc/self/task")? {
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        nanoseconds += text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn patch(from: &str, to: &Value) -> String {
    let reference = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "namespace": "default"});
    let mut target = to.clone();
    target["objectReference"] = reference("bar");
    json!({
        "apiVersion": "krateo.io/v1alpha1", "kind": "Patch",
        "metadata": {
            "name": "bench", "uid": "uid", "resourceVersion": "12345", "generation": 1,
            "finalizers": ["finalizer.managedresource.krateo.io"],
        },
        "spec": {"from": {"objectReference": reference("foo"), "fieldPath": from}, "to": target},
    })
    .to_string()
}
