//! One request to the API server.

use std::time::Duration;

use capstan_api::GroupVersionKind;
use http::{Method, Request, header};
use kube::core::Status;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{
    Instrument, Span, debug_span,
    field::{self, Empty},
};

use crate::{Error, Fence, Flow, transport::Transport};

/// For one request with its answer, and all waiting for it. The API server itself gives up after a minute; whoever waits
/// for us has less time.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// When the API server sends a request back without a word about when to come again.
const AWHILE: Duration = Duration::from_secs(1);

/// On which terms a client may ask; on none by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    /// Until when it may write.
    pub(crate) fence: Option<Fence>,
    /// How fast it may ask.
    pub(crate) flow: Option<Flow>,
}

/// What is to be sent.
pub(crate) struct Outgoing<'a> {
    /// As RBAC names it.
    pub(crate) verb: &'static str,
    pub(crate) method: Method,
    pub(crate) path_and_query: &'a str,
    pub(crate) body: Option<Body>,
    /// In what form the answer is wanted.
    pub(crate) accept: &'static str,
}

/// A body and how it is written.
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn get(verb: &'static str, path_and_query: &'a str) -> Self {
        Self::write(verb, Method::GET, path_and_query, None)
    }

    pub(crate) fn write(verb: &'static str, method: Method, path_and_query: &'a str, body: Option<Body>) -> Self {
        Self { verb, method, path_and_query, body, accept: "application/json" }
    }

    fn request(&self) -> Result<Request<Vec<u8>>, Error> {
        let mut request =
            Request::builder().method(self.method.clone()).uri(self.path_and_query).header(header::ACCEPT, self.accept);
        if let Some(body) = &self.body {
            request = request.header(header::CONTENT_TYPE, body.content_type);
        }
        let bytes = self.body.as_ref().map(|body| body.bytes.clone()).unwrap_or_default();
        request.body(bytes).map_err(|error| Error::Invalid(format!("the request cannot be written: {error}")))
    }
}

/// Sends it and gives the answer's text.
///
/// A 404 that names no object means that the path leads nowhere: the kind is not served. After a 429 it is sent again when
/// the API server says so, if there is time: such a request was not looked at, so that no write happens twice.
///
/// Every write of the host passes here, and none is sent after its fence closed. One that is under way then is given up:
/// a connection that hangs must not deliver it when others have long taken over.
pub(crate) async fn send(
    transport: &Transport,
    terms: &Terms,
    kind: &GroupVersionKind,
    outgoing: Outgoing<'_>,
) -> Result<String, Failure> {
    let span = span(kind, &outgoing);
    let answer = answered(transport, terms, kind, &outgoing).instrument(span.clone()).await;
    if let Err(failure) = &answer {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", failure.error.reason()).record("error.message", field::display(&failure.error));
    }
    answer
}

/// What a trace shows of it, its waits included.
fn span(kind: &GroupVersionKind, outgoing: &Outgoing<'_>) -> Span {
    let path = outgoing.path_and_query.split_once('?').map_or(outgoing.path_and_query, |(path, _)| path);
    debug_span!(
        "api request",
        otel.kind = "client",
        otel.name = %format_args!("{} {}", outgoing.verb, kind.kind),
        otel.status_code = Empty,
        http.request.method = %outgoing.method,
        url.path = path,
        "error.type" = Empty,
        error.message = Empty,
    )
}

async fn answered(
    transport: &Transport,
    terms: &Terms,
    kind: &GroupVersionKind,
    outgoing: &Outgoing<'_>,
) -> Result<String, Failure> {
    let deadline = Instant::now() + TIMEOUT;
    let fence = terms.fence.as_ref().filter(|_| !outgoing.method.is_safe());
    let answered = async {
        loop {
            let answer = once(transport, terms.flow.as_ref(), fence, outgoing, deadline).await?;
            let Some(again) = answer.as_ref().err().and_then(sent_back) else {
                return answer.map_err(|error| failure(kind, error));
            };
            if let Some(flow) = &terms.flow {
                flow.hold(again);
            }
            if again >= deadline {
                return answer.map_err(|error| failure(kind, error));
            }
            sleep_until(again).await;
        }
    };
    timeout(TIMEOUT, answered).await.unwrap_or_else(|_| {
        let late = Error::unavailable(format!("no answer from the API server within {TIMEOUT:?}"));
        Err(late.into())
    })
}

/// Sends it when it has its turn and there is a slot, if it may still be sent then.
async fn once(
    transport: &Transport,
    flow: Option<&Flow>,
    fence: Option<&Fence>,
    outgoing: &Outgoing<'_>,
    deadline: Instant,
) -> Result<Result<String, kube::Error>, Error> {
    let request = outgoing.request()?;
    let _slot = loop {
        if let Some(flow) = flow {
            flow.turn(deadline).await.map_err(held)?;
        }
        let slot = transport.slot().await.map_err(|_| Error::unavailable("the client is closed"))?;
        // Another one may have been sent back during the wait for the slot.
        if !flow.is_some_and(Flow::is_held) {
            break slot;
        }
    };
    let answer = transport.text(outgoing.verb, request);
    let Some(fence) = fence else { return Ok(answer.await) };
    // Not before: the wait for a slot may have been long.
    fence.check()?;
    fence
        .while_open(answer)
        .await
        .ok_or_else(|| Error::unavailable("the lease was lost while the request was under way: its result is unknown"))
}

/// What is not sent, as the API server has asked for a rest that is longer than there is time.
fn held(until: Instant) -> Error {
    let message = "not sent: the API server has asked to be left alone for a while".to_owned();
    Error::Unavailable { message, retry_after: Some(until.saturating_duration_since(Instant::now())) }
}

/// When a request may come again that the API server had no time to look at.
fn sent_back(error: &kube::Error) -> Option<Instant> {
    let kube::Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    let wait = if seconds == 0 { AWHILE } else { Duration::from_secs(seconds.into()) };
    (status.code == 429).then(|| Instant::now() + wait)
}

fn failure(kind: &GroupVersionKind, error: kube::Error) -> Failure {
    match error {
        // A missing object is named in the details. Where the kind itself is missing there is nobody to write them.
        kube::Error::Api(status) if status.code == 404 && !names_an_object(&status) => {
            Error::UnknownKind(kind.clone()).into()
        }
        kube::Error::Api(status) => Failure { expired: status.code == 410, error: (*status).into() },
        other => Error::from(other).into(),
    }
}

/// A request that did not succeed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The page of a list that was asked for is not kept any more: the list has to begin anew.
    pub(crate) expired: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, expired: false }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

fn names_an_object(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

/// `?a=b&c=d`, encoded; empty if there is nothing to say.
pub(crate) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}
