//! How the provider writes: as little as possible, and never unseen over somebody else.

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use super::{PATCHES, config_maps, patch, ready, reconciled, sample, synced, value};
use crate::world::{SOON, World};

/// The entries of `managedFields` that are the provider's.
fn owned(object: &Value) -> Vec<&Value> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let ours = |entry: &&Value| entry["manager"].as_str().is_some_and(|name| name.starts_with("capstan-patch-"));
    entries.filter(ours).collect()
}

async fn took_over(objects: &Objects, name: &str) -> Result<Vec<Value>> {
    let events = objects.events("default", "Patch", name).await?;
    Ok(events.into_iter().filter(|event| event["reason"] == "TookOver").collect())
}

pub(crate) async fn only_the_field_is_owned_and_the_owner_before_is_named_once(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "owned");
    config_maps(&objects, name).await?;
    objects.apply_value(&sample(name)).await?;
    value(&objects, name, "prefix-Rm9vMQ==").await?;
    ready(&objects, name).await?;
    objects.merge("v1", "configmaps", name, "foo", json!({"data": {"value1": "Foo2"}})).await?;
    let bar = value(&objects, name, "prefix-Rm9vMg==").await?;
    let [entry] = owned(&bar)[..] else { anyhow::bail!("one entry: {bar:#}") };
    ensure!(entry["operation"] == "Apply" && entry["fieldsV1"] == json!({"f:data": {"f:value2": {}}}), "{entry:#}");
    let look = || took_over(&objects, name);
    let events = eventually("it says from whom", SOON, look, |events: &Vec<Value>| !events.is_empty()).await?;
    let note = events[0]["note"].as_str().context("no note")?;
    ensure!(note.contains("user owns .data.value2"), "{note}");
    // Its own field since then: there is nobody to take it from.
    reconciled(&objects, name, "1").await?;
    let events = took_over(&objects, name).await?;
    ensure!(events.len() == 1 && events[0]["series"].is_null(), "{events:#?}");
    what_cannot_be_applied_is_owned_as_narrowly(&objects, name).await
}

