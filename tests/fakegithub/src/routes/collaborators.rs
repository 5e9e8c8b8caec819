//! Who may work in a repository.

use serde_json::json;

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::access::flags;
use crate::state::{Actor, Granted, Id, Invitation, OrgRole, Repository, Role, World};

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let shown = world.accounts.values().filter(|account| account.is_user()).filter_map(|account| {
        let granted = world.rights_of_user(account.id, repository)?;
        let direct = repository.collaborators.contains_key(&account.id);
        let outside = !world.belongs_to(Actor::User(account.id), repository.owner);
        let wanted = match call.query("affiliation") {
            Some("direct") => direct,
            Some("outside") => direct && outside,
            _ => true,
        };
        wanted.then(|| {
            let mut shown = world.show_account(account.id, "collaborator");
            shown["permissions"] = flags(Some(&granted));
            shown["role_name"] = granted.name().into();
            shown
        })
    });
    Ok(Answer::list(shown.collect()))
}

pub(super) fn check(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let user = user(world, call)?;
    match world.rights_of_user(user, repository) {
        Some(_) => Ok(Answer::nothing()),
        None => Err(call.not_found()),
    }
}

/// GitHub answers this for every user that exists, whether a collaborator or not.
pub(super) fn permission(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let user = user(world, call)?;
    let granted = world.access_of_user(user, repository);
    let mut shown = world.show_account(user, "collaborator");
    shown["permissions"] = flags(granted.as_ref());
    let role = granted.as_ref().map_or("none", Granted::name);
    shown["role_name"] = role.into();
    let legacy = granted.as_ref().map_or("none", |granted| granted.role.legacy());
    Ok(Answer::ok(json!({"permission": legacy, "role_name": role, "user": shown})))
}

pub(super) fn add(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let (id, owner) = (repository.id, repository.owner);
    let user = user(world, call)?;
    if user == owner {
        let message = "Repository owner cannot be a collaborator";
        return Err(call.invalid("Repository", "user", "custom", Some(message)));
    }
    let in_organization = world.accounts.get(&owner).is_some_and(|owner| !owner.is_user());
    // A permission means something in organisations only: a user's collaborators may write.
    let wanted = if in_organization { call.text("permission").unwrap_or("push") } else { "push" };
    let Some(granted) = world.granted(owner, wanted) else {
        let message = "Permission must be one of: pull, triage, push, maintain, admin, or a custom role name";
        return Err(call.invalid("Repository", "permission", "custom", Some(message)));
    };
    if base_role(world, user, owner) > Some(granted.role) {
        let message = format!("Cannot assign {} permission of {wanted}", world.login(user));
        return Err(call.invalid("Repository", "permission", "custom", Some(&message)));
    }
    if may_join_at_once(world, user, repository) {
        let repository = gate::find_mut(world, call)?;
        repository.collaborators.insert(user, granted);
        return Ok(Answer::nothing());
    }
    let pending = repository.invitations.values().find(|each| each.invitee == user && !world.is_expired(each));
    let invitation = match pending.map(|each| each.id) {
        Some(pending) => pending,
        None => world.next_id(),
    };
    let inviter = match call.actor {
        Actor::User(inviter) => inviter,
        _ => owner,
    };
    let now = world.now;
    let repository = world.repositories.get_mut(&id).ok_or_else(|| call.not_found())?;
    repository.invitations.retain(|_, each| each.invitee != user || each.id == invitation);
    let made = repository.invitations.entry(invitation).or_insert(Invitation {
        id: invitation,
        invitee: user,
        inviter,
        granted: Role::Write.into(),
        created: now,
    });
    made.granted = granted;
    let repository = gate::find(world, call)?;
    let shown = world.show_invitation(repository, &repository.invitations[&invitation]);
    Ok(Answer::json(201, shown))
}

pub(super) fn remove(world: &mut World, call: &Call) -> Outcome {
    let user = user(world, call)?;
    let repository = gate::find_mut(world, call)?;
    repository.collaborators.remove(&user);
    // GitHub keeps invitations: they are cancelled by their own number.
    Ok(Answer::nothing())
}

/// Members of the organisation and those who are in already need no invitation.
fn may_join_at_once(world: &World, user: Id, repository: &Repository) -> bool {
    let member = world.accounts.get(&repository.owner).and_then(|account| account.organization());
    let member = member.and_then(|organization| organization.members.get(&user)).copied();
    repository.collaborators.contains_key(&user) || matches!(member, Some(OrgRole::Member | OrgRole::Admin))
}

/// What a user may do as a member of the organisation that owns the repository. GitHub takes no lesser role for one.
fn base_role(world: &World, user: Id, owner: Id) -> Option<Role> {
    let organization = world.accounts.get(&owner)?.organization()?;
    let is_member = matches!(organization.members.get(&user)?, OrgRole::Member | OrgRole::Admin);
    organization.base_role.filter(|_| is_member)
}

fn user(world: &World, call: &Call) -> Result<Id, Answer> {
    world.user(call.parameter("username")).map(|user| user.id).ok_or_else(|| call.not_found())
}
