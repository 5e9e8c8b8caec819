//! How a provider arrives.

use std::{io::Write, time::Duration};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{Objects, condition, eventually, plugin};
use serde_json::{Value, json};

use crate::world::{SOON, World};

/// Compiling a component takes seconds on a busy machine.
const LOADED: Duration = Duration::from_mins(2);

const GRANTS: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;

fn carrier(name: &str, provider: &str, component: &[u8], grants: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "capstan-system", "labels": {"capstan.dev/provider": provider}},
        "data": {"grants.yaml": grants},
        "binaryData": {"provider.wasm": STANDARD.encode(component)},
    })
}

/// Waits for an event about a `ConfigMap` of the host's namespace; gives its note.
async fn told(objects: &Objects, config_map: &str, reason: &str) -> Result<String> {
    let look = || objects.events("capstan-system", "ConfigMap", config_map);
    let events = eventually(&format!("{config_map}: {reason}"), LOADED, look, |events: &Vec<Value>| {
        events.iter().any(|event| event["reason"] == reason)
    })
    .await?;
    let event = events.iter().find(|event| event["reason"] == reason).context("no event")?;
    Ok(event["note"].as_str().unwrap_or_default().to_owned())
}

async fn noted(objects: &Objects, name: &str, text: &str) -> Result<()> {
    objects
        .apply_value(&json!({
            "apiVersion": "test.capstan.dev/v1", "kind": "Note",
            "metadata": {"name": name, "namespace": "default"}, "spec": {"text": text},
        }))
        .await?;
    let config_map = format!("note-{name}");
    let look = || objects.get("v1", "configmaps", "default", &config_map);
    eventually(&format!("{config_map} says {text}"), SOON, look, |found| found["data"]["text"] == text).await?;
    Ok(())
}

/// A world of its own, with a host that is given no provider.
pub(crate) async fn a_config_map_is_enough_and_can_be_replaced(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::bare(kind)?;
        world.block_on(replacements(&world)).with_context(|| world.log())?;
        ensure!(world.is_running(), "{}", world.log());
        Ok(())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn replacements(world: &World) -> Result<()> {
    let objects = world.objects()?;
    world.grant_rights("neighbour", GRANTS).await?;
    let component = std::fs::read(plugin("neighbour")?)?;

    objects.apply_value(&carrier("carrier", "neighbour", &component, GRANTS)).await?;
    let note = told(&objects, "carrier", "Loaded").await?;
    ensure!(note.contains("Note"), "the note names the kinds: {note}");
    noted(&objects, "one", "first").await?;

    // Without the grant the same logic is refused; its objects say so.
    objects.apply_value(&carrier("carrier", "neighbour", &component, "")).await?;
    let look = || objects.get("test.capstan.dev/v1", "notes", "default", "one");
    eventually("the note is denied", SOON, look, |note| condition(note, "Synced").1 == "Denied").await?;

    // A bad build leaves the last good one in service.
    objects.apply_value(&carrier("carrier", "neighbour", b"\0asm nonsense", GRANTS)).await?;
    told(&objects, "carrier", "ComponentMalformed").await?;
    objects
        .apply_value(&json!({
            "apiVersion": "test.capstan.dev/v1", "kind": "Note",
            "metadata": {"name": "meanwhile", "namespace": "default"}, "spec": {"text": "denied"},
        }))
        .await?;
    let look = || objects.get("test.capstan.dev/v1", "notes", "default", "meanwhile");
    eventually("a new note is denied", SOON, look, |note| condition(note, "Synced").1 == "Denied").await?;

    // The packed form of a good one mends everything, with no restart and no change to the object.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&component)?;
    let mut packed = carrier("carrier", "neighbour", b"", GRANTS);
    packed["binaryData"] = json!({"provider.wasm.gz": STANDARD.encode(gzip.finish()?)});
    objects.apply_value(&packed).await?;
    let look = || objects.get("test.capstan.dev/v1", "notes", "default", "one");
    eventually("the note is synced again", SOON, look, |note| condition(note, "Synced").0 == "True").await?;
    noted(&objects, "two", "second").await?;

    // With its carrier the object goes that was made for it, but not before what it manages.
    objects.delete("v1", "configmaps", "capstan-system", "carrier").await?;
    let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "neighbour");
    eventually("the deletion waits", SOON, look, |found| condition(found, "Deleting").1 == "ObjectsRemain").await?;
    let one = objects.get("test.capstan.dev/v1", "notes", "default", "one").await?;
    ensure!(one["metadata"]["deletionTimestamp"].is_null() && !one["metadata"]["finalizers"].is_null(), "{one:#}");
    for name in ["one", "two", "meanwhile"] {
        objects.delete("test.capstan.dev/v1", "notes", "default", name).await?;
    }
    eventually("the Provider is gone", SOON, look, Value::is_null).await?;
    let log = || async { Ok(world.log()) };
    eventually("the provider stops", SOON, log, |log: &String| log.contains("provider stopped")).await?;
    Ok(())
}

pub(crate) async fn a_broken_config_map_says_why(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let mut empty = carrier("empty", "empty", b"", "");
    empty["binaryData"] = json!({});
    // Of a good one this would be all that it takes. In another namespace than the host's it means nothing.
    let mut elsewhere = carrier("elsewhere", "elsewhere", b"x", "");
    elsewhere["metadata"]["namespace"] = json!("default");
    objects.apply_value(&elsewhere).await?;
    let module = b"\0asm\x01\0\0\0";
    for (object, reason, hint) in [
        (empty, "SourceInvalid", "provider.wasm"),
        (carrier("named", "Not_A_Name", b"x", ""), "NameInvalid", "Not_A_Name"),
        (carrier("granted", "granted", b"x", "kubernets: []"), "GrantsInvalid", "kubernets"),
        (carrier("module", "module", module, ""), "NotAComponent", "wasm32-wasip2"),
    ] {
        objects.apply_value(&object).await?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let note = told(&objects, name, reason).await?;
        ensure!(note.contains(hint), "{name}: {note}");
    }
    // It came before those.
    let found = objects.get("capstan.dev/v1alpha1", "providers", "", "elsewhere").await?;
    ensure!(found.is_null(), "{found:#}");
    Ok(())
}

pub(crate) async fn a_second_provider_of_a_kind_is_refused(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let component = std::fs::read(plugin("neighbour")?)?;
    objects.apply_value(&carrier("rival", "rival", &component, GRANTS)).await?;
    let note = told(&objects, "rival", "Conflict").await?;
    ensure!(note.contains("Note") && note.contains("neighbour"), "{note}");
    noted(&objects, "undisturbed", "still served").await
}
