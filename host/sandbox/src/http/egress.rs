//! The way out of one guest.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use capstan_api::Origin;
use capstan_cluster::Fence;
use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{self, Client},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::timeout;

use super::{
    Network,
    answer::{self, Answer},
    connect::Connector,
    error::{Failed, Unreachable},
    kept::Kept,
    limits::{self, Limited, Waiting, Who},
    request::Checked,
    words::words,
};
use crate::{
    counts::Counters,
    credentials::Fingerprint,
    gate::{Denied, Granted},
};

/// Sends what the gate lets pass, for one build of a provider with its grants.
pub(crate) struct Egress {
    network: Network,
    granted: Arc<Granted>,
    provider: Arc<str>,
    counters: Arc<Counters>,
    kept: Arc<Kept>,
    /// Until when anything may be sent; for ever without one.
    fence: Option<Fence>,
    /// Made with the first request: most providers send none.
    client: OnceLock<Client<HttpsConnector<Connector>, Full<Bytes>>>,
}

/// How long a connection is kept for the next request. Servers keep theirs for a minute or so.
const IDLE: Duration = Duration::from_secs(30);
/// For the words of an origin that has told us to wait, which are not worth more.
const WORDS: Duration = Duration::from_secs(1);
/// Connections that wait for each origin.
const WAITING: usize = 4;

impl Egress {
    pub(crate) fn new(network: Network, granted: Arc<Granted>, provider: Arc<str>, counters: Arc<Counters>) -> Self {
        let kept = network.kept(&provider);
        Self { network, granted, provider, counters, kept, fence: None, client: OnceLock::new() }
    }

    /// The same for one term: nothing is sent once the fence is closed.
    pub(crate) fn fenced(self, fence: Option<Fence>) -> Self {
        Self { fence, ..self }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Lets a request pass, or refuses it.
    pub(crate) fn permit(&self, request: &Checked) -> Result<Origin, Failed> {
        Ok(self.granted.decide_http(request.kind, &request.url).map_err(|denied| self.noted(denied))?)
    }

    /// A refusal, counted and written to the log.
    pub(crate) fn noted(&self, denied: Denied) -> Denied {
        denied.noted(&self.provider, &self.counters)
    }

    /// Under what an origin's limits are remembered.
    pub(crate) fn waiting(&self, origin: &Origin, credential: Option<&Fingerprint>) -> Waiting {
        let who = match credential {
            Some(fingerprint) => Who::Credential(fingerprint.clone()),
            None => Who::Provider(Arc::clone(&self.provider)),
        };
        Waiting { origin: origin.clone(), who }
    }

    /// Refuses while the origin does not want to hear from who is waiting.
    pub(crate) fn is_due(&self, waiting: &Waiting) -> Result<(), Failed> {
        match self.network.limits().wait(waiting) {
            None => Ok(()),
            Some(limited) => {
                self.counters.rate_limited();
                Err(Failed::Limited(limited))
            }
        }
    }

    /// Sends a request that was permitted, with these headers besides its own, and reads at most `limit` bytes of the answer's
    /// body. An answer that tells to wait is an error, and remembered.
    pub(crate) async fn send(
        &self,
        request: &Checked,
        extra: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
        waiting: &Waiting,
        limit: usize,
    ) -> Result<Answer, Failed> {
        let mut sent = Request::new(request.body.clone());
        *sent.method_mut() = request.method();
        *sent.uri_mut() = request.uri.clone();
        *sent.headers_mut() = request.headers().clone();
        sent.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if !sent.headers().contains_key(header::USER_AGENT) {
            let agent = format!("capstan/{} ({})", env!("CARGO_PKG_VERSION"), self.provider);
            // A provider's name is a DNS label.
            if let Ok(agent) = agent.parse() {
                sent.headers_mut().insert(header::USER_AGENT, agent);
            }
        }
        sent.headers_mut().extend(extra);
        let secrets: Vec<HeaderValue> = sent.headers().values().filter(|value| value.is_sensitive()).cloned().collect();
        let exchange = self.exchange(sent);
        let response = match &self.fence {
            Some(fence) => fence.while_open(exchange).await.ok_or(Unreachable::NotLeader)??,
            None => exchange.await?,
        };
        let known = self.network.limits();
        if let Some(wait) = known.learn(waiting, response.status(), response.headers()) {
            // Whoever comes meanwhile is held already.
            let answer = timeout(WORDS, Answer::read(response, limits::ERROR)).await;
            let said = answer.ok().and_then(Result::ok).map(|answer| words(&answer, &secrets)).unwrap_or_default();
            return Err(self.limited(request, waiting, wait, said));
        }
        let answer = Answer::read(response, limit).await?;
        match known.learn_from_body(waiting, answer.status, &answer.body) {
            Some(wait) => Err(self.limited(request, waiting, wait, words(&answer, &secrets))),
            None => Ok(answer),
        }
    }

    fn limited(&self, request: &Checked, waiting: &Waiting, wait: Duration, said: String) -> Failed {
        self.counters.rate_limited();
        tracing::warn!(provider = &*self.provider, url = %shown(request), ?wait, said, "the origin tells us to wait");
        let said = said.into();
        self.network.limits().said(waiting, &said);
        Failed::Limited(Limited { wait, said })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Either<Incoming, Full<Bytes>>>, Failed> {
        self.counters.http_request();
        if let Some(responder) = self.network.responder() {
            let answered = responder.respond(request).await.map_err(Unreachable::Protocol)?;
            return Ok(answered.map(|body| Either::Right(Full::new(body))));
        }
        let answered = self.client()?.request(request.map(Full::new)).await;
        Ok(answered.map_err(|error| self.failed(&error))?.map(Either::Left))
    }

    fn failed(&self, error: &legacy::Error) -> Failed {
        let failed = Failed::sending(error, answer::HEADER_BYTES);
        if let Failed::Refused(refused) = &failed {
            self.counters.denied();
            tracing::warn!(provider = &*self.provider, "{refused}");
        }
        failed
    }

    fn client(&self) -> Result<&Client<HttpsConnector<Connector>, Full<Bytes>>, Failed> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let tls = self.network.tls().map_err(Unreachable::Tls)?;
        let connector = Connector { network: self.network.clone(), granted: Arc::clone(&self.granted) };
        Ok(self.client.get_or_init(|| {
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(WAITING)
                .http1_max_buf_size(answer::HEADER_BYTES)
                .http1_max_headers(answer::HEADERS)
                .build(HttpsConnector::from((connector, tls)))
        }))
    }
}

/// Without the query, which may hold anything.
fn shown(request: &Checked) -> String {
    let mut url = request.url.clone();
    url.set_query(None);
    url.into()
}
