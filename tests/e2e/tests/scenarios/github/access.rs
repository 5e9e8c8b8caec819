//! Tokens, apps, TLS, and names that would lead elsewhere.

use anyhow::{Result, ensure};
use capstan_e2e::condition;
use capstan_fakegithub::APP_KEY;
use serde_json::json;

use super::tenant::Tenant;
use crate::{hub::app_secrets, world::World};

pub(crate) async fn a_rotated_token_is_taken_up_at_once(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-rotated").await?;
    tenant.apply(&tenant.object("Repo", "shop", &json!({"name": "shop"}))).await?;
    tenant.ready("repoes", "shop").await?;
    tenant.seed().revoke(&tenant.token);
    let failed = tenant.has("repoes", "shop", "Synced", "False", "InvalidCredentials").await?;
    let message = condition(&failed, "Synced").2;
    ensure!(message.contains("Bad credentials") && !message.contains(&tenant.token), "{message}");
    let fresh = tenant.seed().token(&tenant.login("anna"));
    tenant.secret("github-token", "token", &fresh).await?;
    tenant.ready("repoes", "shop").await?;
    tenant.assert_described()
}

pub(crate) async fn with_a_revoked_token_an_object_can_be_let_go(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-revoked").await?;
    tenant.apply(&tenant.object("Repo", "shop", &json!({"name": "shop"}))).await?;
    tenant.ready("repoes", "shop").await?;
    tenant.seed().revoke(&tenant.token);
    tenant.has("repoes", "shop", "Synced", "False", "InvalidCredentials").await?;
    tenant.delete("repoes", "shop").await?;
    let blocked = tenant.has("repoes", "shop", "Ready", "False", "DeletionBlocked").await?;
    let message = condition(&blocked, "Ready").2;
    ensure!(message.contains("krateo.io/deletion-policy"), "it says the way out: {message}");
    tenant.annotate("repoes", "shop", json!({"krateo.io/deletion-policy": "orphan"})).await?;
    tenant.gone("repoes", "shop").await?;
    ensure!(tenant.seed().look("gh-revoked", "shop").is_some(), "it is left as it is");
    tenant.assert_described()
}

pub(crate) async fn names_cannot_lead_elsewhere_and_identities_stay(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-names").await?;
    for name in ["../../user", "..", ".", "a/b", "a\\b", ""] {
        let refused = tenant.apply(&tenant.object("Repo", "odd", &json!({"name": name}))).await;
        ensure!(refused.is_err(), "{name:?} is taken");
        let person = json!({"repo": "shop", "username": name, "permission": "push"});
        ensure!(tenant.apply(&tenant.object("Collaborator", "odd", &person)).await.is_err(), "{name:?} is taken");
    }
    // GitHub would give it another name.
    for name in ["my shop", "caf\u{e9}", "%2e%2e"] {
        let refused = tenant.apply(&tenant.object("Repo", "odd", &json!({"name": name}))).await;
        let said = refused.err().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(said.contains("GitHub makes hyphens of anything else"), "{name:?}: {said}");
    }
    ensure!(tenant.apply(&tenant.object("Repo", "odd", &json!({"name": "x".repeat(101)}))).await.is_err(), "too long");
    // Neither does the organisation's own role have a name of nothing.
    for role in ["", " admin", "admin ", "a\nb"] {
        let person = json!({"repo": "shop", "username": "bert", "permission": role});
        ensure!(tenant.apply(&tenant.object("Collaborator", "odd", &person)).await.is_err(), "{role:?} is taken");
        let team = json!({"teamSlug": "core", "owner": "gh-names", "repo": "shop", "permission": role});
        ensure!(tenant.apply(&tenant.object("TeamRepo", "odd", &team)).await.is_err(), "{role:?} is taken");
    }
    let twice = json!({"repo": "shop", "name": "main", "rules": [{"type": "deletion"}, {"type": "deletion"}]});
    let refused = tenant.apply(&tenant.object("BranchProtection", "odd", &twice)).await;
    ensure!(
        refused.is_err_and(|error| format!("{error:#}").contains("one rule of each type")),
        "two rules of one type"
    );
    // What is encoded already is refused by the host, however often it is encoded.
    let encoded = json!({"repo": "%2e%2e", "username": "bert", "permission": "push"});
    tenant.apply(&tenant.object("Collaborator", "encoded", &encoded)).await?;
    tenant.has("collaborators", "encoded", "Synced", "False", "InvalidRequest").await?;
    ensure!(tenant.exchanges().is_empty(), "nothing was sent: {:?}", tenant.exchanges());

    tenant.apply(&tenant.object("Repo", "shop", &json!({"name": "shop"}))).await?;
    let renamed = tenant.set("repoes", "shop", json!({"name": "store"})).await;
    ensure!(renamed.is_err_and(|error| format!("{error:#}").contains("name cannot be changed")), "names are for ever");
    Ok(())
}

pub(crate) async fn an_app_signs_in_and_nothing_of_that_is_shown(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-app").await?;
    let app = tenant.seed().app("gh-app-bot", "gh-app");
    let permissions = [("administration", "write"), ("metadata", "read")];
    let installation = tenant.seed().install(app, "gh-app", &permissions);
    tenant.secret("app-key", "key", APP_KEY).await?;
    let mut object = tenant.object("Repo", "shop", &json!({"name": "shop"}));
    let key = json!({"name": "app-key", "namespace": "gh-app", "key": "key"});
    object["spec"]["credentials"] =
        json!({"app": {"appId": app, "installationId": installation, "privateKeyRef": key}});
    tenant.apply(&object).await?;
    let object = tenant.ready("repoes", "shop").await?;
    ensure!(tenant.seed().look("gh-app", "shop").is_some(), "it was made");
    // One token for all requests.
    let exchange = format!("/app/installations/{installation}/access_tokens");
    tenant.looks("/repos/gh-app/shop", 3).await?;
    let exchanges = tenant.fake().exchanges();
    ensure!(exchanges.iter().filter(|each| each.path == exchange).count() == 1, "the token is used again");
    let spans = format!("{:?}", world.collector().spans()?);
    let shown = object.to_string() + &world.log() + &spans;
    for secret in app_secrets() {
        ensure!(!shown.contains(secret), "{secret} is shown");
    }
    tenant.assert_described()
}

pub(crate) async fn tls_is_spoken_with_whom_the_bundle_vouches_for(world: &World) -> Result<()> {
    let tenant = Tenant::new(world, "gh-tls").await?;
    let mut object = tenant.object("Repo", "shop", &json!({"name": "shop"}));
    object["spec"]["apiUrl"] = json!(tenant.hub.tls.url());
    tenant.apply(&object).await?;
    tenant.ready("repoes", "shop").await?;
    ensure!(tenant.seed().look("gh-tls", "shop").is_some(), "it was made");
    tenant.assert_described()
}
