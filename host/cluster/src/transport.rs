//! The one way to the API server: everything that this process asks it passes here, and is bounded and counted.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use capstan_api::ServiceAccount;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use kube::{
    Client,
    client::Body,
    core::{Status, response::StatusDetails},
};
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::{BoxError, service_fn};

use crate::{metrics::Metrics, request::TIMEOUT};

/// Requests in flight. Each takes a connection of its own; a few dozen keep an API server busy, and more would only
/// wait in its queues instead of ours.
pub(crate) const IN_FLIGHT: usize = 32;

/// In whose name a request is made, if not in that of whoever the credentials belong to. Of a `ServiceAccount` the API server knows
/// the groups by itself: to name them would take the right to impersonate groups as well.
const IMPERSONATE_USER: &str = "impersonate-user";

/// A client, its bound and its counters. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport {
    /// Asks in the name of the account, if there is one.
    client: Client,
    /// Asks in the host's own name.
    direct: Client,
    account: Option<Arc<ServiceAccount>>,
    slots: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
}

impl Transport {
    pub(crate) fn new(client: Client) -> Self {
        let (slots, metrics) = (Arc::new(Semaphore::new(IN_FLIGHT)), Metrics::default());
        Self { direct: client.clone(), client, account: None, slots, metrics }
    }

    /// The same way in the name of an account: whatever goes through it, the client included, says so.
    pub(crate) fn acting_as(&self, account: &ServiceAccount) -> Self {
        let client = acting_as(&self.direct, account);
        Self { client, account: Some(Arc::new(account.clone())), ..self.clone() }
    }

    /// In whose name it asks; `None`: the host's own.
    pub(crate) fn account(&self) -> Option<&ServiceAccount> {
        self.account.as_deref()
    }

    /// The same client, for requests that are not to wait behind the others.
    pub(crate) fn with_slots(&self, slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), ..self.clone() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until one more request may be in flight.
    pub(crate) async fn slot(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.slots).acquire_owned().await
    }

    /// Sends a request for which there is a slot, and gives the text of the answer. One that is no success is
    /// [`kube::Error::Api`], with the time to wait in its details wherever the API server wrote it.
    pub(crate) async fn text(&self, verb: &'static str, request: Request<Vec<u8>>) -> Result<String, kube::Error> {
        let answer = self.send(verb, request.map(Body::from)).await?;
        let (code, wait) = (answer.status(), retry_after(&answer));
        let text =
            String::from_utf8(answer.into_body().collect_bytes().await?.into()).map_err(kube::Error::FromUtf8)?;
        if code.is_client_error() || code.is_server_error() {
            return Err(kube::Error::Api(Box::new(status(code, wait, &text))));
        }
        Ok(text)
    }

    /// A client for watches and the lists that they begin with. An answer has to begin within the time that every request
    /// has; `kube` would wait for ever. A list holds its slot until it has been read, a watch only until it has begun.
    pub(crate) fn watching(&self) -> Client {
        let namespace = self.client.default_namespace().to_owned();
        let transport = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let transport = transport.clone();
            async move {
                let late = |_| BoxError::from(io::Error::from(io::ErrorKind::TimedOut));
                let answer = timeout(TIMEOUT, transport.begin(request)).await.map_err(late)??;
                match retry_after(&answer) {
                    Some(wait) => timeout(TIMEOUT, with_wait(answer, wait)).await.map_err(late)?,
                    None => Ok::<_, BoxError>(answer),
                }
            }
        });
        Client::new(service, namespace)
    }

    async fn begin(&self, request: Request<Body>) -> Result<Response<Held>, BoxError> {
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let slot = self.slot().await?;
        let answer = self.send(if watches { "watch" } else { "list" }, request).await?;
        let slot = (!watches && answer.status().is_success()).then_some(slot);
        Ok(answer.map(|body| Held { body, _slot: slot }))
    }

    async fn send(&self, verb: &'static str, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
        let method = request.method().clone();
        let answer = self.client.send(request).await;
        let code = answer.as_ref().ok().map(Response::status);
        self.metrics.answered(verb, &method, code);
        answer
    }
}

/// A client that puts the name of an account on every request.
fn acting_as(client: &Client, account: &ServiceAccount) -> Client {
    let user = HeaderValue::try_from(account.user())
        .expect("the names of an account consist of letters, digits, hyphens and dots, which fit a header");
    let (namespace, client) = (client.default_namespace().to_owned(), client.clone());
    let service = service_fn(move |mut request: Request<Body>| {
        request.headers_mut().insert(IMPERSONATE_USER, user.clone());
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(service, namespace)
}

/// How long to stay away, if the API server has too much to do and says so.
fn retry_after<B>(answer: &Response<B>) -> Option<Duration> {
    let busy = matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = answer.headers().get(header::RETRY_AFTER).filter(|_| busy)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An answer that is no success. Proxies, and paths that lead nowhere, answer with something else than a `Status`.
fn status(code: StatusCode, wait: Option<Duration>, text: &str) -> Status {
    let mut status = serde_json::from_str::<Status>(text).unwrap_or_else(|_| Status::failure(text.trim(), ""));
    if status.code == 0 {
        status.code = code.as_u16();
    }
    if let Some(wait) = wait {
        let text = String::new;
        let details = status.details.get_or_insert_with(|| StatusDetails {
            name: text(),
            group: text(),
            kind: text(),
            uid: text(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        });
        if details.retry_after_seconds == 0 {
            details.retry_after_seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
        }
    }
    status
}

/// The same answer with the time to wait in its body: the watcher does not look at the header.
async fn with_wait(answer: Response<Held>, wait: Duration) -> Result<Response<Held>, BoxError> {
    let (mut parts, Held { body, .. }) = answer.into_parts();
    let text = body.collect_bytes().await?;
    let status = status(parts.status, Some(wait), &String::from_utf8_lossy(&text));
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Held { body: Body::from(serde_json::to_vec(&status)?), _slot: None }))
}

/// A body that holds its slot until it is dropped.
struct Held {
    body: Body,
    _slot: Option<OwnedSemaphorePermit>,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = kube::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, kube::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
