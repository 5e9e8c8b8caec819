//! Many repositories on the quota of one token, for a day.
//!
//! The clocks of programs cannot be put forward, so GitHub's hour is a short one here. Its proportions are those of 500
//! repositories on a quota of 5,000, looked at every minute, as the host does unless it is told otherwise: 30,000 looks in an
//! hour, six times the quota. All that is asserted is read from GitHub's own record of what it was asked.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use capstan_fakegithub::{Exchange, Seed};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::tenant::{GROUP, Tenant};
use crate::world::{SOON, World};

const NAME: &str = "gh-day";
/// Not 500: where the quota is used up, each writes its conditions twice and an event within an hour of this length, and what
/// limits that is the API server beside other scenarios. The http capability has a test of its own with 500, and real hours.
const REPOSITORIES: usize = 100;
/// Every so many of them are created, and the others are there.
const MADE: usize = 5;
/// As short as leaves three looks, of which a second is the least interval; the time of its end has seconds.
const HOUR: Duration = Duration::from_secs(3);
const QUOTA: u64 = 50;
const HOURS: usize = 24;
/// In which the quota is used up by somebody else.
const RUSH_HOURS: usize = 3;
/// Requests of a provider that the host has under way at a time. So many may be refused before it has read that one was.
const UNDER_WAY: usize = 8;

/// What was asked, by the end of the hour that it was counted in.
type Hours = BTreeMap<Timestamp, Vec<Exchange>>;

