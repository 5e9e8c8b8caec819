//! `Collaborator`: a user who works in a repository, or is invited to.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, Value, json};
use serde::Deserialize;

use crate::archive;
use crate::client::{Error, GitHub, Method, Path};
use crate::events::{self, Event};
use crate::history::History;
use crate::role::Role;
use crate::spec::Connection;

/// The spec.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Where GitHub is.
    #[serde(flatten)]
    pub connection: Connection,
    /// The organisation or user that owns the repository.
    pub org: String,
    /// The repository's name.
    pub repo: String,
    /// The user's login.
    pub username: String,
    /// The role, in either of GitHub's spellings, or one of the organisation's own.
    pub permission: String,
}

/// One collaborator, for one reconcile.
///
/// Owners of the organisation, members whom it gives a role everywhere, and those in teams have that besides, and GitHub shows
/// the highest of all as the user's role. The one that the user was given is then not to be seen.
pub struct Collaborator {
    github: GitHub,
}

/// An invitation that was not answered yet.
struct Invitation {
    id: u64,
    role: Option<Role>,
    expired: bool,
    url: Value,
}

impl Collaborator {
    /// A collaborator at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    /// Looks at what the user may do. An invitation counts as existing, not ready; one that expired as missing, so that the
    /// user is invited anew. More than was wanted is not taken for a difference if the user has it from elsewhere, or if the token
    /// may not see whether that is so, once the wanted role was given; the latter is told once, and stands in the status.
    ///
    /// A collaborator with the wanted role costs one request. Only what has an answer with a body is asked, so that all of it
    /// is free while nothing changes.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let spec = &object.spec;
        if object.is_being_deleted() {
            return self.observe_deletion(spec);
        }
        let desired = Role::named(&spec.permission);
        let level = self.github.find(&person(spec)?.join("permission"))?.unwrap_or_default();
        let shown = Role::shown(&level);
        // On servers that show no more, what fits is believed: what is compared with three roles never settles.
        let shown = shown.or_else(|| desired.fits_older(&level).then(|| desired.clone()));
        if self.works_here(spec, &level, shown.as_ref())? {
            told_once(object);
            let given = object.status["given"] == desired.name();
            let more = shown.as_ref().filter(|role| given && role.covers(&desired));
            let same = shown.as_ref() == Some(&desired);
            let owner = if same { Value::Null } else { self.owner(spec)? };
            let fits = same || is_user(&owner);
            let elsewhere = match more {
                Some(role) if !fits => self.has_elsewhere(spec, &owner, role)?,
                _ => Some(false),
            };
            // What cannot be known is believed: to write at every look would settle nothing either.
            let unexplained = more.filter(|_| elsewhere.is_none());
            if let Some(role) = unexplained {
                unexplained_once(object, role);
            }
            let status = json!({
                "permission": shown.as_ref().map(Role::name), "unexplained": unexplained.map(Role::name),
                "invitationId": null, "htmlUrl": null,
            });
            let observation = if fits || elsewhere.unwrap_or(true) {
                Observation::up_to_date()
            } else {
                let actual = shown.as_ref().map(|role| json!(role.name()));
                Observation::differs([Difference::new("permission", json!(desired.name()), actual)])
            };
            return Ok(observation.ready().status(status));
        }
        let invitation = self.invitations(spec)?.into_iter().find(|each| !each.expired);
        let Some(invitation) = invitation else { return Ok(Observation::missing()) };
        told_once(object);
        let status = json!({
            "permission": null, "unexplained": null, "invitationId": invitation.id, "htmlUrl": invitation.url,
        });
        // An organisation's own role does not show in an invitation: it is not known to differ.
        let differs = desired.in_invitations().is_some() && invitation.role.as_ref() != Some(&desired);
        let observation = if differs && !is_user(&self.owner(spec)?) {
            let actual = invitation.role.as_ref().map(|role| json!(role.name()));
            Observation::differs([Difference::new("permission", json!(desired.name()), actual)])
        } else {
            Observation::up_to_date()
        };
        let text = format!("{} has not accepted the invitation yet", spec.username);
        Ok(observation.not_ready("InvitationPending", text).status(status))
    }

    /// Adds the user, or invites who is outside.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        let spec = &object.spec;
        for old in self.invitations(spec)?.into_iter().filter(|each| each.expired) {
            self.github.remove(&repository(spec)?.join("invitations").join(old.id), None)?;
        }
        let invited = self.put(spec)?;
        let what = if invited["id"].is_u64() { "invited to" } else { "added to" };
        events::tell(Event::CollaboratorCreated, &format!("{} {what} '{}/{}'", spec.username, spec.org, spec.repo));
        let given = Role::named(&spec.permission);
        let status = json!({"given": given.name(), "invitationId": invited["id"], "htmlUrl": invited["html_url"]});
        Ok(Creation::done().status(status))
    }

    /// Changes the role, of an invitation too.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        let spec = &object.spec;
        let role = Role::named(&spec.permission);
        let pending = self.invitations(spec)?.into_iter().find(|each| !each.expired);
        match (pending, role.in_invitations()) {
            (Some(pending), Some(name)) => {
                let path = repository(spec)?.join("invitations").join(pending.id);
                self.github.change(Method::Patch, &path, Some(&json!({"permissions": name})))?;
            }
            _ => {
                self.put(spec)?;
            }
        }
        Ok(Change::done().status(json!({"given": role.name()})))
    }

    /// Removes the user, and cancels invitations.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        let spec = &object.spec;
        self.github.remove(&person(spec)?, None)?;
        let invitations = match self.invitations(spec) {
            // With the repository they are gone too.
            Err(error) if error.status() == Some(404) => Vec::new(),
            invitations => invitations?,
        };
        for each in invitations {
            self.github.remove(&repository(spec)?.join("invitations").join(each.id), None)?;
        }
        let note = format!("{} removed from '{}/{}'", spec.username, spec.org, spec.repo);
        events::tell(Event::CollaboratorDeleted, &note);
        Ok(())
    }

    /// Whether there is something left to remove. What a member of the organisation may do without being a collaborator stays,
    /// and cannot be told from the right itself.
    fn observe_deletion(&self, spec: &Spec) -> Result<Observation, Error> {
        let left: Result<bool, Error> =
            self.is_direct(spec).and_then(|direct| Ok(direct || !self.invitations(spec)?.is_empty()));
        match left {
            Ok(true) if archive::keeps(&self.github, &spec.org, &spec.repo, &spec.username)? => {
                Ok(Observation::missing())
            }
            Ok(true) => Ok(Observation::up_to_date()),
            Ok(false) => Ok(Observation::missing()),
            // With the repository they are gone too.
            Err(error) if error.status() == Some(404) => Ok(Observation::missing()),
            Err(error) => Err(error),
        }
    }

    fn put(&self, spec: &Spec) -> Result<Value, Error> {
        let body = json!({"permission": Role::named(&spec.permission).name()});
        Ok(self.github.change(Method::Put, &person(spec)?, Some(&body))?.body)
    }

    /// Whether the user has a role in the repository, and not only what everybody may do.
    fn works_here(&self, spec: &Spec, level: &Value, shown: Option<&Role>) -> Result<bool, Error> {
        match shown {
            Some(role) if role.name() != "pull" => return Ok(true),
            Some(_) => {}
            None => match level["permission"].as_str() {
                // Nobody of that name, or nothing that they may do.
                None | Some("none") => return Ok(false),
                Some("read") => {}
                Some(_) => return Ok(true),
            },
        }
        // Everybody may read what is public: that alone makes no collaborator.
        let found = self.github.find(&repository(spec)?)?.unwrap_or_default();
        if found["visibility"] == "private" {
            return Ok(true);
        }
        self.is_direct(spec)
    }

    /// Whether the user was made a collaborator, and does not only have what the organisation or a team gives.
    fn is_direct(&self, spec: &Spec) -> Result<bool, Error> {
        // Not the address for one of them, whose answer is empty and has to be paid for at every look.
        let path = repository(spec)?.join("collaborators").query("affiliation", "direct");
        let direct = self.github.list(&path, items)?;
        Ok(direct.iter().any(|each| is(&each["login"], &spec.username)))
    }

    /// Whether the user has a role whatever it is given itself; none if the token may not look.
    fn has_elsewhere(&self, spec: &Spec, owner: &Value, role: &Role) -> Result<Option<bool>, Error> {
        match self.find_elsewhere(spec, owner, role) {
            Err(error) if error.reason() == "Forbidden" => Ok(None),
            found => found,
        }
    }

    /// Whether the user has a role as an owner of the organisation, as every member of it, or by a team. None if it is no
    /// other's, and what every member has is not shown.
    fn find_elsewhere(&self, spec: &Spec, owner: &Value, role: &Role) -> Result<Option<bool>, Error> {
        let username = &spec.username;
        // A repository that was transferred belongs to another one than the spec says.
        let org = owner["login"].as_str().unwrap_or(&spec.org);
        let member = self.github.find(&Path::of(&["orgs", org, "memberships", username])?)?.unwrap_or_default();
        if member["state"] != "active" {
            return Ok(Some(false));
        }
        if member["role"] == "admin" {
            return Ok(Some(role.name() == "admin"));
        }
        let organization = self.github.find(&Path::of(&["orgs", org])?)?.unwrap_or_default();
        // GitHub shows it to owners only.
        let base = organization["default_repository_permission"].as_str().map(Role::named);
        if base.as_ref() == Some(role) {
            return Ok(Some(true));
        }
        for team in self.github.list(&repository(spec)?.join("teams"), items)? {
            // Flags do not show an organisation's own roles.
            let named = team["permission"].as_str().map(Role::named);
            let has_role = named.as_ref() == Some(role) || Role::shown(&team).as_ref() == Some(role);
            let Some(slug) = team["slug"].as_str().filter(|_| has_role) else { continue };
            let path = Path::of(&["orgs", org, "teams", slug, "memberships", username])?;
            if self.github.find(&path)?.is_some_and(|found| found["state"] == "active") {
                return Ok(Some(true));
            }
        }
        Ok(base.map(|_| false))
    }

    /// Whose the repository is.
    fn owner(&self, spec: &Spec) -> Result<Value, Error> {
        let found = self.github.find(&repository(spec)?)?.unwrap_or_default();
        Ok(found["owner"].clone())
    }

    /// The user's invitations to the repository.
    fn invitations(&self, spec: &Spec) -> Result<Vec<Invitation>, Error> {
        let all = self.github.list(&repository(spec)?.join("invitations"), items)?;
        let theirs = all.into_iter().filter(|each| is(&each["invitee"]["login"], &spec.username));
        Ok(theirs
            .filter_map(|each| {
                let role = each["permissions"].as_str().map(Role::named);
                Some(Invitation {
                    id: each["id"].as_u64()?,
                    role,
                    expired: each["expired"] == true,
                    url: each["html_url"].clone(),
                })
            })
            .collect())
    }
}

