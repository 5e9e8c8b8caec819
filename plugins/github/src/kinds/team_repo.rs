//! `TeamRepo`: a repository that a team works in.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, Value, json};
use serde::Deserialize;

use crate::client::{Error, GitHub, Method, Path};
use crate::events::{self, Event};
use crate::history::History;
use crate::role::Role;
use crate::spec::Connection;

/// With this media type GitHub answers with the repository and the team's role in it, and not with nothing.
const REPOSITORY: &str = "application/vnd.github.v3.repository+json";

/// The spec.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Where GitHub is.
    #[serde(flatten)]
    pub connection: Connection,
    /// The team's organisation.
    pub org: String,
    /// The team's slug.
    pub team_slug: String,
    /// The repository's owner.
    pub owner: String,
    /// The repository's name.
    pub repo: String,
    /// The role, in either of GitHub's spellings, or one of the organisation's own.
    pub permission: String,
}

/// One repository of one team, for one reconcile.
///
/// A team also has what the teams above it have, and GitHub shows the highest of all as the team's role. Its own is then not
/// to be seen: neither whether there is one, nor which.
pub struct TeamRepo {
    github: GitHub,
}

impl TeamRepo {
    /// A team's repository at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    /// Looks at the team's role. A higher one of a team above is not taken for a difference once the team was given its own.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let spec = &object.spec;
        let Some(found) = self.find(spec, &spec.team_slug)? else { return Ok(Observation::missing()) };
        let actual = Role::shown(&found);
        if object.is_being_deleted() {
            // What is left after that can only come from above, and ends there.
            let left = !(History::of(object).was_deleted() && self.is_inherited(spec, actual.as_ref())?);
            return Ok(if left { Observation::up_to_date() } else { Observation::missing() });
        }
        let desired = Role::named(&spec.permission);
        let shown = actual.as_ref().map(Role::name);
        // Less than the team was given is no more than what is left when somebody has taken that from it.
        let given =
            object.status["given"] == desired.name() && actual.as_ref().is_some_and(|role| role.covers(&desired));
        let observation = if actual.as_ref() == Some(&desired) {
            let known = !object.status["permission"].is_null();
            if !(known || History::of(object).is_managed()) {
                events::tell(Event::AlreadyPermitted, &note(spec, "has"));
            }
            Observation::up_to_date()
        } else if given && self.is_inherited(spec, actual.as_ref())? {
            Observation::up_to_date()
        } else {
            Observation::differs([Difference::new("permission", json!(desired.name()), shown.map(Value::from))])
        };
        Ok(observation.ready().status(json!({"permission": shown})))
    }

    /// Gives the team the role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        Ok(Creation::done().status(self.put(&object.spec)?))
    }

    /// Gives the team the role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        Ok(Change::done().status(self.put(&object.spec)?))
    }

    /// Takes the repository from the team. What it has by a team above stays.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        self.github.remove(&path(&object.spec, &object.spec.team_slug)?, None)?;
        events::tell(Event::PermissionRevoked, &note(&object.spec, "has no longer"));
        Ok(())
    }

    /// The status afterwards.
    fn put(&self, spec: &Spec) -> Result<Value, Error> {
        let role = Role::named(&spec.permission);
        // As Krateo has it, but where something is done about it, and not at every look.
        events::tell(Event::NotPermitted, &note(spec, "misses"));
        let body = json!({"permission": role.name()});
        self.github.change(Method::Put, &path(spec, &spec.team_slug)?, Some(&body))?;
        Ok(json!({"given": role.name()}))
    }

    /// The repository with the role that a team has, of its own or by a team above it; none if it has none.
    fn find(&self, spec: &Spec, team: &str) -> Result<Option<Value>, Error> {
        self.github.find_as(&path(spec, team)?, REPOSITORY)
    }

    /// Whether the team above has the same role, so that the team has it whatever it was given itself.
    fn is_inherited(&self, spec: &Spec, role: Option<&Role>) -> Result<bool, Error> {
        let team = self.github.find(&Path::of(&["orgs", &spec.org, "teams", &spec.team_slug])?)?.unwrap_or_default();
        match team["parent"]["slug"].as_str() {
            Some(parent) => Ok(self.find(spec, parent)?.is_some_and(|found| Role::shown(&found).as_ref() == role)),
            None => Ok(false),
        }
    }
}

fn note(spec: &Spec, what: &str) -> String {
    let Spec { org, team_slug, owner, repo, permission, .. } = spec;
    format!("Team '{org}/{team_slug}' {what} the permission {permission} in '{owner}/{repo}'")
}

fn path(spec: &Spec, team: &str) -> Result<Path, Error> {
    Path::of(&["orgs", &spec.org, "teams", team, "repos", &spec.owner, &spec.repo])
}
