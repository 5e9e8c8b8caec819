//! Builds that bring another definition than the one that is installed, and definitions that go and come.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Objects, condition, eventually, plugin};
use serde_json::{Value, json};

use crate::{
    provider::{NOTE, PROVIDER, all_config_maps, alone, build_by_hand, note, provider, says},
    world::{SOON, World},
};

/// A definition goes when its objects are gone, and comes back when all that looks for its kind has looked again.
const FOLLOWED: Duration = Duration::from_mins(2);
/// How often a warning may be said while a definition is away.
const SAID: usize = 5;

const DEFINITIONS: (&str, &str) = ("apiextensions.k8s.io/v1", "customresourcedefinitions");
const DEFINITION: &str = "notes.test.capstan.dev";
const TEXT: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/text";

pub(crate) async fn one_that_would_harm_what_is_stored_is_not_installed(world: &World) -> Result<()> {
    alone(world, |world, objects| world.block_on(harm_is_seen_before(objects))).await
}

async fn harm_is_seen_before(objects: &Objects) -> Result<()> {
    let first = std::fs::read(plugin("neighbour")?)?;
    deliver(objects, &first).await?;
    let found = provider(objects, "Loaded", "True", "Loaded").await?;
    let digest = found["status"]["digest"].clone();
    for (name, text) in [("brief", "short"), ("long", "much too long")] {
        note(objects, name, text).await?;
        says(objects, name, text).await?;
    }

    // A schema that an object does not fit.
    let narrow = narrowed(&first)?;
    deliver(objects, &narrow).await?;
    let found = provider(objects, "Loaded", "False", "WouldInvalidate").await?;
    let (_, _, message) = condition(&found, "Loaded");
    for named in [DEFINITION, "invalid: 1.", "default/long (in v1 /spec/text: ", "Mend or delete"] {
        ensure!(message.contains(named), "{named}: {message}");
    }
    ensure!(!message.contains("brief") && !message.contains("much too"), "{message}");
    ensure!(condition(&found, "Healthy").1 == "LastGoodBuild" && found["status"]["digest"] == digest, "{found:#}");
    ensure!(longest(objects).await?.is_null(), "the definition was installed");
    note(objects, "brief", "the last good build writes this").await?;
    says(objects, "brief", "the last good build writes this").await?;
    note(objects, "brief", "again").await?;
    objects.told("default", "Provider", "neighbour", "WouldInvalidate").await?;

    // Once the object is mended, the build comes into service with no further word.
    note(objects, "long", "mended").await?;
    let found = provider(objects, "Loaded", "True", "Loaded").await?;
    ensure!(found["status"]["digest"] != digest && longest(objects).await? == 8, "{found:#}");
    says(objects, "long", "mended").await?;
    ensure!(note(objects, "late", "much too long").await.is_err(), "the new schema is not in force");

    // A version that is stored, and that is left out.
    let digest = found["status"]["digest"].clone();
    deliver(objects, &in_another_version(&narrow)?).await?;
    let found = provider(objects, "Loaded", "False", "WouldDropVersion").await?;
    let (_, _, message) = condition(&found, "Loaded");
    for named in [DEFINITION, "drops version v1", "2 objects", "status.storedVersions"] {
        ensure!(message.contains(named), "{named}: {message}");
    }
    ensure!(found["status"]["digest"] == digest, "{found:#}");
    note(objects, "brief", "goes on").await?;
    says(objects, "brief", "goes on").await?;

    // What only takes more than before is installed with all objects as they are.
    deliver(objects, &first).await?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    ensure!(longest(objects).await?.is_null(), "the definition was not installed");
    note(objects, "late", "long enough for the first build").await?;
    let found = objects.get(NOTE, "notes", "default", "late").await?;
    ensure!(found["spec"]["text"] == "long enough for the first build", "{found:#}");
    let found = objects.get(PROVIDER, "providers", "", "neighbour").await?;
    ensure!(found["status"]["lastError"]["reason"] == "WouldDropVersion", "{found:#}");
    Ok(())
}

pub(crate) async fn one_that_is_deleted_and_made_again_is_followed(world: &World) -> Result<()> {
    alone(world, |world, objects| {
        world.block_on(it_goes_and_comes(objects))?;
        is_not_noisy(&world.log())
    })
    .await
}

async fn it_goes_and_comes(objects: &Objects) -> Result<()> {
    deliver(objects, &std::fs::read(plugin("neighbour")?)?).await?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    note(objects, "before", "first").await?;
    says(objects, "before", "first").await?;

    let of_kind = || objects.get(DEFINITIONS.0, DEFINITIONS.1, "", DEFINITION);
    let mut definition = of_kind().await?;
    objects.delete(DEFINITIONS.0, DEFINITIONS.1, "", DEFINITION).await?;
    eventually("the definition is gone", FOLLOWED, of_kind, Value::is_null).await?;
    let left = objects.get("v1", "configmaps", "default", "note-before").await?;
    ensure!(left.is_null(), "its object went without its finalizer being asked: {left:#}");

    for member in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
        definition["metadata"].as_object_mut().context("no metadata")?.remove(member);
    }
    definition.as_object_mut().context("no object")?.remove("status");
    objects.apply_value(&definition).await?;
    // It takes a moment until the new kind is served.
    let write = || note(objects, "after", "second");
    eventually("the kind is there again", SOON, write, |()| true).await?;
    let written = || objects.get("v1", "configmaps", "default", "note-after");
    eventually("the new note is followed", FOLLOWED, written, |found| found["data"]["text"] == "second").await?;
    let noted = || objects.get(NOTE, "notes", "default", "after");
    let is_well = |note: &Value| ["Ready", "Synced"].iter().all(|kind| condition(note, kind).0 == "True");
    eventually("the new note is well", FOLLOWED, noted, is_well).await?;
    Ok(())
}

