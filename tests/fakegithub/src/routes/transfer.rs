//! Giving a repository to somebody else.

use super::{Outcome, gate};
use crate::answer::Answer;
use crate::request::Call;
use crate::state::{Actor, World};

/// Transfers at once to whom the one who asks belongs to; GitHub asks other users first, and so does nothing here yet.
pub(super) fn transfer(world: &mut World, call: &Call) -> Outcome {
    let repository = gate::find(world, call)?;
    let (id, name) = (repository.id, call.text("new_name").unwrap_or(&repository.name).to_owned());
    let to = call.text("new_owner").unwrap_or_default();
    let Some(owner) = world.account(to).map(|account| account.id) else {
        return Err(call.invalid("Repository", "new_owner", "invalid", None));
    };
    let login = world.login(owner).to_owned();
    if world.repository(&login, &name).is_some() {
        let message = "Repositories cannot be transferred to an owner that has one of that name";
        return Err(call.invalid("Repository", "name", "custom", Some(message)));
    }
    let shown = |world: &World| {
        let repository = world.repositories.get(&id);
        repository.map(|each| world.show_repository(each, call.actor, "minimal-repository")).unwrap_or_default()
    };
    // GitHub answers with the repository as it was.
    let before = shown(world);
    if call.actor == Actor::User(owner) || world.belongs_to(call.actor, owner) {
        world.rename(id, owner, &name);
    }
    Ok(Answer::json(202, before))
}
