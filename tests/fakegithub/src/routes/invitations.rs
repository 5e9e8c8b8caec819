//! Invitations to collaborate: those of a repository, and those that a user got.

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Actor, Granted, Id, Role, World};

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    Ok(Answer::list(repository.invitations.values().map(|each| world.show_invitation(repository, each)).collect()))
}

pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = call.number("invitation_id");
    let repository = gate::find_mut(world, call)?;
    let invitation = repository.invitations.get_mut(&id).ok_or_else(|| call.not_found())?;
    if let Some(role) = call.text("permissions").and_then(Role::of) {
        invitation.granted = Granted::from(role);
    }
    let repository = gate::find(world, call)?;
    Ok(Answer::ok(world.show_invitation(repository, &repository.invitations[&id])))
}

pub(super) fn cancel(world: &mut World, call: &Call) -> Outcome {
    let id = call.number("invitation_id");
    let repository = gate::find_mut(world, call)?;
    repository.invitations.remove(&id).map(|_| Answer::nothing()).ok_or_else(|| call.not_found())
}

pub(super) fn mine(world: &mut World, call: &Call) -> Outcome {
    let user = user(call)?;
    let shown = world.repositories.values().flat_map(|repository| {
        let mine = repository.invitations.values().filter(|each| each.invitee == user && !world.is_expired(each));
        mine.map(|each| world.show_invitation(repository, each))
    });
    Ok(Answer::list(shown.collect()))
}

pub(super) fn accept(world: &mut World, call: &Call) -> Outcome {
    let (repository, user) = received(world, call)?;
    let repository = world.repositories.get_mut(&repository).ok_or_else(|| call.not_found())?;
    if let Some(invitation) = repository.invitations.remove(&call.number("invitation_id")) {
        repository.collaborators.insert(user, invitation.granted);
    }
    Ok(Answer::nothing())
}

pub(super) fn decline(world: &mut World, call: &Call) -> Outcome {
    let (repository, _) = received(world, call)?;
    if let Some(repository) = world.repositories.get_mut(&repository) {
        repository.invitations.remove(&call.number("invitation_id"));
    }
    Ok(Answer::nothing())
}

/// The repository of a valid invitation to the one who asks.
fn received(world: &World, call: &Call) -> Result<(Id, Id), Answer> {
    let user = user(call)?;
    let number = call.number("invitation_id");
    let found = world.repositories.values().find_map(|repository| {
        let invitation = repository.invitations.get(&number)?;
        (invitation.invitee == user && !world.is_expired(invitation)).then_some((repository.id, user))
    });
    found.ok_or_else(|| call.not_found())
}

fn user(call: &Call) -> Result<Id, Answer> {
    match call.actor {
        Actor::User(user) => Ok(user),
        _ => Err(call.not_found()),
    }
}
