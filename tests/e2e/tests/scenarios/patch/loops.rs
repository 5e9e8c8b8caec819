//! Patches that would write for ever, and sources that change quickly, which is something else.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{PATCHES, annotate, config_maps, gone, patch, ready, reconciled, synced, value};
use crate::world::{SOON, World};

/// A patch of this name from one field to another, with a transform.
fn relay(namespace: &str, name: &str, from: (&str, &str), to: (&str, &str), transform: &str) -> Value {
    let mut object = patch(namespace, from.1, &json!({"fieldPath": to.1, "transform": transform}));
    object["metadata"]["name"] = json!(name);
    object["spec"]["from"]["objectReference"]["name"] = json!(from.0);
    object["spec"]["to"]["objectReference"]["name"] = json!(to.0);
    object
}

async fn version(objects: &Objects, namespace: &str, name: &str) -> Result<Value> {
    Ok(objects.get("v1", "configmaps", namespace, name).await?["metadata"]["resourceVersion"].clone())
}

async fn warnings(objects: &Objects, name: &str) -> Result<usize> {
    let events = objects.events("default", "Patch", name).await?;
    Ok(events.iter().filter(|event| event["reason"] == "WouldLoop").count())
}

pub(crate) async fn patches_that_feed_each_other_are_named_and_stopped(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "circle");
    config_maps(&objects, name).await?;
    let more = "${ (tonumber? // 0) + 1 | tostring }";
    objects.apply_value(&relay(name, "circle-there", ("foo", "data.value1"), ("bar", "data.value1"), more)).await?;
    objects.apply_value(&relay(name, "circle-back", ("bar", "data.value1"), ("foo", "data.value1"), more)).await?;
    let look = || async {
        let mut found = Vec::new();
        for patch_name in ["circle-there", "circle-back"] {
            found.push(objects.get(PATCHES.0, PATCHES.1, "", patch_name).await?);
        }
        Ok(found)
    };
    let is_told = |found: &Vec<Value>| found.iter().any(|patch| condition(patch, "Synced").1 == "WouldLoop");
    let found = eventually("one of them is caught", SOON, look, is_told).await?;
    let caught = found.iter().find(|patch| condition(patch, "Synced").1 == "WouldLoop").context("none")?;
    let message = condition(caught, "Synced").2;
    for end in ["Patch circle-", "provider patch", "ConfigMap circle/foo", "ConfigMap circle/bar"] {
        ensure!(message.contains(end), "the message names both ends: {message}");
    }
    // The storm is over: not more than a few writes in three seconds, which were hundreds before.
    sleep(Duration::from_secs(4)).await;
    let before = version(&objects, name, "foo").await?;
    let mut changes = 0;
    let mut last = before;
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        let now = version(&objects, name, "foo").await?;
        changes += u32::from(now != last);
        last = now;
        sleep(Duration::from_millis(20)).await;
    }
    ensure!(changes <= 4, "{changes} changes in three seconds");
    let (_, metrics) = world.probe("/metrics").await?;
    let counted = metrics.lines().any(|line| line.starts_with("capstan_write_loops_total{") && !line.ends_with(" 0"));
    ensure!(counted, "{metrics}");
    // Out of the circle, both are well.
    objects.apply_value(&relay(name, "circle-back", ("bar", "data.value1"), ("foo", "data.other"), more)).await?;
    objects.apply_value(&relay(name, "circle-there", ("foo", "data.value2"), ("bar", "data.value1"), more)).await?;
    ready(&objects, "circle-there").await?;
    ready(&objects, "circle-back").await?;
    // A patch that would feed itself is refused before it writes at all.
    objects.apply_value(&relay(name, "circle-own", ("bar", "data.value2"), ("bar", "data.value2"), more)).await?;
    let own = synced(&objects, "circle-own", "False", "WouldLoop").await?;
    ensure!(condition(&own, "Synced").2.contains("data.value2"), "{own:#}");
    Ok(())
}

