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
///
/// GitHub leads to the new place of a renamed repository from the repository's old address, and not from the team's: there it
/// says 404, as if the team had no such repository (<https://github.com/integrations/terraform-provider-github/pull/870>).
pub struct TeamRepo {
    github: GitHub,
    /// Where the repository is, once that was looked at.
    place: Option<Place>,
}

/// A repository by its owner and its name.
#[derive(Clone, Debug)]
struct Place {
    owner: String,
    repo: String,
}

impl TeamRepo {
    /// A team's repository at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github, place: None }
    }

    /// Looks at the team's role, in the repository wherever it is now. A higher one of a team above is not taken for a difference
    /// once the team was given its own.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let spec = &object.spec;
        let Some(found) = self.find(object)? else { return Ok(Observation::missing()) };
        let actual = Role::shown(&found);
        if object.is_being_deleted() {
            // What is left after that can only come from above, and ends there.
            let left = !(History::of(object).was_deleted() && self.is_inherited(object, actual.as_ref())?);
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
        } else if given && self.is_inherited(object, actual.as_ref())? {
            Observation::up_to_date()
        } else {
            Observation::differs([Difference::new("permission", json!(desired.name()), shown.map(Value::from))])
        };
        let status = json!({"permission": shown, "repositoryId": found["id"], "fullName": found["full_name"]});
        Ok(observation.ready().status(status))
    }

    /// Gives the team the role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        Ok(Creation::done().status(self.put(object)?))
    }

    /// Gives the team the role.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        Ok(Change::done().status(self.put(object)?))
    }

    /// Takes the repository from the team. What it has by a team above stays.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        let place = self.place(object)?;
        self.github.remove(&place.of_team(&object.spec, &object.spec.team_slug)?, None)?;
        events::tell(Event::PermissionRevoked, &note(&object.spec, "has no longer"));
        Ok(())
    }

    /// The status afterwards.
    fn put(&mut self, object: &Managed<Spec>) -> Result<Value, Error> {
        let (spec, place) = (&object.spec, self.place(object)?);
        let role = Role::named(&spec.permission);
        let body = json!({"permission": role.name()});
        self.github.change(Method::Put, &place.of_team(spec, &spec.team_slug)?, Some(&body))?;
        // As Krateo has it, but where something was done about it, and neither at every look nor at every try.
        events::tell(Event::NotPermitted, &note(spec, "misses"));
        Ok(json!({"given": role.name()}))
    }

    /// The repository with the role that the team has, of its own or by a team above it; none if it has none. Where it was seen
    /// last is asked for first, by its number: to be led there from its old name costs requests at each look.
    fn find(&mut self, object: &Managed<Spec>) -> Result<Option<Value>, Error> {
        let spec = &object.spec;
        let named = Place::named(spec);
        let seen = Place::shown(&object.status["fullName"]).filter(|seen| !seen.is(&named));
        if let Some(seen) = seen
            && let Some(found) = self.look(spec, &spec.team_slug, &seen)?
            && found["id"].is_u64()
            && found["id"] == object.status["repositoryId"]
        {
            self.place = Some(seen);
            return Ok(Some(found));
        }
        if let Some(found) = self.look(spec, &spec.team_slug, &named)? {
            self.place = Some(named);
            return Ok(Some(found));
        }
        let repository = self.github.find(&Path::of(&["repos", &named.owner, &named.repo])?)?.unwrap_or_default();
        let now = Place::shown(&repository["full_name"]).filter(|now| !now.is(&named));
        let found = now.as_ref().map(|now| self.look(spec, &spec.team_slug, now)).transpose()?.flatten();
        self.place = Some(now.unwrap_or(named));
        Ok(found)
    }

    fn look(&self, spec: &Spec, team: &str, place: &Place) -> Result<Option<Value>, Error> {
        self.github.find_as(&place.of_team(spec, team)?, REPOSITORY)
    }

    /// Where the repository is.
    fn place(&mut self, object: &Managed<Spec>) -> Result<Place, Error> {
        if self.place.is_none() {
            self.find(object)?;
        }
        Ok(self.place.clone().unwrap_or_else(|| Place::named(&object.spec)))
    }

    /// Whether the team above has the same role, so that the team has it whatever it was given itself.
    fn is_inherited(&mut self, object: &Managed<Spec>, role: Option<&Role>) -> Result<bool, Error> {
        let (spec, place) = (&object.spec, self.place(object)?);
        let team = self.github.find(&Path::of(&["orgs", &spec.org, "teams", &spec.team_slug])?)?.unwrap_or_default();
        let Some(parent) = team["parent"]["slug"].as_str() else { return Ok(false) };
        Ok(self.look(spec, parent, &place)?.is_some_and(|found| Role::shown(&found).as_ref() == role))
    }
}

impl Place {
    /// Where the spec has it.
    fn named(spec: &Spec) -> Self {
        Self { owner: spec.owner.clone(), repo: spec.repo.clone() }
    }

    /// Of a full name; none if that is none.
    fn shown(full_name: &Value) -> Option<Self> {
        let (owner, repo) = full_name.as_str()?.split_once('/')?;
        // A status is nobody's specification: what is no name there is looked for by the one in the spec.
        Path::of(&[owner, repo]).ok()?;
        Some(Self { owner: owner.to_owned(), repo: repo.to_owned() })
    }

    fn is(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.repo.eq_ignore_ascii_case(&other.repo)
    }

    fn of_team(&self, spec: &Spec, team: &str) -> Result<Path, Error> {
        Path::of(&["orgs", &spec.org, "teams", team, "repos", &self.owner, &self.repo])
    }
}

fn note(spec: &Spec, what: &str) -> String {
    let Spec { org, team_slug, owner, repo, permission, .. } = spec;
    format!("Team '{org}/{team_slug}' {what} the permission {permission} in '{owner}/{repo}'")
}
