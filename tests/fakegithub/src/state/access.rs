//! Who may do what in a repository.

use serde_json::{Value, json};

use super::{Actor, Id, OrgRole, Repository, World};

/// GitHub's roles; each may do all that the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Read,
    Triage,
    Write,
    Maintain,
    Admin,
}

/// A role, or an organisation's own role that builds upon it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Granted {
    pub(crate) role: Role,
    pub(crate) custom: Option<String>,
}

impl From<Role> for Granted {
    fn from(role: Role) -> Self {
        Self { role, custom: None }
    }
}

impl Role {
    const ALL: [Self; 5] = [Self::Read, Self::Triage, Self::Write, Self::Maintain, Self::Admin];

    /// The role of that name, in either spelling.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name || role.flag() == name)
    }

    /// As `role_name` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// As `permissions` has it.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Read => "pull",
            Self::Write => "push",
            other => other.name(),
        }
    }

    /// As the older `permission` has it, which knows three roles only.
    pub(crate) fn legacy(self) -> &'static str {
        match self {
            Self::Read | Self::Triage => "read",
            Self::Write | Self::Maintain => "write",
            Self::Admin => "admin",
        }
    }

    /// The flags of `permissions`, each role including those below it.
    pub(crate) fn flags(granted: Option<Self>) -> Value {
        Self::ALL.into_iter().map(|role| (role.flag().to_owned(), Value::from(granted >= Some(role)))).collect()
    }

    /// The flags of `permissions`, of which only one is set.
    pub(crate) fn exclusive_flags(granted: Self) -> Value {
        Self::ALL.into_iter().map(|role| (role.flag().to_owned(), Value::from(granted == role))).collect()
    }
}

impl Granted {
    /// As `role_name` has it.
    pub(crate) fn name(&self) -> &str {
        self.custom.as_deref().unwrap_or(self.role.name())
    }
}

impl World {
    /// What a user may do in a repository, and by what role; none if it may not even know of it.
    pub(crate) fn access_of_user(&self, user: Id, repository: &Repository) -> Option<Granted> {
        let public = (repository.visibility == "public").then(|| Role::Read.into());
        self.rights_of_user(user, repository).max(public)
    }

    /// As [`Self::access_of_user`], without what everybody may do.
    pub(crate) fn rights_of_user(&self, user: Id, repository: &Repository) -> Option<Granted> {
        let mut best = repository.collaborators.get(&user).cloned();
        if repository.owner == user {
            best = best.max(Some(Role::Admin.into()));
        }
        if let Some(organization) = self.accounts.get(&repository.owner).and_then(|account| account.organization()) {
            let by_membership = match organization.members.get(&user) {
                Some(OrgRole::Admin) => Some(Role::Admin),
                Some(OrgRole::Member) => organization.base_role,
                Some(OrgRole::Pending) | None => None,
            };
            best = best.max(by_membership.map(Granted::from));
        }
        let teams = self.teams.values().filter(|team| team.has_member(user));
        teams.map(|team| self.team_access(team, repository.id)).fold(best, Option::max)
    }

    /// What the one who asks may do in a repository.
    pub(crate) fn access(&self, actor: Actor, repository: &Repository) -> Option<Granted> {
        let public = || (repository.visibility == "public").then(|| Role::Read.into());
        match actor {
            Actor::Anonymous | Actor::App(_) => public(),
            Actor::User(user) => self.access_of_user(user, repository),
            Actor::Installation(id) => match self.installations.get(&id) {
                Some(installation) if installation.account == repository.owner => Some(Role::Admin.into()),
                _ => public(),
            },
        }
    }

    /// Whether the one who asks administers an organisation.
    pub(crate) fn administers(&self, actor: Actor, organization: Id) -> bool {
        match actor {
            Actor::User(user) => self
                .accounts
                .get(&organization)
                .and_then(|account| account.organization())
                .is_some_and(|organization| organization.members.get(&user) == Some(&OrgRole::Admin)),
            Actor::Installation(id) => {
                self.installations.get(&id).is_some_and(|installation| installation.account == organization)
            }
            Actor::Anonymous | Actor::App(_) => false,
        }
    }

    /// Whether the one who asks belongs to an organisation.
    pub(crate) fn belongs_to(&self, actor: Actor, organization: Id) -> bool {
        let Actor::User(user) = actor else { return self.administers(actor, organization) };
        let members = self.accounts.get(&organization).and_then(|account| account.organization());
        members.and_then(|organization| organization.members.get(&user)).is_some_and(|role| *role != OrgRole::Pending)
    }
}

/// The flags that an answer shows.
pub(crate) fn flags(granted: Option<&Granted>) -> Value {
    match granted {
        Some(granted) => Role::flags(Some(granted.role)),
        None => json!({"admin": false, "maintain": false, "push": false, "triage": false, "pull": false}),
    }
}