pub(crate) async fn a_tug_of_war_is_told_once_and_given_up_when_the_other_goes(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "tug");
    config_maps(&objects, name).await?;
    objects.apply_value(&patch(name, "data.value1", &json!({"fieldPath": "data.value2"}))).await?;
    value(&objects, name, "Foo1").await?;
    let message = undone(&objects, name, "bar", "value2").await?;
    ensure!(message.contains("ConfigMap tug/bar") && message.contains("somebody"), "{message}");
    let look = || warnings(&objects, name);
    eventually("a warning", SOON, look, |count| *count == 1).await?;
    // The other has gone: the next try, some seconds later, finds peace.
    value(&objects, name, "Foo1").await?;
    ready(&objects, name).await?;
    ensure!(warnings(&objects, name).await? == 1, "one warning");
    Ok(())
}

/// Somebody undoes what a patch writes until that is found out; what it says of it.
async fn undone(objects: &Objects, name: &str, target: &str, key: &str) -> Result<String> {
    let began = Instant::now();
    loop {
        ensure!(began.elapsed() < SOON, "it was not found out");
        objects.merge("v1", "configmaps", name, target, json!({"data": {key: "theirs"}})).await?;
        let found = objects.get(PATCHES.0, PATCHES.1, "", name).await?;
        let (_, reason, message) = condition(&found, "Synced");
        if reason == "WouldLoop" {
            return Ok(message.to_owned());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn a_tug_of_war_is_found_though_another_target_fails_each_time(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "failing-tug");
    config_maps(&objects, name).await?;
    for (target, immutable) in [("a", false), ("b", true)] {
        let metadata = json!({"name": target, "namespace": name, "labels": {"copy": "yes"}});
        let (kind, data) = ("ConfigMap", json!({"one": "1"}));
        objects
            .apply_value(
                &json!({"apiVersion": "v1", "kind": kind, "immutable": immutable, "data": data, "metadata": metadata}),
            )
            .await?;
    }
    objects
        .apply_value(&json!({
            "apiVersion": PATCHES.0, "kind": "Patch", "metadata": {"name": name},
            "spec": {
                "from": {
                    "objectReference": {"kind": "ConfigMap", "name": "foo", "namespace": name}, "fieldPath": "data.value1",
                },
                "to": {
                    "objectReference": {"kind": "ConfigMap", "namespace": name},
                    "selector": {"matchLabels": {"copy": "yes"}}, "fieldPath": "data.one",
                },
            },
        }))
        .await?;
    synced(&objects, name, "False", "Invalid").await?;
    let message = undone(&objects, name, "a", "one").await?;
    ensure!(message.contains("ConfigMap failing-tug/a") && message.contains(" failed: "), "{message}");
    objects.delete(PATCHES.0, PATCHES.1, "", name).await?;
    gone(&objects, name).await.map(drop)
}

pub(crate) async fn a_source_that_changes_quickly_is_followed_and_is_no_loop(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "quick");
    config_maps(&objects, name).await?;
    objects.apply_value(&patch(name, "data.value1", &json!({"fieldPath": "data.value2"}))).await?;
    ready(&objects, name).await?;
    for number in 0..50 {
        let change = json!({"data": {"value1": format!("v{number}")}});
        objects.merge("v1", "configmaps", name, "foo", change).await?;
        sleep(Duration::from_millis(100)).await;
    }
    let rested = Instant::now();
    value(&objects, name, "v49").await?;
    // Moments, if nobody held it back: whoever is taken for a loop waits up to a minute.
    let took = rested.elapsed();
    ensure!(took < Duration::from_secs(15), "{took:?} after it came to rest");
    ready(&objects, name).await?;
    ensure!(warnings(&objects, name).await? == 0, "it was called a loop");
    Ok(())
}

pub(crate) async fn many_patches_of_few_sources_cost_few_watches(world: &World) -> Result<()> {
    const MANY: usize = 200;
    let (objects, name) = (world.objects()?, "sharing");
    config_maps(&objects, name).await?;
    // Each has a target of its own, so that a watch for each object would be told from one for all of them.
    let sources = (0..10).map(|number| format!("s{number}"));
    let targets = (0..MANY).map(|number| format!("t{number}"));
    for object in sources.chain(targets) {
        let metadata = json!({"name": object, "namespace": name});
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": "1"}});
        objects.apply_value(&object).await?;
    }
    let reference = |object: String| json!({"kind": "ConfigMap", "name": object, "namespace": name});
    for number in 0..MANY {
        objects
            .apply_value(&json!({
                "apiVersion": PATCHES.0, "kind": "Patch", "metadata": {"name": format!("sharing-{number}")},
                "spec": {
                    "from": {"objectReference": reference(format!("s{}", number % 10)), "fieldPath": "data.x"},
                    "to": {"objectReference": reference(format!("t{number}")), "fieldPath": "data.copy"},
                },
            }))
            .await?;
    }
    let look = || objects.list("v1", "configmaps", name);
    eventually("all are written", Duration::from_mins(2), look, |found: &Vec<Value>| {
        found.iter().filter(|one| one["data"]["copy"] == "1").count() == MANY
    })
    .await?;
    let watches = watches_of_config_maps(world).await?;
    let here = |watch: &&Value| watch["namespace"] == name || watch["namespace"].is_null();
    let count = watches.iter().filter(here).count();
    ensure!((1..=10).contains(&count), "{count} watches: {watches:#?}");
    a_change_wakes_nobody_else(world, &objects, name, MANY).await?;
    // Where others of this world are many, one watch of all namespaces serves these too, and goes on when they have left it.
    let before = followers(&watches_of_config_maps(world).await?, name);
    ensure!(before.0 > 0 || before.1 > 0, "what is read is not watched: {before:?}");
    for number in 0..MANY {
        objects.delete(PATCHES.0, PATCHES.1, "", &format!("sharing-{number}")).await?;
    }
    objects.delete(PATCHES.0, PATCHES.1, "", "sharing-beside").await?;
    let look = || watches_of_config_maps(world);
    let left = |watches: &Vec<Value>| followers(watches, name).0 == 0;
    eventually("its watches are gone", Duration::from_mins(1), look, left).await.map(drop)
}

/// How many follow watches in a namespace, and how many follow those of all namespaces.
fn followers(watches: &[Value], namespace: &str) -> (u64, u64) {
    let of = |place: &Value| {
        let there = watches.iter().filter(|watch| watch["namespace"] == *place);
        there.filter_map(|watch| watch["subscribers"].as_u64()).sum()
    };
    (of(&Value::from(namespace)), of(&Value::Null))
}

async fn watches_of_config_maps(world: &World) -> Result<Vec<Value>> {
    watches_of(world, "ConfigMap").await
}

/// As the host shows them.
pub(super) async fn watches_of(world: &World, kind: &str) -> Result<Vec<Value>> {
    let (code, text) = world.probe("/debug/watches").await?;
    ensure!(code == 200, "{code}: {text}");
    let mut all: Value = serde_json::from_str(&text)?;
    let Value::Array(mut watches) = all["watches"].take() else { anyhow::bail!("no list of watches: {text}") };
    watches.retain(|watch| watch["kind"] == kind);
    Ok(watches)
}

/// The first source of `many` patches changes, and a patch of other objects in the same namespace, whose changes come by the
/// same watch, sleeps on.
async fn a_change_wakes_nobody_else(world: &World, objects: &Objects, namespace: &str, many: usize) -> Result<()> {
    let beside = "sharing-beside";
    let copies = ("foo", "data.value1");
    objects.apply_value(&relay(namespace, beside, copies, ("bar", "data.value2"), "${ . }")).await?;
    // It tells of every reconcile in the log, and is not polled meanwhile.
    let annotations = json!({"krateo.io/connector-verbose": "true", "capstan.dev/poll-interval": "1h"});
    annotate(objects, beside, annotations).await?;
    ready(objects, beside).await?;
    reconciled(objects, beside, "1").await?;
    let before = reconciles(&world.log(), beside);
    ensure!(before > 0, "its reconciles are not in the log");
    // What the first change woke has had its turn when the second one has arrived.
    for text in ["2", "3"] {
        objects.merge("v1", "configmaps", namespace, "s0", json!({"data": {"x": text}})).await?;
        let look = || objects.list("v1", "configmaps", namespace);
        eventually("it arrives at its readers", SOON, look, |found: &Vec<Value>| {
            found.iter().filter(|one| one["data"]["copy"] == text).count() == many / 10
        })
        .await?;
    }
    let after = reconciles(&world.log(), beside);
    ensure!(after == before, "{beside} was reconciled {before} times before the change, and {after} times after it");
    Ok(())
}

/// How many reconciles of an object have left lines in a log.
fn reconciles(log: &str, object: &str) -> usize {
    let of_it = format!("object={object} reconcile_id=");
    let ids = log.split(&of_it).skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    ids.collect::<BTreeSet<_>>().len()
}