/// A world of its own: the quota is everybody's, and all objects of a provider share its slots.
pub(crate) async fn many_stay_within_the_quota_of_one_token_for_a_day(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::with_github(kind)?;
        world.block_on(day(&world))?;
        world.assert_described()
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn day(world: &World) -> Result<()> {
    world.hub().fake.set(|settings| {
        settings.hour = HOUR;
        settings.hourly_quota = QUOTA;
    });
    let tenant = Tenant::new(world, NAME).await?;
    for number in 0..REPOSITORIES {
        let name = name(number);
        if number % MADE > 0 {
            tenant.seed().repository(NAME, &name);
            tenant.seed().change_repository(NAME, &name, &json!({"has_wiki": false}));
        }
        tenant.apply(&tenant.object("Repo", &name, &json!({"name": name, "hasWiki": false}))).await?;
    }
    settle(&tenant, "all converge in the morning").await?;
    let converged = tenant.fake().clock().now();

    let noon = 0..10;
    let mut changed = noon.len();
    drift(&tenant, noon).await?;
    for _ in 0..RUSH_HOURS {
        another_hour(&tenant, hours(&tenant).len() + 1).await?;
        tenant.seed().exhaust(&tenant.login("anna"));
        let next = changed..changed + MADE;
        changed = next.end;
        drift(&tenant, next).await?;
    }
    another_hour(&tenant, HOURS).await?;
    settle(&tenant, "all is well in the evening").await?;

    let hours = hours(&tenant);
    hold_from_the_first_refusal(&hours)?;
    come_back_without_a_storm(&hours)?;
    cost_what_changed(&hours, converged, changed)
}

fn name(number: usize) -> String {
    format!("shop-{number}")
}

fn hours(tenant: &Tenant<'_>) -> Hours {
    let mut hours = Hours::new();
    for exchange in tenant.exchanges() {
        if let Some(end) = exchange.reset {
            hours.entry(end).or_default().push(exchange);
        }
    }
    hours
}

/// Waits until something was asked in so many hours.
async fn another_hour(tenant: &Tenant<'_>, wanted: usize) -> Result<()> {
    let look = || async { Ok(hours(tenant).len()) };
    let limit = 2 * HOUR * u32::try_from(HOURS)?;
    eventually(&format!("{wanted} hours"), limit, look, |begun| *begun >= wanted).await.map(drop)
}

/// Waits until nothing is in any object's way.
async fn settle(tenant: &Tenant<'_>, what: &str) -> Result<()> {
    let look = || async {
        let is = |object: &Value, kind| condition(object, kind).0 == "True";
        let mut left = tenant.objects.list(GROUP, "repoes", NAME).await?;
        left.retain(|object| !(is(object, "Ready") && is(object, "Synced")));
        Ok(left
            .iter()
            .map(|object| format!("{}: {:?}", object["metadata"]["name"], condition(object, "Synced")))
            .collect())
    };
    eventually(what, 4 * SOON, look, |left: &Vec<String>| left.is_empty()).await.map(drop)
}

/// Somebody changes some at GitHub's pages, which is mended.
async fn drift(tenant: &Tenant<'_>, numbers: Range<usize>) -> Result<()> {
    for number in numbers.clone() {
        tenant.seed().change_repository(NAME, &name(number), &json!({"has_wiki": true}));
    }
    let is_mended =
        |seed: &Seed<'_>, number| seed.look(NAME, &name(number)).is_some_and(|found| found["has_wiki"] == false);
    let look = |seed: &Seed<'_>| -> Vec<usize> { numbers.clone().filter(|number| !is_mended(seed, *number)).collect() };
    tenant.at_github("what was changed is mended", look, Vec::is_empty).await.map(drop)
}

fn is_refused(exchange: &Exchange) -> bool {
    exchange.status == Some(403)
}

/// Whoever is refused is not alone with it: nothing more is sent with the token, but what was under way already.
fn hold_from_the_first_refusal(hours: &Hours) -> Result<()> {
    ensure!(hours.len() >= HOURS, "{} hours only", hours.len());
    for (end, asked) in hours {
        let paid: u64 = asked.iter().map(|exchange| exchange.cost).sum();
        let refused = asked.iter().filter(|exchange| is_refused(exchange)).count();
        ensure!(paid <= QUOTA && refused <= UNDER_WAY, "until {end} {paid} were paid for, and {refused} refused");
    }
    Ok(())
}

/// After an hour whose quota was used up, each comes back at a time of its own, and none more often than it is looked at anyway.
fn come_back_without_a_storm(hours: &Hours) -> Result<()> {
    const SECOND: i128 = 1000;
    let used_up = hours.iter().filter(|(_, asked)| asked.iter().any(is_refused));
    let mut bursts = Vec::new();
    for (end, _) in used_up {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tenths: BTreeMap<i128, usize> = BTreeMap::new();
        for exchange in hours.values().flatten() {
            let since = exchange.at.duration_since(*end).as_millis();
            if (0..SECOND).contains(&since) && exchange.method == "GET" && exchange.path.starts_with("/repos/") {
                *times.entry(&exchange.path).or_default() += 1;
                *tenths.entry(since / 100).or_default() += 1;
            }
        }
        // A look at the beginning of a second, and the next one at its end.
        ensure!(times.values().all(|times| *times <= 2), "again and again in the second after {end}: {times:#?}");
        bursts.push(tenths.into_values().max().unwrap_or_default());
    }
    ensure!(bursts.len() > RUSH_HOURS, "the quota was used up in {} hours only", bursts.len());
    // A busy machine may hold up many, and then let them go together; not every time.
    let crowded = bursts.iter().filter(|burst| **burst > REPOSITORIES / 2).count();
    ensure!(2 * crowded < bursts.len(), "most at once: the greatest numbers in a tenth of a second were {bursts:?}");
    Ok(())
}

/// What has converged is looked at for nothing, far more often than there is quota for. A change costs the look that finds it, what
/// mends it, and the look at what came of that.
fn cost_what_changed(hours: &Hours, converged: Timestamp, changed: usize) -> Result<()> {
    let since: BTreeMap<_, Vec<_>> = hours
        .iter()
        .map(|(end, asked)| (end, asked.iter().filter(|exchange| exchange.at >= converged).collect()))
        .filter(|(_, asked): &(_, Vec<&Exchange>)| !asked.is_empty())
        .collect();
    let paid: Vec<&Exchange> = since.values().flatten().copied().filter(|exchange| exchange.cost > 0).collect();
    ensure!(paid.len() <= 3 * changed, "{changed} were changed, and {} requests paid for: {paid:#?}", paid.len());
    let is_free = |exchange: &&&Exchange| exchange.conditional && exchange.status == Some(304) && exchange.cost == 0;
    let free = since.values().flatten().filter(is_free).count();
    let quota = usize::try_from(QUOTA)? * since.len();
    ensure!(free > quota, "{free} looks for nothing, for all of which a quota of {quota} would have been enough");
    Ok(())
}
