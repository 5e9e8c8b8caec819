//! Several sources, several targets, reverts, the namespaced kind and previews.

use anyhow::{Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use super::{PATCHES, annotate, config_maps, gone, patch, ready, value};
use crate::world::{SOON, World};

fn reference(namespace: &str, name: &str) -> Value {
    json!({"kind": "ConfigMap", "name": name, "namespace": namespace})
}

async fn labelled(objects: &Objects, namespace: &str, name: &str, label: &str) -> Result<()> {
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": {"copy": label}},
        }))
        .await
}

pub(crate) async fn sources_meet_in_one_expression_and_labels_choose_targets(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "several");
    config_maps(&objects, name).await?;
    labelled(&objects, name, "chosen", "yes").await?;
    labelled(&objects, name, "left-out", "no").await?;
    objects
        .apply_value(&json!({
            "apiVersion": PATCHES.0, "kind": "Patch", "metadata": {"name": name},
            "spec": {
                "sources": [
                    {"name": "first", "objectReference": reference(name, "foo"), "fieldPath": "data.value1"},
                    {"name": "second", "objectReference": reference(name, "bar"), "fieldPath": "data.value2"},
                ],
                "to": {
                    "objectReference": {"kind": "ConfigMap", "namespace": name},
                    "selector": {"matchLabels": {"copy": "yes"}},
                    "fieldPath": "data.both", "transform": "${ \"\\(.first)+\\(.second)\" }",
                },
            },
        }))
        .await?;
    let both = async |object: &str, wanted: &str| {
        let look = || objects.get("v1", "configmaps", name, object);
        eventually(&format!("{object} = {wanted}"), SOON, look, |found| found["data"]["both"] == wanted).await
    };
    both("chosen", "Foo1+Bar2").await?;
    ready(&objects, name).await?;
    // Either source wakes it, and so does another target.
    objects.merge("v1", "configmaps", name, "bar", json!({"data": {"value2": "Bar3"}})).await?;
    both("chosen", "Foo1+Bar3").await?;
    labelled(&objects, name, "late", "yes").await?;
    both("late", "Foo1+Bar3").await?;
    let left_out = objects.get("v1", "configmaps", name, "left-out").await?;
    ensure!(left_out["data"].is_null(), "{left_out:#}");
    Ok(())
}

pub(crate) async fn a_revert_gives_back_what_is_still_ours(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "revert");
    config_maps(&objects, name).await?;
    for (patch_name, path) in
        [("revert-old", "data.value2"), ("revert-new", "data.fresh"), ("revert-lost", "data.value1")]
    {
        let mut object = patch(name, "data.value1", &json!({"fieldPath": path}));
        object["metadata"]["name"] = json!(patch_name);
        object["spec"]["onDelete"] = json!("revert");
        objects.apply_value(&object).await?;
        ready(&objects, patch_name).await?;
    }
    let mut orphan = patch(name, "data.value1", &json!({"fieldPath": "data.left"}));
    orphan["metadata"]["name"] = json!("revert-orphan");
    orphan["spec"]["onDelete"] = json!("revert");
    orphan["spec"]["deletionPolicy"] = json!("Orphan");
    objects.apply_value(&orphan).await?;
    ready(&objects, "revert-orphan").await?;
    value(&objects, name, "Foo1").await?;
    // The one that no longer writes is overtaken by somebody else.
    annotate(&objects, "revert-lost", json!({"krateo.io/paused": "true"})).await?;
    super::synced(&objects, "revert-lost", "False", "ReconcilePaused").await?;
    objects.merge("v1", "configmaps", name, "bar", json!({"data": {"value1": "theirs"}})).await?;
    let all = ["revert-lost", "revert-old", "revert-new", "revert-orphan"];
    for patch_name in all {
        objects.delete(PATCHES.0, PATCHES.1, "", patch_name).await?;
    }
    annotate(&objects, "revert-lost", json!({"krateo.io/paused": null})).await?;
    for patch_name in all {
        gone(&objects, patch_name).await?;
    }
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(bar["data"] == json!({"value2": "Bar2", "value1": "theirs", "left": "Foo1"}), "{bar:#}");
    Ok(())
}

pub(crate) async fn one_target_that_fails_costs_the_others_nothing(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "partial");
    config_maps(&objects, name).await?;
    for (target, immutable) in [("a", false), ("b", true), ("c", false)] {
        objects
            .apply_value(&json!({
                "apiVersion": "v1", "kind": "ConfigMap", "immutable": immutable, "data": {"one": "1", "two": "2"},
                "metadata": {"name": target, "namespace": name, "labels": {"copy": "yes"}},
            }))
            .await?;
    }
    objects
        .apply_value(&json!({
            "apiVersion": PATCHES.0, "kind": "Patch", "metadata": {"name": name},
            "spec": {
                "from": {"objectReference": reference(name, "foo"), "fieldPath": "data.value1"},
                "to": {
                    "objectReference": {"kind": "ConfigMap", "namespace": name},
                    "selector": {"matchLabels": {"copy": "yes"}}, "fieldPath": "data[*]",
                },
                "onDelete": "revert",
            },
        }))
        .await?;
    let all = async |of_a: &str, of_b: &str| {
        let wanted = [("a", of_a), ("b", of_b), ("c", of_a)];
        for (target, wanted) in wanted {
            let wanted: Value = serde_json::from_str(wanted)?;
            let look = || objects.get("v1", "configmaps", name, target);
            eventually(&format!("{target} = {wanted}"), SOON, look, |found| found["data"] == wanted).await?;
        }
        anyhow::Ok(())
    };
    let (old, new) = (r#"{"one": "1", "two": "2"}"#, r#"{"one": "Foo1", "two": "Foo1"}"#);
    all(new, old).await?;
    let found = super::synced(&objects, name, "False", "Invalid").await?;
    ensure!(condition(&found, "Ready").0 == "False", "{found:#}");
    // All that was written comes back, two fields of an object at once.
    objects.delete(PATCHES.0, PATCHES.1, "", name).await?;
    gone(&objects, name).await?;
    all(old, old).await?;
    Ok(())
}

