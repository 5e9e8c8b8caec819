//! A provider as an object.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{Objects, condition, eventually, plugin};
use serde_json::{Value, json};

use crate::world::{NAMESPACE, SOON, World};

/// Compiling a component takes seconds on a busy machine.
const LOADED: Duration = Duration::from_mins(2);

pub(crate) const PROVIDER: &str = "capstan.dev/v1alpha1";
pub(crate) const NOTE: &str = "test.capstan.dev/v1";
const GRANTS: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;

/// A world of its own, with a host that is given no provider.
pub(crate) async fn alone(world: &World, story: fn(&World, &Objects) -> Result<()>) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::bare(kind)?;
        let objects = world.block_on(async { world.objects() })?;
        world.block_on(world.grant_rights("neighbour", GRANTS))?;
        story(&world, &objects).with_context(|| world.log())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn by_hand(objects: &Objects, spec: Value) -> Result<()> {
    build_by_hand(objects, &std::fs::read(plugin("neighbour")?)?, spec).await
}

/// A `ConfigMap` with the component, and a `Provider` that names it.
pub(crate) async fn build_by_hand(objects: &Objects, component: &[u8], mut spec: Value) -> Result<()> {
    let component = STANDARD.encode(component);
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "unlabelled", "namespace": NAMESPACE},
            "binaryData": {"provider.wasm": component},
        }))
        .await?;
    spec["source"] = json!({"configMap": {"name": "unlabelled"}});
    let provider = json!({"apiVersion": PROVIDER, "kind": "Provider", "metadata": {"name": "neighbour"}, "spec": spec});
    objects.apply_value(&provider).await
}

pub(crate) fn all_config_maps() -> Value {
    json!({"kubernetes": [{"apiGroups": [""], "kinds": ["ConfigMap"], "verbs": ["*"]}]})
}

pub(crate) async fn note(objects: &Objects, name: &str, text: &str) -> Result<()> {
    let metadata = json!({"name": name, "namespace": "default"});
    objects
        .apply_value(&json!({"apiVersion": NOTE, "kind": "Note", "metadata": metadata, "spec": {"text": text}}))
        .await
}

pub(crate) async fn says(objects: &Objects, name: &str, text: &str) -> Result<()> {
    let config_map = format!("note-{name}");
    let look = || objects.get("v1", "configmaps", "default", &config_map);
    eventually(&format!("{config_map} says {text}"), SOON, look, |found| found["data"]["text"] == text).await.map(drop)
}

/// Waits until a condition has this status and reason; gives the object.
pub(crate) async fn provider(objects: &Objects, of: &str, status: &str, reason: &str) -> Result<Value> {
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    let what = format!("{of}={status} {reason}");
    eventually(&what, LOADED, look, |found| {
        let (is, why, _) = condition(found, of);
        is == status && why == reason
    })
    .await
}

async fn gone(objects: &Objects) -> Result<()> {
    let look = || objects.get(PROVIDER, "providers", "", "neighbour");
    eventually("the Provider is gone", SOON, look, Value::is_null).await.map(drop)
}

pub(crate) async fn one_written_by_hand_is_pinned_granted_and_paused(world: &World) -> Result<()> {
    alone(world, |world, objects| world.block_on(pinned_granted_and_paused(objects))).await
}

