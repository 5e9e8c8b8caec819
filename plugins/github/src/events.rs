//! Events beside the host's own, by the names that Krateo's provider has for them.
//!
//! Krateo's is written at every look; these are written once, where something is found or done.

use capstan_sdk::{config, events};
use serde::Deserialize;

use crate::config::Config;

/// How reasons are spelled.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Names {
    /// As they are meant.
    #[default]
    Corrected,
    /// As Krateo's provider writes them, typing errors included, for whoever filters by them.
    Krateo,
}

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A repository that nobody created for the object is taken over.
    RepoExists,
    /// A repository was created.
    RepoCreated,
    /// A repository was deleted.
    RepoDeleted,
    /// A repository was archived in place of being deleted.
    RepoArchived,
    /// A setting of a repository is not as it was set, though GitHub made no objection.
    SettingUnkept,
    /// A user whom nobody added for the object is a collaborator, or invited.
    CollaboratorExists,
    /// A user was added or invited.
    CollaboratorCreated,
    /// A user was removed, or an invitation cancelled.
    CollaboratorDeleted,
    /// A user has more than was given, and the token may not see from where.
    UnexplainedPermission,
    /// A team that nobody gave the permission for the object has it.
    AlreadyPermitted,
    /// A team has not exactly the permission, and is given it.
    NotPermitted,
    /// A repository was taken from a team.
    PermissionRevoked,
    /// What is in an archived repository is let go, since it cannot be removed.
    LeftInArchive,
    /// A webhook that nobody created for the object is taken over.
    WebhookExists,
}

impl Event {
    /// The reason in the event.
    #[must_use]
    pub fn reason(self, names: Names) -> &'static str {
        match (self, names) {
            (Self::RepoExists, Names::Krateo) => "AlredyExists",
            (Self::RepoDeleted | Self::CollaboratorDeleted, Names::Krateo) => "RepDeleted",
            (Self::RepoExists | Self::CollaboratorExists | Self::WebhookExists, _) => "AlreadyExists",
            (Self::RepoCreated, _) => "RepoCreated",
            (Self::RepoDeleted, _) => "RepoDeleted",
            (Self::RepoArchived, _) => "RepoArchived",
            (Self::SettingUnkept, _) => "SettingUnkept",
            (Self::CollaboratorCreated, _) => "CollaboratorCreated",
            (Self::CollaboratorDeleted, _) => "CollaboratorDeleted",
            (Self::UnexplainedPermission, _) => "UnexplainedPermission",
            (Self::AlreadyPermitted, _) => "AlreadyPermitted",
            (Self::NotPermitted, _) => "NotPermitted",
            (Self::PermissionRevoked, _) => "PermissionRevoked",
            (Self::LeftInArchive, _) => "LeftInArchive",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::RepoExists
            | Self::CollaboratorExists
            | Self::UnexplainedPermission
            | Self::AlreadyPermitted
            | Self::WebhookExists => "Observe",
            Self::RepoCreated | Self::CollaboratorCreated => "Create",
            Self::NotPermitted | Self::SettingUnkept => "Update",
            Self::RepoDeleted
            | Self::RepoArchived
            | Self::CollaboratorDeleted
            | Self::PermissionRevoked
            | Self::LeftInArchive => "Delete",
        }
    }
}

/// Writes an event about the object being reconciled.
pub(crate) fn tell(event: Event, note: &str) {
    // What fits no configuration was refused before the provider was loaded.
    let names = config::get::<Config>().map(|config| config.event_names).unwrap_or_default();
    events::normal(event.reason(names), event.action(), note);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_for_who_asks_for_them() {
        let both = |event: Event| (event.reason(Names::Corrected), event.reason(Names::Krateo));
        assert_eq!(both(Event::RepoExists), ("AlreadyExists", "AlredyExists"));
        assert_eq!(both(Event::RepoDeleted), ("RepoDeleted", "RepDeleted"));
        assert_eq!(both(Event::CollaboratorDeleted), ("CollaboratorDeleted", "RepDeleted"));
        assert_eq!(both(Event::RepoCreated), ("RepoCreated", "RepoCreated"));
    }
}