fn items(body: Value) -> Vec<Value> {
    match body {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// Whoever works in a user's repository may write: there is nothing to choose.
fn is_user(owner: &Value) -> bool {
    owner["type"] == "User"
}

/// Logins mean the same in any case.
fn is(shown: &Value, login: &str) -> bool {
    shown.as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(login))
}

/// An event for who is found though nobody put them there, and no other at the next look.
fn told_once(object: &Managed<Spec>) {
    let known = !object.status["permission"].is_null() || !object.status["invitationId"].is_null();
    if !(known || History::of(object).is_managed()) {
        let Spec { org, repo, username, .. } = &object.spec;
        events::tell(Event::CollaboratorExists, &format!("{username} works in '{org}/{repo}' already, or is invited"));
    }
}

/// An event for who has more than was given, nobody knows from where, and no other at the next look.
fn unexplained_once(object: &Managed<Spec>, role: &Role) {
    if object.status["unexplained"] == role.name() {
        return;
    }
    let Spec { org, repo, username, permission, .. } = &object.spec;
    let note = format!(
        "{username} has {} in '{org}/{repo}' and was given {permission}, and the token may not see from where the rest is: let it \
         read the organisation's members; only its owners are shown the base role",
        role.name()
    );
    events::tell(Event::UnexplainedPermission, &note);
}

fn repository(spec: &Spec) -> Result<Path, Error> {
    Path::of(&["repos", &spec.org, &spec.repo])
}

fn person(spec: &Spec) -> Result<Path, Error> {
    Path::of(&["repos", &spec.org, &spec.repo, "collaborators", &spec.username])
}
