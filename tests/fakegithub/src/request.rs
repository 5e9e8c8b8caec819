//! A request as the routes see it.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::description::Operation;
use crate::state::{Actor, Id};

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    None,
    Json(Value),
    /// What is wrong with it.
    Invalid(String),
}

/// An authenticated request for a described operation.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) parameters: &'a BTreeMap<String, String>,
    pub(crate) query: &'a [(String, String)],
    /// The body, of the types that the description demands; null if there is none.
    pub(crate) body: &'a Value,
    pub(crate) accept: &'a str,
    pub(crate) actor: Actor,
    /// The token that was shown; empty if none was.
    pub(crate) token: &'a str,
}

impl Call<'_> {
    /// A path parameter; empty if the operation has none of that name.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }

    /// A path parameter that is a number; what is none names nothing.
    pub(crate) fn number(&self, name: &str) -> Id {
        self.parameter(name).parse().unwrap_or(0)
    }

    /// A query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A text member of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    /// The texts in a list member of the body.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let items = self.body[name].as_array()?;
        Some(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
    }

    pub(crate) fn is_read(&self) -> bool {
        self.operation.method == Method::GET
    }

    /// 404, which is also GitHub's word for what the caller may not know of.
    pub(crate) fn not_found(&self) -> Answer {
        self.error(404, "Not Found")
    }

    /// 403 with a reason.
    pub(crate) fn forbidden(&self, message: &str) -> Answer {
        self.error(403, message)
    }

    /// 422 with one entry in its list of errors, of code `custom`, `invalid` or another of GitHub's.
    pub(crate) fn invalid(&self, resource: &str, field: &str, code: &str, message: Option<&str>) -> Answer {
        let mut error = serde_json::json!({"resource": resource, "code": code, "field": field});
        if let Some(message) = message {
            error["message"] = message.into();
        }
        Answer::invalid("Validation Failed", &[error], &self.operation.documentation)
    }

    /// An error with a message.
    pub(crate) fn error(&self, status: u16, message: &str) -> Answer {
        Answer::error(status, message, &self.operation.documentation)
    }
}
