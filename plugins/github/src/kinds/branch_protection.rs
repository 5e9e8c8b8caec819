//! `BranchProtection`: a ruleset of a repository, which says what may be done to its branches or tags.

use capstan_sdk::{Change, Creation, Difference, Managed, Observation, Value, equal, json};
use serde::Deserialize;

use crate::archive;
use crate::client::{Error, GitHub, Method, Path};
use crate::spec::Connection;

/// The spec. Rules have GitHub's own names and parameters, so that every rule that GitHub has, or will have, can be said.
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
    /// The ruleset's name, which no other of the repository has.
    pub name: String,
    /// `branch`, `tag` or `push`; `branch` if it is left out.
    pub target: Option<String>,
    /// `active`, `evaluate` or `disabled`; `active` if it is left out.
    pub enforcement: Option<String>,
    /// Patterns of refs that it is for; the default branch if it is left out.
    pub include: Option<Vec<String>>,
    /// Patterns of refs that it is not for.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// All rules.
    pub rules: Vec<Rule>,
    /// Who is not bound by it. Left out: not looked at.
    pub bypass_actors: Option<Vec<BypassActor>>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize)]
pub struct Rule {
    /// As GitHub names it, for example `pull_request`.
    #[serde(rename = "type")]
    pub kind: String,
    /// As GitHub names them. What is left out is GitHub's choice, and not looked at.
    pub parameters: Option<Value>,
}

/// One who is not bound.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BypassActor {
    /// The number of the team, role or app.
    pub actor_id: Option<u64>,
    /// `Team`, `RepositoryRole`, `Integration`, `OrganizationAdmin`, `DeployKey`.
    pub actor_type: String,
    /// `always` or `pull_request`; `always` if it is left out.
    pub bypass_mode: Option<String>,
}

/// One ruleset, for one reconcile.
pub struct BranchProtection {
    github: GitHub,
    /// Of the ruleset that was seen last.
    id: Option<u64>,
}

impl BranchProtection {
    /// A ruleset at `github`.
    #[must_use]
    pub fn new(github: GitHub) -> Self {
        Self { github, id: None }
    }

    /// Looks at the ruleset and compares all that the spec says.
    ///
    /// # Errors
    /// [`Error::InvalidSpec`] for two rules of one type; what requests fail with.
    pub fn observe(&mut self, object: &Managed<Spec>) -> Result<Observation, Error> {
        // What cannot be wanted is no hindrance for a deletion.
        if !object.is_being_deleted() {
            check(&object.spec)?;
        }
        let Some(found) = self.find(object)? else { return Ok(Observation::missing()) };
        let Spec { org, repo, name, .. } = &object.spec;
        if object.is_being_deleted() && archive::keeps(&self.github, org, repo, &format!("the ruleset {name}"))? {
            return Ok(Observation::missing());
        }
        self.id = found["id"].as_u64();
        let differences = differences(&object.spec, &found);
        let observation =
            if differences.is_empty() { Observation::up_to_date() } else { Observation::differs(differences) };
        Ok(observation.ready().status(status(&found)))
    }

