//! `Webhook`: an address that GitHub tells what happens in a repository.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, Value, json};
use serde::Deserialize;

use crate::archive;
use crate::client::{Error, GitHub, Method, Path};
use crate::events::{self, Event};
use crate::history::History;
use crate::spec::{Connection, SecretRef};

/// Where the secret stands in the body of a request. The host puts it there, if the administrator granted this member.
pub const SECRET: &str = "/config/secret";

/// The spec. What is left out is GitHub's choice when the webhook is created, and never changed afterwards.
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
    /// Who is told.
    pub url: String,
    /// `json` or `form`.
    pub content_type: Option<String>,
    /// What is told: GitHub's names of events, all of them.
    pub events: Option<Vec<String>>,
    /// Whether it is told at present.
    pub active: Option<bool>,
    /// Whether any certificate will do.
    pub insecure_ssl: Option<bool>,
    /// What deliveries are signed with.
    pub secret_ref: Option<SecretRef>,
}

/// One webhook, for one reconcile.
pub struct Webhook {
    github: GitHub,
    /// The version of the secret that the host holds; none if there is none to send.
    secret: Option<String>,
    /// What was seen last.
    seen: Option<Value>,
}

impl Webhook {
    /// A webhook at `github`. `secret` is the version of the Secret that goes along, if one does.
    #[must_use]
    pub fn new(github: GitHub, secret: Option<String>) -> Self {
        Self { github, secret, seen: None }
    }

    /// Looks at the webhook and compares what the spec sets. GitHub does not show secrets: whether there is one is seen, and
    /// which one is known by the version that was sent last.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        let Some(found) = self.find(object)? else { return Ok(Observation::missing()) };
        let Spec { org, repo, url, .. } = &object.spec;
        if object.is_being_deleted() && archive::keeps(&self.github, org, repo, &format!("the webhook to {url}"))? {
            return Ok(Observation::missing());
        }
        let (known, history) = (self.number(object).is_some(), History::of(object));
        if !(known || history.is_managed()) {
            events::tell(Event::WebhookExists, &format!("'{org}/{repo}' tells {url} already"));
        }
        let adopted = !(known || history.began()) || object.status["adopted"] == true;
        let mut differences = differences(&object.spec, &found);
        let is_sent = self.secret.as_deref() == object.status["secretVersion"].as_str();
        if self.secret.is_some() && !(is_sent && found["config"]["secret"].is_string()) {
            differences.push(Difference::new("config.secret", None, None));
        }
        let mut status = status(&found);
        status["adopted"] = adopted.into();
        if self.secret.is_none() {
            // What was sent once may have been replaced by somebody until one is to be sent again.
            status["secretVersion"] = Value::Null;
        }
        self.seen = Some(found);
        let observation =
            if differences.is_empty() { Observation::up_to_date() } else { Observation::differs(differences) };
        Ok(observation.ready().status(status))
    }

    /// Creates the webhook.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        let spec = &object.spec;
        let mut body = json!({"name": "web", "config": config(spec)});
        outer(spec, &mut body);
        let made = self.send(Method::Post, &hooks(spec)?, body)?;
        Ok(Creation::done().status(self.sent(&made)))
    }

    /// Sets what the spec sets, and the secret.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        let spec = &object.spec;
        let seen = match self.seen.take() {
            Some(seen) => Some(seen),
            None => self.find(object)?,
        };
        let Some(found) = seen else { return Ok(Change::done()) };
        let path = at(spec, &found)?;
        if self.secret.is_some() {
            // A config is replaced as a whole: what the spec leaves out goes along as it is.
            let mut body = json!({"config": config(spec)});
            for name in ["content_type", "insecure_ssl"] {
                if body["config"][name].is_null() {
                    body["config"][name] = found["config"][name].clone();
                }
            }
            outer(spec, &mut body);
            let now = self.send(Method::Patch, &path, body)?;
            return Ok(Change::done().status(self.sent(&now)));
        }
        // Otherwise in two parts, which leaves a secret alone that somebody else may have set.
        let mut now = found;
        if differences(spec, &now).iter().any(|each| each.path.starts_with("config.")) {
            self.github.change(Method::Patch, &path.clone().join("config"), Some(&config(spec)))?;
        }
        let mut body = json!({});
        outer(spec, &mut body);
        if differences(spec, &now).iter().any(|each| !each.path.starts_with("config.")) {
            now = self.github.change(Method::Patch, &path, Some(&body))?.body;
        }
        Ok(Change::done().status(status(&now)))
    }

    /// Deletes the webhook.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        match self.find(object)? {
            Some(found) => self.github.remove(&at(&object.spec, &found)?, None),
            None => Ok(()),
        }
    }

    /// With the secret, if there is one.
    fn send(&self, method: Method, path: &Path, mut body: Value) -> Result<Value, Error> {
        if self.secret.is_none() {
            return Ok(self.github.change(method, path, Some(&body))?.body);
        }
        // The host wants to see where it is expected.
        body["config"]["secret"] = Value::Null;
        Ok(self.github.change_with_secret(method, path, &body)?.body)
    }

    /// The status after something was sent.
    fn sent(&self, found: &Value) -> Value {
        let mut status = status(found);
        status["secretVersion"] = json!(self.secret);
        status
    }

    /// By its number once that is known, and before that by its URL.
    fn find(&self, object: &Managed<Spec>) -> Result<Option<Value>, Error> {
        let all = hooks(&object.spec)?;
        if let Some(id) = self.number(object) {
            let found = self.github.find(&all.clone().join(id))?;
            // Another one of its URL may be taken over, and is not deleted in its place.
            if found.is_some() || object.is_being_deleted() {
                return Ok(found);
            }
        }
        let list = |body| match body {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        let listed = match self.github.list(&all, list) {
            // Without the repository there is none; a creation will say what is missing.
            Err(error) if error.status() == Some(404) => return Ok(None),
            listed => listed?,
        };
        Ok(listed.into_iter().find(|each| each["config"]["url"] == *object.spec.url))
    }

    /// The webhook's number, as it was recorded; on another server it says nothing.
    fn number(&self, object: &Managed<Spec>) -> Option<u64> {
        let here = object.status["url"].as_str().is_some_and(|url| self.github.has(url));
        object.status["id"].as_u64().filter(|_| here)
    }
}

