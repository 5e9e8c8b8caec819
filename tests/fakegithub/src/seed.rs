//! What a test puts into a fake, and reads from it, past the API.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{KeyPair, RsaKeyPair};
use serde_json::{Value, json};

use crate::state::team::slug;
use crate::state::{
    Account, Actor, App, File, Id, Installation, Kind, OrgRole, Organization, Repository, Role, Team, Token, World,
};

/// The private key (PKCS #8, PEM) that the apps of a fake sign with. It is public knowledge, and good for nothing else.
pub const APP_KEY: &str = include_str!("../keys/app.pem");

/// A hold on what a fake knows.
pub struct Seed<'a> {
    world: MutexGuard<'a, World>,
}

impl<'a> Seed<'a> {
    pub(crate) fn new(world: MutexGuard<'a, World>) -> Self {
        Self { world }
    }

    /// Adds a user; its number.
    pub fn user(&mut self, login: &str) -> u64 {
        self.account(login, Kind::User)
    }

    /// Adds an organisation whose members may read everything in it; its number.
    pub fn organization(&mut self, login: &str) -> u64 {
        let organization =
            Organization { members: BTreeMap::new(), base_role: Some(Role::Read), custom_roles: BTreeMap::new() };
        self.account(login, Kind::Organization(organization))
    }

    /// Makes a user an owner of an organisation.
    pub fn owner(&mut self, organization: &str, login: &str) {
        self.join(organization, login, OrgRole::Admin);
    }

    /// Makes a user a member of an organisation. Memberships of teams that waited for that begin.
    pub fn member(&mut self, organization: &str, login: &str) {
        self.join(organization, login, OrgRole::Member);
    }

    /// Sets what every member of an organisation may do in all its repositories: `read`, `write`, `admin` or `none`.
    pub fn base_role(&mut self, organization: &str, role: &str) {
        let id = self.id(organization);
        if let Some(organization) = self.world.organization_mut(id) {
            organization.base_role = Role::of(role);
        }
    }

    /// Adds a role of an organisation's own that builds upon one of GitHub's.
    pub fn custom_role(&mut self, organization: &str, name: &str, base: &str) {
        let (id, base) = (self.id(organization), role(base));
        if let Some(organization) = self.world.organization_mut(id) {
            organization.custom_roles.insert(name.to_owned(), base);
        }
    }

    /// Adds a private repository with a file, `README.md`; its number.
    pub fn repository(&mut self, owner: &str, name: &str) -> u64 {
        let (id, owner, now) = (self.world.next_id(), self.id(owner), self.world.now);
        let mut repository = Repository::new(id, owner, name.to_owned(), "private", now);
        repository.files.insert("README.md".to_owned(), File::new(format!("# {name}\n").into_bytes()));
        self.world.repositories.insert(id, repository);
        id
    }

