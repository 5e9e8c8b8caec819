//! How a value is put into a request.

use std::time::Duration;

use serde_json::Value;

/// How a value is put into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `Authorization: Bearer <value>`.
    Bearer,
    /// `Authorization: Basic ...` with this user name, and the value as password.
    Basic(String),
    /// The header of this name holds the value as it is.
    Header(String),
    /// `Authorization: <word> <value>`.
    Authorization(String),
    /// `Authorization: Bearer <token that the host signed>`.
    Signed(Claims),
    /// `Authorization: Bearer <token that the host got for one it signed>`.
    SignedExchange(Exchange),
    /// A text in the JSON body, at this JSON pointer; for [`Request::body_secret`](crate::http::Request::body_secret).
    BodyMember(String),
}

/// A JSON Web Token that the host signs (RS256).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: Option<String>,
    /// `aud`
    pub audience: Option<String>,
    /// Until `exp`; at most an hour.
    pub lifetime: Duration,
}

impl Claims {
    /// For nine minutes: GitHub takes ten at most.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), subject: None, audience: None, lifetime: Duration::from_mins(9) }
    }
}

/// The host posts to `url` with a token it signed, and uses the token it gets until shortly before that expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Of the token that is signed.
    pub claims: Claims,
    /// Needs a grant with the method `POST`, and the secret must be granted for its origin.
    pub url: String,
    /// JSON to send along.
    pub body: Option<Value>,
    /// Member of the answer that holds the token.
    pub token_field: String,
    /// Member of the answer that says how long it is valid: a time (RFC 3339), or seconds.
    pub expiry_field: String,
}

impl Exchange {
    /// As an installation of a GitHub App does it; `api` is `https://api.github.com`, or ends in `/api/v3`.
    #[must_use]
    pub fn github_app(api: &str, app_id: &str, installation_id: &str) -> Self {
        let installation = crate::http::segment(installation_id);
        Self {
            claims: Claims::new(app_id),
            url: format!("{}/app/installations/{installation}/access_tokens", api.trim_end_matches('/')),
            body: None,
            token_field: "token".to_owned(),
            expiry_field: "expires_at".to_owned(),
        }
    }
}
