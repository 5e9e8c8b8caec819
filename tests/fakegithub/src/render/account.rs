//! Users, organisations and memberships.

use serde_json::{Value, json};

use super::node_id;
use crate::description::project;
use crate::state::{Account, Id, OrgRole, World};

impl World {
    /// An account in any of GitHub's shapes: `simple-user`, `collaborator`, `public-user`, `private-user`, `team-member`,
    /// `organization-full`, `organization-simple`, `team-organization`.
    pub(crate) fn show_account(&self, id: Id, schema: &str) -> Value {
        let Some(account) = self.accounts.get(&id) else { return Value::Null };
        match account.organization() {
            Some(_) if schema.contains("organization") => project(schema, &self.organization_in_full(account)),
            _ => {
                let mut shown = project(schema, &self.user_in_full(account));
                // Only a user's own page has a name and an address.
                if let (Some(members), false) =
                    (shown.as_object_mut(), schema.ends_with("-user") && schema != "simple-user")
                {
                    members.remove("name");
                    members.remove("email");
                }
                shown
            }
        }
    }

    fn user_in_full(&self, account: &Account) -> Value {
        let (id, login) = (account.id, &account.login);
        let kind = if account.is_user() { "User" } else { "Organization" };
        let url = format!("{}/users/{login}", self.base);
        let owned = self.repositories.values().filter(|each| each.owner == id);
        let (public, private): (Vec<_>, Vec<_>) = owned.partition(|each| each.visibility == "public");
        json!({
            "login": login, "id": id, "node_id": node_id(kind, id), "type": kind, "site_admin": false,
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "gravatar_id": "",
            "url": url, "html_url": format!("https://github.com/{login}"),
            "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"), "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"), "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"), "user_view_type": "public",
            "name": null, "company": null, "blog": "", "location": null, "email": null, "hireable": null, "bio": null,
            "twitter_username": null, "public_repos": public.len(), "public_gists": 0, "followers": 0, "following": 0,
            "created_at": account.created, "updated_at": account.created, "private_gists": 0,
            "total_private_repos": private.len(), "owned_private_repos": private.len(), "disk_usage": 0,
            "collaborators": 0, "two_factor_authentication": true,
            "plan": {"name": "free", "space": 976_562_499, "private_repos": 10_000, "collaborators": 0},
        })
    }

    fn organization_in_full(&self, account: &Account) -> Value {
        let (id, login) = (account.id, &account.login);
        let url = format!("{}/orgs/{login}", self.base);
        let members = account.organization().map_or(0, |organization| organization.members.len());
        let base_role = account.organization().and_then(|organization| organization.base_role);
        let owned = self.repositories.values().filter(|each| each.owner == id);
        let (public, private): (Vec<_>, Vec<_>) = owned.partition(|each| each.visibility == "public");
        json!({
            "login": login, "id": id, "node_id": node_id("Organization", id), "url": url, "type": "Organization",
            "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events"), "hooks_url": format!("{url}/hooks"),
            "issues_url": format!("{url}/issues"), "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "description": null,
            "is_verified": false, "has_organization_projects": true, "has_repository_projects": true,
            "public_repos": public.len(), "public_gists": 0, "followers": 0, "following": 0,
            "html_url": format!("https://github.com/{login}"), "created_at": account.created,
            "updated_at": account.created, "archived_at": null, "total_private_repos": private.len(),
            "owned_private_repos": private.len(), "private_gists": 0, "disk_usage": 1, "collaborators": 0,
            "billing_email": format!("{login}@example.org"),
            "default_repository_permission": base_role.map_or("none", crate::state::Role::name),
            "members_can_create_repositories": true, "two_factor_requirement_enabled": false,
            "members_allowed_repository_creation_type": "all", "members_can_create_public_repositories": true,
            "members_can_create_private_repositories": true, "members_can_create_internal_repositories": false,
            "members_can_create_pages": true, "members_can_create_public_pages": true,
            "members_can_create_private_pages": true, "members_can_fork_private_repositories": false,
            "web_commit_signoff_required": false,
            "plan": {"name": "team", "space": 976_562_499, "private_repos": 999_999, "filled_seats": members, "seats": 100},
        })
    }

    /// A user's membership in an organisation.
    pub(crate) fn show_membership(&self, organization: Id, user: Id, role: OrgRole) -> Value {
        let (org, login) = (self.login(organization), self.login(user));
        json!({
            "url": format!("{}/orgs/{org}/memberships/{login}", self.base),
            "organization_url": format!("{}/orgs/{org}", self.base),
            "state": if role == OrgRole::Pending { "pending" } else { "active" },
            "role": if role == OrgRole::Admin { "admin" } else { "member" },
            "organization": self.show_account(organization, "organization-simple"),
            "user": self.show_account(user, "simple-user"),
        })
    }
}
