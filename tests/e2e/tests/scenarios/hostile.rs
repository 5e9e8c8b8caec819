//! Guests that misbehave, beside one that does not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Objects, condition, eventually};
use serde_json::{Value, json};

use crate::world::{SOON, World};

const HOSTILE: (&str, &str) = ("test.capstan.dev/v1", "hostiles");

pub(crate) async fn bad_guests_end_as_conditions_while_a_neighbour_converges(world: &World) -> Result<()> {
    let objects = world.objects()?;
    objects.namespace("hostile").await?;
    let bad = [
        ("spins_in_observe", "DeadlineExceeded"),
        ("traps_in_observe", "Trapped"),
        ("panics", "Trapped"),
        ("allocates", "MemoryExhausted"),
        ("malformed_status_of_observe", "MalformedAnswer"),
        ("reads_outside_its_grant", "Denied"),
    ];
    for (behaviour, _) in bad {
        objects
            .apply_value(&json!({
                "apiVersion": HOSTILE.0, "kind": "Hostile",
                "metadata": {"name": behaviour.replace('_', "-"), "namespace": "hostile"},
                "spec": {"behaviour": behaviour},
            }))
            .await?;
    }
    // The neighbour has its turn while the bad ones are tried again and again.
    for number in 0..10 {
        let name = format!("beside-{number}");
        objects
            .apply_value(&json!({
                "apiVersion": "test.capstan.dev/v1", "kind": "Note",
                "metadata": {"name": name, "namespace": "hostile"}, "spec": {"text": "undisturbed"},
            }))
            .await?;
        let config_map = format!("note-{name}");
        let look = || objects.get("v1", "configmaps", "hostile", &config_map);
        eventually(&config_map, SOON, look, |found| found["data"]["text"] == "undisturbed").await?;
    }
    for (behaviour, reason) in bad {
        let name = behaviour.replace('_', "-");
        let look = || objects.get(HOSTILE.0, HOSTILE.1, "hostile", &name);
        let found = eventually(&format!("{name}: {reason}"), SOON, look, |found| {
            let (status, why, _) = condition(found, "Synced");
            (status, why) == ("False", reason)
        })
        .await?;
        let message = condition(&found, "Synced").2.to_owned();
        ensure!(!message.is_empty(), "{name} has no message");
    }
    // A neighbour's deletion works as well: create, delete, gone.
    objects.delete("test.capstan.dev/v1", "notes", "hostile", "beside-0").await?;
    let look = || objects.get("v1", "configmaps", "hostile", "note-beside-0");
    eventually("note-beside-0 is gone", SOON, look, serde_json::Value::is_null).await?;
    Ok(())
}

