//! What a `Repo` says.

use capstan_sdk::Value;
use serde::{Deserialize, Serialize};

use crate::spec::Connection;

/// The spec. What is left out is not looked at and never changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Where GitHub is.
    #[serde(flatten)]
    pub connection: Connection,
    /// The organisation or user that owns it.
    pub org: String,
    /// The repository's name.
    pub name: String,
    /// Whether it is created with a first commit; yes if it is left out.
    pub initialize: Option<bool>,
    /// Not public. Left out: created private, and never changed afterwards.
    pub private: Option<bool>,
    /// `public`, `private` or `internal`; says more than `private`.
    pub visibility: Option<String>,
    /// The topics, all of them.
    pub topics: Option<Vec<String>>,
    /// Whether a repository that exists already is taken over, where that must be said.
    pub adopt: Option<bool>,
    /// What becomes of it when the object is deleted.
    #[serde(default)]
    pub on_delete: OnDelete,
    /// What GitHub keeps by the same name.
    #[serde(flatten)]
    pub settings: Settings,
}

/// What becomes of a repository when its object is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum OnDelete {
    /// It is deleted.
    #[default]
    Delete,
    /// It is archived.
    Archive,
    /// Nothing.
    Keep,
}

/// Settings by the names that requests and answers of GitHub have for them; in a spec they are in camel case.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
pub struct Settings {
    /// One line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its address on the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The branch that is shown, which must exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// Issues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_issues: Option<bool>,
    /// Projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_projects: Option<bool>,
    /// A wiki. Private repositories of free plans have none, whatever is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_wiki: Option<bool>,
    /// Pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_pull_requests: Option<bool>,
    /// Who may open pull requests: `all` or `collaborators_only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_request_creation_policy: Option<String>,
    /// Whether others can be created from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_template: Option<bool>,
    /// Whether it is read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Squashing pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_squash_merge: Option<bool>,
    /// Merging pull requests with a commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_merge_commit: Option<bool>,
    /// Rebasing pull requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_rebase_merge: Option<bool>,
    /// Merging on its own once all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_auto_merge: Option<bool>,
    /// Offering to bring pull requests up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_update_branch: Option<bool>,
    /// Deleting branches that were merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_branch_on_merge: Option<bool>,
    /// `PR_TITLE` or `COMMIT_OR_PR_TITLE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub squash_merge_commit_title: Option<String>,
    /// `PR_BODY`, `COMMIT_MESSAGES` or `BLANK`; not every one fits every title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub squash_merge_commit_message: Option<String>,
    /// `PR_TITLE` or `MERGE_MESSAGE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_commit_title: Option<String>,
    /// `PR_BODY`, `PR_TITLE` or `BLANK`; not every one fits every title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_commit_message: Option<String>,
    /// Private forks; of organisations' repositories only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_forking: Option<bool>,
    /// Signing off commits that are made on the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_commit_signoff_required: Option<bool>,
}

impl Settings {
    /// The names of all settings: in a spec, and at GitHub.
    pub const NAMES: [(&str, &str); 22] = [
        ("description", "description"),
        ("homepage", "homepage"),
        ("defaultBranch", "default_branch"),
        ("hasIssues", "has_issues"),
        ("hasProjects", "has_projects"),
        ("hasWiki", "has_wiki"),
        ("hasPullRequests", "has_pull_requests"),
        ("pullRequestCreationPolicy", "pull_request_creation_policy"),
        ("isTemplate", "is_template"),
        ("archived", "archived"),
        ("allowSquashMerge", "allow_squash_merge"),
        ("allowMergeCommit", "allow_merge_commit"),
        ("allowRebaseMerge", "allow_rebase_merge"),
        ("allowAutoMerge", "allow_auto_merge"),
        ("allowUpdateBranch", "allow_update_branch"),
        ("deleteBranchOnMerge", "delete_branch_on_merge"),
        ("squashMergeCommitTitle", "squash_merge_commit_title"),
        ("squashMergeCommitMessage", "squash_merge_commit_message"),
        ("mergeCommitTitle", "merge_commit_title"),
        ("mergeCommitMessage", "merge_commit_message"),
        ("allowForking", "allow_forking"),
        ("webCommitSignoffRequired", "web_commit_signoff_required"),
    ];

    /// The settings that the spec has, by GitHub's names.
    #[must_use]
    pub fn owned(&self) -> Vec<(String, Value)> {
        match capstan_sdk::serde_json::to_value(self) {
            Ok(Value::Object(members)) => members.into_iter().collect(),
            // Texts and booleans can always be written.
            _ => Vec::new(),
        }
    }
}
