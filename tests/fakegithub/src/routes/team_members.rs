//! Who is in a team.

use serde_json::{Value, json};

use super::{Outcome, gate, teams};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::team::Member;
use crate::state::{Id, OrgRole, World};

pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let team = &world.teams[&teams::find(world, call)?];
    let wanted = |member: &Member| match call.query("role") {
        Some("maintainer") => member.maintainer,
        Some("member") => !member.maintainer,
        _ => true,
    };
    let users = world.accounts.values().filter(|account| account.is_user()).map(|account| account.id);
    let members =
        users.filter(|user| world.member(team, *user).is_some_and(|member| !member.pending && wanted(&member)));
    Ok(Answer::list(members.map(|user| world.show_account(user, "simple-user")).collect()))
}

pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let team = teams::find(world, call)?;
    let user = user(world, call)?;
    let member = world.member(&world.teams[&team], user);
    Ok(Answer::ok(show(world, call, user, member.ok_or_else(|| call.not_found())?)))
}

/// Who is not in the organisation is invited to it, and is a pending member until then.
pub(super) fn put(world: &mut World, call: &Call) -> Outcome {
    let team = teams::maintained(world, call)?;
    let organization = gate::member(world, call)?;
    let user = user(world, call)?;
    let standing = teams::standing(world, organization, user);
    if standing.is_none()
        && let Some(organization) = world.organization_mut(organization)
    {
        organization.members.insert(user, OrgRole::Pending);
    }
    let pending = !matches!(standing, Some(OrgRole::Admin | OrgRole::Member));
    // Owners of the organisation maintain every team that they are in.
    let maintainer = call.text("role") == Some("maintainer") || standing == Some(OrgRole::Admin);
    let member = Member { maintainer, pending };
    if let Some(team) = world.teams.get_mut(&team) {
        team.members.insert(user, member);
    }
    Ok(Answer::ok(show(world, call, user, member)))
}

pub(super) fn remove(world: &mut World, call: &Call) -> Outcome {
    let team = teams::maintained(world, call)?;
    let user = user(world, call)?;
    let removed = world.teams.get_mut(&team).and_then(|team| team.members.remove(&user));
    removed.map(|_| Answer::nothing()).ok_or_else(|| call.not_found())
}

fn show(world: &World, call: &Call, user: Id, member: Member) -> Value {
    let (org, slug) = (call.parameter("org"), call.parameter("team_slug"));
    json!({
        "url": format!("{}/orgs/{org}/teams/{slug}/memberships/{}", world.base, world.login(user)),
        "role": if member.maintainer { "maintainer" } else { "member" },
        "state": if member.pending { "pending" } else { "active" },
    })
}

fn user(world: &World, call: &Call) -> Result<Id, Answer> {
    world.user(call.parameter("username")).map(|user| user.id).ok_or_else(|| call.not_found())
}
