//! What is asked.

use std::{fmt::Write, time::Duration};

use serde_json::Value;

use super::{Error, Response};
use crate::{credentials::Credential, host};

/// A request, built step by step and then sent. It can be sent again.
#[derive(Debug, Clone)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// In the order they were given.
    pub headers: Vec<(String, String)>,
    /// None for none, which is not the same as an empty one.
    pub body: Option<Vec<u8>>,
    /// Shorter than the host's own, or without effect.
    pub timeout: Option<Duration>,
    /// What the host adds on the way out.
    pub auth: Option<Credential>,
    /// What the host puts into the body on the way out.
    pub body_secret: Option<Credential>,
}

impl Request {
    /// A request with any method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout: None,
            auth: None,
            body_secret: None,
        }
    }

    /// Asks for something.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Sends something new.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// Makes or replaces something.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new("PUT", url)
    }

    /// Changes something.
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new("PATCH", url)
    }

    /// Removes something.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new("DELETE", url)
    }

    /// One more header. Those that belong to the connection are the host's and refused.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A body of any type, without a `content-type`.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A JSON body with its `content-type`.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// For the whole of it; without effect if it is longer than the host allows.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What the host adds on the way out. The origin must be one of those that the secret was granted for.
    #[must_use]
    pub fn auth(mut self, credential: &Credential) -> Self {
        self.auth = Some(credential.clone());
        self
    }

    /// What the host puts into the body on the way out, where [`Credential::body_member`] said and the body has `null`.
    ///
    /// ```no_run
    /// # use capstan_sdk::{credentials::{Credential, SecretKey}, http::Request, json};
    /// # fn run(token: &Credential) -> capstan_sdk::Result<()> {
    /// let secret = Credential::body_member(&SecretKey::new("hook", "secret"), "/config/secret")?;
    /// let hook = json!({"config": {"url": "https://ci.example.org", "secret": null}});
    /// Request::post("https://api.github.com/repos/o/r/hooks").auth(token).json(&hook).body_secret(&secret).send()?.success()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn body_secret(mut self, credential: &Credential) -> Self {
        self.body_secret = Some(credential.clone());
        self
    }

    /// Sends it and waits for the whole answer, whatever its status. The host decides whether it may, so the error may be
    /// one of grants.
    pub fn send(&self) -> Result<Response, Error> {
        let answer = host::fetch(self)?;
        let url = self.url.split(['?', '#']).next().unwrap_or_default().to_owned();
        Ok(Response { method: self.method.clone(), url, ..answer })
    }
}

/// A text as one segment of a path: everything but letters, digits and `-._~` is encoded, so that a name with a slash in
/// it cannot lead elsewhere. (The host refuses `.` and `..`, which cannot be encoded.)
#[must_use]
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("a-b_c.d~1"), "a-b_c.d~1");
        assert_eq!(segment("../x?y#z ä%"), "..%2Fx%3Fy%23z%20%C3%A4%25");
    }
}
