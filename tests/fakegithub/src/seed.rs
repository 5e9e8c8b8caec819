//! What a test puts into a fake, and reads from it, past the API.

mod drift;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{KeyPair, RsaKeyPair};
use serde_json::{Value, json};

use crate::pipeline::Shared;
use crate::state::team::slug_of;
use crate::state::{
    Account, Actor, App, File, Hook, Id, Installation, Invitation, Kind, OrgRole, Organization, Repository, Role, Team,
    Token, World,
};

/// The private key (PKCS #8, PEM) that the apps of a fake sign with. It is public knowledge, and good for nothing else.
pub const APP_KEY: &str = include_str!("../keys/app.pem");

/// What a fake knows, to be looked at and changed; each call by itself.
pub struct Seed<'a> {
    shared: &'a Shared,
}

#[allow(clippy::must_use_candidate, reason = "a thing is added for its own sake, and not for its number")]
impl<'a> Seed<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// Adds a user; its number.
    pub fn user(&self, login: &str) -> u64 {
        let world = &mut *self.shared.world();
        account(world, login, Kind::User)
    }

    /// Adds an organisation whose members may read everything in it; its number.
    pub fn organization(&self, login: &str) -> u64 {
        let world = &mut *self.shared.world();
        let organization =
            Organization { members: BTreeMap::new(), base_role: Some(Role::Read), custom_roles: BTreeMap::new() };
        account(world, login, Kind::Organization(organization))
    }

    /// Makes a user an owner of an organisation.
    pub fn owner(&self, organization: &str, login: &str) {
        let world = &mut *self.shared.world();
        join(world, organization, login, OrgRole::Admin);
    }

    /// Makes a user a member of an organisation. Memberships of teams that waited for that begin.
    pub fn member(&self, organization: &str, login: &str) {
        let world = &mut *self.shared.world();
        join(world, organization, login, OrgRole::Member);
    }

    /// Sets what every member of an organisation may do in all its repositories: `read`, `write`, `admin` or `none`.
    pub fn base_role(&self, organization: &str, role: &str) {
        let world = &mut *self.shared.world();
        let id = id(world, organization);
        if let Some(organization) = world.organization_mut(id) {
            organization.base_role = Role::of(role);
        }
    }

    /// Adds a role of an organisation's own that builds upon one of GitHub's.
    pub fn custom_role(&self, organization: &str, name: &str, base: &str) {
        let world = &mut *self.shared.world();
        let (id, base) = (id(world, organization), role(base));
        if let Some(organization) = world.organization_mut(id) {
            organization.custom_roles.insert(name.to_owned(), base);
        }
    }

    /// Adds a private repository with a file, `README.md`; its number.
    pub fn repository(&self, owner: &str, name: &str) -> u64 {
        let world = &mut *self.shared.world();
        let (id, owner, now) = (world.next_id(), id(world, owner), world.now);
        let mut repository = Repository::new(id, owner, name.to_owned(), "private", now);
        repository.files.insert("README.md".to_owned(), File::new(format!("# {name}\n").into_bytes()));
        world.repositories.insert(id, repository);
        id
    }

    /// Sets members of a repository as a request body has them, besides `visibility`, `topics` and `default_branch`. What GitHub
    /// refuses is not refused here, but for a default branch that is none.
    pub fn change_repository(&self, owner: &str, name: &str, settings: &Value) {
        let world = &mut *self.shared.world();
        let repository = repository_mut(world, owner, name);
        for (key, value) in settings.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("visibility", Value::String(value)) => repository.visibility.clone_from(value),
                ("default_branch", Value::String(branch)) => {
                    assert!(repository.make_default(branch), "no branch {branch}");
                }
                ("topics", value) => repository.topics = serde_json::from_value(value.clone()).unwrap_or_default(),
                _ => {
                    repository.settings.insert(key.clone(), value.clone());
                }
            }
        }
    }

    /// Gives a repository another owner and name.
    pub fn rename_repository(&self, owner: &str, name: &str, new_owner: &str, new_name: &str) {
        let world = &mut *self.shared.world();
        let (id, new_owner) = (repository_mut(world, owner, name).id, id(world, new_owner));
        world.rename(id, new_owner, new_name);
    }

    /// Removes a repository.
    pub fn remove_repository(&self, owner: &str, name: &str) {
        let world = &mut *self.shared.world();
        let id = repository_mut(world, owner, name).id;
        world.repositories.remove(&id);
    }

    /// Writes a file.
    pub fn file(&self, owner: &str, name: &str, path: &str, content: &str) {
        let world = &mut *self.shared.world();
        repository_mut(world, owner, name).files.insert(path.to_owned(), File::new(content.as_bytes().to_vec()));
    }

    /// Adds an active webhook that tells of pushes; its number.
    pub fn hook(&self, owner: &str, name: &str, config: &Value) -> u64 {
        let world = &mut *self.shared.world();
        let (id, now) = (world.next_id(), world.now);
        let config = config.as_object().cloned().unwrap_or_default();
        let hook = Hook { config, events: vec!["push".to_owned()], active: true, created: now, updated: now };
        repository_mut(world, owner, name).hooks.insert(id, hook);
        id
    }

    /// Changes members of the config of all webhooks of a repository; null removes one.
    pub fn change_hooks(&self, owner: &str, name: &str, config: &Value) {
        let world = &mut *self.shared.world();
        for hook in repository_mut(world, owner, name).hooks.values_mut() {
            for (key, value) in config.as_object().into_iter().flatten() {
                if value.is_null() {
                    hook.config.remove(key);
                } else {
                    hook.config.insert(key.clone(), value.clone());
                }
            }
        }
    }

    /// Makes a user a collaborator, without an invitation.
    pub fn collaborator(&self, owner: &str, name: &str, login: &str, permission: &str) {
        let world = &mut *self.shared.world();
        let user = id(world, login);
        let owner_id = id(world, owner);
        let granted = world.granted(owner_id, permission).unwrap_or_else(|| panic!("no permission {permission}"));
        repository_mut(world, owner, name).collaborators.insert(user, granted);
    }

    /// Invites a user to a repository, in the name of its owner; the invitation's number.
    pub fn invitation(&self, owner: &str, name: &str, login: &str, permission: &str) -> u64 {
        let world = &mut *self.shared.world();
        let (id, invitee, owner_id, created) = (world.next_id(), id(world, login), id(world, owner), world.now);
        let granted = world.granted(owner_id, permission).unwrap_or_else(|| panic!("no permission {permission}"));
        let invitation = Invitation { id, invitee, inviter: owner_id, granted, created };
        repository_mut(world, owner, name).invitations.insert(id, invitation);
        id
    }

    /// Adds a closed team without members; its number.
    pub fn team(&self, organization: &str, name: &str) -> u64 {
        let world = &mut *self.shared.world();
        let (id, organization, now) = (world.next_id(), id(world, organization), world.now);
        let team = Team {
            id,
            organization,
            slug: slug_of(name, id),
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
        world.teams.insert(id, team);
        id
    }

    /// Puts a team below another.
    pub fn team_below(&self, organization: &str, child: &str, parent: &str) {
        let world = &mut *self.shared.world();
        let organization = id(world, organization);
        let parent = world.team(organization, parent).map(|team| team.id);
        team_mut(world, organization, child).parent = parent;
    }

    /// Gives a team another name, and so another slug.
    pub fn rename_team(&self, organization: &str, slug: &str, name: &str) {
        let world = &mut *self.shared.world();
        let organization = id(world, organization);
        let team = team_mut(world, organization, slug);
        name.clone_into(&mut team.name);
        team.slug = slug_of(name, team.id);
    }

    /// Gives a team a repository.
    pub fn team_repository(&self, organization: &str, slug: &str, owner: &str, name: &str, permission: &str) {
        let world = &mut *self.shared.world();
        let (organization, owner_id) = (id(world, organization), id(world, owner));
        let granted = world.granted(owner_id, permission).unwrap_or_else(|| panic!("no permission {permission}"));
        let repository = repository_mut(world, owner, name).id;
        team_mut(world, organization, slug).repositories.insert(repository, granted);
    }

    /// Removes a team.
    pub fn remove_team(&self, organization: &str, slug: &str) {
        let world = &mut *self.shared.world();
        let organization = id(world, organization);
        world.teams.retain(|_, team| !(team.organization == organization && team.slug == slug));
    }

    /// A personal token of a user's.
    pub fn token(&self, login: &str) -> String {
        let world = &mut *self.shared.world();
        let (user, number) = (id(world, login), world.next_id());
        let token = format!("ghp_{number:036}");
        put_token(world, &token, user);
        token
    }

    /// A personal token of a user's, with a text of the caller's.
    pub fn named_token(&self, login: &str, token: &str) {
        let world = &mut *self.shared.world();
        let user = id(world, login);
        put_token(world, token, user);
    }

    /// Makes a token worth nothing.
    pub fn revoke(&self, token: &str) {
        let world = &mut *self.shared.world();
        world.tokens.remove(token);
    }

    /// Adds an app that signs with [`APP_KEY`]; its number.
    pub fn app(&self, slug: &str, owner: &str) -> u64 {
        let world = &mut *self.shared.world();
        let (id, owner, now) = (world.next_id(), id(world, owner), world.now);
        let app = App { id, slug: slug.to_owned(), owner, created: now, public_key: public_key(APP_KEY) };
        world.apps.insert(id, app);
        id
    }

    /// Installs an app with permissions such as `("administration", "write")`; the installation's number.
    pub fn install(&self, app: u64, account: &str, permissions: &[(&str, &str)]) -> u64 {
        let world = &mut *self.shared.world();
        let (id, account, now) = (world.next_id(), id(world, account), world.now);
        let permissions = permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect();
        world.installations.insert(id, Installation { id, app, account, created: now, permissions });
        id
    }

    /// Removes all tokens of an installation, as GitHub does when it is suspended.
    pub fn revoke_installation_tokens(&self, installation: u64) {
        let world = &mut *self.shared.world();
        world.tokens.retain(|_, token| token.actor != Actor::Installation(installation));
    }

    /// A repository as an administrator gets to see it; none if there is none of that present name.
    #[must_use]
    pub fn look(&self, owner: &str, name: &str) -> Option<Value> {
        let world = &mut *self.shared.world();
        let repository = world.repository(owner, name)?;
        Some(world.show_repository(repository, Actor::Anonymous, "full-repository"))
    }

    /// The role of a user in a repository that it was given there; none if it is no direct collaborator.
    #[must_use]
    pub fn role(&self, owner: &str, name: &str, login: &str) -> Option<String> {
        let world = &mut *self.shared.world();
        let user = world.user(login)?.id;
        let granted = world.repository(owner, name)?.collaborators.get(&user)?;
        Some(granted.name().to_owned())
    }

    /// The pending and expired invitations to a repository: number, login and role.
    #[must_use]
    pub fn invitations(&self, owner: &str, name: &str) -> Vec<(u64, String, String)> {
        let world = &mut *self.shared.world();
        let invitations = world.repository(owner, name).into_iter().flat_map(|each| each.invitations.values());
        invitations
            .map(|each| (each.id, world.login(each.invitee).to_owned(), each.granted.name().to_owned()))
            .collect()
    }

    /// Whatever else a repository has, for assertions: hooks, rulesets, protections, variables, secrets, files (as text).
    #[must_use]
    pub fn inside(&self, owner: &str, name: &str) -> Value {
        let world = &mut *self.shared.world();
        let Some(repository) = world.repository(owner, name) else { return Value::Null };
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
        let world = &mut *self.shared.world();
        let team = world.team(world.account(organization)?.id, slug)?;
        let mut shown = world.show_team(team, "team-full");
        let members: BTreeMap<_, _> = team
            .members
            .iter()
            .map(|(user, member)| (world.login(*user), if member.maintainer { "maintainer" } else { "member" }))
            .collect();
        let named = |id: &Id| world.repositories.get(id).map(|each| world.full_name(each)).unwrap_or_default();
        let repositories: BTreeMap<_, _> =
            team.repositories.iter().map(|(id, granted)| (named(id), granted.name())).collect();
        shown["members"] = json!(members);
        shown["repositories"] = json!(repositories);
        Some(shown)
    }
}

