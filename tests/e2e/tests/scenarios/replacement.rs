//! Logic that is replaced again and again while it works.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{Objects, condition, eventually, plugin};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use crate::world::{NAMESPACE, World};

const OBJECTS: usize = 200;
const REPLACEMENTS: usize = 50;
/// So many of the builds are of no use: every tenth.
const BROKEN: usize = 10;
/// Compiling a component takes seconds on a busy machine.
const LIVE: Duration = Duration::from_mins(1);
/// Between two changes, of one object after the other.
const CHANGE: Duration = Duration::from_millis(20);
/// For all objects, after everything.
const SETTLED: Duration = Duration::from_mins(2);
const GRANTS: &str = r#"kubernetes: [{apiGroups: [""], kinds: [ConfigMap], verbs: ["*"]}]"#;

/// A world of its own, with a proxy that counts.
pub(crate) async fn logic_is_replaced_fifty_times_under_changing_objects(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::bare_behind_proxy(kind)?;
        let before = world.block_on(first_build(&world))?;
        let watched = world.proxy()?.watches();
        world.block_on(replacements(&world, before)).with_context(|| world.log())?;
        let runtime = world.runtime();
        let proxy = world.proxy()?;
        let again: BTreeMap<_, _> =
            proxy.watches().into_iter().filter(|(path, opened)| watched.get(path) != Some(opened)).collect();
        ensure!(again.is_empty(), "watches were opened again: {again:?}, at first {watched:?}");
        runtime.block_on(proxy.settled())?;
        let made = proxy.creates();
        let notes: Vec<_> = made.iter().filter(|(path, _)| path.contains("/configmaps/note-busy-")).collect();
        ensure!(notes.len() == OBJECTS && notes.iter().all(|(_, made)| **made == 1), "{notes:?}");
        ensure!(world.is_running(), "{}", world.log());
        Ok(())
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

/// All objects are there and settled under the first build; gives its digest.
async fn first_build(world: &World) -> Result<String> {
    let objects = world.objects()?;
    world.grant_rights("neighbour", GRANTS).await?;
    deliver(&objects, &build(0)?).await?;
    let digest = live(&objects, None).await?;
    write_notes(&objects, "first").await?;
    notes_say(&objects, "first").await?;
    Ok(digest)
}

async fn replacements(world: &World, mut digest: String) -> Result<()> {
    let objects = world.objects()?;
    let stop = Arc::new(AtomicBool::new(false));
    let changing = {
        let (objects, stop) = (objects.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut changes = tokio::time::interval(CHANGE);
            changes.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut change = 0;
            while !stop.load(SeqCst) {
                changes.tick().await;
                write_note(&objects, change % OBJECTS, &format!("round {}", change / OBJECTS)).await?;
                change += 1;
            }
            anyhow::Ok(())
        })
    };
    for number in 1..=REPLACEMENTS {
        if number % BROKEN == 0 {
            deliver(&objects, format!("\0asm nonsense {number}").as_bytes()).await?;
            let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "neighbour");
            let refused = |found: &Value| {
                condition(found, "Loaded").0 == "False" && condition(found, "Healthy").1 == "LastGoodBuild"
            };
            let found = eventually("the broken build is refused", LIVE, look, refused).await?;
            ensure!(found["status"]["digest"] == *digest, "{found:#}");
        } else {
            deliver(&objects, &build(number)?).await?;
            digest = live(&objects, Some(&digest)).await?;
        }
    }
    stop.store(true, SeqCst);
    changing.await.context("the writer panicked")??;
    write_notes(&objects, "last").await?;
    notes_say(&objects, "last").await
}

/// The same logic with another digest.
fn build(number: usize) -> Result<Vec<u8>> {
    let mut component = std::fs::read(plugin("neighbour")?)?;
    // A custom section: its size, the length of its name, the name.
    let name = format!("build-{number:03}");
    let length = u8::try_from(name.len())?;
    component.extend([0, length + 1, length]);
    component.extend(name.as_bytes());
    Ok(component)
}

async fn deliver(objects: &Objects, component: &[u8]) -> Result<()> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, component)?;
    let labels = json!({"capstan.dev/provider": "neighbour"});
    objects
        .apply_value(&json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "carrier", "namespace": NAMESPACE, "labels": labels},
            "data": {"grants.yaml": GRANTS}, "binaryData": {"provider.wasm.gz": STANDARD.encode(gzip.finish()?)},
        }))
        .await
}

/// Waits until another build than `former` is in service; gives its digest.
async fn live(objects: &Objects, former: Option<&str>) -> Result<String> {
    let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "neighbour");
    let found = eventually("the build is in service", LIVE * 2, look, |found| {
        let digest = found["status"]["digest"].as_str();
        condition(found, "Loaded").0 == "True" && digest.is_some() && digest != former
    })
    .await?;
    found["status"]["digest"].as_str().map(str::to_owned).context("no digest")
}

async fn write_notes(objects: &Objects, text: &str) -> Result<()> {
    for number in 0..OBJECTS {
        write_note(objects, number, text).await?;
    }
    Ok(())
}

async fn write_note(objects: &Objects, number: usize, text: &str) -> Result<()> {
    let metadata = json!({"name": format!("busy-{number}"), "namespace": "default"});
    let note =
        json!({"apiVersion": "test.capstan.dev/v1", "kind": "Note", "metadata": metadata, "spec": {"text": text}});
    objects.apply_value(&note).await
}

async fn notes_say(objects: &Objects, text: &str) -> Result<()> {
    let look = || async {
        let found = objects.list("v1", "configmaps", "default").await?;
        let notes = found
            .iter()
            .filter(|found| found["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("note-busy-")));
        Ok(notes.filter(|note| note["data"]["text"] == text).count())
    };
    eventually(&format!("all notes say {text}"), SETTLED, look, |said| *said == OBJECTS).await.map(drop)
}
