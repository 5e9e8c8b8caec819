//! What the fake answers, before it is bytes.

use bytes::Bytes;
use serde_json::{Value, json};

/// An answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Empty,
    Json(Value),
    /// A list, of which the request gets one page.
    List(Vec<Value>),
    /// A list inside an object with `total_count`: the member's name, the list, and further members.
    Counted(&'static str, Vec<Value>, Value),
    /// Another media type.
    Raw(&'static str, Bytes),
}

impl Answer {
    fn new(status: u16, content: Content) -> Self {
        Self { status, content, headers: Vec::new() }
    }

    pub(crate) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::new(status, Content::Json(body))
    }

    pub(crate) fn list(items: Vec<Value>) -> Self {
        Self::new(200, Content::List(items))
    }

    pub(crate) fn counted(name: &'static str, items: Vec<Value>, more: Value) -> Self {
        Self::new(200, Content::Counted(name, items, more))
    }

    pub(crate) fn raw(status: u16, media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::new(status, Content::Raw(media_type, bytes.into()))
    }

    /// 204.
    pub(crate) fn nothing() -> Self {
        Self::new(204, Content::Empty)
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, Content::Empty)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// An error in GitHub's form.
    pub(crate) fn error(status: u16, message: &str, documentation: &str) -> Self {
        let body = json!({"message": message, "documentation_url": documentation, "status": status.to_string()});
        Self::json(status, body)
    }

    /// 422 with a list of errors.
    pub(crate) fn invalid(message: &str, errors: &[Value], documentation: &str) -> Self {
        let body = json!({
            "message": message, "errors": errors, "documentation_url": documentation, "status": "422",
        });
        Self::json(422, body)
    }

    /// The answer for a repository that has another name by now. Only reads may be repeated with another method.
    pub(crate) fn moved(is_read: bool, url: String) -> Self {
        let body = json!({
            "message": "Moved Permanently", "url": url, "documentation_url": "https://docs.github.com/v3/#http-redirects",
        });
        Self::json(if is_read { 301 } else { 307 }, body).header("location", url)
    }
}
