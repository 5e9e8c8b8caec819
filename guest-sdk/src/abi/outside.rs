//! Calls to the host that reach outside the cluster, in this crate's types.

use std::time::Duration;

use super::bindings::capstan::provider::{config as wit_config, credentials as wit, http as wit_http};
use crate::{
    credentials::{Claims, Credential, Error as CredentialError, Exchange, Scheme, SecretKey},
    http::{Error, Request, Response},
};

pub(crate) type CredentialHandle = wit::Credential;

pub(crate) fn config() -> String {
    wit_config::get()
}

pub(crate) fn fetch(request: &Request) -> Result<Response, Error> {
    let millis = |timeout: Duration| u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
    let answer = wit_http::fetch(&wit_http::Request {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        timeout_ms: request.timeout.map(millis),
        auth: request.auth.as_ref().map(Credential::handle),
        body_secret: request.body_secret.as_ref().map(Credential::handle),
    })?;
    let wit_http::Response { status, headers, body, from_cache } = answer;
    Ok(Response { status, headers, body, from_cache, ..Response::default() })
}

pub(crate) fn open_credential(secret: &SecretKey, scheme: Scheme) -> Result<CredentialHandle, CredentialError> {
    let SecretKey { namespace, name, key } = secret.clone();
    Ok(wit::open(&wit::SecretKey { namespace, name, key }, &scheme.into())?)
}

pub(crate) fn fingerprint(credential: &CredentialHandle) -> String {
    credential.fingerprint()
}

pub(crate) fn version(credential: &CredentialHandle) -> String {
    credential.version()
}

impl From<Scheme> for wit::Scheme {
    fn from(scheme: Scheme) -> Self {
        match scheme {
            Scheme::Bearer => Self::Bearer,
            Scheme::Basic(user) => Self::Basic(user),
            Scheme::Header(name) => Self::Header(name),
            Scheme::Authorization(word) => Self::Authorization(word),
            Scheme::Signed(claims) => Self::Signed(claims.into()),
            Scheme::SignedExchange(Exchange { claims, url, body, token_field, expiry_field }) => {
                let body = body.map(|body| body.to_string());
                Self::SignedExchange(wit::Exchange { claims: claims.into(), url, body, token_field, expiry_field })
            }
            Scheme::BodyMember(pointer) => Self::BodyMember(pointer),
        }
    }
}

impl From<Claims> for wit::Claims {
    fn from(Claims { issuer, subject, audience, lifetime }: Claims) -> Self {
        let lifetime_s = u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX);
        Self { issuer, subject, audience, lifetime_s }
    }
}

impl From<wit_http::Error> for Error {
    fn from(error: wit_http::Error) -> Self {
        match error {
            wit_http::Error::Denied(message) => Self::Denied(message),
            wit_http::Error::TimedOut => Self::TimedOut,
            wit_http::Error::RateLimited(limit) => {
                Self::RateLimited { wait: Duration::from_millis(limit.after_ms), message: limit.message }
            }
            wit_http::Error::TooLarge(limit) => Self::TooLarge(limit),
            wit_http::Error::Unreachable(message) => Self::Unreachable(message),
            wit_http::Error::InvalidRequest(message) => Self::Invalid(message),
        }
    }
}

impl From<wit::Error> for CredentialError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::NotFound(message) => Self::NotFound(message),
            wit::Error::Denied(message) => Self::Denied(message),
            wit::Error::Invalid(message) => Self::Invalid(message),
            wit::Error::Unavailable(message) => Self::Unavailable(message),
        }
    }
}
