//! When GitHub or the host is away.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use capstan_fakegithub::{Exchange, Failure, Fault};
use http::Method;
use serde_json::{Value, json};

use super::tenant::Tenant;
use crate::world::{SOON, World};

pub(crate) async fn an_outage_is_waited_out_in_a_pause_without_a_call(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-outage").await?;
    let path = "/repos/gh-outage/shop";
    tenant.apply(&tenant.object("Repo", "shop", &json!({"name": "shop"}))).await?;
    tenant.apply(&tenant.object("Repo", "witness", &json!({"name": "witness"}))).await?;
    for name in ["shop", "witness"] {
        tenant.ready("repoes", name).await?;
    }
    tenant.fake().fail(Fault::new(Failure::Status(503)).below(path));
    let failed = tenant.has("repoes", "shop", "Synced", "False", "GitHubUnavailable").await?;
    ensure!(condition(&failed, "Ready").0 == "True", "what was ready is not known to be anything else: {failed:#}");
    tenant.annotate("repoes", "shop", json!({"krateo.io/paused": "true"})).await?;
    tenant.has("repoes", "shop", "Synced", "False", "ReconcilePaused").await?;
    let calls = || tenant.exchanges().iter().filter(|exchange| exchange.path == path).count();
    let before = calls();
    // Another that is looked at every second shows how time goes by.
    tenant.looks("/repos/gh-outage/witness", 4).await?;
    ensure!(calls() == before, "{} calls in a pause", calls() - before);
    tenant.fake().heal_below(path);
    tenant.annotate("repoes", "shop", json!({"krateo.io/paused": null})).await?;
    tenant.ready("repoes", "shop").await?;
    ensure!(calls() - before <= 2, "{} calls at once after the pause", calls() - before);
    ensure!(tenant.writes().len() == 2, "nothing but the two creations: {:?}", tenant.writes());
    tenant.assert_described()
}

/// So many that all at once can be told from one after the other.
const MANY: usize = 20;

/// Repositories with a name each, which are looked at every second.
async fn many(tenant: &Tenant<'_>) -> Result<Vec<String>> {
    let names: Vec<_> = (0..MANY).map(|number| format!("shop-{number}")).collect();
    for name in &names {
        tenant.seed().repository(tenant.name, name);
        tenant.apply(&tenant.object("Repo", name, &json!({"name": name, "onDelete": "keep"}))).await?;
    }
    for name in &names {
        tenant.ready("repoes", name).await?;
    }
    Ok(names)
}

/// They would be looked at every second as long as the world is there.
async fn release(tenant: &Tenant<'_>, names: &[String]) -> Result<()> {
    for name in names {
        tenant.delete("repoes", name).await?;
    }
    Ok(())
}

/// How often each path was asked for.
fn by_path<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for exchange in exchanges {
        *times.entry(exchange.path.clone()).or_default() += 1;
    }
    times
}

/// Between the failures of a path each wait is longer than the one before. A busy machine, and what spreads those who wait, may
/// make single ones longer or shorter; of all of them together the second is clearly longer than the first.
fn gaps_grow<'a>(failures: impl IntoIterator<Item = &'a Exchange>) -> Result<()> {
    let mut times: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for failure in failures {
        times.entry(&failure.path).or_default().push(failure.at);
    }
    let gap = |at: usize| -> i128 {
        times.values().filter_map(|of| Some(of.get(at + 1)?.duration_since(*of.get(at)?).as_millis())).sum()
    };
    let (first, second) = (gap(0), gap(1));
    ensure!(4 * second >= 5 * first, "first {first} ms in all, then {second} ms: {times:#?}");
    Ok(())
}

pub(crate) async fn many_come_back_from_an_outage_without_a_storm(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-storm").await?;
    let names = many(&tenant).await?;
    let below = "/repos/gh-storm/";
    let began = tenant.fake().clock().now();
    tenant.fake().fail(Fault::new(Failure::Status(503)).below(below));
    let look = || async {
        let exchanges = tenant.exchanges();
        Ok(by_path(exchanges.iter().filter(|exchange| exchange.status == Some(503))))
    };
    let all_failed =
        |failed: &BTreeMap<String, usize>| failed.len() == MANY && failed.values().all(|times| *times >= 3);
    let failed = eventually("each has failed three times", SOON, look, all_failed).await?;
    tenant.fake().heal_below(below);
    let healed = tenant.fake().clock().now();
    // The first wait is a second, and each is longer than the one before.
    let most = 2 + usize::try_from(healed.duration_since(began).as_secs())?;
    ensure!(failed.values().all(|times| *times <= most), "at most {most} times each in the outage: {failed:#?}");
    gaps_grow(tenant.exchanges().iter().filter(|exchange| exchange.status == Some(503)))?;
    for name in &names {
        tenant.ready("repoes", name).await?;
    }
    tenant.looks("/repos/gh-storm/shop-0", 2).await?;
    let exchanges = tenant.exchanges();
    let since = |exchange: &&Exchange| exchange.at >= healed && exchange.path.starts_with(below);
    let mut back: BTreeMap<&str, i128> = BTreeMap::new();
    for exchange in exchanges.iter().filter(since) {
        back.entry(&exchange.path).or_insert(exchange.at.duration_since(healed).as_millis());
    }
    ensure!(back.len() == MANY, "not all came back: {back:#?}");
    let (earliest, latest) = (back.values().min().context("none")?, back.values().max().context("none")?);
    ensure!(latest - earliest >= 300, "all at once: {back:#?}");
    let first = exchanges.iter().filter(since).filter(|each| each.at.duration_since(healed).as_millis() < 1000);
    let first = by_path(first);
    // Who comes back is looked at again a second later.
    ensure!(first.values().sum::<usize>() <= 2 * MANY, "a storm in the first second: {first:#?}");
    ensure!(tenant.writes().is_empty(), "{:?}", tenant.writes());
    release(&tenant, &names).await?;
    tenant.assert_described()
}

