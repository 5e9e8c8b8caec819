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

    /// What a team may do in a repository: by itself, or by a team above it, whichever is more.
    pub(crate) fn team_access(&self, team: &Team, repository: Id) -> Option<Granted> {
        let mut best = None;
        let (mut next, mut left) = (Some(team), self.teams.len());
        // Bounded, though nobody can put a team below itself.
        while let Some(team) = next.filter(|_| left > 0) {
            best = best.max(team.repositories.get(&repository).cloned());
            next = team.parent.and_then(|parent| self.teams.get(&parent));
            left -= 1;
        }
        best
    }
}

impl World {
    /// What a user is in a team. Who is in one of the teams below it is shown as a member of it.
    pub(crate) fn member(&self, team: &Team, user: Id) -> Option<Member> {
        let from_below = || self.teams.values().any(|each| self.is_below(each, team.id) && each.has_member(user));
        let direct = team.members.get(&user).copied();
        direct.or_else(|| from_below().then_some(Member { maintainer: false, pending: false }))
    }

    fn is_below(&self, team: &Team, above: Id) -> bool {
        // Bounded, though nobody can put a team below itself.
        let up = |team: &Id| self.teams.get(team).and_then(|team| team.parent);
        std::iter::successors(team.parent, up).take(self.teams.len()).any(|parent| parent == above)
    }
}

/// The slug that GitHub makes of a name: lower case, Latin letters without their marks, and one hyphen for each run of other
/// characters. What it makes of names without any is not documented: see
/// [`slug_of`].
fn slug(name: &str) -> String {
    let plain: String = name.chars().map(plain).collect();
    let parts = plain.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The slug of a new team. A name that leaves none gets the team's number, so that no client can guess it.
pub(crate) fn slug_of(name: &str, id: Id) -> String {
    let slug = slug(name);
    if slug.is_empty() { format!("team-{id}") } else { slug }
}

/// A letter without its marks, as far as tests need it.
fn plain(letter: char) -> String {
    const MARKED: [(&str, &str); 14] = [
        ("\u{e0}\u{e1}\u{e2}\u{e3}\u{e4}\u{e5}", "a"),
        ("\u{e7}", "c"),
        ("\u{e8}\u{e9}\u{ea}\u{eb}", "e"),
        ("\u{ec}\u{ed}\u{ee}\u{ef}", "i"),
        ("\u{f1}", "n"),
        ("\u{f2}\u{f3}\u{f4}\u{f5}\u{f6}\u{f8}", "o"),
        ("\u{f9}\u{fa}\u{fb}\u{fc}", "u"),
        ("\u{fd}\u{ff}", "y"),
        ("\u{df}", "ss"),
        ("\u{e6}", "ae"),
        ("\u{153}", "oe"),
        ("\u{142}", "l"),
        ("\u{161}", "s"),
        ("\u{17e}", "z"),
    ];
    let lower: String = letter.to_lowercase().collect();
    let known = MARKED.iter().find(|(letters, _)| letters.contains(&lower));
    known.map_or(lower, |(_, plain)| (*plain).to_owned())
}
