//! Sends requests, a bounded number at a time, each with a deadline.

use std::{sync::Arc, time::Duration};

use http::header::RETRY_AFTER;
use kube::client::Body;
use tokio::{sync::Semaphore, time::timeout};

use crate::{Error, status::refusal};

/// For one request with its wait for a slot and its answer. Half of the API server's own limit, and long enough for a slow
/// admission webhook (at most 30 s, 10 s by default).
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(30);

/// Requests at the same time; watches come on top. Over HTTP/1.1 each needs a connection of its own (some 30 KiB with its
/// TLS buffers), and the API server's fair queues give one client a few dozen seats. At 5 ms a request 32 make 6,400 a second, more than
/// a host of two cores asks for.
const IN_FLIGHT: usize = 32;

#[derive(Clone)]
pub(crate) struct Transport {
    client: kube::Client,
    slots: Arc<Semaphore>,
}

impl Transport {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self {
            client,
            slots: Arc::new(Semaphore::new(IN_FLIGHT)),
        }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The text of the answer.
    pub(crate) async fn send(&self, request: http::Request<Vec<u8>>) -> Result<String, Error> {
        let what = format!("{} {}", request.method(), request.uri().path());
        timeout(REQUEST_TIME, self.answer(request)).await.unwrap_or_else(|_| {
            let seconds = REQUEST_TIME.as_secs();
            Err(Error::unavailable(format!("{what} was not answered within {seconds} s")))
        })
    }

    async fn answer(&self, request: http::Request<Vec<u8>>) -> Result<String, Error> {
        // The semaphore is never closed.
        let _slot = self.slots.acquire().await.map_err(|error| Error::unavailable(error.to_string()))?;
        let response = self.client.send(request.map(Body::from)).await?;
        let code = response.status();
        let retry_after = response.headers().get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        let body = response.into_body().collect_bytes().await?;
        if !code.is_success() {
            let text = String::from_utf8_lossy(&body);
            return Err(refusal(code.as_u16(), retry_after.map(Duration::from_secs), &text));
        }
        String::from_utf8(body.into()).map_err(|error| Error::Malformed(format!("the answer of the API server: {error}")))
    }
}
