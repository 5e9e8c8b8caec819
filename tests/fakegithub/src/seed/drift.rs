//! What somebody else changes at GitHub's pages.

use serde_json::Value;

use super::{Seed, id, repository_mut, team_mut};
use crate::state::team::Member;

impl Seed<'_> {
    /// Gives a team another description.
    pub fn describe_team(&self, organization: &str, slug: &str, description: &str) {
        let world = &mut *self.shared.world();
        let organization = id(world, organization);
        team_mut(world, organization, slug).description = Some(description.to_owned());
    }

    /// Puts a member of the organisation into a team, as its maintainer or not.
    pub fn team_member(&self, organization: &str, slug: &str, login: &str, maintainer: bool) {
        let world = &mut *self.shared.world();
        let (organization, user) = (id(world, organization), id(world, login));
        team_mut(world, organization, slug).members.insert(user, Member { maintainer, pending: false });
    }

    /// Changes members of all rulesets of a repository.
    pub fn change_rulesets(&self, owner: &str, name: &str, members: &Value) {
        let world = &mut *self.shared.world();
        for ruleset in repository_mut(world, owner, name).rulesets.values_mut() {
            for (key, value) in members.as_object().into_iter().flatten() {
                ruleset[key] = value.clone();
            }
        }
    }
}