/// A world of its own, as the others' bad guests would be given rest as well.
pub(crate) async fn one_that_crashes_on_every_object_is_given_rest(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::with_hostile(kind)?;
        world.block_on(rest(&world)).with_context(|| world.log())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn rest(world: &World) -> Result<()> {
    let objects = world.objects()?;
    eight(&objects, "traps_in_observe").await?;
    healthy(&objects, "False", "CrashLooping").await?;
    // Its objects say what happened, and say no more while it rests.
    let one = objects.get(HOSTILE.0, HOSTILE.1, "default", "one-of-8-0").await?;
    ensure!(condition(&one, "Synced").1 == "Trapped", "{one:#}");
    // A probe comes a few seconds later. It fails, and is no news.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let events = objects.events("default", "Provider", "hostile").await?;
    let told: Vec<_> = events.iter().filter(|event| event["reason"] == "CrashLooping").collect();
    ensure!(told.len() == 1 && told[0]["series"].is_null(), "{told:#?}");

    eight(&objects, "behaves").await?;
    let found = healthy(&objects, "True", "Running").await?;
    ensure!(found["status"]["counters"]["traps"].as_u64() > Some(0), "{found:#}");
    for number in 0..8 {
        synced(&objects, &format!("one-of-8-{number}")).await?;
    }
    crashes_are_told_by_the_call(world, &objects).await
}

/// One crash after the other, and a reconcile that goes well between any two: no reason to give the provider rest.
async fn crashes_are_told_by_the_call(world: &World, objects: &Objects) -> Result<()> {
    const CALLS: [&str; 4] = ["connect", "observe", "create", "update"];
    let began = traps(world).await?;
    for call in CALLS {
        let name = format!("crashes-in-{call}");
        hostile(objects, &name, &format!("traps_in_{call}")).await?;
        crashed_in(objects, &name, call).await?;
        hostile(objects, &name, "behaves").await?;
        synced(objects, &name).await?;
        leave(objects, &name).await?;
    }
    // All went well but for the goodbye, which is an event, and counts.
    let before = traps(world).await?;
    ensure!(before >= began + 4, "{} crashes were counted", before - began);
    hostile(objects, "crashes-in-disconnect", "traps_in_disconnect").await?;
    synced(objects, "crashes-in-disconnect").await?;
    let look = || objects.events("default", "Hostile", "crashes-in-disconnect");
    let told = |events: &Vec<Value>| events.iter().any(|event| event["reason"] == "CannotDisconnectFromProvider");
    eventually("the crash in disconnect is told", SOON, look, told).await?;
    ensure!(traps(world).await? > before, "the crash in disconnect was not counted");
    leave(objects, "crashes-in-disconnect").await?;

    let name = "crashes-in-delete";
    hostile(objects, name, "traps_in_delete").await?;
    synced(objects, name).await?;
    objects.delete(HOSTILE.0, HOSTILE.1, "default", name).await?;
    crashed_in(objects, name, "delete").await?;
    // It is there still: nobody knows what is left outside. Whoever knows can say so.
    leave(objects, name).await?;
    let provider = objects.get("capstan.dev/v1alpha1", "providers", "", "hostile").await?;
    ensure!(condition(&provider, "Healthy").0 == "True", "it was given rest: {provider:#}");
    Ok(())
}

/// Has an object let go, whatever may be left of it: what the guest observes is always there.
async fn leave(objects: &Objects, name: &str) -> Result<()> {
    objects.delete(HOSTILE.0, HOSTILE.1, "default", name).await?;
    let orphan = json!({"metadata": {"annotations": {"krateo.io/deletion-policy": "orphan"}}});
    objects.merge(HOSTILE.0, HOSTILE.1, "default", name, orphan).await?;
    let look = || objects.get(HOSTILE.0, HOSTILE.1, "default", name);
    eventually(&format!("{name} is let go"), SOON, look, Value::is_null).await.map(drop)
}

/// Crashes of the provider that the host has counted.
async fn traps(world: &World) -> Result<u64> {
    let (code, text) = world.probe("/metrics").await?;
    let found = text.lines().find_map(|line| line.strip_prefix("capstan_provider_traps_total{provider=\"hostile\"} "));
    found.with_context(|| format!("{code}: {text}"))?.trim().parse().context("no number")
}

async fn hostile(objects: &Objects, name: &str, behaviour: &str) -> Result<()> {
    let metadata = json!({"name": name, "namespace": "default"});
    let spec = json!({"behaviour": behaviour});
    objects.apply_value(&json!({"apiVersion": HOSTILE.0, "kind": "Hostile", "metadata": metadata, "spec": spec})).await
}

async fn crashed_in(objects: &Objects, name: &str, call: &str) -> Result<()> {
    let look = || objects.get(HOSTILE.0, HOSTILE.1, "default", name);
    let said = format!("{call} failed: {call} crashed (");
    eventually(&format!("{name}: Trapped"), SOON, look, |found| {
        let (status, why, message) = condition(found, "Synced");
        (status, why) == ("False", "Trapped") && message.starts_with(&said)
    })
    .await
    .map(drop)
}

async fn synced(objects: &Objects, name: &str) -> Result<()> {
    let look = || objects.get(HOSTILE.0, HOSTILE.1, "default", name);
    eventually(&format!("{name}: Synced"), SOON, look, |found| condition(found, "Synced").0 == "True").await.map(drop)
}

async fn eight(objects: &Objects, behaviour: &str) -> Result<()> {
    for number in 0..8 {
        hostile(objects, &format!("one-of-8-{number}"), behaviour).await?;
    }
    Ok(())
}

async fn healthy(objects: &Objects, status: &str, reason: &str) -> Result<Value> {
    let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "hostile");
    eventually(&format!("Healthy={status} {reason}"), SOON * 3, look, |found| {
        let (is, why, _) = condition(found, "Healthy");
        (is, why) == (status, reason)
    })
    .await
}
