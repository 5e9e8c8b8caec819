//! `Repo`: a repository.

mod settings;
mod spec;
mod status;

use capstan_sdk::{Change, Creation, Managed, Observation, Value, json};
use serde::Deserialize;

pub use self::spec::{OnDelete, Settings, Spec};
use crate::client::{Error, GitHub, Method, Path};
use crate::events::{self, Event};
use crate::history::History;

/// Whether a repository that exists already may be taken over.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Adoption {
    /// Always, as Krateo does.
    #[default]
    Implicit,
    /// Only if `spec.adopt` says so.
    Explicit,
}

/// One repository, for one reconcile.
pub struct Repo {
    github: GitHub,
    adoption: Adoption,
    /// What was seen last: the repository as GitHub shows it.
    seen: Option<Value>,
}

impl Repo {
    /// A repository at `github`.
    #[must_use]
    pub fn new(github: GitHub, adoption: Adoption) -> Self {
        Self { github, adoption, seen: None }
    }

    /// Looks at the repository and compares what the spec sets.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] for one that is not ours and may not be adopted; what requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let spec = &object.spec;
        if object.is_being_deleted() && spec.on_delete == OnDelete::Keep {
            // Nothing is asked, so nothing can stand in the way.
            return Ok(Observation::missing());
        }
        let Some(found) = self.find(object)? else { return Ok(Observation::missing()) };
        if object.is_being_deleted() && spec.on_delete == OnDelete::Archive && found["archived"] == true {
            return Ok(Observation::missing());
        }
        let ours = self.is_ours(object, &found);
        if !ours && let Some(refusal) = self.refusal(object, &found) {
            // It was never taken over, so nothing of ours is left.
            return if object.is_being_deleted() { Ok(Observation::missing()) } else { Err(refusal) };
        }
        let known = self.number(object).is_some_and(|_| ours);
        if !(known || self.is_managed(object)) {
            events::tell(Event::RepoExists, &format!("Repo '{}' already exists", full_name(&found)));
        }
        let adopted = !ours || object.status["adopted"] == true;
        // What cannot be wanted is no hindrance for a deletion.
        let differences = if object.is_being_deleted() { Vec::new() } else { settings::differences(spec, &found)? };
        // Nor is what GitHub does not keep one: to set it at every look would settle nothing.
        let (unkept, differences): (Vec<_>, Vec<_>) =
            differences.into_iter().partition(|each| was_unkept(object, &settings::told(each)));
        let mut status = status::of(&found);
        status["adopted"] = adopted.into();
        status["unkept"] = settings::all_told(&unkept);
        self.seen = Some(found);
        let observation =
            if differences.is_empty() { Observation::up_to_date() } else { Observation::differs(differences) };
        Ok(observation.ready().status(status))
    }

    /// Creates the repository, for the organisation or user that the spec names. What cannot be set at once is found to
    /// differ by the next look.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] if a topic is none, or the token belongs to another user than the one it is to be created for.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        let spec = &object.spec;
        settings::check(spec)?;
        let owner = self.github.find(&Path::of(&["users", &spec.org])?)?;
        let owner =
            owner.ok_or_else(|| Error::InvalidSpec(format!("there is no organization or user {:?}", spec.org)))?;
        let in_organization = owner["type"] == "Organization";
        // Checked although it goes into the body: a name with a slash would become another one.
        Path::of(&["repos", &spec.org, &spec.name])?;
        let path = if in_organization {
            Path::of(&["orgs", &spec.org, "repos"])?
        } else {
            self.belongs_to_token(&spec.org)?;
            Path::of(&["user", "repos"])?
        };
        let body = settings::creation(spec, in_organization);
        let made = self.github.change(Method::Post, &path, Some(&body))?.body;
        events::tell(Event::RepoCreated, &format!("Repo '{}/{}' created", spec.org, spec.name));
        let mut status = status::of(&made);
        status["adopted"] = false.into();
        Ok(Creation::done().status(status))
    }

    /// Sets what differs, and nothing else.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        let seen = match self.seen.take() {
            Some(seen) => Some(seen),
            None => self.find(object)?,
        };
        let Some(mut now) = seen else { return Ok(Change::done()) };
        for step in settings::steps(&object.spec, &now)? {
            let path = at(&now)?;
            match step {
                settings::Step::Patch(body) => now = self.github.change(Method::Patch, &path, Some(&body))?.body,
                settings::Step::Topics(names) => {
                    let body = json!({"names": names});
                    now["topics"] =
                        self.github.change(Method::Put, &path.join("topics"), Some(&body))?.body["names"].take();
                }
            }
        }
        let left = settings::differences(&object.spec, &now)?;
        if let Some(new) = left.iter().map(settings::told).find(|each| !was_unkept(object, each)) {
            let name = full_name(&now);
            let note = format!(
                "GitHub took {new} for '{name}' and did not keep it: its plan or its organization may not allow it"
            );
            events::tell(Event::SettingUnkept, &note);
        }
        let mut status = status::of(&now);
        status["unkept"] = settings::all_told(&left);
        Ok(Change::done().status(status))
    }

    /// Deletes or archives the repository, as the spec says.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        if object.spec.on_delete == OnDelete::Keep {
            return Ok(());
        }
        let Some(found) = self.find(object)? else { return Ok(()) };
        let name = full_name(&found);
        if object.spec.on_delete == OnDelete::Delete {
            self.github.remove(&at(&found)?, None)?;
            events::tell(Event::RepoDeleted, &format!("Repo '{name}' deleted"));
        } else if found["archived"] != true {
            self.github.change(Method::Patch, &at(&found)?, Some(&json!({"archived": true})))?;
            events::tell(Event::RepoArchived, &format!("Repo '{name}' archived"));
        }
        Ok(())
    }

    /// The repository: by its number once that is known, so that it is followed through renames and transfers and not
    /// mistaken for a new one of its old name. When it is gone, another one of its name may be taken over, and is not deleted in its
    /// place.
    fn find(&self, object: &Managed<Spec>) -> Result<Option<Value>, Error> {
        let by_name = Path::of(&["repos", &object.spec.org, &object.spec.name])?;
        let Some(id) = self.number(object) else { return self.github.find(&by_name) };
        if History::of(object).unclear_since().is_none()
            && let Some(path) = renamed(object)
            && let Some(found) = self.github.find(&path)?.filter(|found| found["id"].as_u64() == Some(id))
        {
            return Ok(Some(found));
        }
        // By name first: that is the documented address, and leads to the new one after a rename.
        let named = self.github.find(&by_name)?;
        if named.as_ref().is_some_and(|found| self.is_ours(object, found)) {
            return Ok(named);
        }
        let by_number = self.github.find(&Path::of(&["repositories"])?.join(id))?;
        Ok(by_number.or(named.filter(|_| !object.is_being_deleted())))
    }

    /// Whether a repository is the one that the object was given, or one that was created anew for it and is not recorded yet.
    fn is_ours(&self, object: &Managed<Spec>, found: &Value) -> bool {
        let history = History::of(object);
        let Some(id) = self.number(object) else { return history.began() };
        let begun = history.unclear_since().and_then(seconds);
        let created = found["created_at"].as_str().and_then(seconds);
        found["id"].as_u64() == Some(id) || created.zip(begun).is_some_and(|(created, begun)| created + SLACK >= begun)
    }

    /// Whether it is no news that the object has a repository; of one whose own is gone another one is.
    fn is_managed(&self, object: &Managed<Spec>) -> bool {
        self.number(object).is_none() && History::of(object).is_managed()
    }

    /// Why one that is not ours is not taken over.
    fn refusal(&self, object: &Managed<Spec>, found: &Value) -> Option<Error> {
        let (Spec { org, name, .. }, now) = (&object.spec, full_name(found));
        // GitHub leads from an old name to the repository that had it: which is not known to be the one that is meant.
        let was_renamed = !now.eq_ignore_ascii_case(&format!("{org}/{name}"));
        let meant = self.number(object).is_none() && History::of(object).is_known();
        let text = match self.adoption {
            _ if object.spec.adopt == Some(true) => return None,
            _ if was_renamed && !meant => format!("{org}/{name} has become {now}"),
            Adoption::Explicit => format!("{now} exists already"),
            Adoption::Implicit => return None,
        };
        Some(Error::AlreadyExists(format!("{text}: set spec.adopt to true to take it over, or choose another name")))
    }

    /// The repository's number, as it was recorded; on another server it says nothing.
    fn number(&self, object: &Managed<Spec>) -> Option<u64> {
        let here = object.status["url"].as_str().is_none_or(|url| self.github.has(url));
        object.status["id"].as_u64().filter(|_| here)
    }

    fn belongs_to_token(&self, user: &str) -> Result<(), Error> {
        let me = self.github.find(&Path::of(&["user"])?)?.unwrap_or_default();
        match me["login"].as_str() {
            Some(login) if login.eq_ignore_ascii_case(user) => Ok(()),
            login => {
                let login = login.unwrap_or("an app");
                let text = format!(
                    "a repository of the user {user} can only be created with a token of {user}; this is {login}'s"
                );
                Err(Error::InvalidSpec(text))
            }
        }
    }
}

