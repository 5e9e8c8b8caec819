//! What somebody else changes at GitHub's pages.

use jiff::Timestamp;
use serde_json::Value;

use super::{Seed, id, repository_mut, team_mut};
use crate::state::team::Member;
use crate::state::{Actor, File};

impl Seed<'_> {
    /// Uses up what a user has left of the running hour's quota, as another program with the same token would; when that hour ends.
    #[allow(clippy::must_use_candidate, reason = "it is done for its own sake, and not for the time")]
    pub fn exhaust(&self, login: &str) -> Timestamp {
        let world = &mut *self.shared.world();
        let user = id(world, login);
        let window = world.window(Actor::User(user));
        window.used = window.limit;
        window.reset
    }

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

    /// Adds a branch with the files of the default branch, as pushing it would.
    pub fn branch(&self, owner: &str, name: &str, branch: &str) {
        let world = &mut *self.shared.world();
        let repository = repository_mut(world, owner, name);
        repository.branches.insert(branch.to_owned(), repository.files.clone());
    }

    /// The branches of a repository, by name, each with its files as text; the default branch among them.
    #[must_use]
    pub fn branches(&self, owner: &str, name: &str) -> Value {
        let world = &mut *self.shared.world();
        let Some(repository) = world.repository(owner, name) else { return Value::Null };
        let all = repository.branches.iter().chain([(&repository.default_branch, &repository.files)]);
        all.map(|(branch, files)| {
            let text = |file: &File| Value::from(String::from_utf8_lossy(&file.content).into_owned());
            let files: Value = files.iter().map(|(path, file)| (path.clone(), text(file))).collect();
            (branch.clone(), files)
        })
        .collect()
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