pub(crate) async fn a_limit_holds_for_one_token_and_those_who_waited_come_back_one_by_one(world: &World) -> Result<()> {
    const WAIT: Duration = Duration::from_secs(3);
    let tenant = Tenant::new(world, "gh-limit").await?;
    let (anna, bert) = (tenant.login("anna"), tenant.login("bert"));
    let mut names = many(&tenant).await?;
    // One more, which is looked at with another token.
    tenant.secret("berts", "token", &tenant.seed().token(&bert)).await?;
    tenant.seed().repository("gh-limit", "other");
    let mut other = tenant.object("Repo", "other", &json!({"name": "other", "onDelete": "keep"}));
    other["spec"]["credentials"]["secretRef"]["name"] = json!("berts");
    tenant.apply(&other).await?;
    tenant.ready("repoes", "other").await?;

    tenant.fake().fail(Fault::new(Failure::SecondaryLimit(Some(WAIT))).below("/repos/gh-limit/shop-").times(1));
    let asked_by = |login: &str| -> Vec<Exchange> {
        tenant.exchanges().into_iter().filter(|exchange| exchange.actor.as_deref() == Some(login)).collect()
    };
    let limited = || async { Ok(tenant.exchanges().into_iter().find(|exchange| exchange.status == Some(403))) };
    let limited = eventually("a limit", SOON, limited, Option::is_some).await?.context("no limit")?;
    let (number, limited) = (limited.request_id, limited.at);
    // How long after the limit, in milliseconds.
    let after = |exchange: &Exchange| exchange.at.duration_since(limited).as_millis();
    let wait = i128::try_from(WAIT.as_millis())?;
    let back = || async {
        let asked = asked_by(&anna);
        Ok(by_path(asked.iter().filter(|exchange| after(exchange) >= wait)))
    };
    eventually("all come back", SOON, back, |back| back.len() == MANY).await?;

    let mut told = String::new();
    for name in &names {
        told += &tenant.notes("Repo", name).await?;
    }
    let words = format!("request {number})");
    ensure!(told.contains("exceeded a secondary rate limit") && told.contains(&words), "not in GitHub's words: {told}");

    // What was on its way already arrives.
    let early: Vec<_> = asked_by(&anna).into_iter().filter(|each| (1000..wait).contains(&after(each))).collect();
    ensure!(early.is_empty(), "within the wait: {early:#?}");
    let others = asked_by(&bert).into_iter().filter(|each| (0..wait).contains(&after(each))).count();
    ensure!(others >= 2, "the other token was looked with {others} times in the wait");
    let mut first: BTreeMap<String, i128> = BTreeMap::new();
    for exchange in asked_by(&anna).iter().filter(|exchange| after(exchange) >= wait) {
        first.entry(exchange.path.clone()).or_insert(after(exchange));
    }
    let (earliest, latest) = (first.values().min().context("none")?, first.values().max().context("none")?);
    ensure!(latest - earliest >= 300, "all at once: {first:#?}");
    names.push("other".to_owned());
    release(&tenant, &names).await?;
    tenant.assert_described()
}

/// A world of its own: killing the common one would disturb the others.
pub(crate) async fn a_repository_whose_creation_was_cut_off_by_a_crash_is_found_again(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::with_github(kind)?;
        world.block_on(begin(&world))?;
        world.kill()?;
        world.restart()?;
        world.block_on(found_again(&world))?;
        world.assert_described()
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

/// Until the repository is made, of which the host has heard nothing yet.
async fn begin(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-crash").await?;
    let slow =
        Fault::new(Failure::Slow(Duration::from_mins(1))).on(Method::POST).below("/orgs/gh-crash/repos").times(1);
    tenant.fake().fail(slow);
    tenant.apply(&tenant.object("Repo", "shop", &json!({"name": "shop"}))).await?;
    let look = |seed: &capstan_fakegithub::Seed<'_>| seed.look("gh-crash", "shop");
    tenant.at_github("the repository is made", look, Option::is_some).await.map(drop)
}

async fn found_again(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let look = || objects.get("github.krateo.io/v1alpha1", "repoes", "gh-crash", "shop");
    let ready = |object: &Value| condition(object, "Ready").0 == "True" && condition(object, "Synced").0 == "True";
    let object = eventually("it is found again", 4 * SOON, look, ready).await.with_context(|| world.log())?;
    ensure!(object["status"]["adopted"] == false, "it is ours: {object:#}");
    ensure!(object["metadata"]["annotations"]["krateo.io/external-create-succeeded"].is_string(), "{object:#}");
    let posts = world.hub().fake.exchanges().into_iter().filter(|exchange| exchange.method == "POST").count();
    ensure!(posts == 1, "created once, asked {posts} times");
    Ok(())
}
