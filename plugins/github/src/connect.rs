//! From a spec to a client: the address, the credential, and the host that sends requests.

use capstan_sdk::credentials::{Credential, Exchange, SecretKey};
use capstan_sdk::{Result, http};

use crate::client::{Base, Error, GitHub, Http, Request, Response, TransportError};
use crate::config::Config;
use crate::spec::{Connection, Credentials, SecretRef};

/// A client with the credential that the spec names, which neither this code nor its memory ever sees.
pub(crate) fn connect(connection: &Connection, config: &Config) -> Result<GitHub> {
    connect_with(connection, config, None)
}

/// The same, with a secret for bodies that have a member for it.
pub(crate) fn connect_with(connection: &Connection, config: &Config, secret: Option<Credential>) -> Result<GitHub> {
    let url = connection.api_url.as_deref().filter(|url| !url.trim().is_empty()).or(config.base_url.as_deref());
    let base = Base::parse(url).map_err(|error| error.failure())?;
    let credential = credential(&connection.credentials, &base)?;
    Ok(GitHub::new(base, Box::new(Host { credential, secret })))
}

/// A secret for a member of bodies, which neither this code nor its memory ever sees.
pub(crate) fn body_secret(secret: &SecretRef, member: &str) -> Result<Credential> {
    Ok(Credential::body_member(&key(secret), member)?)
}

/// A client that has nobody to ask: for what can be said without.
pub(crate) fn unconnected() -> Result<GitHub> {
    Ok(GitHub::new(Base::parse(None).map_err(|error| error.failure())?, Box::new(Nobody)))
}

fn credential(credentials: &Credentials, base: &Base) -> Result<Credential> {
    match (&credentials.secret_ref, &credentials.app) {
        (Some(token), None) => Ok(Credential::bearer(&key(token))?),
        (None, Some(app)) => {
            let (id, installation) = (app.app_id.to_string(), app.installation_id.to_string());
            let exchange = Exchange::github_app(base.as_str(), &id, &installation);
            Ok(Credential::signed_exchange(&key(&app.private_key_ref), exchange)?)
        }
        (Some(_), Some(_)) => Err(invalid("credentials has secretRef and app: leave one of them out")),
        (None, None) if credentials.env.is_some() => {
            Err(invalid("credentials.env is not supported: put the token into a Secret and name it in secretRef"))
        }
        (None, None) => Err(invalid("credentials has neither secretRef nor app: name the Secret with the token")),
    }
}

fn invalid(text: &str) -> capstan_sdk::Failure {
    Error::InvalidSpec(text.to_owned()).failure()
}

fn key(secret: &SecretRef) -> SecretKey {
    SecretKey::new(&secret.name, &secret.key).in_namespace(&secret.namespace)
}

/// The host as transport. It adds credential and secret, makes reads conditional and keeps to GitHub's limits.
struct Host {
    credential: Credential,
    /// For bodies that have a member for it.
    secret: Option<Credential>,
}

impl Http for Host {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let mut asked = http::Request::new(request.method.to_string(), &request.url).auth(&self.credential);
        for (name, value) in &request.headers {
            asked = asked.header(*name, value);
        }
        if let Some(body) = &request.body {
            asked = asked.body(body.clone());
        }
        if let (Some(secret), true) = (&self.secret, request.with_secret) {
            asked = asked.body_secret(secret);
        }
        let answer = asked.send().map_err(|error| match error {
            http::Error::Denied(why) => TransportError::Denied(why),
            http::Error::TimedOut => TransportError::TimedOut,
            http::Error::RateLimited { wait, message } => TransportError::RateLimited { wait, said: message },
            http::Error::TooLarge(limit) => TransportError::TooLarge(limit),
            http::Error::Unreachable(why) => TransportError::Unreachable(why),
            http::Error::Invalid(why) => TransportError::Invalid(why),
            // What is made of answers, which this code looks at itself.
            other => TransportError::Unreachable(other.to_string()),
        })?;
        Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
    }
}

struct Nobody;

impl Http for Nobody {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        Err(TransportError::Invalid(format!("{} {} was not to be sent", request.method, request.url)))
    }
}
