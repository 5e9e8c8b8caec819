//! What exists already, at GitHub and in the cluster.

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use serde_json::{Map, Value, json};

use super::tenant::Tenant;
use crate::world::{SOON, World};

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
    tenant.looks("/repos/gh-import/shop", 3).await?;
    ensure!(tenant.writes().is_empty(), "{:?}", tenant.writes());
    tenant.told_once("Repo", "shop", "AlreadyExists").await?;

    tenant.annotate("repoes", "shop", json!({"krateo.io/management-policy": null})).await?;
    let look = |seed: &capstan_fakegithub::Seed<'_>| seed.look("gh-import", "shop").unwrap_or_default();
    let now = tenant.at_github("the wiki is off", look, |found| found["has_wiki"] == false).await?;
    ensure!(now["visibility"] == "public", "what the spec leaves out stays: {now:#}");
    ensure!(tenant.writes() == ["PATCH /repos/gh-import/shop"], "{:?}", tenant.writes());
    tenant.assert_described()
}

const GROUP: &str = "github.krateo.io/v1alpha1";

/// A world of its own: what Krateo's provider has left is there before this one is installed.
pub(crate) async fn what_krateos_provider_left_goes_on_without_a_change(world: &World) -> Result<()> {
    let kind = world.server().kind();
    let scenario = move || -> Result<()> {
        let world = World::bare(kind)?;
        world.block_on(left_behind(&world))?;
        world.assert_described()
    };
    // It brings a runtime of its own, which must not be entered from this one's.
    tokio::task::spawn_blocking(scenario).await.context("the scenario panicked")?
}

async fn left_behind(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-krateo").await?;
    let (bert, carl) = (tenant.login("bert"), tenant.login("carl"));
    let seed = tenant.seed();
    for name in ["shop", "found"] {
        seed.repository("gh-krateo", name);
    }
    seed.collaborator("gh-krateo", "shop", &bert, "push");
    seed.team("gh-krateo", "core");
    seed.team_repository("gh-krateo", "core", "gh-krateo", "shop", "push");
    seed.invitation("gh-krateo", "shop", &carl, "push");
    for (kind, plural, fields) in [
        ("Repo", "repoes", &["org", "name"][..]),
        ("Collaborator", "collaborators", &["org", "repo", "username", "permission"]),
        ("TeamRepo", "teamrepoes", &["org", "teamSlug", "owner", "repo", "permission"]),
    ] {
        tenant.apply(&krateos_definition(kind, plural, fields)).await?;
    }
    let team = json!({"teamSlug": "core", "owner": "gh-krateo", "repo": "shop", "permission": "push"});
    // Of what it found it has no record but the conditions.
    for (kind, plural, name, spec, created) in [
        ("Repo", "repoes", "left", json!({"name": "shop", "private": true, "initialize": true, "verbose": true}), true),
        ("Repo", "repoes", "found", json!({"name": "found"}), false),
        (
            "Collaborator",
            "collaborators",
            "left",
            json!({"repo": "shop", "username": bert, "permission": "push"}),
            true,
        ),
        ("TeamRepo", "teamrepoes", "left", team, true),
    ] {
        let annotations = if created {
            json!({"krateo.io/external-create-pending": BEGUN, "krateo.io/external-create-succeeded": DONE})
        } else {
            json!({})
        };
        let ready = json!({"type": "Ready", "status": "True", "reason": "Available", "lastTransitionTime": DONE});
        let synced =
            json!({"type": "Synced", "status": "True", "reason": "ReconcileSuccess", "lastTransitionTime": DONE});
        leave(&tenant, kind, plural, name, &spec, &annotations, json!([ready, synced])).await?;
    }
    // It takes every invitation for a failure.
    let invited = json!({"repo": "shop", "username": carl, "permission": "push"});
    let annotations = json!({"krateo.io/external-create-pending": BEGUN, "krateo.io/external-create-failed": DONE});
    let ready = json!({"type": "Ready", "status": "False", "reason": "Creating", "lastTransitionTime": DONE});
    let message = "create failed: ErrValidator: unexpected status: 201";
    let synced = json!({
        "type": "Synced", "status": "False", "reason": "ReconcileError", "message": message, "lastTransitionTime": DONE,
    });
    leave(&tenant, "Collaborator", "collaborators", "invited", &invited, &annotations, json!([ready, synced])).await?;

    world.bring_github(&world.hub().grants()).await?;
    for (plural, name) in [("repoes", "left"), ("repoes", "found"), ("collaborators", "left"), ("teamrepoes", "left")] {
        // What Krateo's does not say tells when it was looked at.
        let looked_at = |object: &Value| object["status"]["conditions"][0]["observedGeneration"].is_u64();
        let what = format!("{plural} {name} is looked at");
        let object = eventually(&what, 4 * SOON, || tenant.get(plural, name), looked_at).await?;
        for kind in ["Ready", "Synced"] {
            ensure!(condition(&object, kind).0 == "True", "{object:#}");
        }
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let times: Vec<_> = conditions.map(|condition| condition["lastTransitionTime"].clone()).collect();
        ensure!(times == [json!(DONE), json!(DONE)], "nothing has changed since: {object:#}");
    }
    ensure!(tenant.get("repoes", "found").await?["status"]["adopted"] == true, "it was there before");
    tenant.has("collaborators", "invited", "Ready", "False", "InvitationPending").await?;
    tenant.looks("/repos/gh-krateo/shop", 2).await?;
    tenant.looks("/orgs/gh-krateo/teams/core/repos/gh-krateo/shop", 2).await?;
    ensure!(tenant.writes().is_empty(), "{:?}", tenant.writes());
    for (kind, name) in [("Repo", "left"), ("Repo", "found"), ("Collaborator", "left"), ("TeamRepo", "left")] {
        let found = tenant.reasons(kind, name).await?;
        ensure!(found.is_empty(), "{kind} {name}: {found:?}");
    }
    tenant.delete("repoes", "left").await?;
    tenant.gone("repoes", "left").await?;
    ensure!(tenant.seed().look("gh-krateo", "shop").is_none(), "they are managed in earnest");
    tenant.assert_described()
}

