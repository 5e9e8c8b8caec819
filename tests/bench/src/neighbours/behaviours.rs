//! The quiet guest beside every behaviour of the list, each shown again and again.

use std::collections::BTreeMap;

use anyhow::Result;
use bytes::Bytes;
use capstan_hostile::{Behaviour, describing};
use capstan_sandbox::{Budget, Component, Guest, Sandbox};
use tokio::task;
use tokio_util::sync::CancellationToken;

use super::{CALL, Sessions};
use crate::{figures::ratio, hostile, process::proportional, support::scene::Scene, surroundings::component};

/// Of the whole list, in turns, so that what else the machine does is shared out. The first brings what is there for good.
const ROUNDS: usize = 2;
/// Sessions of the quiet guest beside a behaviour in a round, and as many alone before and after it.
const RUNS: usize = 120;

/// What was seen of one behaviour.
struct Row {
    behaviour: Behaviour,
    /// How it ended, and how often.
    ends: BTreeMap<String, usize>,
    alone: Sessions,
    beside: Sessions,
    /// Bytes that the process had more after it than before, in the last round.
    left: i64,
}

pub(super) async fn run(sandbox: &Sandbox, loaded: &Component, quiet: &Guest) -> Result<()> {
    let of = |behaviour: &Behaviour| Row {
        behaviour: *behaviour,
        ends: BTreeMap::new(),
        alone: Sessions::default(),
        beside: Sessions::default(),
        left: 0,
    };
    let mut rows: Vec<Row> = Behaviour::ALL.iter().map(of).collect();
    let mut levels = vec![memory()?];
    for _ in 0..ROUNDS {
        let mut alone = Sessions::of(quiet, RUNS).await?;
        for row in &mut rows {
            let before = memory()?;
            let act = Act::new(sandbox, loaded, row.behaviour).await?;
            let stop = CancellationToken::new();
            let acting = tokio::spawn(again_and_again(act, stop.clone()));
            let beside = Sessions::of(quiet, RUNS).await?;
            stop.cancel();
            for (end, count) in acting.await? {
                *row.ends.entry(end).or_default() += count;
            }
            row.beside.add(&beside);
            row.alone.add(&alone);
            alone = Sessions::of(quiet, RUNS).await?;
            row.alone.add(&alone);
            row.left = memory()?.saturating_sub(before);
        }
        levels.push(memory()?);
    }
    print(rows, &levels);
    Ok(())
}

/// Bytes that this process has.
fn memory() -> Result<i64> {
    Ok(i64::try_from(proportional(std::process::id())?)?)
}

/// Something that shows a behaviour.
enum Act {
    /// In what it says of itself.
    Description(Component),
    /// In a session, on a scene that is there as long.
    Session { behaviour: Behaviour, guest: Box<Guest>, _scene: Box<Scene> },
}

impl Act {
    async fn new(sandbox: &Sandbox, loaded: &Component, behaviour: Behaviour) -> Result<Self> {
        if behaviour.is_of_describe() {
            let component = describing(&component("hostile")?, behaviour);
            return Ok(Self::Description(sandbox.load(Bytes::from(component)).await?));
        }
        let scene = hostile::scene().await?;
        let budget = Budget { call: CALL, ..Budget::default() };
        let guest = hostile::guest(loaded, &loaded.describe().await?, &scene, budget);
        let guest = Box::new(guest);
        Ok(Self::Session { behaviour, guest, _scene: Box::new(scene) })
    }

    /// Once; by what name it ended.
    async fn show(&self) -> String {
        match self {
            Self::Description(component) => match component.describe().await {
                Ok(_) => "answered".to_owned(),
                Err(outcome) => outcome.reason().to_owned(),
            },
            Self::Session { behaviour, guest, .. } => match hostile::session(guest, *behaviour).await {
                Ok(()) if guest.counts().lines_dropped > 0 => "answered, lines dropped".to_owned(),
                Ok(()) if guest.counts().events_dropped > 0 => "answered, events dropped".to_owned(),
                Ok(()) => "answered".to_owned(),
                Err(failure) if failure.problem.reason.is_empty() => "failed, its reason refused".to_owned(),
                Err(failure) => failure.problem.reason.into_owned(),
            },
        }
    }
}

/// Without the rest that a host gives to who fails, until it is stopped. How often it ended by which name.
async fn again_and_again(act: Act, stop: CancellationToken) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    while !stop.is_cancelled() {
        *ends.entry(act.show().await).or_default() += 1;
        task::yield_now().await;
    }
    ends
}

fn print(rows: Vec<Row>, levels: &[i64]) {
    let mut rows: Vec<_> = rows.into_iter().map(|row| (worse(&row.alone, &row.beside), row)).collect();
    rows.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    println!("  every behaviour, shown again and again without rest; the worst first");
    println!(
        "  {:30} {:44} {:>17} {:>21} {:>6} {:>17} {:>9}",
        "behaviour", "outcome, how often", "p50 alone, beside", "p99 alone, beside", "times", "late, p99", "left"
    );
    let (mut alone, mut beside) = (Sessions::default(), Sessions::default());
    for (times, row) in &rows {
        let ends: Vec<_> = row.ends.iter().map(|(end, count)| format!("{end} {count}")).collect();
        let (plain, with) = (row.alone.took(), row.beside.took());
        println!(
            "  {:30} {:44} {:>8.0?} {:>8.0?} {:>10.0?} {:>10.0?} {times:>6.2} {:>8.1?} {:>8.1?} {:>5} KiB",
            row.behaviour.name(),
            ends.join(", "),
            plain.percentile(50),
            with.percentile(50),
            plain.percentile(99),
            with.percentile(99),
            row.alone.late().percentile(99),
            row.beside.late().percentile(99),
            row.left / 1024,
        );
        alone.add(&row.alone);
        beside.add(&row.beside);
    }
    let (worst, middle) = (rows.first(), rows.get(rows.len() / 2));
    let times = |row: Option<&(f64, Row)>| row.map_or(1.0, |(times, _)| *times);
    let above = |bound: f64| rows.iter().filter(|(times, _)| *times > bound).count();
    println!(
        "  {} behaviours: p99 beside them is {:.2} times that alone in the middle one, {:.2} in the worst; above 1.5 for {}, above 3 \
         for {}; {:.2} over the sessions of all",
        rows.len(),
        times(middle),
        times(worst),
        above(1.5),
        above(3.0),
        worse(&alone, &beside)
    );
    let levels: Vec<_> = levels.iter().map(|level| format!("{:.1}", mebibytes(*level))).collect();
    println!("  MiB (PSS) of the process before the first of them, and after each round of all: {}", levels.join(", "));
}

/// The p99 beside as a multiple of that alone.
fn worse(alone: &Sessions, beside: &Sessions) -> f64 {
    ratio(beside.took().percentile(99).as_nanos(), alone.took().percentile(99).as_nanos())
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn mebibytes(bytes: i64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