/// How far the clock of the host, which tells when a creation was begun, may be ahead of GitHub's, which tells when a repository
/// was created, in seconds. What somebody else created that shortly before is hardly taken for ours: our own creation would
/// have failed, which is recorded.
const SLACK: i64 = 300;

/// Whole seconds since 1970 of a time as GitHub and the host write it, `2026-01-31T12:00:00Z`.
fn seconds(time: &str) -> Option<i64> {
    let (date, time) = time.strip_suffix('Z')?.split_once('T')?;
    let (time, _) = time.split_once('.').unwrap_or((time, ""));
    if (date.len(), time.len()) != (10, 8) {
        return None;
    }
    let numbers = |text: &str, separator| -> Option<[i64; 3]> {
        let numbers: Vec<i64> = text.split(separator).map(str::parse).collect::<Result<_, _>>().ok()?;
        numbers.try_into().ok()
    };
    let ([year, month, day], [hours, minutes, seconds]) = (numbers(date, '-')?, numbers(time, ':')?);
    // Years that begin in March end with the day that some of them have more.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// Where a repository was seen last, if that is another place than the spec says: what leads there from the old one costs a
/// request at each look.
fn renamed(object: &Managed<Spec>) -> Option<Path> {
    let Spec { org, name, .. } = &object.spec;
    let seen = object.status["fullName"].as_str().and_then(|seen| seen.split_once('/'));
    match seen {
        Some((owner, repo)) if !(owner.eq_ignore_ascii_case(org) && repo.eq_ignore_ascii_case(name)) => {
            // A status is nobody's specification: what is no name there is looked for by the one in the spec.
            Path::of(&["repos", owner, repo]).ok()
        }
        _ => None,
    }
}

/// Whether GitHub is known not to keep what is told of a setting.
fn was_unkept(object: &Managed<Spec>, told: &str) -> bool {
    object.status["unkept"].as_array().is_some_and(|unkept| unkept.iter().any(|each| each == told))
}

fn full_name(found: &Value) -> &str {
    found["full_name"].as_str().unwrap_or_default()
}

/// Where a repository is now, by the name that it has now.
fn at(found: &Value) -> Result<Path, Error> {
    let name = found["full_name"].as_str().and_then(|name| name.split_once('/'));
    let (owner, name) = name.ok_or_else(|| Error::Unexpected("the repository has no full name".to_owned()))?;
    Path::of(&["repos", owner, name])
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_read_as_they_are_written() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2000-02-29T23:59:59Z"), Some(951_868_799));
        assert_eq!(seconds("2000-03-01T00:00:00Z"), Some(951_868_800));
        for time in ["2026-12-31T12:34:56Z", "2026-12-31T12:34:56.789Z"] {
            assert_eq!(seconds(time), Some(1_798_720_496));
        }
        for odd in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01T00:00Z",
            "x-y-zT1:2:3Z",
            "99999999999999999-01-01T00:00:00Z",
        ] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
