//! `TeamMembership`: a user in a team.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, json};
use serde::Deserialize;

use crate::client::{Error, GitHub, Method, Path};
use crate::history::History;
use crate::spec::Connection;

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
    /// The user's login.
    pub username: String,
    /// What the user is in the team.
    #[serde(default)]
    pub role: TeamRole,
}

/// What a user is in a team.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum TeamRole {
    /// A member.
    #[default]
    Member,
    /// One who may change the team.
    Maintainer,
}

impl TeamRole {
    /// As GitHub names it.
    fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Maintainer => "maintainer",
        }
    }
}

/// One membership, for one reconcile.
pub struct TeamMembership {
    github: GitHub,
}

impl TeamMembership {
    /// A membership at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    /// Looks at the membership. Who has yet to join the organisation exists, not ready. GitHub shows whoever is in a team below as a
    /// member too: after an accepted deletion nothing else is left, and that cannot be taken from here.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let spec = &object.spec;
        let Some(found) = self.github.find(&path(spec)?)? else { return Ok(Observation::missing()) };
        if History::of(object).was_deleted() {
            return Ok(Observation::missing());
        }
        let desired = spec.role.name();
        let same = found["role"] == desired || (desired == "member" && self.owns_organization(spec)?);
        let observation = if same {
            Observation::up_to_date()
        } else {
            Observation::differs([Difference::new("role", json!(desired), found["role"].clone())])
        };
        let status = json!({"role": found["role"], "state": found["state"]});
        let observation = if found["state"] == "pending" {
            let text = format!("{} has not accepted the invitation to {} yet", spec.username, spec.org);
            observation.not_ready("InvitationPending", text)
        } else {
            observation.ready()
        };
        Ok(observation.status(status))
    }

    /// Adds the user to the team.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        self.put(&object.spec).map(|()| Creation::done())
    }

    /// Changes what the user is in the team.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        self.put(&object.spec).map(|()| Change::done())
    }

    /// Removes the user from the team.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        self.github.remove(&path(&object.spec)?, None)
    }

    fn put(&self, spec: &Spec) -> Result<(), Error> {
        let body = json!({"role": spec.role.name()});
        self.github.change(Method::Put, &path(spec)?, Some(&body)).map(drop)
    }

    /// Owners of the organisation maintain every team that they are in, and cannot be made less.
    fn owns_organization(&self, spec: &Spec) -> Result<bool, Error> {
        let membership = self.github.find(&Path::of(&["orgs", &spec.org, "memberships", &spec.username])?)?;
        Ok(membership.is_some_and(|membership| membership["role"] == "admin"))
    }
}

fn path(spec: &Spec) -> Result<Path, Error> {
    Path::of(&["orgs", &spec.org, "teams", &spec.team_slug, "memberships", &spec.username])
}