/// The same patch goes on with a removal, a whole map and an element of a list.
async fn what_cannot_be_applied_is_owned_as_narrowly(objects: &Objects, name: &str) -> Result<()> {
    let nothing = json!({"fieldPath": "data.value2", "transform": "${ null }", "whenNull": "delete"});
    objects.apply_value(&patch(name, "data", &nothing)).await?;
    let look = || objects.get("v1", "configmaps", name, "bar");
    let bar = eventually("the field is gone", SOON, look, |bar| bar["data"] == json!({"value1": "Bar1"})).await?;
    ensure!(owned(&bar).is_empty(), "of what is gone nothing is owned: {bar:#}");

    objects.apply_value(&patch(name, "data", &json!({"fieldPath": "data"}))).await?;
    let whole = json!({"value1": "Foo2", "value2": "Foo2"});
    let bar = eventually("the whole map", SOON, look, |bar| bar["data"] == whole).await?;
    let [entry] = owned(&bar)[..] else { anyhow::bail!("one entry: {bar:#}") };
    let fields = json!({"f:data": {"f:value1": {}, "f:value2": {}}});
    ensure!(entry["operation"] == "Update" && entry["fieldsV1"] == fields, "{entry:#}");

    objects.apply_value(&deployment(name)).await?;
    let mut object = patch(name, "data.value1", &json!({"fieldPath": "spec.template.spec.containers[1].image"}));
    object["spec"]["to"]["objectReference"] =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": name});
    objects.apply_value(&object).await?;
    let look = || objects.get("apps/v1", "deployments", name, "web");
    let image = |number: usize| format!("/spec/template/spec/containers/{number}/image");
    let written = |web: &Value| web.pointer(&image(1)) == Some(&json!("Foo2"));
    let web = eventually("the image of the second container", SOON, look, written).await?;
    ensure!(web.pointer(&image(0)) == Some(&json!("one:1")), "{web:#}");
    let [entry] = owned(&web)[..] else { anyhow::bail!("one entry: {web:#}") };
    let second = json!({r#"k:{"name":"two"}"#: {"f:image": {}}});
    let fields = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": second}}}});
    ensure!(entry["operation"] == "Update" && entry["fieldsV1"] == fields, "{entry:#}");
    // Of these, too, it is told from whom they were taken: the map and the element were the user's, what was removed its own.
    let told = |events: &Vec<Value>| {
        let notes: Vec<&str> = events.iter().filter_map(|event| event["note"].as_str()).collect();
        [".data.value1", r#".spec.template.spec.containers[name="two"].image"#]
            .iter()
            .all(|field| notes.iter().any(|note| note.contains(&format!("user owns {field}"))))
    };
    let events = eventually("it says from whom", SOON, || took_over(objects, name), told).await?;
    ensure!(events.len() == 3, "nothing of its own: {events:#?}");
    Ok(())
}

pub(crate) async fn many_who_write_one_object_at_once_do_not_fail_each_other(world: &World) -> Result<()> {
    // Each writes once, and so each is overtaken by the others at most: fewer times than it tries.
    const MANY: usize = 6;
    let (objects, name) = (world.objects()?, "crowd");
    config_maps(&objects, name).await?;
    let field = |number: usize| format!("of{number}");
    let fields: serde_json::Map<String, Value> = (0..MANY).map(|number| (field(number), json!("mine"))).collect();
    let metadata = json!({"name": "bar", "namespace": name});
    let target = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": fields});
    objects.apply_value(&target).await?;
    let patches: Vec<String> = (0..MANY).map(|number| format!("crowd-{number}")).collect();
    for (number, patch_name) in patches.iter().enumerate() {
        // Each other one removes its field, for which nobody can own it, and which goes over the version that was read.
        let mut to = json!({"fieldPath": format!("data.{}", field(number))});
        if number % 2 == 1 {
            to["transform"] = json!("${ null }");
            to["whenNull"] = json!("delete");
        }
        let mut object = patch(name, "data.value1", &to);
        object["metadata"] = json!({"name": patch_name});
        objects.apply_value(&object).await?;
    }
    for patch_name in &patches {
        ready(&objects, patch_name).await?;
        let look = || took_over(&objects, patch_name);
        let taken = eventually("it says from whom", SOON, look, |events: &Vec<Value>| !events.is_empty()).await?;
        let events = objects.events("default", "Patch", patch_name).await?;
        let is_quiet = taken.len() == 1 && events.iter().all(|event| event["type"] == "Normal");
        ensure!(is_quiet, "{patch_name}: {events:#?}");
    }
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    let is_done = |number: &usize| bar["data"].get(field(*number)) == [Some(&json!("Foo1")), None][number % 2];
    ensure!((0..MANY).all(|number| is_done(&number)), "{bar:#}");
    Ok(())
}

pub(crate) async fn a_field_of_somebody_else_is_left_alone_if_so_asked(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "polite");
    config_maps(&objects, name).await?;
    let mut to = json!({"fieldPath": "data.value2", "onConflict": "fail"});
    objects.apply_value(&patch(name, "data.value1", &to)).await?;
    let found = synced(&objects, name, "False", "Conflict").await?;
    let message = condition(&found, "Synced").2.to_owned();
    ensure!(message.contains("user owns .data.value2") && message.contains("onConflict"), "{message}");
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(bar["data"]["value2"] == "Bar2" && owned(&bar).is_empty(), "{bar:#}");
    // A field of nobody is no conflict.
    to["fieldPath"] = json!("data.free");
    objects.apply_value(&patch(name, "data.value1", &to)).await?;
    ready(&objects, name).await?;
    what_cannot_be_applied_is_left_alone_too(&objects, name).await
}

/// The same patch goes on with a removal, a whole map, a field of an element of a list and the removal of one, all of which
/// somebody else owns.
async fn what_cannot_be_applied_is_left_alone_too(objects: &Objects, name: &str) -> Result<()> {
    objects.apply_value(&deployment(name)).await?;
    let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": name});
    let bar = objects.get("v1", "configmaps", name, "bar").await?;
    let nothing = json!({"fieldPath": "data.value2", "transform": "${ null }", "whenNull": "delete"});
    let image = json!({"objectReference": web, "fieldPath": "spec.template.spec.containers[1].image"});
    let mut directory = nothing.clone();
    directory["objectReference"] = web.clone();
    directory["fieldPath"] = json!("spec.template.spec.containers[1].workingDir");
    for (from, to, owned) in [
        ("data", nothing, ".data.value2"),
        ("data", json!({"fieldPath": "data"}), ".data.value1"),
        ("data.value1", image, r#".spec.template.spec.containers[name="two"].image"#),
        ("data.value1", directory, r#".spec.template.spec.containers[name="two"].workingDir"#),
    ] {
        let mut to = to;
        to["onConflict"] = json!("fail");
        objects.apply_value(&patch(name, from, &to)).await?;
        let look = || objects.get(PATCHES.0, PATCHES.1, "", name);
        let wanted = format!("user owns {owned}");
        let named = |patch: &Value| condition(patch, "Synced").2.contains(&wanted);
        let found = eventually(&format!("the condition says: {wanted}"), SOON, look, named).await?;
        ensure!((condition(&found, "Synced").0, condition(&found, "Synced").1) == ("False", "Conflict"), "{found:#}");
    }
    let after = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(after["metadata"]["resourceVersion"] == bar["metadata"]["resourceVersion"], "{after:#}");
    ensure!(owned(&objects.get("apps/v1", "deployments", name, "web").await?).is_empty(), "the deployment was written");
    Ok(())
}

fn deployment(namespace: &str) -> Value {
    let containers =
        json!([{"name": "one", "image": "one:1"}, {"name": "two", "image": "two:1", "workingDir": "/two"}]);
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
        },
    })
}

pub(crate) async fn a_member_of_an_atomic_map_is_written_and_its_neighbours_stay(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "atomic");
    config_maps(&objects, name).await?;
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": name},
            "spec": {"selector": {"app": "web", "version": "v1"}, "ports": [{"port": 80}]},
        }))
        .await?;
    let mut object = patch(name, "data.value1", &json!({"fieldPath": "spec.selector.version"}));
    object["spec"]["to"]["objectReference"] = json!({"kind": "Service", "name": "web", "namespace": name});
    objects.apply_value(&object).await?;
    let selector = async |version: &str| {
        let look = || objects.get("v1", "services", name, "web");
        let is = |service: &Value| service["spec"]["selector"]["version"] == version;
        let service = eventually(&format!("the version {version}"), SOON, look, is).await?;
        ensure!(service["spec"]["selector"] == json!({"app": "web", "version": version}), "{service:#}");
        anyhow::Ok(service)
    };
    selector("Foo1").await?;
    ready(&objects, name).await?;
    objects.merge("v1", "configmaps", name, "foo", json!({"data": {"value1": "Foo2"}})).await?;
    let service = selector("Foo2").await?;
    let [entry] = owned(&service)[..] else { anyhow::bail!("one entry: {service:#}") };
    ensure!(entry["fieldsV1"] == json!({"f:spec": {"f:selector": {}}}), "{entry:#}");
    let look = || took_over(&objects, name);
    let events = eventually("it says from whom", SOON, look, |events: &Vec<Value>| !events.is_empty()).await?;
    let note = events[0]["note"].as_str().context("no note")?;
    ensure!(events.len() == 1 && note.contains("user owns .spec.selector"), "{events:#?}");
    Ok(())
}

