//! `Team`: a team of an organisation.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, Value, json};
use serde::Deserialize;

use crate::client::{Error, GitHub, Method, Path};
use crate::spec::Connection;

/// The spec. What is left out is not looked at and never changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Where GitHub is.
    #[serde(flatten)]
    pub connection: Connection,
    /// The organisation.
    pub org: String,
    /// The team's name, of which GitHub makes the slug.
    pub name: String,
    /// One line about it.
    pub description: Option<String>,
    /// `closed` or `secret`.
    pub privacy: Option<String>,
    /// `notifications_enabled` or `notifications_disabled`.
    pub notification_setting: Option<String>,
    /// The slug of the team above it; empty for none.
    pub parent_team_slug: Option<String>,
}

/// One team, for one reconcile.
pub struct Team {
    github: GitHub,
}

impl Team {
    /// A team at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github }
    }

    /// Looks at the team and compares what the spec sets.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let Some(found) = self.find(object)? else { return Ok(Observation::missing()) };
        let name = std::iter::once(("name", json!(object.spec.name)));
        let differences: Vec<_> = name
            .chain(wanted(&object.spec))
            .filter_map(|(name, desired)| {
                let actual = if name == "parent_team_slug" { &found["parent"]["slug"] } else { &found[name] };
                let same = desired == *actual || (desired == "" && actual.is_null());
                (!same).then(|| Difference::new(name, desired, actual.clone()))
            })
            .collect();
        let observation =
            if differences.is_empty() { Observation::up_to_date() } else { Observation::differs(differences) };
        Ok(observation.ready().status(status(&found)))
    }

    /// Creates the team.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        let mut body = body(&object.spec);
        if body["parent_team_slug"].is_null()
            && let Some(members) = body.as_object_mut()
        {
            members.remove("parent_team_slug");
        }
        let path = Path::of(&["orgs", &object.spec.org, "teams"])?;
        let made = self.github.change(Method::Post, &path, Some(&body))?.body;
        Ok(Creation::done().status(status(&made)))
    }

    /// Sets what the spec sets.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        let Some(found) = self.find(object)? else { return Ok(Change::done()) };
        let now = self.github.change(Method::Patch, &at(&object.spec, &found)?, Some(&body(&object.spec)))?.body;
        Ok(Change::done().status(status(&now)))
    }

    /// Deletes the team, and the teams below it with it.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        match self.find(object)? {
            Some(found) => self.github.remove(&at(&object.spec, &found)?, None),
            None => Ok(()),
        }
    }

    /// The team: by the slug that GitHub gave it, by its number where a new name has changed that, and before both are known
    /// by the slug that GitHub makes of plain names; how it writes others (it knows more letters than we do) is not guessed,
    /// and their teams are found by their names.
    fn find(&self, object: &Managed<Spec>) -> Result<Option<Value>, Error> {
        let spec = &object.spec;
        let here = object.status["url"].as_str().is_none_or(|url| self.github.has(url));
        let id = object.status["id"].as_u64().filter(|_| here);
        let known = object.status["slug"].as_str().filter(|_| id.is_some()).map(str::to_owned);
        if let Some(slug) = known.or_else(|| slug(&spec.name)) {
            let found = self.github.find(&Path::of(&["orgs", &spec.org, "teams", &slug])?)?;
            if id.is_none() || found.as_ref().is_some_and(|found| found["id"].as_u64() == id) {
                return Ok(found);
            }
        }
        let list = |body| match body {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        let teams = match self.github.list(&Path::of(&["orgs", &spec.org, "teams"])?, list) {
            // Without the organisation there is none; a creation will say what is missing.
            Err(error) if error.status() == Some(404) => return Ok(None),
            teams => teams?,
        };
        let by_id = teams.iter().find(|team| id.is_some() && team["id"].as_u64() == id);
        // Another one of its name may be taken over, and is not deleted in its place.
        let may_be_another = id.is_none() || !object.is_being_deleted();
        let by_name = || teams.iter().find(|team| may_be_another && team["name"] == *spec.name);
        let found = by_id.or_else(by_name);
        // Lists leave out some members.
        found.map_or(Ok(None), |found| self.github.find(&at(spec, found)?))
    }
}

/// What the spec sets, by GitHub's names.
fn wanted(spec: &Spec) -> Vec<(&'static str, Value)> {
    let texts = [
        ("description", &spec.description),
        ("privacy", &spec.privacy),
        ("notification_setting", &spec.notification_setting),
        ("parent_team_slug", &spec.parent_team_slug),
    ];
    texts.into_iter().filter_map(|(name, text)| Some((name, json!(text.as_ref()?)))).collect()
}

fn body(spec: &Spec) -> Value {
    let mut body = json!({"name": spec.name});
    for (name, value) in wanted(spec) {
        body[name] = if name == "parent_team_slug" && value == "" { Value::Null } else { value };
    }
    body
}

fn status(found: &Value) -> Value {
    json!({"id": found["id"], "slug": found["slug"], "url": found["url"], "htmlUrl": found["html_url"]})
}

/// Where a team is now.
fn at(spec: &Spec, found: &Value) -> Result<Path, Error> {
    let slug = found["slug"].as_str().ok_or_else(|| Error::Unexpected("the team has no slug".to_owned()))?;
    Path::of(&["orgs", &spec.org, "teams", slug])
}

/// Of a name in ASCII: lower case, with one hyphen for each run of other characters. None for other names.
fn slug(name: &str) -> Option<String> {
    let parts = name.split(|each: char| !(each.is_ascii_alphanumeric() || each == '_'));
    let slug = parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    (name.is_ascii() && !slug.is_empty()).then_some(slug)
}
