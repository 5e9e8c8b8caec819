//! Apps and their tokens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Outcome;
use crate::answer::Answer;
use crate::render::node_id;
use crate::request::Call;
use crate::state::{Actor, Id, Installation, Token, World, signed};

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let Actor::App(app) = call.actor else { return Err(call.not_found()) };
    let app = &world.apps[&app];
    let installed: Vec<_> = world.installations.values().filter(|each| each.app == app.id).collect();
    let permissions = installed.first().map(|each| each.permissions.clone()).unwrap_or_default();
    Ok(Answer::ok(json!({
        "id": app.id, "slug": app.slug, "node_id": node_id("App", app.id), "name": app.slug, "description": null,
        "owner": world.show_account(app.owner, "simple-user"), "external_url": "https://example.org",
        "html_url": format!("https://github.com/apps/{}", app.slug), "created_at": app.created,
        "updated_at": app.created, "permissions": permissions, "events": [], "installations_count": installed.len(),
    })))
}

pub(super) fn installation(world: &mut World, call: &Call) -> Outcome {
    let Actor::App(app) = call.actor else { return Err(call.not_found()) };
    let (organization, _) = world.organization(call.parameter("org")).ok_or_else(|| call.not_found())?;
    let found = world.installations.values().find(|each| each.app == app && each.account == organization);
    Ok(Answer::ok(show(world, found.ok_or_else(|| call.not_found())?)))
}

pub(super) fn create_token(world: &mut World, call: &Call) -> Outcome {
    let Actor::App(app) = call.actor else { return Err(call.not_found()) };
    let id = call.number("installation_id");
    let installation = world.installations.get(&id).filter(|each| each.app == app).ok_or_else(|| call.not_found())?;
    let asked: Option<BTreeMap<String, String>> = serde_json::from_value(call.body["permissions"].clone()).ok();
    let enough = |name: &str, level: &str| match installation.permissions.get(name).map(String::as_str) {
        Some("write" | "admin") => true,
        Some("read") => level == "read",
        _ => false,
    };
    if let Some((name, _)) = asked.iter().flatten().find(|(name, level)| !enough(name, level)) {
        let message = format!("The permissions requested are not granted to this installation: {name}");
        return Err(call.error(422, &message));
    }
    let permissions = asked.clone().unwrap_or_else(|| installation.permissions.clone());
    let expires = world.now.saturating_add(signed(world.settings.installation_token_lifetime));
    let expires = expires.unwrap_or(jiff::Timestamp::MAX);
    let token = format!("ghs_{:036}", world.next_id());
    let known = Token { actor: Actor::Installation(id), expires: Some(expires), permissions: asked };
    world.tokens.insert(token.clone(), known);
    let body = json!({
        "token": token, "expires_at": format!("{expires:.0}"), "permissions": permissions, "repository_selection": "all",
    });
    Ok(Answer::json(201, body))
}

/// Revokes the token that the request itself was sent with.
pub(super) fn revoke_token(world: &mut World, call: &Call) -> Outcome {
    let Actor::Installation(_) = call.actor else {
        return Err(call.forbidden("Resource not accessible by personal access token"));
    };
    world.tokens.remove(call.token);
    Ok(Answer::nothing())
}

pub(super) fn repositories(world: &mut World, call: &Call) -> Outcome {
    let Actor::Installation(id) = call.actor else {
        return Err(
            call.forbidden("You must authenticate with an installation access token in order to list repositories")
        );
    };
    let account: Option<Id> = world.installations.get(&id).map(|each| each.account);
    let shown =
        world.repositories.values().filter(|each| Some(each.owner) == account && world.is_visible(each.created));
    let shown = shown.map(|each| world.show_repository(each, call.actor, "repository")).collect();
    Ok(Answer::counted("repositories", shown, json!({"repository_selection": "all"})))
}

fn show(world: &World, installation: &Installation) -> Value {
    let (id, login) = (installation.id, world.login(installation.account));
    json!({
        "id": id, "account": world.show_account(installation.account, "simple-user"), "repository_selection": "all",
        "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", world.base),
        "repositories_url": format!("{}/installation/repositories", world.base),
        "html_url": format!("https://github.com/organizations/{login}/settings/installations/{id}"),
        "app_id": installation.app, "target_id": installation.account, "target_type": "Organization",
        "permissions": installation.permissions, "events": [], "created_at": installation.created,
        "updated_at": installation.created, "single_file_name": null, "suspended_by": null, "suspended_at": null,
        "app_slug": world.apps.get(&installation.app).map(|app| app.slug.as_str()),
    })
}
