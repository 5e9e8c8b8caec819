//! What can be seen of a host from outside while it works.

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Objects, Span, condition, eventually};
use serde_json::{Value, json};

use crate::world::{SOON, World};

const CONTROLLER: &str = "patch/Patch.v1alpha1.krateo.io";

/// A patch that converges and one that cannot: both are counted, and can be found in the queue and in the log.
pub(crate) async fn reconciles_are_counted_and_can_be_looked_into(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace("observed").await?;
    objects
        .apply(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: from, namespace: observed}, data: {key: value}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: to, namespace: observed}}",
        )
        .await?;

    objects.apply_value(&patch("observed-good", "data.key")).await?;
    synced(&objects, "observed-good", "True").await?;
    let look = || numbers(world);
    // Counted when a reconcile is over, which is after its status was written.
    let before =
        eventually("the good reconcile is counted", SOON, look, |before: &Numbers| before.succeeded > 0.0).await?;
    objects.apply_value(&patch("observed-bad", "data.nosuchkey")).await?;
    synced(&objects, "observed-bad", "False").await?;
    eventually("the failed reconcile is counted", SOON, look, |after| {
        after.errors > before.errors && after.failed > before.failed
    })
    .await?;

    let text = metrics(world).await?;
    for name in [
        "controller_runtime_reconcile_time_seconds_bucket",
        "controller_runtime_active_workers",
        "controller_runtime_max_concurrent_reconciles",
        "workqueue_depth",
        "workqueue_adds_total",
        "workqueue_retries_total",
        "workqueue_queue_duration_seconds_bucket",
        "workqueue_work_duration_seconds_bucket",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
    ] {
        ensure!(sum(&text, name, &[CONTROLLER]).is_some(), "{name} is not told:\n{text}");
    }
    for (name, labels) in [
        ("rest_client_requests_total", &["verb=\"patch\"", "method=\"PATCH\"", "code=\"200\""][..]),
        ("capstan_watches_open", &["kind=\"Patch\""]),
        ("capstan_store_objects", &["kind=\"Patch\""]),
        ("capstan_store_bytes", &["kind=\"Patch\""]),
    ] {
        ensure!(sum(&text, name, labels).is_some_and(|sum| sum > 0.0), "{name}{labels:?} is nothing:\n{text}");
    }
    ensure!(!text.contains("observed-"), "objects are no labels:\n{text}");
    let memory = ["provider=\"patch\"", "bound=\"memory\"", "quantile=\"1\""];
    let used = sum(&text, "capstan_budget_used_ratio", &memory);
    ensure!(used.is_some_and(|part| part > 0.0 && part <= 1.0), "{used:?}:\n{text}");
    let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "patch");
    let told = |found: &Value| {
        let memory = &found["status"]["usage"]["memory"];
        memory["limit"] == "65536Ki" && memory["max"].as_str().is_some_and(|most| most.ends_with("Ki"))
    };
    // Counters alone are written every half minute at most.
    eventually("the status tells what is used", SOON * 3, look, told).await?;

    its_queue_is_shown(world).await?;
    its_watches_are_shown(world).await?;
    let line = "reconcile{provider=\"patch\" kind=\"Patch\" object=observed-bad reconcile_id=";
    let log = world.log();
    ensure!(log.lines().any(|logged| logged.contains(line) && logged.contains("FieldNotFound")), "{log}");
    its_trace_arrives(world).await
}

/// One span for a reconcile; in it the calls of the guest, and in those what they asked the API server.
async fn its_trace_arrives(world: &World) -> Result<()> {
    let look = || async {
        let spans = world.collector().spans()?;
        let child = |parent: &Span, name: &str| {
            spans
                .iter()
                .find(|span| span.trace == parent.trace && span.parent == parent.id && span.name == name)
                .cloned()
        };
        let of_ours = |span: &&Span| span.name == "reconcile" && span.attributes["object"] == "observed-good";
        let whole = |reconcile: &Span| {
            let update = child(reconcile, "guest update")?;
            let write = child(&update, "patch ConfigMap")?;
            // The status is written by the host, not by the guest.
            child(reconcile, "patch Patch").map(|_| write)
        };
        spans.iter().filter(of_ours).find_map(whole).context("no such trace yet")
    };
    let write = eventually("the trace of the reconcile that wrote", SOON, look, |_| true).await?;
    ensure!(write.attributes["url.path"] == "/api/v1/namespaces/observed/configmaps/to", "{write:?}");
    ensure!(write.service == "capstan", "{write:?}");
    Ok(())
}