async fn pinned_granted_and_paused(objects: &Objects) -> Result<()> {
    by_hand(objects, json!({"digest": format!("sha256:{}", "0".repeat(64)), "grants": all_config_maps()})).await?;
    let found = provider(objects, "Loaded", "False", "DigestMismatch").await?;
    ensure!(condition(&found, "Healthy").0 == "False", "{found:#}");
    let (_, _, message) = condition(&found, "Loaded");
    let digest = message.split_whitespace().find(|word| word.starts_with("sha256:")).context("no digest is named")?;
    let digest = digest.trim_end_matches(',').to_owned();

    by_hand(objects, json!({"digest": digest, "grants": all_config_maps()})).await?;
    let found = provider(objects, "Loaded", "True", "Loaded").await?;
    let status = &found["status"];
    ensure!(status["digest"] == *digest && status["lastKnownGoodDigest"] == *digest, "{found:#}");
    ensure!(status["kindNames"] == "Note" && status["witVersion"] == "0.1.0", "{found:#}");
    ensure!(status["observedGeneration"] == found["metadata"]["generation"], "{found:#}");
    ensure!(status["permissions"]["granted"]["kubernetes"][0]["kinds"] == json!(["ConfigMap"]), "{found:#}");
    ensure!(status["instance"].is_string() && condition(&found, "Healthy").0 == "True", "{found:#}");
    note(objects, "one", "first").await?;
    says(objects, "one", "first").await?;

    // Paused: nothing is called, and then at once everything again.
    objects.merge(PROVIDER, "providers", "", "neighbour", json!({"spec": {"paused": true}})).await?;
    provider(objects, "Paused", "True", "PausedBySpec").await?;
    note(objects, "one", "second").await?;
    let look = || objects.get(NOTE, "notes", "default", "one");
    eventually("the note rests", SOON, look, |note| condition(note, "Synced").1 == "ReconcilePaused").await?;
    let config_map = objects.get("v1", "configmaps", "default", "note-one").await?;
    ensure!(config_map["data"]["text"] == "first", "{config_map:#}");
    objects.merge(PROVIDER, "providers", "", "neighbour", json!({"spec": {"paused": false}})).await?;
    says(objects, "one", "second").await?;

    // Other grants for the same component are in force without another load.
    objects.merge(PROVIDER, "providers", "", "neighbour", json!({"spec": {"grants": null}})).await?;
    eventually("the note is denied", SOON, look, |note| condition(note, "Synced").1 == "Denied").await?;
    objects.merge(PROVIDER, "providers", "", "neighbour", json!({"spec": {"grants": all_config_maps()}})).await?;
    eventually("the note is synced", SOON, look, |note| condition(note, "Synced").0 == "True").await?;

    // A source that is not there leaves the last good build in service.
    objects
        .merge(PROVIDER, "providers", "", "neighbour", json!({"spec": {"source": {"configMap": {"name": "other"}}}}))
        .await?;
    let found = provider(objects, "Loaded", "False", "SourceMissing").await?;
    ensure!(found["status"]["lastError"]["reason"] == "SourceMissing", "{found:#}");
    ensure!(
        condition(&found, "Healthy") == ("True", "LastGoodBuild", "the last good build is in service"),
        "{found:#}"
    );
    note(objects, "one", "third").await?;
    says(objects, "one", "third").await?;
    for reason in ["DigestMismatch", "Loaded", "Paused", "SourceMissing"] {
        objects.told("default", "Provider", "neighbour", reason).await?;
    }
    Ok(())
}

pub(crate) async fn what_makes_no_sense_is_refused_by_the_api_server(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let file = json!({"file": {"name": "p.wasm"}});
    let with = |key: &str, value: Value| json!({"source": file.clone(), key: value});
    let long = "a".repeat(41);
    for (name, spec, said) in [
        (long.as_str(), json!({"source": file.clone()}), "at most 40"),
        ("nonsense", json!({"source": {}}), "exactly one of"),
        ("nonsense", json!({"source": {"file": {"name": "p.wasm"}, "configMap": {"name": "p"}}}), "exactly one of"),
        ("nonsense", json!({"source": {"file": {"name": "../p.wasm"}}}), "spec.source.file.name"),
        ("nonsense", with("digest", json!("sha256:xyz")), "64 lower-case hexadecimal digits"),
        ("nonsense", with("limits", json!({"callTimeout": "0s"})), "a duration is a number above zero"),
        ("nonsense", with("pollInterval", json!("1d")), "a duration is a number above zero"),
        (
            "nonsense",
            with("grants", json!({"kubernetes": [{"apiGroups": [""], "kinds": ["Pod"], "verbs": ["steal"]}]})),
            "steal",
        ),
    ] {
        let metadata = json!({"name": name});
        let provider = json!({"apiVersion": PROVIDER, "kind": "Provider", "metadata": metadata, "spec": spec});
        let error = objects.apply_value(&provider).await.err().with_context(|| format!("{provider:#} was taken"))?;
        ensure!(format!("{error:#}").contains(said), "{said}: {error:#}");
    }
    Ok(())
}