/// What is away is no reason to say the same again and again.
fn is_not_noisy(log: &str) -> Result<()> {
    let mut said = HashMap::<&str, usize>::new();
    for line in log.lines() {
        let words = line.split_once(" WARN ").or_else(|| line.split_once("ERROR "));
        if let Some((_, words)) = words {
            *said.entry(words).or_default() += 1;
        }
    }
    said.retain(|_, times| *times > SAID);
    ensure!(said.is_empty(), "said more than {SAID} times: {said:#?}");
    Ok(())
}

pub(crate) async fn a_build_that_drops_a_kind_waits_for_its_objects(world: &World) -> Result<()> {
    alone(world, |world, objects| world.block_on(dropped_kinds_are_told(world, objects))).await
}

async fn dropped_kinds_are_told(world: &World, objects: &Objects) -> Result<()> {
    const HOSTILES: &str = "manages: [{apiGroups: [test.capstan.dev], kinds: [Hostile]}]";
    world.grant_rights("hostile", HOSTILES).await?;
    deliver(objects, &std::fs::read(plugin("neighbour")?)?).await?;
    provider(objects, "Loaded", "True", "Loaded").await?;
    note(objects, "left", "of the first build").await?;
    says(objects, "left", "of the first build").await?;

    // It has to be granted the other kind first, whose definition it does not bring.
    let other = std::fs::read(plugin("hostile")?)?;
    deliver(objects, &other).await?;
    let found = provider(objects, "Loaded", "False", "ForeignKind").await?;
    ensure!(condition(&found, "Healthy").1 == "LastGoodBuild", "{found:#}");
    objects.told("default", "Provider", "neighbour", "ForeignKind").await?;

    let manages = json!([{"apiGroups": ["test.capstan.dev"], "kinds": ["Hostile"]}]);
    build_by_hand(objects, &other, json!({"grants": {"manages": manages}})).await?;
    let found = provider(objects, "Loaded", "False", "WouldDropKind").await?;
    let (_, _, message) = condition(&found, "Loaded");
    for named in ["are left: 1 notes.test.capstan.dev.", "kubectl delete notes.test.capstan.dev --all --all-namespaces"]
    {
        ensure!(message.contains(named), "{named}: {message}");
    }
    ensure!(condition(&found, "Healthy").1 == "LastGoodBuild", "{found:#}");
    note(objects, "left", "goes on").await?;
    says(objects, "left", "goes on").await?;

    // What is deleted goes, and then the build comes into service with no further word.
    objects.delete(NOTE, "notes", "default", "left").await?;
    let found = provider(objects, "Loaded", "True", "Loaded").await?;
    ensure!(found["status"]["kinds"] == json!([{"apiVersion": "test.capstan.dev/v1", "kind": "Hostile"}]), "{found:#}");
    let note = objects.get(NOTE, "notes", "default", "left").await?;
    ensure!(note.is_null(), "{note:#}");
    Ok(())
}

async fn deliver(objects: &Objects, component: &[u8]) -> Result<()> {
    build_by_hand(objects, component, json!({"grants": all_config_maps()})).await
}

/// What the installed definition says of the length of a text.
async fn longest(objects: &Objects) -> Result<Value> {
    let found = objects.get("apiextensions.k8s.io/v1", "customresourcedefinitions", "", DEFINITION).await?;
    let text = found.pointer(TEXT).with_context(|| format!("{found:#}"))?;
    Ok(text["maxLength"].clone())
}

/// The same logic, whose definition takes no text of more than eight characters.
fn narrowed(component: &[u8]) -> Result<Vec<u8>> {
    replaced(component, r#""description":"What the ConfigMap is to hold.""#, r#""maxLength":8"#)
}

/// The same logic for `v2` of its kind, and a definition that has no other.
fn in_another_version(component: &[u8]) -> Result<Vec<u8>> {
    let component = replaced(component, "test.capstan.dev/v1", "test.capstan.dev/v2")?;
    replaced(&component, r#""versions":[{"name":"v1""#, r#""versions":[{"name":"v2""#)
}

/// A component says where its texts are: another text in such a place has to have the same length. JSON takes spaces.
fn replaced(component: &[u8], old: &str, new: &str) -> Result<Vec<u8>> {
    let new = format!("{new:<width$}", width = old.len());
    ensure!(new.len() == old.len(), "{new} is longer than {old}");
    let places: Vec<_> = component
        .windows(old.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == old.as_bytes())
        .map(|(at, _)| at)
        .collect();
    ensure!(!places.is_empty(), "there is no {old} in the component");
    let mut component = component.to_vec();
    for at in places {
        component[at..at + old.len()].copy_from_slice(new.as_bytes());
    }
    Ok(component)
}
