//! One request, and what to do with its answer.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::Variables;

/// A step of a script. `${name}` in `request`, `headers` and the payload stands for a variable.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Step {
    /// What is asked for, in words. Distinct within a script.
    pub name: String,
    /// Stands for the steps of `parts/NAME.yaml`; nothing else is read then.
    pub include: Option<String>,
    /// Method, path and query: `GET /api/v1/namespaces/${ns}/configmaps?limit=1`. Left out only with `collect`.
    pub request: Option<String>,
    /// Headers beside the content type.
    pub headers: BTreeMap<String, String>,

    /// A JSON body. At most one of the six payloads may be given.
    pub json: Option<Value>,
    /// A JSON merge patch.
    pub merge: Option<Value>,
    /// A JSON patch.
    pub json_patch: Option<Value>,
    /// A strategic merge patch.
    pub strategic: Option<Value>,
    /// A configuration for server-side apply.
    pub apply: Option<Value>,
    /// A body as it stands. Needs `type`.
    pub text: Option<String>,
    /// A body in base64. Needs `type`.
    pub base64: Option<String>,
    /// The content type, instead of the usual one of the payload.
    pub r#type: Option<String>,

    /// Variables to set from the answer: name and JSON pointer.
    pub capture: BTreeMap<String, String>,
    /// Parts of the body to keep, as [paths](crate::path::Path). All of it if empty.
    pub keep: Vec<String>,
    /// Asks again until the answer is as described. Only the last answer counts.
    pub until: Option<Until>,

    /// Reads a stream of watch events until there are so many, or until it ends.
    pub events: Option<usize>,
    /// Leaves the stream open under a name.
    pub open: Option<String>,
    /// Reads `events` from a stream that was left open, and closes it.
    pub collect: Option<String>,
}

/// What an answer is waited for to have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Until {
    /// The HTTP status.
    pub status: Option<u16>,
    /// A [path](crate::path::Path) that leads somewhere.
    pub has: Option<String>,
    /// A path that leads nowhere.
    pub lacks: Option<String>,
    /// Paths, each with a value that stands at one of its places.
    pub is: BTreeMap<String, Value>,
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// Content type.
    pub media_type: String,
    /// Content, variables replaced.
    pub content: Vec<u8>,
}

impl Step {
    /// Method, path and query, variables not replaced. `None` for a step that only collects.
    ///
    /// # Errors
    /// A request that is not a method and a path.
    pub fn line(&self) -> Result<Option<(Method, &str)>> {
        let Some(request) = &self.request else { return Ok(None) };
        let (method, target) = request.split_once(' ').context("request: expected METHOD /path")?;
        ensure!(target.starts_with('/'), "request: expected METHOD /path");
        Ok(Some((method.parse()?, target)))
    }

    /// The body to send, if there is one.
    ///
    /// # Errors
    /// Unknown variables, bad base64.
    pub fn payload(&self, variables: &Variables) -> Result<Option<Payload>> {
        let json = |value: &Value| -> Result<Vec<u8>> { Ok(serde_json::to_vec(&variables.fill_in(value)?)?) };
        let (usual, content) = if let Some(value) = &self.json {
            ("application/json", json(value)?)
        } else if let Some(value) = &self.merge {
            ("application/merge-patch+json", json(value)?)
        } else if let Some(value) = &self.json_patch {
            ("application/json-patch+json", json(value)?)
        } else if let Some(value) = &self.strategic {
            ("application/strategic-merge-patch+json", json(value)?)
        } else if let Some(value) = &self.apply {
            ("application/apply-patch+yaml", json(value)?)
        } else if let Some(text) = &self.text {
            ("", variables.replace(text)?.into_bytes())
        } else if let Some(text) = &self.base64 {
            ("", BASE64_STANDARD.decode(variables.replace(text)?)?)
        } else {
            return Ok(None);
        };
        let media_type = self.r#type.clone().unwrap_or_else(|| usual.to_owned());
        Ok(Some(Payload { media_type, content }))
    }

    /// Whether the fields fit each other.
    pub(super) fn check(&self) -> Result<()> {
        self.line()?;
        let values = [&self.json, &self.merge, &self.json_patch, &self.strategic, &self.apply];
        let texts = [&self.text, &self.base64];
        let payloads =
            values.iter().filter(|value| value.is_some()).count() + texts.iter().filter(|text| text.is_some()).count();
        ensure!(!self.name.is_empty(), "a step needs a name");
        ensure!(payloads <= 1, "more than one body");
        ensure!(self.r#type.is_some() || texts.iter().all(|text| text.is_none()), "text and base64 need a type");
        ensure!(self.request.is_some() != self.collect.is_some(), "needs either a request or a stream to collect");
        ensure!(self.collect.is_none() || self.events.is_some(), "collect needs events");
        ensure!(self.open.is_none() || self.events.is_none(), "an opened stream is read later");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Step {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn a_payload_brings_its_content_type_unless_told_otherwise() {
        let variables = Variables::from([("n", "x")]);
        let payload = |text| step(text).payload(&variables).unwrap();
        let merge = payload("merge: {a: '${n}', '${n}': 1}").unwrap();
        assert_eq!(merge.media_type, "application/merge-patch+json");
        assert_eq!(merge.content, br#"{"a":"x","x":1}"#);
        assert_eq!(payload("{json: {}, type: a/b}").unwrap().media_type, "a/b");
        assert_eq!(payload("{base64: azhzAA==, type: a/b}").unwrap().content, b"k8s\0");
        assert_eq!(payload("name: x"), None);
        assert!(step("json: '${unknown}'").payload(&variables).is_err());
    }

    #[test]
    fn contradicting_steps_are_refused() {
        let good = "{name: a, request: GET /x}";
        step(good).check().unwrap();
        for bad in [
            "{request: GET /x}",
            "{name: a}",
            "{name: a, request: GET}",
            "{name: a, request: GET x}",
            "{name: a, request: POST /x, json: {}, merge: {}}",
            "{name: a, request: POST /x, text: x}",
            "{name: a, request: GET /x, collect: w, events: 1}",
            "{name: a, collect: w}",
            "{name: a, request: GET /x, open: w, events: 1}",
        ] {
            assert!(step(bad).check().is_err(), "{bad}");
        }
        assert!(serde_saphyr::from_str::<Step>("{name: a, captures: {}}").is_err());
    }
}
