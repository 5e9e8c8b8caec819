//! `TeamRepo`: a repository that a team works in.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, json};
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
pub struct TeamRepo {
    github: GitHub,
}

impl TeamRepo {
    /// A team's repository at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    /// Looks at the team's role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let Some(found) = self.github.find_as(&path(&object.spec)?, REPOSITORY)? else {
            return Ok(Observation::missing());
        };
        let (desired, actual) = (Role::named(&object.spec.permission), Role::shown(&found));
        let observation = if actual.as_ref() == Some(&desired) {
            let known = !object.status["permission"].is_null();
            if !(known || History::of(object).began() || object.is_being_deleted()) {
                events::tell(Event::AlreadyPermitted, &note(&object.spec, "has"));
            }
            Observation::up_to_date()
        } else {
            let actual = actual.as_ref().map(|role| json!(role.name()));
            Observation::differs([Difference::new("permission", json!(desired.name()), actual)])
        };
        Ok(observation.ready().status(json!({"permission": actual.as_ref().map(Role::name)})))
    }

    /// Gives the team the role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        self.put(&object.spec).map(|()| Creation::done())
    }

    /// Gives the team the role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        self.put(&object.spec).map(|()| Change::done())
    }

    /// Takes the repository from the team.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        self.github.remove(&path(&object.spec)?, None)?;
        events::tell(Event::PermissionRevoked, &note(&object.spec, "has no longer"));
        Ok(())
    }

    fn put(&self, spec: &Spec) -> Result<(), Error> {
        let body = json!({"permission": Role::named(&spec.permission).name()});
        // As Krateo has it, but where something is done about it, and not at every look.
        events::tell(Event::NotPermitted, &note(spec, "misses"));
        self.github.change(Method::Put, &path(spec)?, Some(&body)).map(drop)
    }
}

fn note(spec: &Spec, what: &str) -> String {
    let Spec { org, team_slug, owner, repo, permission, .. } = spec;
    format!("Team '{org}/{team_slug}' {what} the permission {permission} in '{owner}/{repo}'")
}

fn path(spec: &Spec) -> Result<Path, Error> {
    Path::of(&["orgs", &spec.org, "teams", &spec.team_slug, "repos", &spec.owner, &spec.repo])
}