pub(crate) async fn fields_do_not_cost_each_other_their_values(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "siblings");
    config_maps(&objects, name).await?;
    objects.apply_value(&patch(name, "data.value1", &json!({"fieldPath": "data[*]"}))).await?;
    let bar = async |wanted: Value| {
        let look = || objects.get("v1", "configmaps", name, "bar");
        eventually(&format!("bar.data = {wanted}"), SOON, look, |bar| bar["data"] == wanted).await
    };
    bar(json!({"value1": "Foo1", "value2": "Foo1"})).await?;
    ready(&objects, name).await?;
    // One differs at a time.
    for field in ["value1", "value2", "value3"] {
        objects.merge("v1", "configmaps", name, "bar", json!({"data": {field: "drift"}})).await?;
        value(&objects, name, "Foo1").await?;
        reconciled(&objects, name, field).await?;
    }
    let found = bar(json!({"value1": "Foo1", "value2": "Foo1", "value3": "Foo1"})).await?;
    let [entry] = owned(&found)[..] else { anyhow::bail!("one entry: {found:#}") };
    let fields = json!({"f:data": {"f:value1": {}, "f:value2": {}, "f:value3": {}}});
    ensure!(entry["operation"] == "Apply" && entry["fieldsV1"] == fields, "{entry:#}");
    // Another field: the ones before stay.
    objects.apply_value(&patch(name, "data.value2", &json!({"fieldPath": "data.value2"}))).await?;
    bar(json!({"value1": "Foo1", "value2": "Foo2", "value3": "Foo1"})).await?;
    Ok(())
}

