//! The patch provider, as its users meet it. Here is what it is for; its further abilities are in files of their own.

pub(crate) mod generations;
pub(crate) mod limits;
pub(crate) mod loops;
pub(crate) mod secrets;
pub(crate) mod several;
pub(crate) mod values;
pub(crate) mod writes;

use anyhow::{Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use crate::world::{SOON, World};

const PATCHES: (&str, &str) = ("krateo.io/v1alpha1", "patches");

/// Two `ConfigMap`s in a namespace of the scenario's own.
async fn config_maps(objects: &Objects, namespace: &str) -> Result<()> {
    objects.namespace(namespace).await?;
    objects
        .apply(&format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: foo, namespace: {namespace}}}
data: {{value1: Foo1, value2: Foo2}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: bar, namespace: {namespace}}}
data: {{value1: Bar1, value2: Bar2}}
"
        ))
        .await
}

/// A `Patch` named like the namespace, from foo to bar.
fn patch(namespace: &str, from_path: &str, to: &Value) -> Value {
    let reference = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "namespace": namespace});
    let mut target = json!({"objectReference": reference("bar")});
    for (key, value) in to.as_object().into_iter().flatten() {
        target[key] = value.clone();
    }
    json!({
        "apiVersion": PATCHES.0,
        "kind": "Patch",
        "metadata": {"name": namespace},
        "spec": {"from": {"objectReference": reference("foo"), "fieldPath": from_path}, "to": target},
    })
}

/// That of the project's first document.
fn sample(namespace: &str) -> Value {
    let transforms = json!(["b64enc .value1", "printf \"prefix-%s\""]);
    patch(namespace, "data", &json!({"fieldPath": "data.value2", "transforms": transforms}))
}

async fn value(objects: &Objects, namespace: &str, wanted: &str) -> Result<Value> {
    let look = || objects.get("v1", "configmaps", namespace, "bar");
    eventually(&format!("bar.data.value2 = {wanted}"), SOON, look, |bar| bar["data"]["value2"] == wanted).await
}

async fn synced(objects: &Objects, name: &str, status: &str, reason: &str) -> Result<Value> {
    let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
    let what = format!("{name}: Synced={status} {reason}");
    eventually(&what, SOON, look, |patch| {
        let (is, why, _) = condition(patch, "Synced");
        (is, why) == (status, reason)
    })
    .await
}

async fn ready(objects: &Objects, name: &str) -> Result<Value> {
    let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
    eventually(&format!("{name}: Ready"), SOON, look, |patch| {
        condition(patch, "Ready").0 == "True" && condition(patch, "Synced").0 == "True"
    })
    .await
}

async fn gone(objects: &Objects, name: &str) -> Result<Value> {
    let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
    eventually(&format!("{name} is gone"), SOON, look, Value::is_null).await
}

async fn annotate(objects: &Objects, name: &str, annotation: Value) -> Result<()> {
    let change = json!({"metadata": {"annotations": annotation}});
    objects.merge(PATCHES.0, PATCHES.1, "", name, change).await
}

/// Waits until a reconcile has taken place that began after this.
async fn reconciled(objects: &Objects, name: &str, token: &str) -> Result<()> {
    annotate(objects, name, json!({"capstan.dev/reconcile-requested-at": token})).await?;
    let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
    eventually(&format!("{name} is reconciled"), SOON, look, |found| found["status"]["lastHandledReconcileAt"] == token)
        .await
        .map(drop)
}

pub(crate) async fn the_sample_converges_and_says_so(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "sample").await?;
    objects.apply_value(&sample("sample")).await?;
    let bar = value(&objects, "sample", "prefix-Rm9vMQ==").await?;
    ensure!(bar["data"]["value1"] == "Bar1", "the rest of bar is untouched: {bar:#}");
    let patch = ready(&objects, "sample").await?;
    ensure!(patch["metadata"]["finalizers"] == json!(["finalizer.managedresource.krateo.io"]), "{patch:#}");
    let generation = &patch["metadata"]["generation"];
    for condition in patch["status"]["conditions"].as_array().into_iter().flatten() {
        ensure!(condition["observedGeneration"] == *generation, "{condition:#}");
    }
    let source = objects.get("v1", "configmaps", "sample", "foo").await?;
    ensure!(source["data"] == json!({"value1": "Foo1", "value2": "Foo2"}), "{source:#}");
    Ok(())
}

