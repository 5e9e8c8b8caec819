//! Each kind from its creation to its end.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use capstan_e2e::{condition, eventually};
use capstan_fakegithub::{Exchange, Seed};
use serde_json::{Value, json};

use super::tenant::{SERIES, Tenant};
use crate::world::{SOON, World};

pub(crate) async fn a_repository_is_created_kept_as_it_should_be_and_deleted(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-repo").await?;
    let wanted =
        json!({"name": "shop", "description": "Where things are sold", "hasWiki": false, "topics": ["web", "shop"]});
    tenant.apply(&tenant.object("Repo", "shop", &wanted)).await?;
    let object = tenant.ready("repoes", "shop").await?;
    let status = &object["status"];
    ensure!(status["visibility"] == "private" && status["fullName"] == "gh-repo/shop", "{status:#}");
    ensure!(status["htmlUrl"].is_string() && status["id"].is_u64() && status["adopted"] == false, "{status:#}");
    let kept = |found: &Option<Value>| {
        found.as_ref().is_some_and(|found| found["has_wiki"] == false && found["topics"] == json!(["shop", "web"]))
    };
    tenant.at_github("all is set", |seed| seed.look("gh-repo", "shop"), kept).await?;

    // What was set is repaired; what was not is somebody else's business.
    tenant.seed().change_repository("gh-repo", "shop", &json!({"has_wiki": true, "homepage": "https://example.org"}));
    let found = tenant.at_github("the drift is repaired", |seed| seed.look("gh-repo", "shop"), kept).await?;
    ensure!(found.is_some_and(|found| found["homepage"] == "https://example.org"), "the homepage is not ours");
    let told = ["RepoCreated", "CreatedExternalResource", "UpdatedExternalResource"];
    tenant.told("Repo", "shop", &told).await?;

    // Nothing is told of a look that finds nothing new, and it costs nothing. What was told again is written by then.
    tenant.looks("/repos/gh-repo/shop", SERIES).await?;
    let before = tenant.reasons("Repo", "shop").await?;
    tenant.looks("/repos/gh-repo/shop", SERIES).await?;
    let after = tenant.reasons("Repo", "shop").await?;
    ensure!(before == after, "{before:?} became {after:?}");
    let last = tenant.exchanges().pop().context("no requests")?;
    ensure!((last.status, last.cost) == (Some(304), 0), "{last:?}");

    tenant.delete("repoes", "shop").await?;
    tenant.gone("repoes", "shop").await?;
    ensure!(tenant.seed().look("gh-repo", "shop").is_none(), "it is still there");
    tenant.told("Repo", "shop", &["RepoDeleted", "DeletedExternalResource"]).await?;
    tenant.assert_described()
}

pub(crate) async fn people_are_added_kept_in_their_roles_and_removed(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-people").await?;
    let bert = tenant.login("bert");
    tenant.seed().repository("gh-people", "shop");
    tenant.seed().base_role("gh-people", "none");
    tenant
        .apply(&tenant.object(
            "Collaborator",
            "bert",
            &json!({"repo": "shop", "username": bert, "permission": "maintain"}),
        ))
        .await?;
    let object = tenant.ready("collaborators", "bert").await?;
    ensure!(object["status"]["permission"] == "maintain", "{object:#}");
    let role = |wanted: &'static str| {
        let bert = bert.clone();
        let look = move |seed: &Seed<'_>| seed.role("gh-people", "shop", &bert);
        tenant.at_github("the role", look, move |found| found.as_deref() == Some(wanted))
    };
    role("maintain").await?;
    tenant.seed().collaborator("gh-people", "shop", &bert, "triage");
    role("maintain").await?;
    tenant.set("collaborators", "bert", json!({"permission": "admin"})).await?;
    role("admin").await?;
    tenant.ready("collaborators", "bert").await?;
    // It settles: there is not one write more.
    let writes = tenant.writes();
    tenant.looks(&format!("/repos/gh-people/shop/collaborators/{bert}/permission"), 3).await?;
    ensure!(tenant.writes() == writes, "{:?}", tenant.writes());
    tenant.delete("collaborators", "bert").await?;
    tenant.gone("collaborators", "bert").await?;
    ensure!(tenant.seed().role("gh-people", "shop", &bert).is_none(), "no role is left");
    tenant.told("Collaborator", "bert", &["CollaboratorCreated", "CollaboratorDeleted"]).await?;
    tenant.assert_described()
}