    /// Creates the ruleset.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn create(&mut self, object: &Managed<Spec>) -> Result<Creation, Error> {
        let made = self.github.change(Method::Post, &rulesets(&object.spec)?, Some(&body(&object.spec)))?.body;
        Ok(Creation::done().status(status(&made)))
    }

    /// Sets all that the spec says.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn update(&mut self, object: &Managed<Spec>) -> Result<Change, Error> {
        let Some(path) = self.path(object)? else { return Ok(Change::done()) };
        let now = self.github.change(Method::Put, &path, Some(&body(&object.spec)))?.body;
        Ok(Change::done().status(status(&now)))
    }

    /// Deletes the ruleset.
    ///
    /// # Errors
    /// What requests fail with.
    pub fn delete(&mut self, object: &Managed<Spec>) -> Result<(), Error> {
        match self.path(object)? {
            Some(path) => self.github.remove(&path, None),
            None => Ok(()),
        }
    }

    /// Where the ruleset is, if there is one.
    fn path(&mut self, object: &Managed<Spec>) -> Result<Option<Path>, Error> {
        let id = match self.id {
            Some(id) => Some(id),
            None => self.find(object)?.and_then(|found| found["id"].as_u64()),
        };
        id.map(|id| Ok(rulesets(&object.spec)?.join(id))).transpose()
    }

    /// By its number once that is known, and before that by its name.
    fn find(&self, object: &Managed<Spec>) -> Result<Option<Value>, Error> {
        let all = rulesets(&object.spec)?;
        // Numbers of another server say nothing here.
        let here = object.status["url"].as_str().is_none_or(|url| self.github.has(url));
        if let Some(id) = object.status["id"].as_u64().filter(|_| here) {
            let found = self.github.find(&all.clone().join(id))?;
            // Another one of its name may be taken over, and is not deleted in its place.
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
        // Those of the organisation are listed too, and are not the repository's to change.
        let same = |each: &&Value| each["name"] == *object.spec.name && each["source_type"] == "Repository";
        let id = listed.iter().find(same).and_then(|each| each["id"].as_u64());
        match id {
            // The list leaves out the rules.
            Some(id) => self.github.find(&all.join(id)),
            None => Ok(None),
        }
    }
}

/// Refuses two rules of one type: which of them GitHub's is to be compared with, nobody could say.
fn check(spec: &Spec) -> Result<(), Error> {
    let is_first = |at: usize, kind: &str| !spec.rules[..at].iter().any(|rule| rule.kind == kind);
    match spec.rules.iter().enumerate().find(|(at, rule)| !is_first(*at, &rule.kind)) {
        Some((_, rule)) => Err(Error::InvalidSpec(format!("there are two rules of the type {:?}", rule.kind))),
        None => Ok(()),
    }
}

fn rulesets(spec: &Spec) -> Result<Path, Error> {
    Path::of(&["repos", &spec.org, &spec.repo, "rulesets"])
}

fn status(found: &Value) -> Value {
    let links = &found["_links"];
    let (url, html) = (&links["self"]["href"], &links["html"]["href"]);
    json!({"id": found["id"], "enforcement": found["enforcement"], "url": url, "htmlUrl": html})
}

/// What the spec says, as GitHub writes it.
fn body(spec: &Spec) -> Value {
    let include = spec.include.clone().unwrap_or_else(|| vec!["~DEFAULT_BRANCH".to_owned()]);
    let rules = spec.rules.iter().map(|rule| match &rule.parameters {
        Some(parameters) => json!({"type": rule.kind, "parameters": parameters}),
        None => json!({"type": rule.kind}),
    });
    let mut body = json!({
        "name": spec.name, "target": spec.target.as_deref().unwrap_or("branch"),
        "enforcement": spec.enforcement.as_deref().unwrap_or("active"), "rules": rules.collect::<Vec<_>>(),
    });
    // What is pushed is not sorted by refs.
    if body["target"] != "push" {
        body["conditions"] = json!({"ref_name": {"include": include, "exclude": spec.exclude}});
    }
    if let Some(actors) = &spec.bypass_actors {
        body["bypass_actors"] = actors.iter().map(actor).collect();
    }
    body
}

fn actor(actor: &BypassActor) -> Value {
    let mode = actor.bypass_mode.as_deref().unwrap_or("always");
    json!({"actor_id": actor.actor_id, "actor_type": actor.actor_type, "bypass_mode": mode})
}

