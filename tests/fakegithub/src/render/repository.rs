//! Repositories, and the invitations, hooks and files in them.

use serde_json::{Value, json};

use super::node_id;
use crate::description::project;
use crate::state::access::flags;
use crate::state::{Actor, Granted, Hook, Id, Invitation, Repository, Role, World, signed};

/// Members that are URLs below that of the repository.
const BELOW: [(&str, &str); 37] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

impl World {
    /// A repository in any of GitHub's shapes: `full-repository`, `minimal-repository`, `repository`, `team-repository`.
    pub(crate) fn show_repository(&self, repository: &Repository, actor: Actor, schema: &str) -> Value {
        let mut full = self.repository_in_full(repository, actor);
        if schema != "full-repository"
            && let Some(members) = full.as_object_mut()
        {
            // Merge settings are shown to administrators of the one repository, and not in lists.
            members.retain(|name, _| !(name.starts_with("allow_") && name != "allow_forking"));
        }
        project(schema, &full)
    }

    fn repository_in_full(&self, repository: &Repository, actor: Actor) -> Value {
        let full_name = self.full_name(repository);
        let (id, name) = (repository.id, &repository.name);
        let url = format!("{}/repos/{full_name}", self.base);
        let html = format!("https://github.com/{full_name}");
        let owner = self.show_account(repository.owner, "simple-user");
        let in_organization = self.accounts.get(&repository.owner).is_some_and(|owner| !owner.is_user());
        let mut shown = json!({
            "id": id, "node_id": node_id("Repository", id), "name": name, "full_name": full_name, "owner": owner,
            "private": repository.visibility != "public", "visibility": repository.visibility, "html_url": html,
            "fork": false, "git_url": format!("git://github.com/{full_name}.git"),
            "ssh_url": format!("git@github.com:{full_name}.git"), "clone_url": format!("{html}.git"), "svn_url": html,
            "mirror_url": null, "language": null, "license": null, "size": repository.files.len(),
            "default_branch": repository.default_branch, "topics": repository.topics, "has_pages": false,
            "disabled": false, "forks": 0, "forks_count": 0, "network_count": 0, "open_issues": 0,
            "open_issues_count": 0, "stargazers_count": 0, "subscribers_count": 0, "watchers": 0, "watchers_count": 0,
            "pushed_at": repository.pushed, "created_at": repository.created, "updated_at": repository.updated,
            "temp_clone_token": "", "permissions": flags(self.access(actor, repository).as_ref()),
        });
        for (member, below) in BELOW {
            shown[member] = format!("{url}{below}").into();
        }
        for (member, value) in &repository.settings {
            shown[member] = value.clone();
        }
        if in_organization {
            shown["organization"] = self.show_account(repository.owner, "simple-user");
            shown["custom_properties"] = json!({});
        }
        shown
    }

    /// A repository as one of a team's.
    pub(crate) fn show_team_repository(&self, repository: &Repository, actor: Actor, granted: &Granted) -> Value {
        let mut shown = self.show_repository(repository, actor, "team-repository");
        if self.settings.role_names {
            shown["role_name"] = granted.name().into();
        }
        shown["permissions"] = if self.settings.exclusive_permission_flags {
            Role::exclusive_flags(granted.role)
        } else {
            Role::flags(Some(granted.role))
        };
        shown
    }

    /// An invitation to collaborate.
    pub(crate) fn show_invitation(&self, repository: &Repository, invitation: &Invitation) -> Value {
        let full_name = self.full_name(repository);
        // The person invited cannot see more of it yet.
        let mut shown = self.show_repository(repository, Actor::Anonymous, "minimal-repository");
        if let Some(members) = shown.as_object_mut() {
            members.remove("permissions");
        }
        json!({
            "id": invitation.id, "node_id": node_id("RepositoryInvitation", invitation.id), "repository": shown,
            "invitee": self.show_account(invitation.invitee, "simple-user"),
            "inviter": self.show_account(invitation.inviter, "simple-user"),
            // The description knows no other roles here.
            "permissions": invitation.granted.role.name(), "created_at": invitation.created,
            "expired": self.is_expired(invitation),
            "url": format!("{}/user/repository_invitations/{}", self.base, invitation.id),
            "html_url": format!("https://github.com/{full_name}/invitations"),
        })
    }

    pub(crate) fn is_expired(&self, invitation: &Invitation) -> bool {
        self.now.duration_since(invitation.created) >= signed(self.settings.invitation_lifetime)
    }

    /// A webhook, whose secret nobody gets to see again.
    pub(crate) fn show_hook(&self, repository: &Repository, id: Id, hook: &Hook) -> Value {
        let url = format!("{}/repos/{}/hooks/{id}", self.base, self.full_name(repository));
        let mut config = hook.config.clone();
        if let Some(secret) = config.get_mut("secret") {
            *secret = "********".into();
        }
        json!({
            "type": "Repository", "id": id, "name": "web", "active": hook.active, "events": hook.events,
            "config": config, "created_at": hook.created, "updated_at": hook.updated, "url": url,
            "test_url": format!("{url}/test"), "ping_url": format!("{url}/pings"),
            "deliveries_url": format!("{url}/deliveries"),
            "last_response": {"code": null, "status": "unused", "message": null},
        })
    }
}