pub(crate) async fn a_deletion_waits_for_the_objects_or_leaves_them(world: &World) -> Result<()> {
    alone(world, |world, objects| world.block_on(deletions(objects))).await
}

async fn deletions(objects: &Objects) -> Result<()> {
    by_hand(objects, json!({"grants": all_config_maps()})).await?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    note(objects, "one", "first").await?;
    says(objects, "one", "first").await?;
    objects.delete(PROVIDER, "providers", "", "neighbour").await?;
    let found = provider(objects, "Deleting", "True", "ObjectsRemain").await?;
    let (_, _, message) = condition(&found, "Deleting");
    for named in ["1 notes.test.capstan.dev", "kubectl delete notes.test.capstan.dev", "capstan.dev/abandon=true"] {
        ensure!(message.contains(named), "{named}: {message}");
    }
    // It works until the last object is gone, so that what the object stands for goes as well.
    objects.delete(NOTE, "notes", "default", "one").await?;
    gone(objects).await?;
    ensure!(objects.get("v1", "configmaps", "default", "note-one").await?.is_null(), "what it stood for is left");

    by_hand(objects, json!({"grants": all_config_maps()})).await?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    note(objects, "two", "stays").await?;
    says(objects, "two", "stays").await?;
    objects.delete(PROVIDER, "providers", "", "neighbour").await?;
    provider(objects, "Deleting", "True", "ObjectsRemain").await?;
    let abandon = json!({"metadata": {"annotations": {"capstan.dev/abandon": "true"}}});
    objects.merge(PROVIDER, "providers", "", "neighbour", abandon).await?;
    gone(objects).await?;
    let two = objects.get(NOTE, "notes", "default", "two").await?;
    ensure!(two["metadata"]["name"] == "two" && two["metadata"]["finalizers"].is_null(), "{two:#}");
    ensure!(!objects.get("v1", "configmaps", "default", "note-two").await?.is_null(), "what it stands for is gone");
    Ok(())
}

/// What is left of a provider whose logic is gone, to a host that never knew it.
pub(crate) async fn one_without_logic_is_let_go_by_its_annotation(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::bare(kind)?;
        world.block_on(world.grant_rights("neighbour", GRANTS))?;
        world.block_on(one_note(&world)).with_context(|| world.log())?;
        world.kill()?;
        world.block_on(async { world.objects()?.delete("v1", "configmaps", NAMESPACE, "unlabelled").await })?;
        world.restart()?;
        world.block_on(without_logic(&world)).with_context(|| world.log())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn one_note(world: &World) -> Result<()> {
    let objects = world.objects()?;
    by_hand(&objects, json!({"grants": all_config_maps()})).await?;
    provider(&objects, "Loaded", "True", "Loaded").await?;
    note(&objects, "orphan", "left").await?;
    says(&objects, "orphan", "left").await
}

async fn without_logic(world: &World) -> Result<()> {
    let objects = world.objects()?;
    provider(&objects, "Loaded", "False", "SourceMissing").await?;
    objects.delete(PROVIDER, "providers", "", "neighbour").await?;
    let found = provider(&objects, "Deleting", "True", "ObjectsRemain").await?;
    ensure!(condition(&found, "Deleting").2.contains("1 notes.test.capstan.dev"), "{found:#}");
    // Nobody is there who could delete what it stands for.
    objects.delete(NOTE, "notes", "default", "orphan").await?;
    let look = || objects.get(NOTE, "notes", "default", "orphan");
    let found = look().await?;
    ensure!(!found["metadata"]["deletionTimestamp"].is_null(), "{found:#}");
    let abandon = json!({"metadata": {"annotations": {"capstan.dev/abandon": "true"}}});
    objects.merge(PROVIDER, "providers", "", "neighbour", abandon).await?;
    gone(&objects).await?;
    eventually("the note is gone", SOON, look, Value::is_null).await?;
    ensure!(!objects.get("v1", "configmaps", "default", "note-orphan").await?.is_null(), "what it stands for is gone");
    Ok(())
}