pub(crate) async fn a_changed_source_arrives(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "changed").await?;
    objects.apply_value(&sample("changed")).await?;
    ready(&objects, "changed").await?;
    for (round, wanted) in [("Foo2", "prefix-Rm9vMg=="), ("Foo3", "prefix-Rm9vMw=="), ("Foo1", "prefix-Rm9vMQ==")] {
        let began = std::time::Instant::now();
        objects.merge("v1", "configmaps", "changed", "foo", json!({"data": {"value1": round}})).await?;
        value(&objects, "changed", wanted).await?;
        // The poll interval is a minute: what takes less than this was not found by polling.
        ensure!(began.elapsed().as_secs() < 20, "it took {:?}", began.elapsed());
    }
    // The target is watched as well: what somebody else writes into the field is repaired.
    objects.merge("v1", "configmaps", "changed", "bar", json!({"data": {"value2": "drift"}})).await?;
    value(&objects, "changed", "prefix-Rm9vMQ==").await?;
    Ok(())
}

pub(crate) async fn a_source_that_appears_is_found(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "appears").await?;
    objects.delete("v1", "configmaps", "appears", "foo").await?;
    objects.apply_value(&sample("appears")).await?;
    let patch = synced(&objects, "appears", "False", "SourceNotFound").await?;
    let message = condition(&patch, "Synced").2.to_owned();
    ensure!(message.contains("foo"), "the message names the source: {message}");
    objects
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: foo, namespace: appears}, data: {value1: Foo1}}")
        .await?;
    value(&objects, "appears", "prefix-Rm9vMQ==").await?;
    ready(&objects, "appears").await?;
    Ok(())
}

pub(crate) async fn a_deleted_patch_leaves_and_the_value_stays(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "deleted").await?;
    objects.apply_value(&sample("deleted")).await?;
    ready(&objects, "deleted").await?;
    objects.delete(PATCHES.0, PATCHES.1, "", "deleted").await?;
    gone(&objects, "deleted").await?;
    value(&objects, "deleted", "prefix-Rm9vMQ==").await?;
    Ok(())
}

pub(crate) async fn a_broken_patch_can_be_deleted(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "broken").await?;
    let to = json!({"fieldPath": "data.value2", "transform": "${ this is no jq }"});
    objects.apply_value(&patch("broken", "data", &to)).await?;
    synced(&objects, "broken", "False", "TransformFailed").await?;
    objects.delete(PATCHES.0, PATCHES.1, "", "broken").await?;
    gone(&objects, "broken").await?;
    Ok(())
}

pub(crate) async fn a_paused_patch_rests_until_it_is_resumed(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "paused").await?;
    objects.apply_value(&sample("paused")).await?;
    ready(&objects, "paused").await?;
    annotate(&objects, "paused", json!({"krateo.io/paused": "true"})).await?;
    synced(&objects, "paused", "False", "ReconcilePaused").await?;

    objects.merge("v1", "configmaps", "paused", "foo", json!({"data": {"value1": "Foo2"}})).await?;
    // Another patch of the same source, made afterwards, is done: by then the paused one would have been, too.
    let reference = |name: &str| json!({"kind": "ConfigMap", "name": name, "namespace": "paused"});
    objects
        .apply_value(&json!({
            "apiVersion": PATCHES.0, "kind": "Patch", "metadata": {"name": "paused-witness"},
            "spec": {
                "from": {"objectReference": reference("foo"), "fieldPath": "data.value1"},
                "to": {"objectReference": reference("bar"), "fieldPath": "data.witness"},
            },
        }))
        .await?;
    ready(&objects, "paused-witness").await?;
    let bar = objects.get("v1", "configmaps", "paused", "bar").await?;
    ensure!(bar["data"]["witness"] == "Foo2" && bar["data"]["value2"] == "prefix-Rm9vMQ==", "{bar:#}");

    annotate(&objects, "paused", json!({"krateo.io/paused": null})).await?;
    value(&objects, "paused", "prefix-Rm9vMg==").await?;
    ready(&objects, "paused").await?;
    Ok(())
}

pub(crate) async fn a_missing_target_field_is_made(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "field").await?;
    objects.apply_value(&patch("field", "data.value1", &json!({"fieldPath": "data.fresh"}))).await?;
    let look = || objects.get("v1", "configmaps", "field", "bar");
    let bar = eventually("bar.data.fresh", SOON, look, |bar| bar["data"]["fresh"] == "Foo1").await?;
    ensure!(bar["data"]["value2"] == "Bar2", "{bar:#}");
    ready(&objects, "field").await?;
    Ok(())
}

pub(crate) async fn a_jq_expression_converges(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "jq").await?;
    let to = json!({"fieldPath": "data.value2", "transform": "${ \"prefix-\" + (.value1 | @base64) }"});
    objects.apply_value(&patch("jq", "data", &to)).await?;
    value(&objects, "jq", "prefix-Rm9vMQ==").await?;
    ready(&objects, "jq").await?;
    Ok(())
}

