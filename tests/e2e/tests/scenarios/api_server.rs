//! An API server that crashes and comes back, with all that this does to connections, watches and caches of its own.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use serde_json::{Value, json};

use crate::world::World;

/// Of each of the two kinds.
const OBJECTS: usize = 50;

/// Back-off after errors reaches a minute.
const CONVERGED: Duration = Duration::from_mins(4);

const NAMESPACE: &str = "crash";
const PATCH: (&str, &str) = ("krateo.io/v1alpha1", "patches");
const NOTE: (&str, &str) = ("test.capstan.dev/v1", "notes");

/// A world of its own: everybody else would meet the same.
pub(crate) async fn many_objects_converge_through_a_crash_of_the_api_server(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::with_a_server_apart(kind)?;
        story(&mut world).with_context(|| world.log())?;
        ensure!(world.is_running(), "the host ended: {}", world.log());
        let starts = world.log().matches("host started").count();
        ensure!(starts == 1, "the work began {starts} times: {}", world.log());
        Ok(())
    };
    // It brings a runtime, which must not be entered from the one of this scenario.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

fn story(world: &mut World) -> Result<()> {
    world.block_on(make(world))?;
    world.block_on(say(world, "first"))?;
    // Most are not done yet.
    world.restart_server()?;
    world.block_on(converged(world, "first"))?;
    // Again, with objects that are known and change.
    world.block_on(say(world, "second"))?;
    world.restart_server()?;
    world.block_on(converged(world, "second"))?;
    // And whatever watches there are now tell what is new.
    world.block_on(say(world, "third"))?;
    world.block_on(converged(world, "third"))?;
    created_once(world)
}

/// Where patches read and write, and the patches.
async fn make(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace(NAMESPACE).await?;
    for name in ["from", "to"] {
        let metadata = json!({"name": name, "namespace": NAMESPACE});
        objects.apply_value(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).await?;
    }
    for number in 0..OBJECTS {
        let reference = |name: &str| json!({"kind": "ConfigMap", "name": name, "namespace": NAMESPACE});
        let patch = json!({
            "apiVersion": PATCH.0, "kind": "Patch", "metadata": {"name": format!("crash-{number}")},
            "spec": {
                "from": {"objectReference": reference("from"), "fieldPath": "data.key"},
                "to": {"objectReference": reference("to"), "fieldPath": format!("data.key{number}")},
            },
        });
        objects.apply_value(&patch).await?;
    }
    Ok(())
}

/// Everything is to have this text.
async fn say(world: &World, text: &str) -> Result<()> {
    let objects = world.objects()?;
    for number in 0..OBJECTS {
        let metadata = json!({"name": format!("n{number}"), "namespace": NAMESPACE});
        let note = json!({"apiVersion": NOTE.0, "kind": "Note", "metadata": metadata, "spec": {"text": text}});
        objects.apply_value(&note).await?;
    }
    objects.merge("v1", "configmaps", NAMESPACE, "from", json!({"data": {"key": text}})).await
}

/// Every patch and every note is there, has done what it should, and says so.
async fn converged(world: &World, text: &str) -> Result<()> {
    let objects = world.objects()?;
    let look = || objects.list("v1", "configmaps", NAMESPACE);
    eventually(&format!("everything says {text}"), CONVERGED, look, |found: &Vec<Value>| {
        let data =
            |name: &str| found.iter().find(|found| found["metadata"]["name"] == name).map(|found| &found["data"]);
        (0..OBJECTS).all(|number| {
            let patched = data("to").is_some_and(|data| data[format!("key{number}")] == text);
            let noted = data(&format!("note-n{number}")).is_some_and(|data| data["text"] == text);
            patched && noted
        })
    })
    .await?;
    for (api_version, plural, namespace) in [(PATCH.0, PATCH.1, ""), (NOTE.0, NOTE.1, NAMESPACE)] {
        let look = || objects.list(api_version, plural, namespace);
        let is_well =
            |object: &Value| condition(object, "Ready").0 == "True" && condition(object, "Synced").0 == "True";
        let all_well = |found: &Vec<Value>| found.len() == OBJECTS && found.iter().all(is_well);
        eventually(&format!("all {plural} are well"), CONVERGED, look, all_well).await?;
    }
    Ok(())
}

/// No `ConfigMap` of a note was asked for twice, although nobody told the host what became of the requests that were under way.
/// Of one whose answer went down with the server the proxy knows no more than the host, who has to look before asking again: so
/// nobody ever asked for one that was there.
fn created_once(world: &mut World) -> Result<()> {
    let runtime = world.runtime();
    let proxy = world.proxy()?;
    runtime.block_on(proxy.settled())?;
    let creates = proxy.creates();
    let of_notes: Vec<_> = creates.iter().filter(|(path, _)| path.contains("/configmaps/note-n")).collect();
    ensure!(!of_notes.is_empty(), "nothing was created: {creates:?}");
    let too_often: Vec<_> = of_notes.iter().filter(|(_, creates)| creates.made > 1 || creates.existing > 0).collect();
    ensure!(too_often.is_empty(), "asked for more than once: {too_often:?}");
    Ok(())
}
