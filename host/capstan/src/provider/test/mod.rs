//! `capstan provider test`: a component in the real sandbox, under the real lifecycle, on a cluster in this process; other systems
//! are played by the case.

mod answers;
mod case;
mod subset;
mod world;

use std::{collections::HashMap, path::Path, time::Duration};

use anyhow::{Result, bail, ensure};
use capstan_api::Grants;
use tokio::time::{Instant, sleep};

use super::{file::ProviderFile, package::read_grants};
use crate::{cli, documents::print_text};
use case::{Case, Step, Target};
use subset::difference;
use world::World;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn run(options: &cli::Test) -> Result<()> {
    let grants = match &options.grants {
        Some(path) => read_grants(path)?.1,
        None => Grants::default(),
    };
    // All of them before any is run: a typing mistake is better found at once.
    let cases = options.cases.iter().map(|path| Ok((path, Case::read(path)?))).collect::<Result<Vec<_>>>()?;
    let file = ProviderFile::open(&options.file).await?;
    capstan_providers::check_kinds(&file.descriptor, &grants)?;
    file.descriptor.check_config(grants.config.as_ref())?;
    let mut failed = 0;
    for (path, case) in &cases {
        let mut world = World::start(&file.component, &file.descriptor, &grants).await?;
        let ended = play(&mut world, case, options.timeout).await;
        failed += usize::from(ended.is_err());
        print_text(&line(path, ended))?;
    }
    print_text(&format!("{} passed, {failed} failed\n", cases.len() - failed))?;
    ensure!(failed == 0, "{failed} of {} cases failed", cases.len());
    Ok(())
}

fn line(path: &Path, ended: Result<()>) -> String {
    match ended {
        Ok(()) => format!("ok      {}\n", path.display()),
        Err(error) => format!("FAILED  {}\n        {error:#}\n", path.display()),
    }
}

async fn play(world: &mut World, case: &Case, patience: Duration) -> Result<()> {
    for (number, step) in case.steps.iter().enumerate() {
        let name = if step.name.is_empty() { String::new() } else { format!(" ({})", step.name) };
        take(world, step, patience).await.map_err(|error| error.context(format!("step {}{name}", number + 1)))?;
    }
    Ok(())
}

async fn take(world: &mut World, step: &Step, patience: Duration) -> Result<()> {
    let before = counted(world.events().await?);
    world.answers.set(&step.http);
    for object in &step.apply {
        world.apply(object).await?;
    }
    for target in &step.delete {
        world.delete(target).await?;
    }
    let deadline = Instant::now() + patience;
    loop {
        ensure!(!world.is_broken(), "a part of the host ended: run it again with RUST_LOG=debug");
        let open = open(world, step, &before).await?;
        // Nothing that is waited for mends this.
        if let Some(problem) = world.answers.unexpected() {
            bail!("{problem}");
        }
        let Some(open) = open else { return Ok(()) };
        if Instant::now() >= deadline {
            bail!("{open} (waited {patience:?}){}", told(world, step).await?);
        }
        sleep(LOOK).await;
    }
}

/// The first thing that is not as expected yet.
async fn open(world: &World, step: &Step, before: &HashMap<String, usize>) -> Result<Option<String>> {
    for expected in &step.expect.objects {
        let target = Target::of(expected)?;
        let Some(actual) = world.find(&target).await? else {
            return Ok(Some(format!("{} {} is not there", target.kind, target.name)));
        };
        if let Some(place) = difference(expected, &actual) {
            return Ok(Some(format!("{} {}: {place}", target.kind, target.name)));
        }
    }
    for target in &step.expect.absent {
        if world.find(target).await?.is_some() {
            return Ok(Some(format!("{} {} is still there", target.kind, target.name)));
        }
    }
    if let Some(missing) = world.answers.missing() {
        return Ok(Some(missing));
    }
    let now = counted(world.events().await?);
    let wanted = counted(step.expect.events.clone());
    let more = |reason: &String| {
        now.get(reason).copied().unwrap_or_default().saturating_sub(before.get(reason).copied().unwrap_or_default())
    };
    let missing = wanted.iter().find(|(reason, times)| more(reason) < **times);
    Ok(missing.map(|(reason, _)| format!("the event {reason} was not recorded")))
}

fn counted(words: Vec<String>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// What the conditions of the applied objects say, which is mostly why.
async fn told(world: &World, step: &Step) -> Result<String> {
    let mut lines = Vec::new();
    for object in &step.apply {
        let target = Target::of(object)?;
        let found = world.find(&target).await?.unwrap_or_default();
        for condition in found["status"]["conditions"].as_array().into_iter().flatten() {
            let of = |field: &str| condition[field].as_str().unwrap_or_default();
            let (kind, status, reason, message) = (of("type"), of("status"), of("reason"), of("message"));
            lines.push(format!("\n        {} {}: {kind}={status} {reason} {message}", target.kind, target.name));
        }
    }
    Ok(lines.concat())
}
