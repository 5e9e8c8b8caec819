//! What a component reaches outside the cluster, answered by the test.

use std::{
    collections::hash_map::DefaultHasher,
    fmt,
    hash::{Hash, Hasher},
    rc::Rc,
};

use serde_json::Value;

use super::{Host, imports::current};
use crate::{
    cluster::ObjectRef,
    credentials::{Credential, Error as CredentialError, Scheme, SecretKey},
    http::{Error, Request, Response},
};

/// Answers requests in a test.
pub(super) type Server = Rc<dyn Fn(&Request) -> Result<Response, Error>>;

/// A server, or none: what `Debug` of the host's state leaves out.
#[derive(Clone, Default)]
pub(super) struct Outside {
    pub(super) server: Option<Server>,
    pub(super) requests: Vec<Request>,
    pub(super) config: Option<Value>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Outside").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// A value of a Secret of the test's cluster.
pub(crate) struct CredentialHandle {
    secret: SecretKey,
    value: String,
    version: String,
    scheme: Scheme,
}

impl Host {
    /// Answers every request that the provider sends. It may look at the cluster through this host, and takes the place
    /// of the one that was given before. Without any, nothing can be reached.
    ///
    /// Grants, addresses, limits and caches are the real host's business and play no part here.
    ///
    /// ```
    /// # use capstan_sdk::{http::{Request, Response}, testing::Host};
    /// let host = Host::new();
    /// host.serve(|request| match (request.method.as_str(), request.url.as_str()) {
    ///     ("GET", "https://api.example.org/things/a") => Ok(Response::new(200, r#"{"size": 3}"#)),
    ///     _ => Ok(Response::new(404, "")),
    /// });
    /// let answer = host.run(|| Request::get("https://api.example.org/things/a").send()).unwrap();
    /// assert_eq!(answer.json::<capstan_sdk::Value>().unwrap()["size"], 3);
    /// assert_eq!(host.take_requests().len(), 1);
    /// ```
    pub fn serve(&self, server: impl Fn(&Request) -> Result<Response, Error> + 'static) {
        self.state.borrow_mut().outside.server = Some(Rc::new(server));
    }

    /// Requests since the last time this was asked.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.borrow_mut().outside.requests)
    }

    /// What [`config::get`](crate::config::get) reads.
    pub fn configure(&self, config: Value) {
        self.state.borrow_mut().outside.config = Some(config);
    }
}

impl Credential {
    /// Where the value stands, what it is and how it would be put into a request: for tests, where there is no secret.
    #[must_use]
    pub fn reveal(&self) -> (&SecretKey, &str, &Scheme) {
        let CredentialHandle { secret, value, scheme, .. } = self.handle();
        (secret, value, scheme)
    }
}

pub(crate) fn config() -> String {
    let config = current().and_then(|host| host.state.borrow().outside.config.clone());
    config.map_or_else(|| "{}".to_owned(), |config| config.to_string())
}

pub(crate) fn fetch(request: &Request) -> Result<Response, Error> {
    let Some(host) = current() else {
        return Err(Error::Unreachable("no host: run this in `capstan_sdk::testing::Host::run` or a reconcile".into()));
    };
    let server = {
        let outside = &mut host.state.borrow_mut().outside;
        outside.requests.push(request.clone());
        outside.server.clone()
    };
    match server {
        Some(server) => server(request),
        None => Err(Error::Unreachable("nobody answers: give the test host a server with `Host::serve`".into())),
    }
}

pub(crate) fn open_credential(secret: &SecretKey, scheme: Scheme) -> Result<CredentialHandle, CredentialError> {
    let Some(host) = current() else {
        return Err(CredentialError::Unavailable("no host".into()));
    };
    let mut target = ObjectRef::new("v1", "Secret", &secret.name);
    target.namespace = secret.namespace.clone().or_else(|| host.state.borrow().namespace.clone());
    let not_found = |what: &str| CredentialError::NotFound(format!("{target} {what}"));
    let object = host.object(&target).ok_or_else(|| not_found("does not exist"))?;
    let value = object["stringData"][&secret.key].as_str();
    let value = value.ok_or_else(|| not_found(&format!("has no key `{}` in its `stringData`", secret.key)))?;
    let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    Ok(CredentialHandle { secret: secret.clone(), value: value.trim_end().to_owned(), version, scheme })
}

pub(crate) fn fingerprint(credential: &CredentialHandle) -> String {
    let mut hasher = DefaultHasher::new();
    (&credential.value, format!("{:?}", credential.scheme)).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

pub(crate) fn version(credential: &CredentialHandle) -> String {
    credential.version.clone()
}
