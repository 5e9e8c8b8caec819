//! Repositories and what is in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Granted, Id, World};

/// A repository.
pub(crate) struct Repository {
    pub(crate) id: Id,
    pub(crate) owner: Id,
    pub(crate) name: String,
    /// `public`, `private` or `internal`.
    pub(crate) visibility: String,
    pub(crate) default_branch: String,
    /// What PATCH changes and GET shows as it is, from `description` to the merge settings.
    pub(crate) settings: Map<String, Value>,
    pub(crate) topics: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) pushed: Timestamp,
    pub(crate) vulnerability_alerts: bool,
    pub(crate) collaborators: BTreeMap<Id, Granted>,
    pub(crate) invitations: BTreeMap<Id, Invitation>,
    pub(crate) hooks: BTreeMap<Id, Hook>,
    pub(crate) rulesets: BTreeMap<Id, Value>,
    /// The bodies that were put, by branch.
    pub(crate) protections: BTreeMap<String, Value>,
    /// The files of the default branch, by path. A repository without any has no such branch yet.
    pub(crate) files: BTreeMap<String, File>,
    /// The files of all other branches, by branch and path.
    pub(crate) branches: BTreeMap<String, BTreeMap<String, File>>,
    pub(crate) variables: BTreeMap<String, (String, Timestamp, Timestamp)>,
    pub(crate) secrets: BTreeMap<String, (Timestamp, Timestamp)>,
}

/// An invitation to collaborate.
pub(crate) struct Invitation {
    pub(crate) id: Id,
    pub(crate) invitee: Id,
    pub(crate) inviter: Id,
    pub(crate) granted: Granted,
    pub(crate) created: Timestamp,
}

/// A webhook.
pub(crate) struct Hook {
    pub(crate) config: Map<String, Value>,
    pub(crate) events: Vec<String>,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// A file.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) content: Vec<u8>,
    /// Git's hash of the content.
    pub(crate) sha: String,
}

impl Repository {
    pub(crate) fn new(id: Id, owner: Id, name: String, visibility: &str, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            name,
            visibility: visibility.to_owned(),
            default_branch: "main".to_owned(),
            settings: defaults(),
            topics: Vec::new(),
            created: now,
            updated: now,
            pushed: now,
            vulnerability_alerts: false,
            collaborators: BTreeMap::new(),
            invitations: BTreeMap::new(),
            hooks: BTreeMap::new(),
            rulesets: BTreeMap::new(),
            protections: BTreeMap::new(),
            files: BTreeMap::new(),
            branches: BTreeMap::new(),
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// The files of a branch; none if there is no such branch. The default branch of an empty repository has none.
    pub(crate) fn branch(&self, name: &str) -> Option<&BTreeMap<String, File>> {
        if name == self.default_branch { Some(&self.files) } else { self.branches.get(name) }
    }

    pub(crate) fn branch_mut(&mut self, name: &str) -> Option<&mut BTreeMap<String, File>> {
        if name == self.default_branch { Some(&mut self.files) } else { self.branches.get_mut(name) }
    }

    /// Makes another branch the default one; the one before stays beside it. Whether there is such a branch.
    pub(crate) fn make_default(&mut self, name: &str) -> bool {
        let Some(files) = self.branches.remove(name) else { return name == self.default_branch };
        let before = std::mem::replace(&mut self.default_branch, name.to_owned());
        self.branches.insert(before, std::mem::replace(&mut self.files, files));
        true
    }

    pub(crate) fn is_archived(&self) -> bool {
        self.settings["archived"] == true
    }
}

/// The settings of a new repository.
fn defaults() -> Map<String, Value> {
    let settings = json!({
        "description": null, "homepage": null, "is_template": false, "archived": false,
        "has_issues": true, "has_projects": true, "has_wiki": true, "has_discussions": false, "has_downloads": true,
        "has_pull_requests": true, "pull_request_creation_policy": "all",
        "allow_squash_merge": true, "allow_merge_commit": true, "allow_rebase_merge": true, "allow_auto_merge": false,
        "allow_update_branch": false, "delete_branch_on_merge": false, "use_squash_pr_title_as_default": false,
        "squash_merge_commit_title": "COMMIT_OR_PR_TITLE", "squash_merge_commit_message": "COMMIT_MESSAGES",
        "merge_commit_title": "MERGE_MESSAGE", "merge_commit_message": "PR_TITLE",
        "allow_forking": true, "web_commit_signoff_required": false,
    });
    match settings {
        Value::Object(settings) => settings,
        _ => Map::new(),
    }
}

impl World {
    /// A repository by its present name.
    pub(crate) fn repository(&self, owner: &str, name: &str) -> Option<&Repository> {
        let owner = self.account(owner)?.id;
        self.repositories.values().find(|each| each.owner == owner && each.name.eq_ignore_ascii_case(name))
    }

    /// The repository that had this name, unless another has it now.
    pub(crate) fn renamed(&self, owner: &str, name: &str) -> Option<&Repository> {
        let former = self.former_names.get(&key(owner, name)).filter(|_| self.repository(owner, name).is_none())?;
        self.repositories.get(former)
    }

    pub(crate) fn full_name(&self, repository: &Repository) -> String {
        format!("{}/{}", self.login(repository.owner), repository.name)
    }

    /// Gives a repository another owner and name; the old name leads to it from now on. Teams work in repositories of their own
    /// organisation only.
    pub(crate) fn rename(&mut self, id: Id, owner: Id, name: &str) {
        let Some(repository) = self.repositories.get(&id) else { return };
        let former = key(self.login(repository.owner), &repository.name);
        let new = key(self.login(owner), name);
        self.former_names.remove(&new);
        if former != new {
            self.former_names.insert(former, id);
        }
        for team in self.teams.values_mut().filter(|team| team.organization != owner) {
            team.repositories.remove(&id);
        }
        if let Some(repository) = self.repositories.get_mut(&id) {
            repository.owner = owner;
            name.clone_into(&mut repository.name);
            repository.updated = self.now;
        }
    }
}

fn key(owner: &str, name: &str) -> String {
    format!("{owner}/{name}").to_lowercase()
}
