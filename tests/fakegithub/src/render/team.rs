//! Teams.

use serde_json::{Value, json};

use super::node_id;
use crate::description::project;
use crate::state::{Role, Team, World};

impl World {
    /// A team in any of GitHub's shapes: `team-full`, `team`, `nullable-team-simple`.
    pub(crate) fn show_team(&self, team: &Team, schema: &str) -> Value {
        let org = self.login(team.organization);
        let url = format!("{}/organizations/{}/team/{}", self.base, team.organization, team.id);
        let parent = team.parent.and_then(|parent| self.teams.get(&parent));
        let role = Role::of(&team.permission);
        let shown = json!({
            "id": team.id, "node_id": node_id("Team", team.id), "name": team.name, "slug": team.slug,
            "description": team.description, "privacy": team.privacy, "permission": team.permission,
            "notification_setting": team.notification_setting, "url": url,
            "html_url": format!("https://github.com/orgs/{org}/teams/{}", team.slug),
            "members_url": format!("{url}/members{{/member}}"), "repositories_url": format!("{url}/repos"),
            "type": "organization", "organization_id": team.organization,
            "parent": parent.map(|parent| self.show_team(parent, "nullable-team-simple")),
            "members_count": team.members.len(), "repos_count": team.repositories.len(),
            "created_at": team.created, "updated_at": team.updated,
            "organization": if schema == "team-full" {
                self.show_account(team.organization, "team-organization")
            } else {
                Value::Null
            },
            "permissions": Role::flags(role),
        });
        let mut shown = project(schema, &shown);
        if schema == "team"
            && let Some(members) = shown.as_object_mut()
        {
            members.remove("permissions");
        }
        shown
    }
}
