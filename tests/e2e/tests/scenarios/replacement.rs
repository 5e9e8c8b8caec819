//! Logic that is replaced again and again while it works.
//!
//! Whatever could hide that a change was lost is kept out: nothing is polled, each of the objects that tell changes once in its
//! life, and it has to be followed before the next build comes, which would have every object looked at again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_e2e::{Creates, Objects, condition, eventually, plugin};
use futures::future::try_join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use crate::world::{NAMESPACE, World};

/// Objects that change all the time.
const OBJECTS: usize = 200;
const REPLACEMENTS: usize = 50;
/// Objects for each replacement that change once, around it.
const ONCE: usize = 3;
/// So many of the builds are of no use: every tenth.
const BROKEN: usize = 10;
/// Compiling a component takes seconds on a busy machine.
const LIVE: Duration = Duration::from_mins(1);
/// Between two changes, of one object after the other.
const CHANGE: Duration = Duration::from_millis(20);
/// For all objects, after everything.
const SETTLED: Duration = Duration::from_mins(2);
/// For those that changed once. Far less than until a poll, and nothing else comes.
const FOLLOWED: Duration = Duration::from_mins(1);
/// Of every note, instead of the provider's: the longest there is.
const POLL: (&str, &str) = ("capstan.dev/poll-interval", "24h");
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
        let notes: Vec<_> = made.iter().filter(|(path, _)| path.contains("/configmaps/note-")).collect();
        let once = Creates { made: 1, existing: 0 };
        ensure!(notes.len() == names().count() && notes.iter().all(|(_, creates)| **creates == once), "{notes:?}");
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
    for name in names() {
        write_note(&objects, &name, "first").await?;
    }
    notes_say(&objects, "all notes say first", SETTLED, names().map(|name| (name, "first".to_owned())).collect())
        .await?;
    Ok(digest)
}

async fn replacements(world: &World, mut digest: String) -> Result<()> {
    let objects = world.objects()?;
    let stop = Arc::new(AtomicBool::new(false));
    let changing = tokio::spawn(change_all_the_time(objects.clone(), Arc::clone(&stop)));
    let mut took = Duration::from_secs(1);
    for number in 1..=REPLACEMENTS {
        // Before the build is there, while it is compiled and put in place, and when all have been looked at again.
        let around = (took * 2).min(LIVE);
        (digest, took) = tokio::try_join!(replace(&objects, number, digest), change_once(&objects, number, around))
            .map(|done| done.0)?;
        let changed = (0..ONCE).map(|each| (once(number, each), "changed".to_owned())).collect();
        notes_say(&objects, &format!("changes around build {number} are followed"), FOLLOWED, changed).await?;
    }
    stop.store(true, SeqCst);
    let changes = changing.await.context("the writer panicked")??;
    // The last build was broken: since the one before, nothing but its own changes had any object looked at.
    let last = (0..OBJECTS).map(|number| (busy(number), last_text(number, changes))).collect();
    notes_say(&objects, "all notes say what was written last", SETTLED, last).await
}

/// One object after the other, until it is told to stop; how many changes there were.
async fn change_all_the_time(objects: Objects, stop: Arc<AtomicBool>) -> Result<usize> {
    let mut ticks = tokio::time::interval(CHANGE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changes = 0;
    while !stop.load(SeqCst) {
        ticks.tick().await;
        write_note(&objects, &busy(changes % OBJECTS), &round(changes / OBJECTS)).await?;
        changes += 1;
    }
    Ok(changes)
}

fn round(number: usize) -> String {
    format!("round {number}")
}

/// What the changes so far have left in a note.
fn last_text(number: usize, changes: usize) -> String {
    match changes.checked_sub(number + 1) {
        Some(since) => round(since / OBJECTS),
        None => "first".to_owned(),
    }
}

/// Delivers a build and waits until it is in service, or refused. The digest that is in service then, and the time it took.
async fn replace(objects: &Objects, number: usize, digest: String) -> Result<(String, Duration)> {
    let begun = Instant::now();
    if !number.is_multiple_of(BROKEN) {
        deliver(objects, &build(number)?).await?;
        return Ok((live(objects, Some(&digest)).await?, begun.elapsed()));
    }
    deliver(objects, format!("\0asm nonsense {number}").as_bytes()).await?;
    let look = || objects.get("capstan.dev/v1alpha1", "providers", "", "neighbour");
    let refused =
        |found: &Value| condition(found, "Loaded").0 == "False" && condition(found, "Healthy").1 == "LastGoodBuild";
    let found = eventually("the broken build is refused", LIVE, look, refused).await?;
    ensure!(found["status"]["digest"] == *digest, "{found:#}");
    Ok((digest, begun.elapsed()))
}

/// The changes that belong to a replacement, each at a moment of its own from now on.
async fn change_once(objects: &Objects, replacement: usize, around: Duration) -> Result<()> {
    let mut random = StdRng::seed_from_u64(u64::try_from(replacement)?);
    let moments: Vec<Duration> = (0..ONCE).map(|_| around.mul_f64(random.random_range(0.0..1.0))).collect();
    let change = |(each, moment): (usize, Duration)| async move {
        tokio::time::sleep(moment).await;
        write_note(objects, &once(replacement, each), "changed").await
    };
    try_join_all(moments.into_iter().enumerate().map(change)).await.map(drop)
}

fn busy(number: usize) -> String {
    format!("busy-{number}")
}

fn once(replacement: usize, each: usize) -> String {
    format!("once-{replacement}-{each}")
}

/// Of all notes.
fn names() -> impl Iterator<Item = String> {
    let once = (1..=REPLACEMENTS).flat_map(|number| (0..ONCE).map(move |each| once(number, each)));
    (0..OBJECTS).map(busy).chain(once)
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

async fn write_note(objects: &Objects, name: &str, text: &str) -> Result<()> {
    let metadata = json!({"name": name, "namespace": "default", "annotations": {POLL.0: POLL.1}});
    let note =
        json!({"apiVersion": "test.capstan.dev/v1", "kind": "Note", "metadata": metadata, "spec": {"text": text}});
    objects.apply_value(&note).await
}

/// Waits until the config maps of these notes say what they should; the error shows those that do not.
async fn notes_say(objects: &Objects, what: &str, limit: Duration, wanted: BTreeMap<String, String>) -> Result<()> {
    let look = || async {
        let found = objects.list("v1", "configmaps", "default").await?;
        let says = |name: &str, text: &str| {
            let name = format!("note-{name}");
            found.iter().any(|found| found["metadata"]["name"] == *name && found["data"]["text"] == text)
        };
        Ok(wanted.iter().filter(|(name, text)| !says(name, text)).collect::<Vec<_>>())
    };
    eventually(what, limit, look, Vec::is_empty).await.map(drop)
}
