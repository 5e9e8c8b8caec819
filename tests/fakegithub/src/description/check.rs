//! Holds requests and answers against the description.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::schema::{Strictness, convert};
use super::{Match, document};
use crate::request::Body;

/// Statuses that GitHub documents for the API as a whole and not with each operation: redirects, conditional requests,
/// authentication, rate limits, invalid input and its own failures.
const GENERAL: [u16; 14] = [301, 304, 307, 400, 401, 403, 404, 415, 422, 429, 500, 502, 503, 504];

const RAW: &str = "application/vnd.github.raw+json";

static OPEN: LazyLock<Value> = LazyLock::new(|| convert(document(), Strictness::Open));
static CLOSED: LazyLock<Value> = LazyLock::new(|| convert(document(), Strictness::Closed));

/// Validates, and keeps the validators that it made.
#[derive(Default)]
pub(crate) struct Checker {
    validators: Mutex<HashMap<(String, bool), Arc<Validator>>>,
}

impl Checker {
    /// What is wrong with a request, by GitHub's description: parameters and body.
    pub(crate) fn request(&self, found: &Match, query: &[(String, String)], body: &Body) -> Vec<String> {
        let operation = pointer(found);
        let described = document().pointer(&operation).unwrap_or(&Value::Null);
        let mut problems = Vec::new();
        let mut known = Vec::new();
        for (index, parameter) in described["parameters"].as_array().into_iter().flatten().enumerate() {
            let (at, parameter) = match parameter["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
                Some(target) => (target.to_owned(), document().pointer(target).unwrap_or(&Value::Null)),
                None => (format!("{operation}/parameters/{index}"), parameter),
            };
            let name = parameter["name"].as_str().unwrap_or_default();
            let given: Vec<&String> = match parameter["in"].as_str() {
                Some("path") => found.parameters.get(name).into_iter().collect(),
                Some("query") => {
                    known.push(name);
                    query.iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
                }
                _ => continue,
            };
            for value in given {
                let value = typed(value, &parameter["schema"]);
                let errors = self.errors(&format!("{at}/schema"), Strictness::Closed, &value);
                problems.extend(errors.into_iter().map(|error| format!("parameter {name}: {error}")));
            }
        }
        let unknown = query.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        problems.extend(unknown.map(|(key, _)| format!("parameter {key}: not described")));
        match (body, described.get("requestBody")) {
            (Body::None, Some(body)) if body["required"] == true => problems.push("body: missing".to_owned()),
            // GitHub takes a body of no members for none.
            (Body::None, _) => {}
            (Body::Json(Value::Object(members)), None) if members.is_empty() => {}
            (_, None) => problems.push("body: not described".to_owned()),
            (Body::Invalid(problem), _) => problems.push(format!("body: {problem}")),
            (Body::Json(value), Some(_)) => {
                let errors = self.errors(&body_schema(&operation), Strictness::Closed, value);
                problems.extend(errors.into_iter().map(|error| format!("body: {error}")));
            }
        }
        problems
    }

    /// What GitHub itself refuses in a body: values of a wrong type, and missing members. Unknown members pass.
    pub(crate) fn refused(&self, found: &Match, body: &Value) -> Option<String> {
        let operation = pointer(found);
        let described = document().pointer(&operation)?.get("requestBody")?;
        if body.is_null() && described["required"] != true {
            return None;
        }
        self.errors(&body_schema(&operation), Strictness::Open, body).into_iter().next()
    }