pub(crate) async fn a_value_that_is_not_kept_is_told(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "unkept");
    config_maps(&objects, name).await?;
    let before = objects.get("v1", "configmaps", name, "bar").await?;
    objects
        .apply_value(&patch(name, "data", &json!({"fieldPath": "metadata.generation", "transform": "${ 99 }"})))
        .await?;
    let found = synced(&objects, name, "False", "NotKept").await?;
    ensure!(condition(&found, "Synced").2.contains("metadata.generation"), "{found:#}");
    ensure!(condition(&found, "Ready").0 == "False", "{found:#}");
    let after = objects.get("v1", "configmaps", name, "bar").await?;
    ensure!(after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"], "{after:#}");
    Ok(())
}

pub(crate) async fn a_status_is_written_and_what_is_equal_is_not(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "status");
    config_maps(&objects, name).await?;
    let gauge = json!({"apiVersion": "test.capstan.dev/v1", "kind": "Gauge", "metadata": {"name": "g", "namespace": name}, "spec": {}});
    objects.apply_value(&gauge).await?;
    let mut object = patch(name, "data.value1", &json!({"fieldPath": "status.level"}));
    object["spec"]["to"]["objectReference"] =
        json!({"apiVersion": "test.capstan.dev/v1", "kind": "Gauge", "name": "g", "namespace": name});
    objects.apply_value(&object).await?;
    let look = || objects.get("test.capstan.dev/v1", "gauges", name, "g");
    eventually("the status is written", SOON, look, |gauge| gauge["status"]["level"] == "Foo1").await?;
    ready(&objects, name).await?;
    let before = look().await?;
    let [entry] = owned(&before)[..] else { anyhow::bail!("one entry: {before:#}") };
    ensure!(entry["subresource"] == "status", "{entry:#}");
    // The source changes elsewhere, and it is asked to look again: the target stays the version it is.
    objects.merge("v1", "configmaps", name, "foo", json!({"data": {"elsewhere": "x"}})).await?;
    reconciled(&objects, name, "1").await?;
    let after = look().await?;
    ensure!(after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"], "{after:#}");
    Ok(())
}

pub(crate) async fn a_target_that_vanishes_is_not_made_anew(world: &World) -> Result<()> {
    let (objects, name) = (world.objects()?, "vanished");
    config_maps(&objects, name).await?;
    objects.apply_value(&sample(name)).await?;
    ready(&objects, name).await?;
    objects.delete("v1", "configmaps", name, "bar").await?;
    synced(&objects, name, "False", "TargetNotFound").await?;
    objects.merge("v1", "configmaps", name, "foo", json!({"data": {"value1": "Foo9"}})).await?;
    reconciled(&objects, name, "1").await?;
    ensure!(objects.get("v1", "configmaps", name, "bar").await?.is_null(), "it was made anew");
    // Another one of the same name is a target like any other.
    objects
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: bar, namespace: vanished}, data: {value2: other}}")
        .await?;
    value(&objects, name, "prefix-Rm9vOQ==").await?;
    Ok(())
}