/// When Krateo's provider began to create something, and when it was done.
const BEGUN: &str = "2024-10-01T10:00:00Z";
const DONE: &str = "2024-10-01T10:00:01Z";

/// An object with finalizer, annotations and status as Krateo's provider leaves them.
async fn leave(
    tenant: &Tenant<'_>,
    kind: &str,
    plural: &str,
    name: &str,
    spec: &Value,
    annotations: &Value,
    conditions: Value,
) -> Result<()> {
    let mut object = tenant.object(kind, name, spec);
    object["metadata"]["finalizers"] = json!(["finalizer.managedresource.krateo.io"]);
    for (key, value) in annotations.as_object().into_iter().flatten() {
        object["metadata"]["annotations"][key] = value.clone();
    }
    // The definition is served a little later.
    eventually(plural, SOON, || tenant.apply(&object), |()| true).await?;
    tenant.objects.merge_status(GROUP, plural, tenant.name, name, json!({"conditions": conditions})).await
}

/// As narrow as Krateo's: no rules, and a status with hardly more than conditions.
fn krateos_definition(kind: &str, plural: &str, fields: &[&str]) -> Value {
    let text = json!({"type": "string"});
    let texts = |names: &[&str]| -> Value {
        let members: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        json!({"type": "object", "required": names, "properties": members})
    };
    let mut spec = texts(fields);
    for (name, schema) in [
        ("apiUrl", text.clone()),
        ("verbose", json!({"type": "boolean"})),
        ("private", json!({"type": "boolean"})),
        ("initialize", json!({"type": "boolean"})),
        ("credentials", json!({"type": "object", "properties": {"secretRef": texts(&["name", "namespace", "key"])}})),
    ] {
        spec["properties"][name] = schema;
    }
    let mut condition = texts(&["lastTransitionTime", "reason", "status", "type"]);
    condition["properties"]["message"] = text.clone();
    let status = json!({"type": "object", "properties": {"conditions": {"type": "array", "items": condition}}});
    let properties =
        json!({"apiVersion": text, "kind": text, "metadata": {"type": "object"}, "spec": spec, "status": status});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.github.krateo.io")},
        "spec": {
            "group": "github.krateo.io", "scope": "Namespaced",
            "names": {
                "kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase(),
                "categories": ["krateo", "github"],
            },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": properties}},
            }],
        },
    })
}