/// Where the ruleset is not as the spec has it. The order of rules, refs and actors means nothing.
fn differences(spec: &Spec, found: &Value) -> Vec<Difference> {
    let desired = body(spec);
    let mut differences = Vec::new();
    for name in ["name", "target", "enforcement"] {
        if desired[name] != found[name] {
            differences.push(Difference::new(name, desired[name].clone(), found[name].clone()));
        }
    }
    for path in ["/conditions/ref_name/include", "/conditions/ref_name/exclude", "/bypass_actors"] {
        let Some(wanted) = desired.pointer(path) else { continue };
        let actual = found.pointer(path).unwrap_or(&Value::Null);
        let same =
            if path == "/bypass_actors" { actors(wanted) == actors(actual) } else { sorted(wanted) == sorted(actual) };
        if !same {
            let path = path.trim_start_matches('/').replace('/', ".");
            differences.push(Difference::new(path, wanted.clone(), actual.clone()));
        }
    }
    let rules = |of: &Value| of["rules"].as_array().cloned().unwrap_or_default();
    let (wanted, actual) = (rules(&desired), rules(found));
    let of_type = |all: &[Value], kind: &Value| all.iter().find(|rule| rule["type"] == *kind).cloned();
    for rule in &wanted {
        let path = format!("rules.{}", rule["type"].as_str().unwrap_or_default());
        match of_type(&actual, &rule["type"]) {
            None => differences.push(Difference::new(path, rule.clone(), None)),
            Some(there) => differences.extend(
                Difference::between(rule, &there)
                    .into_iter()
                    .filter(|each| {
                        !each.desired.as_ref().zip(each.actual.as_ref()).is_some_and(|(to, at)| is_had(to, at))
                    })
                    .map(|each| Difference { path: format!("{path}.{}", each.path), ..each }),
            ),
        }
    }
    for rule in actual.iter().filter(|rule| of_type(&wanted, &rule["type"]).is_none()) {
        let path = format!("rules.{}", rule["type"].as_str().unwrap_or_default());
        differences.push(Difference::new(path, None, rule.clone()));
    }
    differences
}

/// Whether GitHub has what is wanted of a parameter: of a list all items and no other, in any order, and of an item what is said
/// of it, as what is left out is GitHub's choice there too.
fn is_had(desired: &Value, actual: &Value) -> bool {
    match (desired, actual) {
        (Value::Object(desired), Value::Object(actual)) => {
            desired.iter().all(|(name, value)| is_had(value, actual.get(name).unwrap_or(&Value::Null)))
        }
        (Value::Array(desired), Value::Array(actual)) => {
            let mut left: Vec<_> = actual.iter().collect();
            let mut take =
                |wanted: &Value| left.iter().position(|there| is_had(wanted, there)).map(|at| left.remove(at));
            desired.len() == actual.len() && desired.iter().all(|wanted| take(wanted).is_some())
        }
        _ => equal(desired, actual),
    }
}

/// Actors as texts in order, without numbers where there is only one of the type, of which GitHub shows what it likes.
fn actors(list: &Value) -> Vec<String> {
    let mut list = list.clone();
    for actor in list.as_array_mut().into_iter().flatten() {
        if matches!(actor["actor_type"].as_str(), Some("OrganizationAdmin" | "DeployKey")) {
            actor["actor_id"] = Value::Null;
        }
    }
    sorted(&list)
}

