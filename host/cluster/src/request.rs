//! One request to the API server.

use std::time::Duration;

use capstan_api::GroupVersionKind;
use http::{Method, Request, header};
use kube::{Client, core::Status};
use tokio::{sync::Semaphore, time::timeout};

use crate::{Error, Fence};

/// For one request with its answer. The API server itself gives up after a minute; whoever waits for us has less time.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Requests in flight. Each takes a connection of its own; a few dozen keep an API server busy, and more would only
/// wait in its queues instead of ours.
pub(crate) const IN_FLIGHT: usize = 32;

/// A body and how it is written.
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Sends it and gives the answer's text.
///
/// A 404 that names no object means that the path leads nowhere: the kind is not served.
///
/// Every write of the host passes here, and none is sent after its fence closed. One that is under way then is given up:
/// a connection that hangs must not deliver it when others have long taken over.
pub(crate) async fn send(
    client: &Client,
    slots: &Semaphore,
    fence: Option<&Fence>,
    kind: &GroupVersionKind,
    method: Method,
    path_and_query: &str,
    body: Option<Body>,
) -> Result<String, Failure> {
    let fence = fence.filter(|_| !method.is_safe());
    let mut request = Request::builder().method(method).uri(path_and_query).header(header::ACCEPT, "application/json");
    if let Some(body) = &body {
        request = request.header(header::CONTENT_TYPE, body.content_type);
    }
    let request = request
        .body(body.map(|body| body.bytes).unwrap_or_default())
        .map_err(|error| Error::Invalid(format!("the request cannot be written: {error}")))?;
    let answered = async {
        let _slot = slots.acquire().await.map_err(|_| Error::unavailable("the client is closed"))?;
        // Not before: the wait for a slot may have been long.
        let answer = match fence {
            None => client.request_text(request).await,
            Some(fence) => {
                fence.check()?;
                tokio::select! {
                    biased;
                    answer = client.request_text(request) => answer,
                    () = fence.closed() => {
                        let message = "the lease was lost while the request was under way: its result is unknown";
                        return Err(Error::unavailable(message).into());
                    }
                }
            }
        };
        answer.map_err(|error| match error {
            // A missing object is named in the details. Where the kind itself is missing there is nobody to write them.
            kube::Error::Api(status) if status.code == 404 && !names_an_object(&status) => {
                Error::UnknownKind(kind.clone()).into()
            }
            kube::Error::Api(status) => Failure { expired: status.code == 410, error: (*status).into() },
            other => Error::from(other).into(),
        })
    };
    timeout(TIMEOUT, answered).await.unwrap_or_else(|_| {
        let late = Error::unavailable(format!("no answer from the API server within {TIMEOUT:?}"));
        Err(late.into())
    })
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
