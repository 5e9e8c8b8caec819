//! Requests to one repository: bounded, authorized, and led nowhere that was not asked for.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use tokio::{sync::Mutex, time::timeout};
use url::Url;

use crate::{
    Access, Client, Error, Reference,
    answer::Answer,
    authorization::{self, Challenge},
    reference::is_loopback,
};

/// Registries keep content elsewhere and say where; that place may say another one.
const HOPS: usize = 5;
/// Of an answer with a token.
const TOKEN_BYTES: u64 = 256 << 10;
const AGENT: &str = concat!("capstan/", env!("CARGO_PKG_VERSION"));

/// What an answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// Of its body.
    pub(crate) bytes: u64,
    /// Until all of it is there, with everything that it takes to get it.
    pub(crate) within: Duration,
}

/// A request without what belongs to every request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    pub(crate) fn body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }
}

pub(crate) struct Session {
    client: Client,
    origin: Url,
    registry: String,
    repository: String,
    access: Access,
    /// What is written there is asked for as well.
    push: bool,
    /// The header that the registry took last.
    authorization: Mutex<Option<HeaderValue>>,
}

impl Session {
    pub(crate) fn new(client: Client, reference: &Reference, access: Access, push: bool) -> Result<Self, Error> {
        let origin = reference.origin(if access.plain_http { "http" } else { "https" })?;
        let session = Self {
            client,
            origin,
            registry: reference.registry().to_owned(),
            repository: reference.repository().to_owned(),
            access,
            push,
            authorization: Mutex::default(),
        };
        session.permit(&session.origin)?;
        Ok(session)
    }

    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// Below `/v2/REPOSITORY/`.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        let path = format!("/v2/{}/{path}", self.repository);
        self.origin.join(&path).map_err(|error| self.malformed(error.to_string()))
    }

    /// Where an answer leads to.
    pub(crate) fn location(&self, answer: &Answer, from: &Url) -> Result<Url, Error> {
        let location = answer.header(&header::LOCATION).ok_or_else(|| self.malformed("it says no place to go to"))?;
        from.join(location).map_err(|error| self.malformed(format!("it leads to no place: {error}")))
    }

    pub(crate) fn malformed(&self, problem: impl Into<String>) -> Error {
        Error::Malformed { registry: self.registry.clone(), problem: problem.into() }
    }

    /// A good answer, or 404. If the registry wants to know who asks, it is told, once.
    pub(crate) async fn ask(&self, ask: &Ask, bound: Bound) -> Result<Answer, Error> {
        let slow = |_| Error::TimedOut { registry: self.registry.clone(), within: bound.within };
        let answer = timeout(bound.within, self.authorized(ask, bound.bytes)).await.map_err(slow)??;
        self.judge(answer)
    }

    async fn authorized(&self, ask: &Ask, limit: u64) -> Result<Answer, Error> {
        // Held while it is renewed: whoever comes meanwhile needs the same one.
        let mut authorization = self.authorization.lock().await;
        let answer = self.follow(ask, authorization.as_ref(), limit).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(challenge) = authorization::challenge(&answer.headers) else { return Ok(answer) };
        *authorization = self.meet(challenge).await?;
        if authorization.is_none() {
            return Ok(answer);
        }
        self.follow(ask, authorization.as_ref(), limit).await
    }

    /// The header that a registry wants to see; `None` if there is nothing to show.
    async fn meet(&self, challenge: Challenge) -> Result<Option<HeaderValue>, Error> {
        let basic = self.access.credentials.as_ref().and_then(|known| authorization::secret(&known.basic()));
        let (realm, service) = match challenge {
            Challenge::Basic => return Ok(basic),
            Challenge::Bearer { realm, service } => (realm, service),
        };
        let url = authorization::token_url(realm, service.as_deref(), &self.repository, self.push);
        // Not followed anywhere else: it carries the password.
        let answer = self.send(&Ask::new(Method::GET, url), basic.as_ref(), TOKEN_BYTES).await?;
        let answer = self.judge(answer)?;
        match authorization::bearer(&answer.body) {
            Some(bearer) => Ok(Some(bearer)),
            None => Err(self.malformed("there is no token in what it was to come with")),
        }
    }

    /// What is read may lie elsewhere. Who we are is the registry's to know, and nobody else's.
    async fn follow(&self, ask: &Ask, authorization: Option<&HeaderValue>, limit: u64) -> Result<Answer, Error> {
        let mut ask = ask.clone();
        for _ in 0..=HOPS {
            let own = ask.url.origin() == self.origin.origin();
            let answer = self.send(&ask, authorization.filter(|_| own), limit).await?;
            let moves = answer.status.is_redirection() && matches!(ask.method, Method::GET | Method::HEAD);
            if !moves {
                return Ok(answer);
            }
            ask.url = self.location(&answer, &ask.url)?;
        }
        Err(self.malformed(format!("it leads on and on, more than {HOPS} times")))
    }

    async fn send(&self, ask: &Ask, authorization: Option<&HeaderValue>, limit: u64) -> Result<Answer, Error> {
        self.permit(&ask.url)?;
        let mut request =
            Request::builder().method(&ask.method).uri(ask.url.as_str()).header(header::USER_AGENT, AGENT);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(ask.body.clone())).map_err(|error| self.malformed(error.to_string()))?;
        let response = self.client.0.request(request).await.map_err(|error| Error::sending(&self.registry, &error))?;
        Answer::read(&self.registry, response, limit).await
    }

    /// Everything goes by HTTPS, but what was asked for otherwise and stays on this machine.
    fn permit(&self, url: &Url) -> Result<(), Error> {
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.access.plain_http && is_loopback(url) => Ok(()),
            _ => Err(Error::Plaintext(url.host_str().unwrap_or_default().to_owned())),
        }
    }

    fn judge(&self, answer: Answer) -> Result<Answer, Error> {
        let registry = self.registry.clone();
        match answer.status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(answer),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Error::Unauthorized {
                registry,
                repository: self.repository.clone(),
                signed_in: self.access.credentials.is_some(),
            }),
            StatusCode::TOO_MANY_REQUESTS => Err(Error::Limited { registry, wait: answer.retry_after() }),
            status if status.is_server_error() => {
                Err(Error::Unavailable { registry, problem: format!("{}: {}", status.as_u16(), answer.complaint()) })
            }
            status => Err(Error::Refused { registry, status: status.as_u16(), message: answer.complaint() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{ClientConfig, RootCertStore, crypto::ring};

    use super::*;

    fn session(registry: &str, plain_http: bool) -> Result<Session, Error> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let reference: Reference = format!("{registry}/note:1").parse().unwrap();
        Session::new(Client::new(Arc::new(tls), None), &reference, Access { credentials: None, plain_http }, false)
    }

    #[test]
    fn plain_http_is_for_this_machine_and_only_where_it_was_asked_for() {
        let permits = |session: &Session, url: &str| session.permit(&url.parse().unwrap()).is_ok();
        let (tls, plain) = (session("registry.example.org", false).unwrap(), session("localhost:5000", true).unwrap());
        for (url, by_tls, by_plain) in [
            ("https://store.example.org/x", true, true),
            ("http://127.0.0.1/x", false, true),
            ("http://[::1]/x", false, true),
            ("http://localhost/x", false, true),
            ("http://localhost.example.org/x", false, false),
            ("http://10.0.0.1/x", false, false),
            ("http://[fe80::1]/x", false, false),
            ("ftp://localhost/x", false, false),
        ] {
            assert_eq!((permits(&tls, url), permits(&plain, url)), (by_tls, by_plain), "{url}");
        }
        assert!(session("registry.example.org", true).is_err());
    }
}
