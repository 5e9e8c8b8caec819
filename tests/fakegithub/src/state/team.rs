//! Teams.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Granted, Id, World};

/// A team of an organisation.
pub(crate) struct Team {
    pub(crate) id: Id,
    pub(crate) organization: Id,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// `closed` or `secret`.
    pub(crate) privacy: String,
    pub(crate) notification_setting: String,
    pub(crate) permission: String,
    pub(crate) parent: Option<Id>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) members: BTreeMap<Id, Member>,
    pub(crate) repositories: BTreeMap<Id, Granted>,
}

/// A user in a team.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) maintainer: bool,
    /// Invited to the organisation, and not yet a member.
    pub(crate) pending: bool,
}

impl Team {
    pub(crate) fn has_member(&self, user: Id) -> bool {
        self.members.get(&user).is_some_and(|member| !member.pending)
    }
}

impl World {
    /// A team by its organisation and slug.
    pub(crate) fn team(&self, organization: Id, slug: &str) -> Option<&Team> {
        let mut teams = self.teams.values();
        teams.find(|team| team.organization == organization && team.slug.eq_ignore_ascii_case(slug))
    }
}

/// The slug that GitHub makes of a name: lower case, with one hyphen for each run of other characters.
pub(crate) fn slug(name: &str) -> String {
    let parts = name.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
