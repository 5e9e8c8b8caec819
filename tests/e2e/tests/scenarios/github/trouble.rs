//! When GitHub or the host is away.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use capstan_fakegithub::{Failure, Fault};
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

/// A world of its own: killing the common one would disturb the others.
pub(crate) async fn a_repository_whose_creation_was_cut_off_by_a_crash_is_found_again(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let mut world = World::with_github(kind)?;
        world.block_on(begin(&world))?;
        world.kill()?;
        world.restart()?;
        world.block_on(found_again(&world))
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
