//! Connections to registries.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        self,
        connect::{HttpConnector, proxy::Tunnel},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::ClientConfig;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};
use tower::Service;
use url::Url;

use crate::reference::is_loopback;

/// For a name and a connection together.
const CONNECT: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const TRIED: usize = 4;
/// How long a connection is kept for the next request: long enough for the few that a pull takes.
const IDLE: Duration = Duration::from_secs(5);
/// Bytes of status line and headers together.
const HEADER_BYTES: usize = 64 << 10;
const HEADERS: usize = 100;

/// Speaks to registries, with one set of trusted certificates and by one way. Cheap to clone.
#[derive(Clone)]
pub struct Client(pub(crate) legacy::Client<HttpsConnector<Connector>, Full<Bytes>>);

impl Client {
    /// `proxy`: `http://host:port`, through which everything goes that is not on this machine. The environment is not asked for one.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>, proxy: Option<Uri>) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(HEADER_BYTES)
            .http1_max_headers(HEADERS)
            .build(HttpsConnector::from((Connector { proxy }, tls)));
        Self(client)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ConnectError {
    /// To a name that claims to be this machine, and leads elsewhere.
    #[error("{0} is not on this machine")]
    Plaintext(String),
    #[error("the name {0} cannot be resolved: {1}")]
    Unresolved(String, String),
    #[error("no connection to {0}: {1}")]
    Failed(String, String),
    #[error("no connection to {0} within {CONNECT:?}")]
    TimedOut(String),
    #[error("no tunnel through the proxy: {0}")]
    Proxy(String),
    #[error("`{0}` is no address")]
    NoAddress(Uri),
}

#[derive(Clone)]
pub(crate) struct Connector {
    proxy: Option<Uri>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, ConnectError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let proxy = self.proxy.clone();
        Box::pin(async move {
            let url = Url::parse(&uri.to_string()).map_err(|_| ConnectError::NoAddress(uri.clone()))?;
            let host = url.host_str().unwrap_or_default().to_owned();
            let until = Instant::now() + CONNECT;
            let connecting = async {
                match proxy.filter(|_| !is_loopback(&url)) {
                    Some(proxy) => {
                        let tunnel = Tunnel::new(proxy, HttpConnector::new()).call(uri).await;
                        tunnel.map_err(|error| ConnectError::Proxy(error.to_string()))
                    }
                    None => connect(&url, &host, until).await,
                }
            };
            timeout_at(until, connecting).await.map_err(|_| ConnectError::TimedOut(host.clone()))?
        })
    }
}

/// To one of the host's addresses. In plain HTTP only if it is one of this machine, whatever its name says.
async fn connect(url: &Url, host: &str, until: Instant) -> Result<TokioIo<TcpStream>, ConnectError> {
    let port = url.port_or_known_default().unwrap_or(443);
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let unresolved = |error: io::Error| ConnectError::Unresolved(host.to_owned(), error.to_string());
    let addresses: Vec<_> = lookup_host((name, port)).await.map_err(unresolved)?.take(TRIED).collect();
    if url.scheme() != "https" && addresses.iter().any(|address| !address.ip().is_loopback()) {
        return Err(ConnectError::Plaintext(host.to_owned()));
    }
    let opened = first(&addresses, until, TcpStream::connect).await;
    let stream = opened.map_err(|problem| ConnectError::Failed(host.to_owned(), problem))?;
    // What is sent is waited for.
    let _ = stream.set_nodelay(true);
    Ok(TokioIo::new(stream))
}

/// The first of the addresses that can be reached. Each has an equal part of the time that is left, so that one that does not
/// answer leaves some to those behind it.
async fn first<T, F: Future<Output = io::Result<T>>>(
    addresses: &[SocketAddr],
    until: Instant,
    open: impl Fn(SocketAddr) -> F,
) -> Result<T, String> {
    let mut last = "it has no address".to_owned();
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let part = until.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(1);
        last = match timeout(part, open(*address)).await {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{address} does not answer"),
        };
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_http_goes_to_addresses_of_this_machine_whatever_their_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = |host: &str| Url::parse(&format!("http://{host}:{}", listener.local_addr().unwrap().port())).unwrap();
        let until = Instant::now() + CONNECT;
        assert!(connect(&url("127.0.0.1"), "127.0.0.1", until).await.is_ok());
        // As if the name was said to lead there. Of the range for documentation: nothing is ever sent.
        let refused = connect(&url("localhost"), "192.0.2.1", until).await.map(drop);
        assert!(matches!(refused, Err(ConnectError::Plaintext(_))), "{refused:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_leaves_time_for_the_others() {
        let addresses = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|address| SocketAddr::from((address, 443)));
        let open =
            |address| async move { if address == addresses[0] { std::future::pending().await } else { Ok(address) } };
        let opened = first(&addresses, Instant::now() + CONNECT, open).await;
        assert_eq!(opened, Ok(addresses[1]));
    }
}
