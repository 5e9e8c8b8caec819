//! Several hosts share the providers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{Faults, Objects, Signal, wall_clock_off_by};
use jiff::Timestamp;

use crate::{
    changes::Changes,
    replica_set::{
        LOADED, LONG, PROVIDERS, ReplicaSet, SHORT, Times, in_a_set, is_of_lease, note, notes_say, provider,
        write_notes,
    },
    world::{SOON, World},
};

/// For looking, and for a machine that is busy.
const MARGIN: Duration = Duration::from_secs(5);

/// Of each request, and so of the least that an orderly end can take: a Lease is to be given up.
const CRAWLING: Duration = Duration::from_secs(15);

async fn in_a_set_with_notes(
    world: &World,
    times: Times,
    story: impl FnOnce(&mut ReplicaSet) -> Result<()> + Send + 'static,
) -> Result<()> {
    in_a_set(world, times, |set| {
        set.provide_notes()?;
        story(set)
    })
    .await
}

/// Notes of all providers are changed.
fn change_notes(set: &ReplicaSet) -> Result<Changes> {
    Changes::begin(set, |objects, round| async move {
        write_notes(&objects, "loop", &format!("round {round}")).await?;
        // New ones as well, that have to be created outside.
        write_notes(&objects, &format!("new-{}", round / 5), "new").await
    })
}

/// The last state arrives everywhere, and nothing was made twice.
fn notes_arrive(set: &ReplicaSet, changes: Changes) -> Result<()> {
    let last = changes.end(set)?;
    set.runtime.block_on(async {
        let objects = set.objects()?;
        notes_say(&objects, "loop", &format!("round {last}"), LOADED).await?;
        for number in 0..=last / 5 {
            notes_say(&objects, &format!("new-{number}"), "new", LOADED).await?;
        }
        anyhow::Ok(())
    })?;
    made_once(set)
}

fn made_once(set: &ReplicaSet) -> Result<()> {
    let made_twice = set.made_twice()?;
    ensure!(made_twice.is_empty(), "made twice: {made_twice:?}");
    Ok(())
}

/// One dies without a word, and another has everything once its lease is over, and not before.
fn dies(set: &mut ReplicaSet, place: usize, heir: usize) -> Result<()> {
    set.replicas[place].process.kill()?;
    let killed = Instant::now();
    set.until("the other takes over", SHORT.duration + MARGIN, |set, holders| set.held_by(holders, heir) == PROVIDERS)?;
    // Its last renewal was sent before it died, and half a second may lie between the two.
    ensure!(killed.elapsed() + 2 * SHORT.retry > SHORT.duration, "not before its time: {:?}", killed.elapsed());
    Ok(())
}

pub(crate) async fn two_share_the_providers_and_one_takes_over_from_the_other(world: &World) -> Result<()> {
    in_a_set_with_notes(world, SHORT, |set| {
        set.start_two()?;
        let holders = set.quiet()?;
        ensure!(set.held_by(&holders, 0) + set.held_by(&holders, 1) == PROVIDERS, "{holders:?}");
        set.runtime.block_on(async {
            let objects = set.objects()?;
            write_notes(&objects, "shared", "first").await?;
            notes_say(&objects, "shared", "first", SOON).await
        })?;
        let changes = change_notes(set)?;
        dies(set, 1, 0)?;
        notes_arrive(set, changes)
    })
    .await
}

/// In seconds. Longer than any lease, and than what was created may take to show.
const TEN_MINUTES: i64 = 600;

/// At first one that runs right and one that is ahead, then the same one and another that is behind.
pub(crate) async fn two_whose_clocks_are_ten_minutes_apart_share_and_create_once(world: &World) -> Result<()> {
    in_a_set_with_notes(world, SHORT, |set| {
        set.start()?;
        set.until("the first runs all", LOADED, |set, holders| set.held_by(holders, 0) == PROVIDERS)?;
        let changes = change_notes(set)?;
        let ahead = beside_one_that_is_off_by(set, TEN_MINUTES)?;
        dies(set, ahead, 0)?;
        let behind = beside_one_that_is_off_by(set, -TEN_MINUTES)?;
        dies(set, 0, behind)?;
        notes_arrive(set, changes)
    })
    .await
}