/// The items of a list as texts in order, each once.
fn sorted(list: &Value) -> Vec<String> {
    let mut items: Vec<_> = list.as_array().into_iter().flatten().map(Value::to_string).collect();
    items.sort();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use capstan_sdk::serde_json;

    use super::*;

    fn spec(more: &Value) -> Spec {
        let mut spec = json!({"org": "o", "repo": "r", "name": "n", "rules": [{"type": "deletion"}]});
        for (name, value) in more.as_object().unwrap() {
            spec[name] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn order_and_what_github_fills_in_do_not_differ() {
        let rules = json!([{"type": "deletion"}, {"type": "pull_request", "parameters": {"required_approving_review_count": 1}}]);
        let spec = spec(&json!({"rules": rules, "include": ["a", "b"]}));
        let mut found = body(&spec);
        found["rules"] = json!([
            {"type": "pull_request", "parameters": {"required_approving_review_count": 1, "required_reviewers": []}},
            {"type": "deletion"},
        ]);
        found["conditions"]["ref_name"]["include"] = json!(["b", "a", "b"]);
        found["bypass_actors"] = json!([{"actor_id": 1}]);
        assert_eq!(differences(&spec, &found), []);
    }

    #[test]
    fn what_is_left_out_is_for_the_default_branch_and_active() {
        let plain = body(&spec(&json!({"bypassActors": [{"actorId": 5, "actorType": "Team"}]})));
        assert_eq!((&plain["target"], &plain["enforcement"]), (&json!("branch"), &json!("active")));
        assert_eq!(plain["conditions"]["ref_name"], json!({"include": ["~DEFAULT_BRANCH"], "exclude": []}));
        assert_eq!(plain["bypass_actors"][0]["bypass_mode"], "always");
        // What is pushed is not sorted by refs.
        assert_eq!(body(&spec(&json!({"target": "push"})))["conditions"], Value::Null);
    }

    #[test]
    fn missing_changed_and_additional_rules_differ() {
        let paths = |rules: Value, found: Value| -> Vec<String> {
            let spec = spec(&json!({"rules": rules}));
            let mut there = body(&spec);
            there["rules"] = found;
            differences(&spec, &there).into_iter().map(|each| each.path).collect()
        };
        let review =
            |count: u8| json!({"type": "pull_request", "parameters": {"required_approving_review_count": count}});
        assert_eq!(paths(json!([{"type": "deletion"}]), json!([])), ["rules.deletion"]);
        assert_eq!(paths(json!([]), json!([{"type": "deletion"}])), ["rules.deletion"]);
        let changed = paths(json!([review(2)]), json!([review(1)]));
        assert_eq!(changed, ["rules.pull_request.parameters.required_approving_review_count"]);
    }

    #[test]
    fn of_lists_in_parameters_neither_the_order_nor_what_is_left_out_differs() {
        let checks = |contexts: Value| json!({"type": "required_status_checks", "parameters": {"required_status_checks": contexts}});
        let differ = |wanted: Value, found: Value| {
            let spec = spec(&json!({"rules": [checks(wanted)]}));
            let mut there = body(&spec);
            there["rules"] = json!([checks(found)]);
            !differences(&spec, &there).is_empty()
        };
        let found = json!([{"context": "lint", "integration_id": null}, {"context": "build", "integration_id": 7}]);
        assert!(!differ(json!([{"context": "build"}, {"context": "lint"}]), found.clone()));
        assert!(!differ(json!([{"context": "build", "integration_id": 7}, {"context": "lint"}]), found.clone()));
        assert!(differ(json!([{"context": "build", "integration_id": 8}, {"context": "lint"}]), found.clone()));
        assert!(differ(json!([{"context": "build"}]), found.clone()), "one too many");
        assert!(differ(json!([{"context": "build"}, {"context": "build"}]), found.clone()), "one for each");
        assert!(differ(json!([{"context": "build"}, {"context": "test"}]), found));
    }

    #[test]
    fn who_may_bypass_is_compared_only_if_that_is_said() {
        let said = spec(&json!({"bypassActors": [{"actorId": 5, "actorType": "Team"}]}));
        let mut found = body(&said);
        assert_eq!(differences(&said, &found), []);
        found["bypass_actors"] = json!([]);
        assert_eq!(differences(&said, &found).len(), 1);
        assert_eq!(differences(&spec(&json!({})), &found), []);
        let admins = spec(&json!({"bypassActors": [{"actorId": 1, "actorType": "OrganizationAdmin"}]}));
        let mut found = body(&admins);
        found["bypass_actors"][0]["actor_id"] = Value::Null;
        assert_eq!(differences(&admins, &found), []);
    }
}
