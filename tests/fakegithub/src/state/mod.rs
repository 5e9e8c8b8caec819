//! What the fake knows: accounts, repositories, teams, apps and tokens.

pub(crate) mod access;
mod account;
mod app;
mod repository;
pub(crate) mod team;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

pub(crate) use self::{
    access::{Granted, Role},
    account::{Account, Kind, OrgRole, Organization},
    app::{App, Installation, Token},
    repository::{File, Hook, Invitation, Repository},
    team::Team,
};
use crate::quota::Quotas;
use crate::settings::Settings;

/// A number that GitHub gives to a thing. One sequence serves all kinds of things.
pub(crate) type Id = u64;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    /// Nobody in particular.
    Anonymous,
    /// A user, by a personal token.
    User(Id),
    /// An app where it is installed, by an installation token.
    Installation(Id),
    /// An app itself, by a signed token.
    App(Id),
}

/// Everything.
pub(crate) struct World {
    pub(crate) settings: Settings,
    /// The time of the request being answered.
    pub(crate) now: Timestamp,
    /// The base URL of the API, without a slash at the end.
    pub(crate) base: String,
    pub(crate) accounts: BTreeMap<Id, Account>,
    pub(crate) repositories: BTreeMap<Id, Repository>,
    /// Names that repositories had, in lower case, as `owner/name`.
    pub(crate) former_names: BTreeMap<String, Id>,
    pub(crate) teams: BTreeMap<Id, Team>,
    pub(crate) apps: BTreeMap<Id, App>,
    pub(crate) installations: BTreeMap<Id, Installation>,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) quotas: Quotas,
    last: Id,
}

impl World {
    pub(crate) fn new(settings: Settings, base: String) -> Self {
        Self {
            settings,
            now: Timestamp::UNIX_EPOCH,
            base,
            accounts: BTreeMap::new(),
            repositories: BTreeMap::new(),
            former_names: BTreeMap::new(),
            teams: BTreeMap::new(),
            apps: BTreeMap::new(),
            installations: BTreeMap::new(),
            tokens: BTreeMap::new(),
            quotas: Quotas::default(),
            last: 1000,
        }
    }

    /// A number that nothing has yet.
    pub(crate) fn next_id(&mut self) -> Id {
        self.last += 1;
        self.last
    }

    /// Whether a thing that was created then shows in reads already.
    pub(crate) fn is_visible(&self, created: Timestamp) -> bool {
        self.now.duration_since(created) >= signed(self.settings.visible_after)
    }
}

/// A duration as the time library counts; what is too long is very long.
pub(crate) fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