/// Whatever was made is looked at once more, with back-off, before it is polled.
async fn its_queue_is_shown(world: &World) -> Result<()> {
    let look = || debug(world, "/debug/queue");
    let polled = |queues: &Value| {
        let controllers = queues["controllers"].as_array();
        let ours = controllers.into_iter().flatten().find(|queue| queue["controller"] == CONTROLLER);
        let listed = ours.and_then(|ours| ours["queue"]["objects"].as_array());
        ["observed-good", "observed-bad"]
            .iter()
            .all(|name| listed.into_iter().flatten().any(|one| one["object"] == **name && one["state"] == "poll"))
    };
    eventually("both wait for their poll", SOON, look, polled).await.map(drop)
}

async fn its_watches_are_shown(world: &World) -> Result<()> {
    let watches = debug(world, "/debug/watches").await?;
    let all = watches["watches"].as_array().context("no list of watches")?;
    let ours = all.iter().find(|watch| watch["kind"] == "Patch").with_context(|| watches.to_string())?;
    let is_right = ours["apiVersion"] == "krateo.io/v1alpha1" && ours["synced"] == true && ours["refused"] == false;
    ensure!(is_right && ours["objects"].as_u64() >= Some(2), "{watches:#}");
    Ok(())
}

fn patch(name: &str, from: &str) -> Value {
    let reference = |name: &str| json!({"kind": "ConfigMap", "name": name, "namespace": "observed"});
    json!({
        "apiVersion": "krateo.io/v1alpha1", "kind": "Patch", "metadata": {"name": name},
        "spec": {
            "from": {"objectReference": reference("from"), "fieldPath": from},
            "to": {"objectReference": reference("to"), "fieldPath": "data.key"},
        },
    })
}

async fn synced(objects: &Objects, name: &str, status: &str) -> Result<()> {
    let look = || objects.get("krateo.io/v1alpha1", "patches", "", name);
    eventually(&format!("{name}: Synced={status}"), SOON, look, |patch| condition(patch, "Synced").0 == status)
        .await
        .map(drop)
}

#[derive(Debug)]
struct Numbers {
    succeeded: f64,
    errors: f64,
    failed: f64,
}

async fn numbers(world: &World) -> Result<Numbers> {
    let text = metrics(world).await?;
    let of = |name: &str, label: &str| sum(&text, name, &[CONTROLLER, label]).unwrap_or_default();
    Ok(Numbers {
        // To be polled, which is how a success ends.
        succeeded: of("controller_runtime_reconcile_total", "result=\"requeue_after\""),
        errors: of("controller_runtime_reconcile_errors_total", ""),
        failed: of("controller_runtime_reconcile_total", "result=\"error\""),
    })
}

/// The sum of the lines of a metric that have all of these labels; `None` if there are none.
fn sum(text: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let lines = text.lines().filter(|line| {
        let of_it = line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'));
        of_it && labels.iter().all(|label| line.contains(label))
    });
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).reduce(|all, one| all + one)
}

async fn metrics(world: &World) -> Result<String> {
    let (code, text) = world.probe("/metrics").await?;
    ensure!(code == 200 && text.ends_with("# EOF\n"), "{code}: {text}");
    Ok(text)
}

async fn debug(world: &World, path: &str) -> Result<Value> {
    let (code, text) = world.probe(path).await?;
    ensure!(code == 200, "{path}: {code}: {text}");
    Ok(serde_json::from_str(&text)?)
}