pub(crate) async fn who_is_outside_is_invited_and_deleting_cancels_that(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-invited").await?;
    let carl = tenant.login("carl");
    tenant.seed().repository("gh-invited", "shop");
    tenant
        .apply(&tenant.object("Collaborator", "carl", &json!({"repo": "shop", "username": carl, "permission": "push"})))
        .await?;
    let object = tenant.has("collaborators", "carl", "Ready", "False", "InvitationPending").await?;
    ensure!(condition(&object, "Synced").0 == "True", "{object:#}");
    ensure!(tenant.seed().invitations("gh-invited", "shop").len() == 1, "one invitation");
    tenant.delete("collaborators", "carl").await?;
    tenant.gone("collaborators", "carl").await?;
    ensure!(tenant.seed().invitations("gh-invited", "shop").is_empty(), "no invitation is left");
    tenant.assert_described()
}

pub(crate) async fn a_team_its_members_and_its_repositories_follow(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-team").await?;
    let bert = tenant.login("bert");
    tenant.seed().repository("gh-team", "shop");
    tenant
        .apply(&tenant.object("Team", "core", &json!({"name": "Core Team", "privacy": "closed", "description": "d"})))
        .await?;
    let team = tenant.ready("teams", "core").await?;
    ensure!(team["status"]["slug"] == "core-team", "{team:#}");
    let member = json!({"teamSlug": "core-team", "username": bert, "role": "maintainer"});
    tenant.apply(&tenant.object("TeamMembership", "bert", &member)).await?;
    let shop = json!({"teamSlug": "core-team", "owner": "gh-team", "repo": "shop", "permission": "push"});
    tenant.apply(&tenant.object("TeamRepo", "shop", &shop)).await?;
    for (plural, name) in [("teammemberships", "bert"), ("teamrepoes", "shop")] {
        tenant.ready(plural, name).await?;
    }
    let look = |seed: &Seed<'_>| seed.look_at_team("gh-team", "core-team").unwrap_or_default();
    let as_wanted = |found: &Value| {
        found["members"][&bert] == "maintainer"
            && found["repositories"]["gh-team/shop"] == "write"
            && found["description"] == "d"
    };
    tenant.at_github("the team", look, as_wanted).await?;
    tenant.told("TeamRepo", "shop", &["NotPermitted", "CreatedExternalResource"]).await?;

    tenant.set("teamrepoes", "shop", json!({"permission": "maintain"})).await?;
    tenant.set("teammemberships", "bert", json!({"role": "member"})).await?;
    tenant.set("teams", "core", json!({"description": "e"})).await?;
    let changed = |found: &Value| {
        found["members"][&bert] == "member"
            && found["repositories"]["gh-team/shop"] == "maintain"
            && found["description"] == "e"
    };
    tenant.at_github("the changed team", look, changed).await?;

    // What somebody else changes is changed back.
    let seed = tenant.seed();
    seed.describe_team("gh-team", "core-team", "f");
    seed.team_member("gh-team", "core-team", &bert, true);
    seed.team_repository("gh-team", "core-team", "gh-team", "shop", "pull");
    tenant.at_github("the drift of the team is repaired", look, changed).await?;

    for (plural, name) in [("teamrepoes", "shop"), ("teammemberships", "bert")] {
        tenant.delete(plural, name).await?;
        tenant.gone(plural, name).await?;
    }
    let found = look(&tenant.seed());
    // Whoever created it is in it.
    ensure!(found["members"].get(&bert).is_none() && found["repositories"] == json!({}), "{found:#}");
    tenant.told("TeamRepo", "shop", &["PermissionRevoked"]).await?;
    tenant.delete("teams", "core").await?;
    tenant.gone("teams", "core").await?;
    ensure!(tenant.seed().look_at_team("gh-team", "core-team").is_none(), "it is still there");
    tenant.assert_described()
}

