//! What is answered.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Error;

/// Bytes of a body that go into an error.
const MESSAGE: usize = 200;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
    /// Nothing changed since the host last asked: status and body are those of that time.
    pub from_cache: bool,
    pub(crate) method: String,
    pub(crate) url: String,
}

impl Response {
    /// An answer with a body, as tests give it.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    /// The first header of that name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Itself if it is a success; otherwise [`Error::Status`] with what the body says.
    pub fn success(self) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        let message = self.message();
        Err(Error::Status { method: self.method, url: self.url, status: self.status, message })
    }

    /// The body as JSON of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Unexpected(error.into()))
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// What the body says about itself: `message`, `error` or `error_description` of a JSON object, or the beginning of
    /// a text that is no HTML.
    #[must_use]
    pub fn message(&self) -> String {
        let text = self.text();
        let parsed = serde_json::from_str::<Value>(&text).ok();
        let named = parsed.as_ref().and_then(|body| {
            ["message", "error_description", "error"].iter().find_map(|name| body.get(name).and_then(Value::as_str))
        });
        let text = named.unwrap_or(if text.trim_start().starts_with('<') { "" } else { text.trim() });
        text[..text.floor_char_boundary(MESSAGE)].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_found_in_the_body() {
        for (body, expected) in [
            (r#"{"message": "100% used", "documentation_url": "x"}"#, "100% used"),
            (r#"{"error": "bad"}"#, "bad"),
            ("plain\n", "plain"),
            ("<html>no</html>", ""),
            ("", ""),
        ] {
            assert_eq!(Response::new(403, body).message(), expected);
        }
        let response = Response { method: "GET".into(), url: "https://x/y".into(), ..Response::new(403, "no") };
        let error = response.success().unwrap_err();
        assert_eq!(error.to_string(), "GET https://x/y: 403: no");
        assert_eq!(error.reason(), "Forbidden");
    }

    #[test]
    fn an_answer_of_another_shape_is_not_quoted() {
        let error = Response::new(200, r#""hush""#).json::<u8>().unwrap_err();
        let told = format!("{error:?}") + &crate::Failure::from(error).to_string();
        assert!(!told.contains("hush") && told.contains("line 1"), "{told}");
    }
}
