//! What exists already, at GitHub and in the cluster.

use anyhow::{Result, ensure};
use serde_json::json;

use super::tenant::Tenant;
use crate::world::World;

pub(crate) async fn what_exists_is_imported_by_observing_and_then_managed(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-import").await?;
    tenant.seed().repository("gh-import", "shop");
    tenant.seed().change_repository("gh-import", "shop", &json!({"has_wiki": true, "visibility": "public"}));
    let mut object = tenant.object("Repo", "shop", &json!({"name": "shop", "hasWiki": false}));
    object["metadata"]["annotations"]["krateo.io/management-policy"] = json!("observe");
    tenant.apply(&object).await?;
    let seen = tenant.ready("repoes", "shop").await?;
    ensure!(seen["status"]["observed"]["hasWiki"] == true && seen["status"]["visibility"] == "public", "{seen:#}");
    ensure!(seen["status"]["adopted"] == true, "{seen:#}");
    tenant.looks("/repos/gh-import/shop", 2).await?;
    ensure!(tenant.writes().is_empty(), "{:?}", tenant.writes());
    let found = tenant.reasons("Repo", "shop").await?;
    ensure!(found.iter().filter(|reason| *reason == "AlreadyExists").count() == 1, "told once: {found:?}");

    tenant.annotate("repoes", "shop", json!({"krateo.io/management-policy": null})).await?;
    let look = |seed: &capstan_fakegithub::Seed<'_>| seed.look("gh-import", "shop").unwrap_or_default();
    let now = tenant.at_github("the wiki is off", look, |found| found["has_wiki"] == false).await?;
    ensure!(now["visibility"] == "public", "what the spec leaves out stays: {now:#}");
    ensure!(tenant.writes() == ["PATCH /repos/gh-import/shop"], "{:?}", tenant.writes());
    tenant.assert_described()
}

/// Finalizer, annotations, conditions and a spec as Krateo's provider leaves them.
pub(crate) async fn what_krateos_provider_left_goes_on_without_a_change(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-krateo").await?;
    let bert = tenant.login("bert");
    let seed = tenant.seed();
    seed.repository("gh-krateo", "shop");
    seed.collaborator("gh-krateo", "shop", &bert, "push");
    seed.team("gh-krateo", "core");
    let team = json!({"teamSlug": "core", "owner": "gh-krateo", "repo": "shop", "permission": "push"});
    seed.team_repository("gh-krateo", "core", "gh-krateo", "shop", "push");
    for (kind, spec) in [
        ("Repo", json!({"name": "shop", "private": true, "initialize": true, "verbose": true})),
        ("Collaborator", json!({"repo": "shop", "username": bert, "permission": "push"})),
        ("TeamRepo", team),
    ] {
        let mut object = tenant.object(kind, "left", &spec);
        object["metadata"]["finalizers"] = json!(["finalizer.managedresource.krateo.io"]);
        object["metadata"]["annotations"]["krateo.io/external-create-pending"] = json!("2024-10-01T10:00:00Z");
        object["metadata"]["annotations"]["krateo.io/external-create-succeeded"] = json!("2024-10-01T10:00:01Z");
        tenant.apply(&object).await?;
    }
    for plural in ["repoes", "collaborators", "teamrepoes"] {
        tenant.ready(plural, "left").await?;
    }
    tenant.looks("/repos/gh-krateo/shop", 2).await?;
    ensure!(tenant.writes().is_empty(), "{:?}", tenant.writes());
    for kind in ["Repo", "Collaborator", "TeamRepo"] {
        let found = tenant.reasons(kind, "left").await?;
        let spurious =
            |reason: &String| reason.contains("Created") || reason.contains("Updated") || reason.starts_with("Al");
        ensure!(!found.iter().any(spurious), "{kind}: {found:?}");
    }
    tenant.delete("repoes", "left").await?;
    tenant.gone("repoes", "left").await?;
    ensure!(tenant.seed().look("gh-krateo", "shop").is_none(), "they are managed in earnest");
    tenant.assert_described()
}
