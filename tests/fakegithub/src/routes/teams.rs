//! Teams themselves.

use std::collections::BTreeMap;

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::team::{Member, slug_of};
use crate::state::{Actor, Id, OrgRole, Team, World};

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let organization = gate::member(world, call)?;
    let teams = world.teams.values().filter(|team| team.organization == organization && world.is_visible(team.created));
    Ok(Answer::list(teams.map(|team| world.show_team(team, "team")).collect()))
}

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let id = find(world, call)?;
    Ok(Answer::ok(show(world, id)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let organization = gate::member(world, call)?;
    let name = call.text("name").unwrap_or_default();
    let id = world.next_id();
    let slug = slug_of(name, id);
    if name.trim().is_empty() {
        return Err(call.invalid("Team", "name", "missing_field", None));
    }
    if world.team(organization, &slug).is_some() {
        let message = "Name must be unique for this org";
        return Err(call.invalid("Team", "name", "already_exists", Some(message)));
    }
    let parent = parent(world, call, organization)?;
    let mut members = BTreeMap::new();
    // A user who creates a team maintains it.
    if let Actor::User(user) = call.actor {
        members.insert(user, Member { maintainer: true, pending: false });
    }
    for login in call.texts("maintainers").unwrap_or_default() {
        let user = world.user(&login).ok_or_else(|| call.invalid("Team", "maintainers", "invalid", None))?.id;
        members.insert(user, Member { maintainer: true, pending: false });
    }
    let default_privacy = if parent.is_some() { "closed" } else { "secret" };
    let team = Team {
        id,
        organization,
        slug,
        name: name.to_owned(),
        description: call.text("description").map(str::to_owned),
        privacy: call.text("privacy").unwrap_or(default_privacy).to_owned(),
        notification_setting: call.text("notification_setting").unwrap_or("notifications_enabled").to_owned(),
        permission: call.text("permission").unwrap_or("pull").to_owned(),
        parent,
        created: world.now,
        updated: world.now,
        members,
        repositories: BTreeMap::new(),
    };
    world.teams.insert(id, team);
    Ok(Answer::json(201, show(world, id)))
}

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = maintained(world, call)?;
    let organization = gate::member(world, call)?;
    let parent = match (&call.body["parent_team_id"], &call.body["parent_team_slug"]) {
        (by_id, by_slug) if by_id.is_null() && by_slug.is_null() => {
            let cleared = call.body.get("parent_team_id").is_some() || call.body.get("parent_team_slug").is_some();
            cleared.then_some(None)
        }
        _ => Some(parent(world, call, organization)?),
    };
    if parent == Some(Some(id)) {
        return Err(call.invalid("Team", "parent_team_id", "custom", Some("A team cannot be its own parent")));
    }
    let new_slug = call.text("name").map(|name| slug_of(name, id));
    if let Some(new) = &new_slug
        && world.team(organization, new).is_some_and(|other| other.id != id)
    {
        return Err(call.invalid("Team", "name", "already_exists", Some("Name must be unique for this org")));
    }
    let now = world.now;
    let team = world.teams.get_mut(&id).ok_or_else(|| call.not_found())?;
    if let (Some(name), Some(new)) = (call.text("name"), new_slug) {
        name.clone_into(&mut team.name);
        team.slug = new;
    }
    if let Some(description) = call.text("description") {
        team.description = Some(description.to_owned());
    }
    let texts = [
        ("privacy", &mut team.privacy),
        ("notification_setting", &mut team.notification_setting),
        ("permission", &mut team.permission),
    ];
    for (name, text) in texts {
        if let Some(new) = call.text(name) {
            new.clone_into(text);
        }
    }
    if let Some(parent) = parent {
        team.parent = parent;
    }
    team.updated = now;
    Ok(Answer::ok(show(world, id)))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = maintained(world, call)?;
    world.teams.remove(&id);
    // Teams below it go with it.
    while let Some(child) =
        world.teams.values().find(|team| team.parent.is_some_and(|up| !world.teams.contains_key(&up)))
    {
        let child = child.id;
        world.teams.remove(&child);
    }
    Ok(Answer::nothing())
}

/// The team that the path names, for one who belongs to its organisation.
pub(super) fn find(world: &World, call: &Call) -> Result<Id, Answer> {
    let organization = gate::member(world, call)?;
    let team = world.team(organization, call.parameter("team_slug"));
    let team = team.filter(|team| world.is_visible(team.created)).ok_or_else(|| call.not_found())?;
    let hidden = team.privacy == "secret"
        && !world.administers(call.actor, organization)
        && !matches!(call.actor, Actor::User(user) if team.has_member(user));
    if hidden { Err(call.not_found()) } else { Ok(team.id) }
}

/// The team that the path names, for one who may change it.
pub(super) fn maintained(world: &World, call: &Call) -> Result<Id, Answer> {
    let id = find(world, call)?;
    let maintains = |user| world.teams[&id].members.get(&user).is_some_and(|member| member.maintainer);
    let permitted = world.administers(call.actor, world.teams[&id].organization)
        || matches!(call.actor, Actor::User(user) if maintains(user));
    if permitted { Ok(id) } else { Err(call.forbidden("Must have admin rights to team.")) }
}

/// How a user who is asked to join a team stands with its organisation.
pub(super) fn standing(world: &World, organization: Id, user: Id) -> Option<OrgRole> {
    world.accounts.get(&organization)?.organization()?.members.get(&user).copied()
}

fn parent(world: &World, call: &Call, organization: Id) -> Result<Option<Id>, Answer> {
    let by_slug = call.text("parent_team_slug");
    let Some(id) = call.body["parent_team_id"].as_u64() else {
        let Some(slug) = by_slug else { return Ok(None) };
        let team = world.team(organization, slug).map(|team| Some(team.id));
        return team.ok_or_else(|| call.invalid("Team", "parent_team_slug", "invalid", None));
    };
    match world.teams.get(&id) {
        Some(team) if team.organization == organization => Ok(Some(id)),
        _ => Err(call.invalid("Team", "parent_team_id", "invalid", None)),
    }
}

fn show(world: &World, id: Id) -> serde_json::Value {
    world.teams.get(&id).map(|team| world.show_team(team, "team-full")).unwrap_or_default()
}