fn hooks(spec: &Spec) -> Result<Path, Error> {
    Path::of(&["repos", &spec.org, &spec.repo, "hooks"])
}

fn at(spec: &Spec, found: &Value) -> Result<Path, Error> {
    let id = found["id"].as_u64().ok_or_else(|| Error::Unexpected("the webhook has no number".to_owned()))?;
    Ok(hooks(spec)?.join(id))
}

fn status(found: &Value) -> Value {
    json!({"id": found["id"], "url": found["url"], "active": found["active"]})
}

/// What the spec sets of the members that GitHub keeps under `config`.
fn config(spec: &Spec) -> Value {
    let mut config = json!({"url": spec.url});
    if let Some(content_type) = &spec.content_type {
        config["content_type"] = json!(content_type);
    }
    if let Some(insecure) = spec.insecure_ssl {
        config["insecure_ssl"] = json!(if insecure { "1" } else { "0" });
    }
    config
}

/// What the spec sets beside that.
fn outer(spec: &Spec, body: &mut Value) {
    if let Some(events) = &spec.events {
        body["events"] = json!(events);
    }
    if let Some(active) = spec.active {
        body["active"] = json!(active);
    }
}

/// Where the webhook is not as the spec has it, but for the secret. The order of events means nothing.
fn differences(spec: &Spec, found: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (name, desired) in config(spec).as_object().into_iter().flatten() {
        // Some releases show this one as a number.
        let actual = &found["config"][name];
        let same = desired == actual || (actual.is_number() && desired.as_str() == Some(&actual.to_string()));
        if !same {
            differences.push(Difference::new(format!("config.{name}"), desired.clone(), actual.clone()));
        }
    }
    if let Some(events) = &spec.events {
        let actual = found["events"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if sorted(events.iter().map(String::as_str)) != sorted(actual) {
            differences.push(Difference::new("events", json!(events), found["events"].clone()));
        }
    }
    if spec.active.is_some_and(|active| found["active"] != active) {
        differences.push(Difference::new("active", json!(spec.active), found["active"].clone()));
    }
    differences
}

fn sorted<'a>(events: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut events: Vec<_> = events.collect();
    events.sort_unstable();
    events.dedup();
    events
}

#[cfg(test)]
mod tests {
    use capstan_sdk::serde_json;

    use super::*;

    #[test]
    fn order_of_events_and_spelling_of_flags_do_not_differ() {
        let spec = |more: &Value| -> Spec {
            let mut spec = json!({"org": "o", "repo": "r", "url": "https://u"});
            for (name, value) in more.as_object().unwrap() {
                spec[name] = value.clone();
            }
            serde_json::from_value(spec).unwrap()
        };
        let found = json!({
            "active": true, "events": ["push", "pull_request"],
            "config": {"url": "https://u", "content_type": "json", "insecure_ssl": 0, "secret": "********"},
        });
        let paths = |more: Value| -> Vec<String> {
            differences(&spec(&more), &found).into_iter().map(|each| each.path).collect()
        };
        assert_eq!(paths(json!({})), Vec::<String>::new());
        let same =
            json!({"events": ["pull_request", "push"], "active": true, "insecureSsl": false, "contentType": "json"});
        assert_eq!(paths(same), Vec::<String>::new());
        let other = json!({"url": "https://v", "events": ["push"], "active": false, "insecureSsl": true, "contentType": "form"});
        assert_eq!(paths(other), ["config.content_type", "config.insecure_ssl", "config.url", "events", "active"]);
    }
}
