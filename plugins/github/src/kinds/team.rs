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
        let Some(found) = self.github.find(&path(object)?)? else { return Ok(Observation::missing()) };
        let differences: Vec<_> = wanted(&object.spec)
            .into_iter()
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
        let now = self.github.change(Method::Patch, &path(object)?, Some(&body(&object.spec)))?.body;
        Ok(Change::done().status(status(&now)))
    }

    /// Deletes the team, and the teams below it with it.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        self.github.remove(&path(object)?, None)
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
    json!({"id": found["id"], "slug": found["slug"], "htmlUrl": found["html_url"]})
}

/// The team, by the slug that GitHub gave it, and before that by the one that it makes of such a name.
fn path(object: &Managed<Spec>) -> Result<Path, Error> {
    let slug = object.status["slug"].as_str().map_or_else(|| slug(&object.spec.name), str::to_owned);
    Path::of(&["orgs", &object.spec.org, "teams", &slug])
}

/// Lower case, with one hyphen for each run of other characters.
fn slug(name: &str) -> String {
    let parts = name.split(|each: char| !(each.is_alphanumeric() || each == '_'));
    parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join("-")
}