/// A replica comes whose clock is off by so many seconds, and nobody takes anything over though a lease would be over by the
/// times that are written down. Gives its place.
fn beside_one_that_is_off_by(set: &mut ReplicaSet, seconds: i64) -> Result<usize> {
    let environment = wall_clock_off_by(seconds)?;
    let place = set.start_one_with_a_share(&environment.each_ref().map(|(name, value)| (*name, value.as_str())))?;
    let off_by = set.renewed(place)?.duration_since(Timestamp::now());
    ensure!((off_by.as_secs() - seconds).abs() < TEN_MINUTES / 2, "its clock is off by {off_by:?}");
    let (holders, begun) = (set.holders()?, Instant::now());
    while begun.elapsed() < SHORT.duration + 2 * SHORT.retry {
        let now = set.holders()?;
        ensure!(now == holders, "moved: {holders:?}, then {now:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(place)
}

pub(crate) async fn one_that_was_stopped_writes_nothing_after_the_takeover(world: &World) -> Result<()> {
    in_a_set_with_notes(world, SHORT, |set| {
        set.start_two()?;
        let changes = change_notes(set)?;
        for round in 0..3 {
            let holders = set.until("all run", LOADED, |set, holders| {
                set.held_by(holders, 0) + set.held_by(holders, 1) == PROVIDERS
            })?;
            // Chance decides who has more.
            let place = usize::from(set.held_by(&holders, 1) > set.held_by(&holders, 0));
            // In the middle of something, each time of something else.
            std::thread::sleep(Duration::from_millis(700 + 37 * round));
            let stopped = &set.replicas[place];
            let memberships = || stopped.process.log().matches("is one of the replicas").count();
            stopped.process.signal(Signal::Stop)?;
            set.until("the other takes over", SHORT.duration + MARGIN, |set, holders| {
                set.held_by(holders, 1 - place) == PROVIDERS
            })?;
            let (before, joined) = (stopped.proxy.accepted().len(), memberships());
            stopped.process.signal(Signal::Continue)?;
            set.until("it comes back as a new member", LOADED, |_, _| memberships() > joined)?;
            // From then on it may be given providers again, and write.
            let late: Vec<_> = stopped.proxy.accepted().split_off(before);
            let again = late.iter().position(|write| write.path.contains("/leases/capstan-provider-"));
            let late = &late[..again.unwrap_or(late.len())];
            let writes: Vec<_> = late.iter().filter(|write| !is_of_lease(write)).collect();
            ensure!(writes.is_empty(), "taken from a replica whose time was over: {writes:#?}");
        }
        notes_arrive(set, changes)
    })
    .await
}

pub(crate) async fn one_that_is_asked_to_stop_hands_over_at_once(world: &World) -> Result<()> {
    in_a_set_with_notes(world, LONG, |set| {
        set.start_two()?;
        let holders = set.quiet()?;
        let pod = format!("{}_", set.replicas[1].pod);
        let number = (0..PROVIDERS).find(|number| holders[&provider(*number)].starts_with(&pod)).context("no share")?;
        // Slow enough to be met between the intent to create and its result.
        set.replicas[1].proxy.set_faults(Faults { latency: Duration::from_millis(500), ..Faults::default() });
        let before = set.replicas[1].proxy.accepted().len();
        set.runtime.block_on(async {
            let objects = set.objects()?;
            write_notes(&objects, "late", "in flight").await?;
            intended(&objects, number).await
        })?;
        set.replicas[1].process.signal(Signal::Terminate)?;
        let asked = Instant::now();
        set.until("the other takes over", Duration::from_secs(40), |set, holders| {
            set.held_by(holders, 0) == PROVIDERS
        })?;
        ensure!(asked.elapsed() < LONG.duration / 2, "long before anything expires: {:?}", asked.elapsed());
        set.replicas[1].ended()?;
        let writes: Vec<String> =
            set.replicas[1].proxy.accepted().split_off(before).into_iter().map(|write| write.path).collect();
        let made = writes.iter().position(|path| path.ends_with(&format!("/configmaps/note-late-{number}")));
        let recorded = writes.iter().rposition(|path| path.ends_with(&format!("/notes/late-{number}")));
        ensure!(made.is_some() && made < recorded, "its create was finished and written down: {writes:#?}");
        let free =
            writes.iter().position(|path| path.ends_with(&format!("/leases/capstan-provider-{}", provider(number))));
        ensure!(recorded < free, "and then the lease was given up: {writes:#?}");
        set.runtime.block_on(async {
            let objects = set.objects()?;
            let note = note(&objects, "late", number).await?;
            ensure!(note["metadata"]["annotations"]["krateo.io/external-create-succeeded"].is_string(), "{note:#}");
            notes_say(&objects, "late", "in flight", SOON).await
        })?;
        made_once(set)?;
        asked_twice_it_ends_at_once(set)
    })
    .await
}

/// The first of a set, which has work and an API server that crawls.
fn asked_twice_it_ends_at_once(set: &mut ReplicaSet) -> Result<()> {
    let first = &mut set.replicas[0];
    first.proxy.set_faults(Faults { latency: CRAWLING, ..Faults::default() });
    first.process.signal(Signal::Terminate)?;
    let deadline = Instant::now() + MARGIN;
    while !first.process.log().contains("a second signal ends at once") {
        ensure!(Instant::now() < deadline, "it does not say that it stops");
        std::thread::sleep(Duration::from_millis(20));
    }
    ensure!(first.process.is_running(), "it ended at the first signal");
    first.process.signal(Signal::Terminate)?;
    let asked = Instant::now();
    let code = loop {
        if let Some(code) = first.process.exit_code()? {
            break code;
        }
        ensure!(asked.elapsed() < MARGIN, "it still runs {:?} after the second signal", asked.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    };
    ensure!(code == 1, "it ended with {code}");
    Ok(())
}

/// Waits until the intent to create stands there, and no result.
async fn intended(objects: &Objects, number: usize) -> Result<()> {
    let deadline = Instant::now() + SOON;
    loop {
        let note = note(objects, "late", number).await?;
        let annotations = &note["metadata"]["annotations"];
        if annotations["krateo.io/external-create-pending"].is_string() {
            ensure!(annotations["krateo.io/external-create-succeeded"].is_null(), "too late to meet it: {note:#}");
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "no create is begun: {note:#}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn a_third_is_given_its_share_one_by_one(world: &World) -> Result<()> {
    in_a_set_with_notes(world, LONG, |set| {
        set.start_two()?;
        let changes = change_notes(set)?;
        let before = set.quiet()?;
        set.start()?;
        let mut most = 0;
        let mut moved = std::collections::BTreeSet::new();
        let mut last_move = Instant::now();
        // As long as anything moves. Compiling takes longer than handing over.
        while last_move.elapsed() < Duration::from_secs(15) {
            let holders = set.holders()?;
            let standing: Vec<_> = holders.iter().filter(|(_, holder)| holder.is_empty()).collect();
            most = most.max(standing.len());
            for (name, holder) in &holders {
                if before.get(name) != Some(holder) && moved.insert((name.clone(), holder.clone())) {
                    last_move = Instant::now();
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        ensure!(most <= 1, "{most} providers were without a holder at the same time");
        let holders = set.quiet()?;
        let third = format!("{}_", set.replicas[2].pod);
        for (name, holder) in &holders {
            ensure!(
                before[name] == *holder || holder.starts_with(&third),
                "{name} moved to {holder}: only its own move"
            );
        }
        notes_arrive(set, changes)
    })
    .await
}