pub(crate) async fn what_a_team_has_from_above_is_no_hindrance(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-above").await?;
    let seed = tenant.seed();
    seed.repository("gh-above", "shop");
    seed.team("gh-above", "top");
    seed.team_repository("gh-above", "top", "gh-above", "shop", "maintain");
    // GitHub alone knows what it makes of such a name.
    let below = json!({"name": "\u{c9}quipe \u{5c0f}\u{7ec4}", "parentTeamSlug": "top"});
    tenant.apply(&tenant.object("Team", "below", &below)).await?;
    let team = tenant.ready("teams", "below").await?;
    ensure!(team["status"]["slug"] == "equipe", "{team:#}");
    let shop = json!({"teamSlug": "equipe", "owner": "gh-above", "repo": "shop", "permission": "push"});
    tenant.apply(&tenant.object("TeamRepo", "shop", &shop)).await?;
    let look = |seed: &Seed<'_>| seed.look_at_team("gh-above", "equipe").unwrap_or_default()["repositories"].clone();
    tenant.at_github("its own role is given", look, |found| found["gh-above/shop"] == "write").await?;
    // It settles, though GitHub shows the higher role.
    let object = tenant.ready("teamrepoes", "shop").await?;
    ensure!(object["status"]["permission"] == "maintain", "{object:#}");
    let writes = tenant.writes();
    tenant.looks("/orgs/gh-above/teams/equipe/repos/gh-above/shop", 3).await?;
    ensure!(tenant.writes() == writes, "{:?}", tenant.writes());
    tenant.delete("teamrepoes", "shop").await?;
    tenant.gone("teamrepoes", "shop").await?;
    ensure!(look(&tenant.seed()) == json!({}), "its own role is left");
    tenant.delete("teams", "below").await?;
    tenant.gone("teams", "below").await?;
    tenant.assert_described()
}

pub(crate) async fn the_rules_and_files_of_a_repository_follow(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-inside").await?;
    tenant.seed().repository("gh-inside", "shop");
    let rules = json!([{"type": "deletion"}, {"type": "non_fast_forward"}]);
    let main = json!({"repo": "shop", "name": "main", "rules": rules});
    tenant.apply(&tenant.object("BranchProtection", "main", &main)).await?;
    let owners = json!({"repo": "shop", "path": ".github/CODEOWNERS", "content": "* @anna\n"});
    tenant.apply(&tenant.object("RepoFile", "owners", &owners)).await?;
    for (plural, name) in [("branchprotections", "main"), ("repofiles", "owners")] {
        tenant.ready(plural, name).await?;
    }
    let look = |seed: &Seed<'_>| seed.inside("gh-inside", "shop");
    let file = |found: &Value| found["files"][".github/CODEOWNERS"] == "* @anna\n";
    let found = look(&tenant.seed());
    ensure!(file(&found) && found["rulesets"][0]["rules"] == rules, "{found:#}");

    tenant.seed().file("gh-inside", "shop", ".github/CODEOWNERS", "* @mallory\n");
    tenant.at_github("the file is as it was", look, file).await?;
    tenant.set("branchprotections", "main", json!({"rules": [{"type": "deletion"}]})).await?;
    let changed = |found: &Value| found["rulesets"][0]["rules"] == json!([{"type": "deletion"}]);
    tenant.at_github("the rules are fewer", look, changed).await?;
    let drift = json!({"enforcement": "disabled", "rules": [{"type": "creation"}]});
    tenant.seed().change_rulesets("gh-inside", "shop", &drift);
    let mended = |found: &Value| changed(found) && found["rulesets"][0]["enforcement"] == "active";
    tenant.at_github("the drift of the rules is repaired", look, mended).await?;

    for (plural, name) in [("branchprotections", "main"), ("repofiles", "owners")] {
        tenant.delete(plural, name).await?;
        tenant.gone(plural, name).await?;
    }
    let found = look(&tenant.seed());
    ensure!(found["rulesets"] == json!([]) && !file(&found), "{found:#}");
    tenant.assert_described()
}

