//! Accounts, and how much of its quota the one who asks has left.

use serde_json::{Value, json};

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Actor, Id, World};

pub(super) fn me(world: &mut World, call: &Call) -> Outcome {
    match call.actor {
        Actor::User(user) => Ok(Answer::ok(world.show_account(user, "private-user"))),
        _ => Err(call.forbidden("Resource not accessible by integration")),
    }
}

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let account = world.account(call.parameter("username")).ok_or_else(|| call.not_found())?;
    let mut shown = world.show_account(account.id, "public-user");
    // What only the user is to see.
    if let Some(members) = shown.as_object_mut() {
        for private in
            ["plan", "private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators"]
        {
            members.remove(private);
        }
    }
    Ok(Answer::ok(shown))
}

pub(super) fn organization(world: &mut World, call: &Call) -> Outcome {
    let (id, _) = world.organization(call.parameter("org")).ok_or_else(|| call.not_found())?;
    let mut shown = world.show_account(id, "organization-full");
    if let (Some(members), false) = (shown.as_object_mut(), sees_settings(world, call.actor, id)) {
        members.retain(|name, _| !(FOR_OWNERS.contains(&name.as_str()) || name.starts_with("members_can_")));
    }
    Ok(Answer::ok(shown))
}

/// What GitHub shows of an organisation to its owners alone, besides what its members can do.
const FOR_OWNERS: [&str; 11] = [
    "total_private_repos",
    "owned_private_repos",
    "private_gists",
    "disk_usage",
    "collaborators",
    "billing_email",
    "plan",
    "default_repository_permission",
    "members_allowed_repository_creation_type",
    "two_factor_requirement_enabled",
    "web_commit_signoff_required",
];

/// Owners see the settings of an organisation, and apps that may read its administration.
fn sees_settings(world: &World, actor: Actor, organization: Id) -> bool {
    let may_read = |id: Id| {
        let installation = world.installations.get(&id);
        installation.is_some_and(|installation| installation.permissions.contains_key("organization_administration"))
    };
    let is_permitted = match actor {
        Actor::Installation(id) => may_read(id),
        Actor::User(_) => true,
        Actor::Anonymous | Actor::App(_) => false,
    };
    is_permitted && world.administers(actor, organization)
}

pub(super) fn membership(world: &mut World, call: &Call) -> Outcome {
    let organization = gate::member(world, call).map_err(|_| refused(world, call))?;
    let user = world.user(call.parameter("username")).ok_or_else(|| call.not_found())?.id;
    let role = super::teams::standing(world, organization, user).ok_or_else(|| call.not_found())?;
    Ok(Answer::ok(world.show_membership(organization, user, role)))
}

/// Unlike teams, memberships are not hidden from who does not belong to the organisation, but refused.
fn refused(world: &World, call: &Call) -> Answer {
    let (org, login) = (call.parameter("org"), call.parameter("username"));
    match world.organization(org) {
        Some(_) => call.forbidden(&format!("You must be a member of {org} to see membership information for {login}.")),
        None => call.not_found(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a route like any other")]
pub(super) fn rate_limit(world: &mut World, call: &Call) -> Outcome {
    let (window, now) = (*world.window(call.actor), world.now);
    let core = json!({
        "limit": window.limit, "used": window.used, "remaining": window.remaining(), "reset": window.reset.as_second(),
    });
    let search = json!({"limit": 30, "used": 0, "remaining": 30, "reset": now.as_second() + 60});
    let resources: Value = json!({"core": core, "search": search});
    Ok(Answer::ok(json!({"resources": resources, "rate": core})))
}
