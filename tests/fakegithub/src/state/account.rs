//! Users and organisations.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Granted, Id, Role, World};

/// A user or an organisation.
pub(crate) struct Account {
    pub(crate) id: Id,
    pub(crate) login: String,
    pub(crate) created: Timestamp,
    pub(crate) kind: Kind,
}

/// What an account is.
pub(crate) enum Kind {
    User,
    Organization(Organization),
}

/// What an organisation has that a user has not.
pub(crate) struct Organization {
    pub(crate) members: BTreeMap<Id, OrgRole>,
    /// What every member may do in every repository; none is `none`.
    pub(crate) base_role: Option<Role>,
    /// Roles of its own and what each builds upon.
    pub(crate) custom_roles: BTreeMap<String, Role>,
}

/// A member's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrgRole {
    Admin,
    Member,
    /// Invited, and not yet a member.
    Pending,
}

impl Account {
    pub(crate) fn organization(&self) -> Option<&Organization> {
        match &self.kind {
            Kind::Organization(organization) => Some(organization),
            Kind::User => None,
        }
    }

    pub(crate) fn is_user(&self) -> bool {
        matches!(self.kind, Kind::User)
    }
}

impl World {
    /// A user or organisation, whatever the case of its letters.
    pub(crate) fn account(&self, login: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn user(&self, login: &str) -> Option<&Account> {
        self.account(login).filter(|account| account.is_user())
    }

    /// An organisation's id and what it has.
    pub(crate) fn organization(&self, login: &str) -> Option<(Id, &Organization)> {
        let account = self.account(login)?;
        Some((account.id, account.organization()?))
    }

    pub(crate) fn organization_mut(&mut self, id: Id) -> Option<&mut Organization> {
        match &mut self.accounts.get_mut(&id)?.kind {
            Kind::Organization(organization) => Some(organization),
            Kind::User => None,
        }
    }

    pub(crate) fn login(&self, id: Id) -> &str {
        self.accounts.get(&id).map_or("ghost", |account| &account.login)
    }

    /// What a permission in a request grants in repositories of that owner: GitHub takes the names of the API and of its
    /// pages, and those of the organisation's own roles.
    pub(crate) fn granted(&self, owner: Id, permission: &str) -> Option<Granted> {
        if let Some(role) = Role::of(permission) {
            return Some(role.into());
        }
        let custom = &self.accounts.get(&owner)?.organization()?.custom_roles;
        let (name, role) = custom.get_key_value(permission)?;
        Some(Granted { role: *role, custom: Some(name.clone()) })
    }
}