pub(crate) async fn mistakes_become_conditions_that_say_what_to_do(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "mistakes").await?;
    let good = json!({"fieldPath": "data.value2"});
    let template = json!({"fieldPath": "data.value2", "transforms": ["b64enc .value1", "nosuchfunction"]});
    let mut without_from = patch("mistakes", "data", &good);
    without_from["spec"].as_object_mut().map(|spec| spec.remove("from"));
    let mut without_target = patch("mistakes", "data.value1", &good);
    without_target["spec"]["to"]["objectReference"]["name"] = json!("nobody");
    for (name, mut object, reason, hint) in [
        ("bad-path", patch("mistakes", "data..value1", &good), "InvalidSpec", "data..value1"),
        ("no-field", patch("mistakes", "data.nosuchfield", &good), "FieldNotFound", "nosuchfield"),
        ("bad-template", patch("mistakes", "data", &template), "TransformFailed", "nosuchfunction"),
        ("no-from", without_from, "InvalidSpec", "from"),
        ("no-target", without_target, "TargetNotFound", "nobody"),
    ] {
        object["metadata"]["name"] = json!(name);
        objects.apply_value(&object).await?;
        let found = synced(&objects, name, "False", reason).await?;
        let message = condition(&found, "Synced").2.to_owned();
        ensure!(message.contains(hint), "{name}: {message}");
        // Nothing was begun that would have to be finished.
        let pending = &found["metadata"]["annotations"]["krateo.io/external-create-pending"];
        ensure!(pending.is_null(), "{name}: {found:#}");
    }
    // Nobody is worse off for it.
    let bar = objects.get("v1", "configmaps", "mistakes", "bar").await?;
    ensure!(bar["data"]["value2"] == "Bar2", "{bar:#}");
    // The mistake mended, it goes on.
    let mut mended = patch("mistakes", "data.value1", &json!({"fieldPath": "data.value2"}));
    mended["metadata"]["name"] = json!("bad-path");
    objects.apply_value(&mended).await?;
    value(&objects, "mistakes", "Foo1").await?;
    for name in ["bad-path", "no-field", "bad-template", "no-from", "no-target"] {
        let events = objects.events("default", "Patch", name).await?;
        ensure!(events.iter().all(|event| event["reason"] != "CreatedExternalResource"), "{name}: {events:#?}");
    }
    Ok(())
}

pub(crate) async fn what_is_not_granted_is_refused_and_named(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "denied").await?;
    objects
        .apply("{apiVersion: v1, kind: Secret, metadata: {name: hidden, namespace: denied}, stringData: {key: secret-value}}")
        .await?;
    let mut stealing = patch("denied", "data.key", &json!({"fieldPath": "data.value2"}));
    stealing["spec"]["from"]["objectReference"] = json!({"kind": "Secret", "name": "hidden", "namespace": "denied"});
    objects.apply_value(&stealing).await?;
    let found = synced(&objects, "denied", "False", "Denied").await?;
    let message = condition(&found, "Synced").2.to_owned();
    ensure!(message.contains("Secret"), "the message names what is refused: {message}");
    let bar = objects.get("v1", "configmaps", "denied", "bar").await?;
    ensure!(bar["data"]["value2"] == "Bar2", "{bar:#}");
    Ok(())
}

pub(crate) async fn every_transition_leaves_an_event(world: &World) -> Result<()> {
    let objects = world.objects()?;
    config_maps(&objects, "events").await?;
    objects.apply_value(&sample("events")).await?;
    ready(&objects, "events").await?;
    annotate(&objects, "events", json!({"krateo.io/paused": "true"})).await?;
    synced(&objects, "events", "False", "ReconcilePaused").await?;
    annotate(&objects, "events", json!({"krateo.io/paused": null})).await?;
    synced(&objects, "events", "True", "ReconcileSuccess").await?;
    // A cluster-scoped object's events are in the namespace default.
    let look = || objects.events("default", "Patch", "events");
    let wanted = ["UpdatedExternalResource", "Available", "ReconciliationPaused", "ReconcileSuccess"];
    let events = eventually("the events of a patch", SOON, look, |events: &Vec<Value>| {
        wanted.iter().all(|reason| events.iter().any(|event| event["reason"] == *reason))
    })
    .await?;
    for event in &events {
        ensure!(event["type"] == "Normal" && event["reportingController"] == "capstan.dev/patch", "{event:#}");
    }
    let paused = events.iter().filter(|event| event["reason"] == "ReconciliationPaused").count();
    ensure!(paused == 1, "one pause, {paused} events: {events:#?}");
    // Readers of the older API see the same ones.
    let name = events[0]["name"].as_str().unwrap_or_default();
    let older = objects.get("v1", "events", "default", name).await?;
    ensure!(older["involvedObject"]["name"] == "events" && older["message"] == events[0]["note"], "{older:#}");
    Ok(())
}