pub(crate) async fn a_webhook_follows_and_its_secret_is_shown_to_nobody(world: &World) -> Result<()> {
    const FIRST: &str = "the-first-secret-of-gh-hook";
    const SECOND: &str = "the-second-secret-of-gh-hook";
    let tenant = Tenant::new(world, "gh-hook").await?;
    tenant.seed().repository("gh-hook", "shop");
    let secret_ref = |name: &str| json!({"name": name, "namespace": "gh-hook", "key": "secret"});
    let wanted = json!({
        "repo": "shop", "url": "https://ci.example.org/gh-hook", "contentType": "json", "events": ["push", "release"],
        "secretRef": secret_ref("webhook-secret"),
    });
    // What is not there yet is waited for, and the object wakes when it comes.
    tenant.apply(&tenant.object("Webhook", "ci", &wanted)).await?;
    tenant.has("webhooks", "ci", "Synced", "False", "SecretNotFound").await?;
    ensure!(tenant.exchanges().is_empty(), "nothing is asked before: {:?}", tenant.exchanges());
    tenant.secret("webhook-secret", "secret", FIRST).await?;
    let object = tenant.ready("webhooks", "ci").await?;
    ensure!(object["status"]["id"].is_u64() && object["status"]["adopted"] == false, "{object:#}");
    let look = |seed: &Seed<'_>| seed.inside("gh-hook", "shop")["hooks"].clone();
    let hook = look(&tenant.seed());
    ensure!(hook[0]["config"]["secret"] == FIRST && hook[0]["config"]["content_type"] == "json", "{hook:#}");

    tenant.seed().change_hooks("gh-hook", "shop", &json!({"content_type": "form"}));
    let mended = |hooks: &Value| hooks[0]["config"]["content_type"] == "json";
    let hook = tenant.at_github("the drift is repaired", look, mended).await?;
    ensure!(hook[0]["config"]["secret"] == FIRST, "the secret stays: {hook:#}");
    // It settles: there is not one write more.
    let (writes, path) = (tenant.writes(), format!("/repos/gh-hook/shop/hooks/{}", object["status"]["id"]));
    tenant.looks(&path, 3).await?;
    ensure!(tenant.writes() == writes, "{:?}", tenant.writes());

    tenant.secret("webhook-secret", "secret", SECOND).await?;
    let rotated = |hooks: &Value| hooks[0]["config"]["secret"] == SECOND;
    tenant.at_github("the new secret is there", look, rotated).await?;
    tenant.set("webhooks", "ci", json!({"events": ["push"], "active": false})).await?;
    let changed = |hooks: &Value| hooks[0]["events"] == json!(["push"]) && hooks[0]["active"] == false;
    tenant.at_github("it rests", look, changed).await?;

    // A Secret that was granted for headers goes into no body.
    tenant
        .set("webhooks", "ci", json!({"secretRef": {"name": "github-token", "namespace": "gh-hook", "key": "token"}}))
        .await?;
    let denied = tenant.has("webhooks", "ci", "Synced", "False", "Denied").await?;
    let message = condition(&denied, "Synced").2;
    ensure!(message.contains("member /config/secret"), "{message}");
    tenant.set("webhooks", "ci", json!({"secretRef": secret_ref("webhook-secret")})).await?;
    let object = tenant.ready("webhooks", "ci").await?;
    let told = tenant.objects.events("gh-hook", "Webhook", "ci").await?;
    let shown = format!("{object} {told:?} {:?} {}", world.collector().spans()?, world.log());
    for secret in [FIRST, SECOND, &tenant.token] {
        ensure!(!shown.contains(secret), "{secret} is shown");
    }

    // What exists is taken over, told once.
    let other = json!({"repo": "shop", "url": "https://other.example.org/gh-hook"});
    tenant.seed().hook("gh-hook", "shop", &json!({"url": other["url"], "content_type": "json", "insecure_ssl": "0"}));
    tenant.apply(&tenant.object("Webhook", "other", &other)).await?;
    let adopted = tenant.ready("webhooks", "other").await?;
    ensure!(adopted["status"]["adopted"] == true, "{adopted:#}");
    tenant.looks(&format!("/repos/gh-hook/shop/hooks/{}", adopted["status"]["id"]), 3).await?;
    tenant.told_once("Webhook", "other", "AlreadyExists").await?;
    tenant.told("Webhook", "ci", &["CreatedExternalResource", "UpdatedExternalResource"]).await?;
    for name in ["ci", "other"] {
        tenant.delete("webhooks", name).await?;
        tenant.gone("webhooks", name).await?;
    }
    ensure!(look(&tenant.seed()) == json!([]), "a webhook is left");
    tenant.assert_described()
}

