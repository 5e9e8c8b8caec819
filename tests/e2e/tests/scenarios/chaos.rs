//! Bad days of the API server.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Creates, Faults, Objects, condition, eventually};
use serde_json::{Value, json};

use crate::world::{SOON, World};

const NOTES: usize = 500;

/// Back-off after errors reaches a minute.
const CONVERGED: Duration = Duration::from_mins(4);

const NAMESPACE: &str = "chaos";
const NOTE: (&str, &str) = ("test.capstan.dev/v1", "notes");

/// A world of its own: its requests go through a proxy.
async fn in_a_world_of_its_own(
    world: &World,
    story: impl FnOnce(&mut World) -> Result<()> + Send + 'static,
) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::behind_proxy(kind)?;
        story(&mut world).with_context(|| world.log())?;
        ensure!(world.is_running(), "the host ended: {}", world.log());
        Ok(())
    };
    // It brings a runtime, which must not be entered from the one of this scenario.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

pub(crate) async fn many_objects_converge_through_an_api_server_that_fails(world: &World) -> Result<()> {
    in_a_world_of_its_own(world, |world| {
        world.proxy()?.set_faults(Faults {
            latency: Duration::from_millis(5),
            failing_writes: 10,
            lost_answers: 5,
            watch_life: Some(Duration::from_secs(1)),
        });
        world.block_on(write_notes(world, "first"))?;
        world.block_on(converged(world, "first"))?;
        world.block_on(write_notes(world, "second"))?;
        world.block_on(converged(world, "second"))?;
        created_once(world, &[])
    })
    .await
}

pub(crate) async fn many_objects_converge_around_an_outage_of_the_api_server(world: &World) -> Result<()> {
    in_a_world_of_its_own(world, |world| {
        world.block_on(write_notes(world, "first"))?;
        // Most are not done yet.
        world.proxy()?.stop();
        world.block_on(write_notes(world, "second"))?;
        world.block_on(deleted(world, 0))?;
        resume(world)?;
        world.block_on(converged_from(world, 1, "second"))?;
        world.block_on(gone(world, 0))?;
        // Again, and with nothing to do: what changes meanwhile is found afterwards.
        world.proxy()?.stop();
        world.block_on(write_notes(world, "third"))?;
        resume(world)?;
        world.block_on(converged(world, "third"))?;
        created_once(world, &[0])
    })
    .await
}

pub(crate) async fn a_host_waits_for_an_api_server_that_is_not_there_yet(world: &World) -> Result<()> {
    in_a_world_of_its_own(world, |world| {
        let loads = |world: &World| world.log().matches("Provider neighbour ").count();
        let before = loads(world);
        world.kill()?;
        world.proxy()?.stop();
        world.restart()?;
        world.block_on(waits(world))?;
        // Each step of loading a provider takes its time: who looks at readiness meanwhile sees it.
        world.proxy()?.set_faults(Faults { latency: Duration::from_millis(300), ..Faults::default() });
        resume(world)?;
        let look = || world.probe("/readyz");
        world.block_on(eventually("it is ready", CONVERGED, look, |(code, _)| *code == 200))?;
        ensure!(loads(world) > before, "it is ready, and its provider is not loaded");
        Ok(())
    })
    .await
}

/// The host lives, has tried more than once, and says what it waits for.
async fn waits(world: &World) -> Result<()> {
    let look = || async { Ok(world.log()) };
    let tries = |log: &String| log.matches("the API server does not answer yet").count() >= 2;
    eventually("it tries again", SOON, look, tries).await?;
    let (code, said) = world.probe("/livez").await?;
    ensure!(code == 200, "{code}: {said}");
    let (code, said) = world.probe("/readyz").await?;
    ensure!(code == 503 && said.contains("the API server has not answered yet"), "{code}: {said}");
    Ok(())
}

fn resume(world: &mut World) -> Result<()> {
    let handle = world.runtime();
    let _entered = handle.enter();
    world.proxy()?.resume()
}

fn note(number: usize, text: &str) -> Value {
    json!({
        "apiVersion": NOTE.0, "kind": "Note",
        "metadata": {"name": format!("n{number}"), "namespace": NAMESPACE}, "spec": {"text": text},
    })
}

async fn write_notes(world: &World, text: &str) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace(NAMESPACE).await?;
    for number in 0..NOTES {
        objects.apply_value(&note(number, text)).await?;
    }
    Ok(())
}

async fn deleted(world: &World, number: usize) -> Result<()> {
    world.objects()?.delete(NOTE.0, NOTE.1, NAMESPACE, &format!("n{number}")).await
}

async fn gone(world: &World, number: usize) -> Result<()> {
    let objects = world.objects()?;
    let name = format!("n{number}");
    let look = || objects.get(NOTE.0, NOTE.1, NAMESPACE, &name);
    eventually(&format!("{name} is gone"), CONVERGED, look, Value::is_null).await?;
    let config_map = objects.get("v1", "configmaps", NAMESPACE, &format!("note-{name}")).await?;
    ensure!(config_map.is_null(), "it left its config map behind: {config_map:#}");
    Ok(())
}

async fn converged(world: &World, text: &str) -> Result<()> {
    converged_from(world, 0, text).await
}

async fn converged_from(world: &World, first: usize, text: &str) -> Result<()> {
    let objects: Objects = world.objects()?;
    let look = || objects.list("v1", "configmaps", NAMESPACE);
    eventually(&format!("all notes say {text}"), CONVERGED, look, |found: &Vec<Value>| {
        let written = |number: usize| {
            let name = format!("note-n{number}");
            found.iter().any(|found| found["metadata"]["name"] == *name && found["data"]["text"] == text)
        };
        (first..NOTES).all(written)
    })
    .await?;
    // What was done has to be said as well.
    let look = || objects.list(NOTE.0, NOTE.1, NAMESPACE);
    eventually("all notes are well", CONVERGED, look, |found: &Vec<Value>| {
        let is_well = |number: usize| {
            let name = format!("n{number}");
            let note = found.iter().find(|found| found["metadata"]["name"] == *name);
            note.is_some_and(|note| ["Ready", "Synced"].iter().all(|kind| condition(note, kind).0 == "True"))
        };
        (first..NOTES).all(is_well)
    })
    .await?;
    Ok(())
}

/// No `ConfigMap` of a note was asked for twice, whatever answers were lost, and none that was there. Notes that were deleted
/// and written anew have had two.
fn created_once(world: &mut World, anew: &[usize]) -> Result<()> {
    let runtime = world.runtime();
    let proxy = world.proxy()?;
    runtime.block_on(proxy.settled())?;
    let creates = proxy.creates();
    let config_maps: Vec<_> = creates.iter().filter(|(path, _)| path.contains("/configmaps/note-n")).collect();
    ensure!(config_maps.len() == NOTES, "{} config maps were created", config_maps.len());
    let had_two = |path: &str| anew.iter().any(|number| path.ends_with(&format!("/note-n{number}")));
    let allowed = |path: &str, creates: Creates| creates.made <= 1 + u32::from(had_two(path)) && creates.existing == 0;
    let too_often: Vec<_> = config_maps.iter().filter(|(path, creates)| !allowed(path, **creates)).collect();
    ensure!(too_often.is_empty(), "asked for more than once: {too_often:?}");
    Ok(())
}