    /// What is wrong with an answer, by GitHub's description: status, media type and body.
    pub(crate) fn answer(&self, found: &Match, status: u16, media_type: Option<&str>, body: &Value) -> Vec<String> {
        if status >= 400 && media_type.is_some_and(|given| given != "application/json") {
            // The pages of GitHub's proxies are in front of every operation, and no part of any.
            return if GENERAL.contains(&status) {
                Vec::new()
            } else {
                vec![format!("status {status} is not described")]
            };
        }
        let operation = pointer(found);
        let at = format!("{operation}/responses/{status}");
        let body = &without_status(status, body);
        let Some(described) = document().pointer(&at) else {
            return self.general(status, media_type, body);
        };
        let (at, described) = match described["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(target) => (target.to_owned(), document().pointer(target).unwrap_or(&Value::Null)),
            None => (at, described),
        };
        match (media_type, described["content"].as_object()) {
            // GitHub says in prose that a file can be had as it is.
            (None, None) | (Some(RAW), Some(_)) => Vec::new(),
            // Errors have bodies even where GitHub describes none.
            (Some(_), None) if status >= 400 => self.general(status, media_type, body),
            (Some(given), None) => vec![format!("status {status}: body of {given} is not described")],
            (None, Some(_)) => vec![format!("status {status}: body is missing")],
            (Some(given), Some(content)) if content.contains_key(given) => {
                let at = format!("{at}/content/{}/schema", given.replace('/', "~1"));
                let errors = self.errors(&at, Strictness::Closed, body);
                errors.into_iter().map(|error| format!("status {status}: {error}")).collect()
            }
            (Some(given), Some(_)) => vec![format!("status {status}: media type {given} is not described")],
        }
    }

    fn general(&self, status: u16, media_type: Option<&str>, body: &Value) -> Vec<String> {
        if !GENERAL.contains(&status) {
            return vec![format!("status {status} is not described")];
        }
        if media_type.is_none() {
            return Vec::new();
        }
        let schema = if body.get("errors").is_some() { "validation-error" } else { "basic-error" };
        self.errors(&format!("/components/schemas/{schema}"), Strictness::Closed, body)
    }

    fn errors(&self, at: &str, strictness: Strictness, instance: &Value) -> Vec<String> {
        let validator = self.validator(at, strictness);
        let errors = validator.iter_errors(instance);
        errors.map(|error| format!("{}: {}", error.instance_path(), error.masked())).collect()
    }

    fn validator(&self, at: &str, strictness: Strictness) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let closed = strictness == Strictness::Closed;
        let made = validators.entry((at.to_owned(), closed)).or_insert_with(|| {
            let document = if closed { &*CLOSED } else { &*OPEN };
            let reference = format!("#{}", at.replace('{', "%7B").replace('}', "%7D"));
            let root = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": reference, "paths": document["paths"], "components": document["components"],
            });
            let made = jsonschema::options().should_validate_formats(true).build(&root);
            // Every schema comes from the description, and a test compiles them all.
            Arc::new(made.unwrap_or_else(|error| panic!("the schema at {at} is invalid: {error}")))
        });
        Arc::clone(made)
    }
}

/// GitHub puts the status into the body of every error, and describes that for some of them only.
fn without_status(status: u16, body: &Value) -> Value {
    let mut body = body.clone();
    if status >= 400
        && let Some(members) = body.as_object_mut()
    {
        members.remove("status");
    }
    body
}

fn pointer(found: &Match) -> String {
    let template = found.operation.template.replace('~', "~0").replace('/', "~1");
    format!("/paths/{template}/{}", found.operation.method.as_str().to_lowercase())
}

fn body_schema(operation: &str) -> String {
    format!("{operation}/requestBody/content/application~1json/schema")
}

/// The value of a parameter as its schema's type, if it can be read as one.
fn typed(text: &str, schema: &Value) -> Value {
    let read = match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::operations;

    #[test]
    fn every_schema_of_the_description_compiles() {
        let checker = Checker::default();
        for operation in operations() {
            let found = Match { operation, parameters: std::collections::BTreeMap::new() };
            let at = pointer(&found);
            let described = document().pointer(&at).unwrap();
            if described.get("requestBody").is_some() {
                checker.validator(&body_schema(&at), Strictness::Open);
                checker.validator(&body_schema(&at), Strictness::Closed);
            }
            for (status, response) in described["responses"].as_object().unwrap() {
                for media_type in response["content"].as_object().into_iter().flatten().map(|(key, _)| key) {
                    let schema = format!("{at}/responses/{status}/content/{}/schema", media_type.replace('/', "~1"));
                    checker.validator(&schema, Strictness::Closed);
                }
            }
        }
    }
}
