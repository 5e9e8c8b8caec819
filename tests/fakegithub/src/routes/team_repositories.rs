//! Which repositories a team works in.

use super::{Outcome, gate, teams};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Id, Repository, Role, World};

/// The media type with which a check answers with the repository.
const REPOSITORY: [&str; 2] = ["application/vnd.github.v3.repository+json", "application/vnd.github.repository+json"];

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let team = &world.teams[&teams::find(world, call)?];
    // Those of the teams above are listed too.
    let shown = world.repositories.values().filter_map(|repository| {
        let granted = world.team_access(team, repository.id)?;
        let mut shown = world.show_repository(repository, call.actor, "minimal-repository");
        shown["permissions"] = Role::flags(Some(granted.role));
        shown["role_name"] = granted.name().into();
        Some(shown)
    });
    Ok(Answer::list(shown.collect()))
}

/// Teams that have it only by a team above are not listed; what those that are may do includes what they have from above.
pub(super) fn teams_of_repository(world: &mut World, call: &Call) -> Outcome {
    let id = gate::id(world, call)?;
    let shown = world.teams.values().filter_map(|team| {
        team.repositories.get(&id)?;
        let granted = world.team_access(team, id)?;
        let mut shown = world.show_team(team, "team");
        shown["permission"] = granted.custom.as_deref().unwrap_or(granted.role.flag()).into();
        shown["permissions"] = Role::flags(Some(granted.role));
        Some(shown)
    });
    Ok(Answer::list(shown.collect()))
}

pub(super) fn check(world: &mut World, call: &Call) -> Outcome {
    let team = teams::find(world, call)?;
    let repository = repository(world, call)?;
    let granted = world.team_access(&world.teams[&team], repository.id).ok_or_else(|| call.not_found())?;
    if REPOSITORY.iter().any(|accepted| call.accept.contains(accepted)) {
        return Ok(Answer::ok(world.show_team_repository(repository, call.actor, &granted)));
    }
    Ok(Answer::nothing())
}

pub(super) fn put(world: &mut World, call: &Call) -> Outcome {
    let team = teams::find(world, call)?;
    let repository = repository(world, call)?;
    let (id, owner) = (repository.id, repository.owner);
    if owner != world.teams[&team].organization {
        let message = "The repository must belong to the team's organization";
        return Err(call.invalid("TeamMember", "repository", "custom", Some(message)));
    }
    let administers = world.access(call.actor, repository).is_some_and(|granted| granted.role == Role::Admin);
    if !administers {
        return Err(call.forbidden("Must have admin rights to Repository."));
    }
    let default = world.teams[&team].permission.clone();
    let wanted = call.text("permission").unwrap_or(&default);
    let granted = world.granted(owner, wanted);
    let granted = granted.ok_or_else(|| call.invalid("TeamMember", "permission", "invalid", None))?;
    if let Some(team) = world.teams.get_mut(&team) {
        team.repositories.insert(id, granted);
    }
    Ok(Answer::nothing())
}

/// Repositories that the team does not have, or has only by a team above, are no error.
pub(super) fn remove(world: &mut World, call: &Call) -> Outcome {
    let team = teams::find(world, call)?;
    let id: Id = repository(world, call)?.id;
    if let Some(team) = world.teams.get_mut(&team) {
        team.repositories.remove(&id);
    }
    Ok(Answer::nothing())
}

fn repository<'a>(world: &'a World, call: &Call) -> Result<&'a Repository, Answer> {
    let repository = world.repository(call.parameter("owner"), call.parameter("repo"));
    let visible = |each: &&Repository| world.is_visible(each.created) && world.access(call.actor, each).is_some();
    repository.filter(visible).ok_or_else(|| call.not_found())
}