/// They name no address: that is the administrator's `baseUrl` here.
pub(crate) async fn the_samples_converge_as_they_are(world: &World) -> Result<()> {
    let objects = world.objects()?;
    let seed = world.hub().fake.seed();
    seed.organization("acme");
    for login in ["anna", "bert"] {
        seed.user(login);
    }
    seed.owner("acme", "anna");
    seed.member("acme", "bert");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "github-token", "namespace": "default"},
        "stringData": {"token": seed.token("anna")},
    });
    let signs = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "webhook-secret", "namespace": "default"},
        "stringData": {"secret": "of-the-samples"},
    });
    for secret in [secret, signs] {
        objects.apply_value(&secret).await?;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/github/samples");
    let mut names: Vec<_> = std::fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    names.sort_by_key(std::fs::DirEntry::path);
    ensure!(names.len() >= 8, "a sample of each kind");
    for entry in &names {
        objects.apply(&std::fs::read_to_string(entry.path())?).await.with_context(|| format!("{entry:?}"))?;
    }
    for (plural, _) in LOOKS {
        let look = || objects.list("github.krateo.io/v1alpha1", plural, "default");
        let ready = |found: &Vec<Value>| {
            !found.is_empty()
                && found
                    .iter()
                    .all(|each| condition(each, "Ready").0 == "True" && condition(each, "Synced").0 == "True")
        };
        // Some wait for others, which they find with back-off.
        eventually(plural, 4 * SOON, look, ready).await?;
    }
    cost_nothing(world).await
}

/// Each kind of the samples, and what GitHub calls the look at one.
const LOOKS: [(&str, &str); 8] = [
    ("repoes", "repos/get"),
    ("collaborators", "repos/get-collaborator-permission-level"),
    ("teamrepoes", "teams/check-permissions-for-repo-in-org"),
    ("teams", "teams/get-by-name"),
    ("teammemberships", "teams/get-membership-for-user-in-org"),
    ("branchprotections", "repos/get-repo-ruleset"),
    ("repofiles", "repos/get-content"),
    ("webhooks", "repos/get-webhook"),
];

/// What has converged is looked at for nothing.
async fn cost_nothing(world: &World) -> Result<()> {
    const GROUP: &str = "github.krateo.io/v1alpha1";
    let objects = world.objects()?;
    let poll = async |interval: Value| -> Result<()> {
        for (plural, _) in LOOKS {
            for object in objects.list(GROUP, plural, "default").await? {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                let change = json!({"metadata": {"annotations": {"capstan.dev/poll-interval": interval}}});
                objects.merge(GROUP, plural, "default", name, change).await?;
            }
        }
        Ok(())
    };
    let annas = || {
        let all = world.hub().fake.exchanges().into_iter();
        all.filter(|exchange| exchange.actor.as_deref() == Some("anna")).collect::<Vec<_>>()
    };
    let before = annas().len();
    poll(json!("1s")).await?;
    let look = || async { Ok(annas().split_off(before)) };
    let times = |found: &[Exchange], operation: &str| {
        found.iter().filter(|exchange| exchange.operation.as_deref() == Some(operation)).count()
    };
    let wanted = |found: &Vec<Exchange>| LOOKS.iter().all(|(_, operation)| times(found, operation) >= 3);
    let found = eventually("three looks at each sample", 4 * SOON, look, wanted).await?;
    for (plural, operation) in LOOKS {
        let last = found.iter().rfind(|exchange| exchange.operation.as_deref() == Some(operation));
        ensure!(last.is_some_and(|last| (last.status, last.cost) == (Some(304), 0)), "{plural}: {last:#?}");
    }
    ensure!(found.iter().all(|exchange| exchange.method == "GET"), "they have converged: {found:#?}");
    poll(Value::Null).await
}