pub(crate) async fn a_field_that_is_named_no_more_gets_its_value_back(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "renamed");
    config_maps(&objects, name).await?;
    for path in ["data.value1", "data.value2"] {
        let mut object = patch(name, "data.value1", &json!({"fieldPath": path}));
        object["spec"]["onDelete"] = json!("revert");
        objects.apply_value(&object).await?;
        let field = path.trim_start_matches("data.");
        let look = || objects.get("v1", "configmaps", name, "bar");
        eventually(&format!("{path} is written"), SOON, look, |bar| bar["data"][field] == "Foo1").await?;
        ready(&objects, name).await?;
    }
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(bar["data"] == json!({"value1": "Bar1", "value2": "Foo1"}), "{bar:#}");
    objects.delete(PATCHES.0, PATCHES.1, "", name).await?;
    gone(&objects, name).await?;
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(bar["data"] == json!({"value1": "Bar1", "value2": "Bar2"}), "{bar:#}");
    Ok(())
}

pub(crate) async fn a_namespaced_patch_stays_in_its_namespace(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "confined");
    config_maps(&objects, name).await?;
    config_maps(&objects, "beyond").await?;
    let namespaced = |patch_name: &str, from: Value, to: Value| {
        json!({
            "apiVersion": PATCHES.0, "kind": "NamespacedPatch", "metadata": {"name": patch_name, "namespace": name},
            "spec": {
                "from": {"objectReference": from, "fieldPath": "data.value1"},
                "to": {"objectReference": to, "fieldPath": "data.value2"},
            },
        })
    };
    let own = |object: &str| json!({"kind": "ConfigMap", "name": object});
    let state = async |patch_name: &str, reason: &str| {
        let look = || objects.get(PATCHES.0, "namespacedpatches", name, patch_name);
        eventually(&format!("{patch_name}: {reason}"), SOON, look, |found| condition(found, "Synced").1 == reason).await
    };
    objects.apply_value(&namespaced("inside", own("foo"), own("bar"))).await?;
    value(&objects, name, "Foo1").await?;
    state("inside", "ReconcileSuccess").await?;
    for (patch_name, from, to) in
        [("reading", reference("beyond", "foo"), own("bar")), ("writing", own("foo"), reference("beyond", "bar"))]
    {
        objects.apply_value(&namespaced(patch_name, from, to)).await?;
        let found = state(patch_name, "InvalidSpec").await?;
        let message = condition(&found, "Synced").2.to_owned();
        ensure!(message.contains("beyond") && message.contains(name), "{message}");
    }
    let beyond = objects.get("v1", "configmaps", "beyond", "bar").await?;
    ensure!(beyond["data"]["value2"] == "Bar2", "{beyond:#}");
    // Its events are in its namespace.
    objects.told(name, "NamespacedPatch", "inside", "UpdatedExternalResource").await.map(drop)
}

pub(crate) async fn a_preview_shows_what_would_be_written(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "preview");
    config_maps(&objects, name).await?;
    let mut object = patch(name, "data.value1", &json!({"fieldPath": "data.value2"}));
    object["metadata"]["annotations"] = json!({"krateo.io/management-policy": "observe"});
    objects.apply_value(&object).await?;
    let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
    let shows = |wanted: &str| {
        let wanted = json!(wanted);
        move |found: &Value| found["status"]["preview"][0]["desired"] == wanted
    };
    let found = eventually("the preview", SOON, look, shows("\"Foo1\"")).await?;
    let entry = &found["status"]["preview"][0];
    ensure!(entry["fieldPath"] == "data.value2" && entry["actual"] == "\"Bar2\"", "{found:#}");
    objects.merge("v1", "configmaps", name, "foo", json!({"data": {"value1": "Foo5"}})).await?;
    eventually("the preview follows", SOON, look, shows("\"Foo5\"")).await?;
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(bar["data"]["value2"] == "Bar2", "nothing is written: {bar:#}");
    annotate(&objects, name, json!({"krateo.io/management-policy": null})).await?;
    value(&objects, name, "Foo5").await?;
    eventually("the preview goes", SOON, look, |found| found["status"]["preview"].is_null()).await?;
    Ok(())
}
