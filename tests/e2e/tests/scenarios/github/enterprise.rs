//! A GitHub Enterprise server, whose API has a path before it, and whose administrator wants adoption to be said.

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use capstan_fakegithub::{Failure, Fault, Seed};
use http::Method;
use serde_json::{Value, json};

use super::tenant::Tenant;
use crate::world::{SOON, World};

const NAME: &str = "gh-enterprise";

/// A world of its own: all objects of a provider share its configuration.
pub(crate) async fn what_exists_is_taken_over_followed_and_left_only_as_it_is_said(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::bare(kind)?;
        world.block_on(taken_over_followed_and_left(&world)).with_context(|| world.log())?;
        world.assert_described()
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn taken_over_followed_and_left(world: &World) -> Result<()> {
    world.bring_github(&world.hub().enterprise_grants()).await?;
    let tenant = Tenant::at(world, NAME, &world.hub().enterprise).await?;
    taken_over(&tenant).await?;
    followed(&tenant).await?;
    default_branch(&tenant).await?;
    left(&tenant).await?;
    answer_lost(&tenant).await?;
    tenant.assert_described()
}

/// A `Repo` at the address of the configuration.
fn repo(tenant: &Tenant<'_>, name: &str, on_delete: &str) -> Value {
    let wanted = json!({"name": name, "onDelete": on_delete, "hasWiki": false});
    let mut object = tenant.object("Repo", name, &wanted);
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.remove("apiUrl");
    }
    object
}

/// What exists already needs a word for it, and what is created here needs none.
async fn taken_over(tenant: &Tenant<'_>) -> Result<()> {
    tenant.seed().repository(NAME, "shop");
    tenant.apply(&repo(tenant, "shop", "keep")).await?;
    let refused = tenant.has("repoes", "shop", "Synced", "False", "AlreadyExists").await?;
    ensure!(condition(&refused, "Synced").2.contains("set spec.adopt to true"), "{refused:#}");
    ensure!(tenant.writes().is_empty(), "{:?}", tenant.writes());
    tenant.set("repoes", "shop", json!({"adopt": true})).await?;
    let adopted = tenant.ready("repoes", "shop").await?;
    let url = format!("{}/repos/{NAME}/shop", tenant.fake().url());
    ensure!(adopted["status"]["adopted"] == true && adopted["status"]["url"] == url, "{adopted:#}");
    tenant.at_github("the wiki is off", wiki("shop"), |has_wiki| *has_wiki == false).await?;

    tenant.apply(&repo(tenant, "attic", "archive")).await?;
    let made = tenant.ready("repoes", "attic").await?;
    ensure!(made["status"]["adopted"] == false, "{made:#}");
    Ok(())
}

/// Whoever is renamed is found by one request that leads to the new place, and after that without any.
async fn followed(tenant: &Tenant<'_>) -> Result<()> {
    tenant.seed().rename_repository(NAME, "shop", NAME, "store");
    let is_known = |object: &Value| object["status"]["fullName"] == format!("{NAME}/store");
    eventually("the new name is known", SOON, || tenant.get("repoes", "shop"), is_known).await?;
    tenant.looks(&format!("/repos/{NAME}/store"), 1).await?;
    let redirected = || tenant.exchanges().iter().filter(|exchange| exchange.status == Some(301)).count();
    let before = redirected();
    ensure!(before > 0, "nothing has led to the new place");
    tenant.looks(&format!("/repos/{NAME}/store"), 3).await?;
    ensure!(redirected() == before, "{} more redirects", redirected() - before);
    tenant.seed().change_repository(NAME, "store", &json!({"has_wiki": true}));
    tenant.at_github("the drift is repaired there", wiki("store"), |has_wiki| *has_wiki == false).await.map(drop)
}

async fn default_branch(tenant: &Tenant<'_>) -> Result<()> {
    let look = |seed: &Seed<'_>| seed.look(NAME, "store").unwrap_or_default()["default_branch"].clone();
    tenant.set("repoes", "shop", json!({"defaultBranch": "next"})).await?;
    let refused = tenant.has("repoes", "shop", "Synced", "False", "Refused").await?;
    ensure!(condition(&refused, "Synced").2.contains("The branch next was not found"), "{refused:#}");
    tenant.seed().branch(NAME, "store", "next");
    tenant.at_github("the branch that was pushed is the default one", look, |branch| branch == "next").await?;
    tenant.ready("repoes", "shop").await?;
    tenant.seed().change_repository(NAME, "store", &json!({"default_branch": "main"}));
    tenant.at_github("the drift of the branch is repaired", look, |branch| branch == "next").await.map(drop)
}

/// What is deleted in the cluster is kept at GitHub, or archived.
async fn left(tenant: &Tenant<'_>) -> Result<()> {
    for name in ["shop", "attic"] {
        tenant.delete("repoes", name).await?;
        tenant.gone("repoes", name).await?;
    }
    let archived = |name: &str| tenant.seed().look(NAME, name).map(|found| found["archived"].clone());
    ensure!(archived("store") == Some(json!(false)), "it is not kept as it is: {:?}", archived("store"));
    ensure!(archived("attic") == Some(json!(true)), "it is not archived: {:?}", archived("attic"));
    let told = tenant.told("Repo", "attic", &["RepoCreated", "RepoArchived"]).await?;
    ensure!(!told.iter().any(|reason| reason == "RepoDeleted"), "{told:?}");
    Ok(())
}

/// What was created is the object's own, though nobody was told: neither refused as somebody else's, nor created twice, nor
/// left behind in the end. And what is in an archived repository holds up nothing.
async fn answer_lost(tenant: &Tenant<'_>) -> Result<()> {
    let repositories = format!("/orgs/{NAME}/repos");
    tenant.fake().fail(Fault::new(Failure::DropAfter).on(Method::POST).below(repositories.as_str()).times(1));
    tenant.apply(&repo(tenant, "lost", "delete")).await?;
    let found = tenant.ready("repoes", "lost").await?;
    ensure!(found["status"]["adopted"] == false, "{found:#}");
    let made = || tenant.exchanges().into_iter().filter(|each| each.method == "POST" && each.path == repositories);
    let lost: Vec<_> = made().skip(1).collect();
    ensure!(lost.len() == 1, "one for what is archived by now, and one for this: {lost:#?}");
    let told = tenant.told("Repo", "lost", &["CannotCreateExternalResource"]).await?;
    ensure!(!told.iter().any(|reason| reason == "AlreadyExists"), "{told:?}");

    let hook = json!({"repo": "lost", "url": "https://ci.example.org"});
    tenant.apply(&tenant.object("Webhook", "ci", &hook)).await?;
    tenant.ready("webhooks", "ci").await?;
    tenant.seed().change_repository(NAME, "lost", &json!({"archived": true}));
    tenant.delete("webhooks", "ci").await?;
    tenant.gone("webhooks", "ci").await?;
    tenant.told("Webhook", "ci", &["LeftInArchive"]).await?;
    tenant.delete("repoes", "lost").await?;
    tenant.gone("repoes", "lost").await?;
    ensure!(tenant.seed().look(NAME, "lost").is_none(), "it is left behind");
    Ok(())
}

fn wiki(name: &'static str) -> impl Fn(&Seed<'_>) -> Value {
    move |seed| seed.look(NAME, name).unwrap_or_default()["has_wiki"].clone()
}
