//! A file with a case: what happens, and what has to come of it.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// One after the other, on the same cluster.
    pub(super) steps: Vec<Step>,
}

/// What happens, and what has to come of it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// For people.
    pub(super) name: String,
    /// Objects as a user would apply them; their namespaces are made.
    pub(super) apply: Vec<Value>,
    /// Objects that a user deletes.
    pub(super) delete: Vec<Target>,
    /// What other systems answer.
    pub(super) http: Vec<Exchange>,
    pub(super) expect: Expect,
}

/// An object by its name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Target {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// A request to another system, and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) request: Asked,
    #[serde(default)]
    pub(super) response: Answered,
}

/// What is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default = "get")]
    pub(super) method: String,
    /// With its query.
    pub(super) url: String,
    /// Those that matter, by their names in lower case.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// What matters of it.
    pub(super) body: Option<Value>,
}

/// What comes back.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    /// A text as it is, anything else as JSON.
    pub(super) body: Option<Value>,
}

/// What has to come of a step.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    /// What matters of objects.
    pub(super) objects: Vec<Value>,
    /// Objects that are not there.
    pub(super) absent: Vec<Target>,
    /// Reasons of events that were recorded since the step began, about whatever object.
    pub(super) events: Vec<String>,
}

impl Default for Answered {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: None }
    }
}

fn get() -> String {
    "GET".to_owned()
}

impl Case {
    /// Reads and checks a file.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
        Self::parse(&text).with_context(|| format!("{shown} is no case"))
    }

    fn parse(text: &str) -> Result<Self> {
        let case: Self = serde_saphyr::from_str(text).map_err(|error| anyhow!("{}", error.without_snippet()))?;
        ensure!(!case.steps.is_empty(), "it has no steps");
        for step in &case.steps {
            for object in step.apply.iter().chain(&step.expect.objects) {
                Target::of(object)?;
            }
            let Expect { objects, absent, events } = &step.expect;
            if objects.is_empty() && absent.is_empty() && events.is_empty() && step.http.is_empty() {
                bail!("step {:?} expects nothing: say under `expect` what has to come of it", step.name);
            }
            for exchange in &step.http {
                exchange.request.url.parse::<http::Uri>().with_context(|| exchange.request.url.clone())?;
                http::StatusCode::from_u16(exchange.response.status)?;
            }
        }
        Ok(case)
    }
}

impl Target {
    /// Of which object an object speaks.
    pub(super) fn of(object: &Value) -> Result<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let missing = |what| move || format!("an object has no {what}: {object}");
        Ok(Self {
            api_version: text("/apiVersion").with_context(missing("apiVersion"))?,
            kind: text("/kind").with_context(missing("kind"))?,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name").with_context(missing("metadata.name"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        format!("{:#}", Case::parse(text).unwrap_err())
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(refusal("steps: []").contains("no steps"));
        assert!(refusal("steps: [{name: first, apply: []}]").contains("\"first\" expects nothing"));
        let misspelt = refusal("steps:\n- expects: {}\n");
        assert!(misspelt.contains("expects") && misspelt.contains("line 2") && !misspelt.contains('\n'), "{misspelt}");
        assert!(refusal("steps: [{expect: {objects: [{kind: A}]}}]").contains("no apiVersion"));
        let url = "steps: [{http: [{request: {url: 'not a url'}}]}]";
        assert!(refusal(url).contains("not a url"));
        assert!(refusal("steps: [{http: [{request: {url: 'https://a/'}, response: {status: 7}}]}]").contains("status"));
    }

    #[test]
    fn what_is_left_out_has_defaults() {
        let case = Case::parse("steps: [{http: [{request: {url: 'https://a/b'}}]}]").unwrap();
        let Exchange { request, response } = &case.steps[0].http[0];
        assert_eq!((request.method.as_str(), response.status, &response.body), ("GET", 200, &None));
    }
}