fn account(world: &mut World, login: &str, kind: Kind) -> u64 {
    let (id, created) = (world.next_id(), world.now);
    world.accounts.insert(id, Account { id, login: login.to_owned(), created, kind });
    id
}

fn join(world: &mut World, organization: &str, login: &str, role: OrgRole) {
    let (id, user) = (id(world, organization), id(world, login));
    if let Some(organization) = world.organization_mut(id) {
        organization.members.insert(user, role);
    }
    for team in world.teams.values_mut().filter(|team| team.organization == id) {
        if let Some(member) = team.members.get_mut(&user) {
            member.pending = false;
        }
    }
}

fn put_token(world: &mut World, token: &str, user: Id) {
    let known = Token { actor: Actor::User(user), expires: None, permissions: None };
    world.tokens.insert(token.to_owned(), known);
}

fn id(world: &World, login: &str) -> Id {
    world.account(login).unwrap_or_else(|| panic!("no account {login}")).id
}

fn repository_mut<'a>(world: &'a mut World, owner: &str, name: &str) -> &'a mut Repository {
    let id = world.repository(owner, name).map(|each| each.id);
    let repository = id.and_then(|id| world.repositories.get_mut(&id));
    repository.unwrap_or_else(|| panic!("no repository {owner}/{name}"))
}

fn team_mut<'a>(world: &'a mut World, organization: Id, slug: &str) -> &'a mut Team {
    let team = world.teams.values_mut().find(|team| team.organization == organization && team.slug == slug);
    team.unwrap_or_else(|| panic!("no team {slug}"))
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