    /// Sets members of a repository as a request body has them, besides `visibility` and `topics`. What GitHub refuses is not
    /// refused here.
    pub fn change_repository(&mut self, owner: &str, name: &str, settings: &Value) {
        let repository = self.repository_mut(owner, name);
        for (key, value) in settings.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("visibility", Value::String(value)) => repository.visibility.clone_from(value),
                ("topics", value) => repository.topics = serde_json::from_value(value.clone()).unwrap_or_default(),
                _ => {
                    repository.settings.insert(key.clone(), value.clone());
                }
            }
        }
    }

    /// Gives a repository another owner and name.
    pub fn rename_repository(&mut self, owner: &str, name: &str, new_owner: &str, new_name: &str) {
        let (id, new_owner) = (self.repository_mut(owner, name).id, self.id(new_owner));
        self.world.rename(id, new_owner, new_name);
    }

    /// Removes a repository.
    pub fn remove_repository(&mut self, owner: &str, name: &str) {
        let id = self.repository_mut(owner, name).id;
        self.world.repositories.remove(&id);
    }

    /// Writes a file.
    pub fn file(&mut self, owner: &str, name: &str, path: &str, content: &str) {
        self.repository_mut(owner, name).files.insert(path.to_owned(), File::new(content.as_bytes().to_vec()));
    }

    /// Makes a user a collaborator, without an invitation.
    pub fn collaborator(&mut self, owner: &str, name: &str, login: &str, permission: &str) {
        let user = self.id(login);
        let owner_id = self.id(owner);
        let granted = self.world.granted(owner_id, permission).unwrap_or_else(|| panic!("no permission {permission}"));
        self.repository_mut(owner, name).collaborators.insert(user, granted);
    }

    /// Adds a closed team without members; its number.
    pub fn team(&mut self, organization: &str, name: &str) -> u64 {
        let (id, organization, now) = (self.world.next_id(), self.id(organization), self.world.now);
        let team = Team {
            id,
            organization,
            slug: slug(name),
            name: name.to_owned(),
            description: None,
            privacy: "closed".to_owned(),
            notification_setting: "notifications_enabled".to_owned(),
            permission: "pull".to_owned(),
            parent: None,
            created: now,
            updated: now,
            members: BTreeMap::new(),
            repositories: BTreeMap::new(),
        };
        self.world.teams.insert(id, team);
        id
    }

    /// Removes a team.
    pub fn remove_team(&mut self, organization: &str, slug: &str) {
        let organization = self.id(organization);
        self.world.teams.retain(|_, team| !(team.organization == organization && team.slug == slug));
    }

    /// A personal token of a user's.
    pub fn token(&mut self, login: &str) -> String {
        let (user, number) = (self.id(login), self.world.next_id());
        let token = format!("ghp_{number:036}");
        self.put_token(&token, user);
        token
    }

    /// A personal token of a user's, with a text of the caller's.
    pub fn named_token(&mut self, login: &str, token: &str) {
        let user = self.id(login);
        self.put_token(token, user);
    }

    /// Makes a token worth nothing.
    pub fn revoke(&mut self, token: &str) {
        self.world.tokens.remove(token);
    }

    /// Adds an app that signs with [`APP_KEY`]; its number.
    pub fn app(&mut self, slug: &str, owner: &str) -> u64 {
        let (id, owner, now) = (self.world.next_id(), self.id(owner), self.world.now);
        let app = App { id, slug: slug.to_owned(), owner, created: now, public_key: public_key(APP_KEY) };
        self.world.apps.insert(id, app);
        id
    }

    /// Installs an app with permissions such as `("administration", "write")`; the installation's number.
    pub fn install(&mut self, app: u64, account: &str, permissions: &[(&str, &str)]) -> u64 {
        let (id, account, now) = (self.world.next_id(), self.id(account), self.world.now);
        let permissions = permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
        self.world.installations.insert(id, Installation { id, app, account, created: now, permissions });
        id
    }

    /// Removes all tokens of an installation, as GitHub does when it is suspended.
    pub fn revoke_installation_tokens(&mut self, installation: u64) {
        self.world.tokens.retain(|_, token| token.actor != Actor::Installation(installation));
    }

    /// A repository as an administrator gets to see it; none if there is none of that present name.
    #[must_use]
    pub fn look(&self, owner: &str, name: &str) -> Option<Value> {
        let repository = self.world.repository(owner, name)?;
        Some(self.world.show_repository(repository, Actor::Anonymous, "full-repository"))
    }

    /// The role of a user in a repository that it was given there; none if it is no direct collaborator.
    #[must_use]
    pub fn role(&self, owner: &str, name: &str, login: &str) -> Option<String> {
        let user = self.world.user(login)?.id;
        let granted = self.world.repository(owner, name)?.collaborators.get(&user)?;
        Some(granted.name().to_owned())
    }

    /// The pending and expired invitations to a repository: number, login and role.
    #[must_use]
    pub fn invitations(&self, owner: &str, name: &str) -> Vec<(u64, String, String)> {
        let invitations = self.world.repository(owner, name).into_iter().flat_map(|each| each.invitations.values());
        invitations
            .map(|each| (each.id, self.world.login(each.invitee).to_owned(), each.granted.name().to_owned()))
            .collect()
    }

    /// Whatever else a repository has, for assertions: hooks, rulesets, protections, variables, secrets, files (as text).
    #[must_use]
    pub fn inside(&self, owner: &str, name: &str) -> Value {
        let Some(repository) = self.world.repository(owner, name) else { return Value::Null };
        let files: BTreeMap<_, _> =
            repository.files.iter().map(|(path, file)| (path, String::from_utf8_lossy(&file.content))).collect();
        let hooks: Vec<_> = repository
            .hooks
            .values()
            .map(|hook| json!({"config": hook.config, "events": hook.events, "active": hook.active}))
            .collect();
        let variables: BTreeMap<_, _> =
            repository.variables.iter().map(|(name, (value, _, _))| (name, value)).collect();
        json!({
            "files": files, "hooks": hooks, "rulesets": repository.rulesets.values().collect::<Vec<_>>(),
            "protections": repository.protections, "variables": variables,
            "secrets": repository.secrets.keys().collect::<Vec<_>>(),
        })
    }

    /// A team as GitHub shows it, its members' logins and its repositories' roles; none if there is none of that slug.
    #[must_use]
    pub fn look_at_team(&self, organization: &str, slug: &str) -> Option<Value> {
        let team = self.world.team(self.world.account(organization)?.id, slug)?;
        let mut shown = self.world.show_team(team, "team-full");
        let members: BTreeMap<_, _> = team
            .members
            .iter()
            .map(|(user, member)| (self.world.login(*user), if member.maintainer { "maintainer" } else { "member" }))
            .collect();
        let named =
            |id: &Id| self.world.repositories.get(id).map(|each| self.world.full_name(each)).unwrap_or_default();
        let repositories: BTreeMap<_, _> =
            team.repositories.iter().map(|(id, granted)| (named(id), granted.name())).collect();
        shown["members"] = json!(members);
        shown["repositories"] = json!(repositories);
        Some(shown)
    }

    fn account(&mut self, login: &str, kind: Kind) -> u64 {
        let (id, created) = (self.world.next_id(), self.world.now);
        self.world.accounts.insert(id, Account { id, login: login.to_owned(), created, kind });
        id
    }

    fn join(&mut self, organization: &str, login: &str, role: OrgRole) {
        let (id, user) = (self.id(organization), self.id(login));
        if let Some(organization) = self.world.organization_mut(id) {
            organization.members.insert(user, role);
        }
        for team in self.world.teams.values_mut().filter(|team| team.organization == id) {
            if let Some(member) = team.members.get_mut(&user) {
                member.pending = false;
            }
        }
    }

    fn put_token(&mut self, token: &str, user: Id) {
        let known = Token { actor: Actor::User(user), expires: None, permissions: None };
        self.world.tokens.insert(token.to_owned(), known);
    }

    fn id(&self, login: &str) -> Id {
        self.world.account(login).unwrap_or_else(|| panic!("no account {login}")).id
    }

    fn repository_mut(&mut self, owner: &str, name: &str) -> &mut Repository {
        let id = self.world.repository(owner, name).map(|each| each.id);
        let repository = id.and_then(|id| self.world.repositories.get_mut(&id));
        repository.unwrap_or_else(|| panic!("no repository {owner}/{name}"))
    }
}

fn role(name: &str) -> Role {
    Role::of(name).unwrap_or_else(|| panic!("no role {name}"))
}

/// The public half (PKCS #1, DER) of a private key in PEM.
fn public_key(pem: &str) -> Vec<u8> {
    let encoded: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(encoded).expect("the key in this crate is PEM");
    let pair = RsaKeyPair::from_pkcs8(&der).expect("the key in this crate is an RSA key");
    pair.public_key().as_ref().to_vec()
}
