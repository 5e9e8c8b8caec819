//! Opens connections: to addresses that were checked, and to nothing else.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use capstan_api::Origin;
use http::Uri;
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use tokio::{
    net::TcpStream,
    time::{Instant, error::Elapsed, timeout, timeout_at},
};
use tower::Service;
use url::Url;

use super::{
    Network,
    address::{Place, place},
};
use crate::gate::Granted;

/// For a name and a connection together; the other system or the way to it is down if that takes longer.
const CONNECT: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried.
const TRIED: usize = 4;

/// Why there is no connection.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(
        "{host} has the address {address}, which is {}",
        match place {
            Place::Forbidden => "reached by no provider: it belongs to the machine, or to nobody",
            _ => "private: if that is meant, add `allowPrivate: true` to the grant",
        }
    )]
    Refused { host: String, address: IpAddr, place: Place },
    #[error("the name {0} cannot be resolved: {1}")]
    Unresolved(String, String),
    #[error("no connection to {0}: {1}")]
    Failed(String, String),
    #[error("no connection to {0} within {CONNECT:?}")]
    TimedOut(String),
    #[error("no tunnel through the proxy: {0}")]
    Proxy(String),
    #[error("`{0}` has no origin")]
    NoOrigin(Uri),
}

/// Opens connections for one provider. They are not shared with others, whose grants may differ.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) network: Network,
    pub(crate) granted: Arc<Granted>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, ConnectError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let connector = self.clone();
        Box::pin(async move {
            let origin = Url::parse(&uri.to_string()).ok().as_ref().and_then(Origin::of);
            let origin = origin.ok_or(ConnectError::NoOrigin(uri.clone()))?;
            let until = Instant::now() + CONNECT;
            let slow = |_: Elapsed| ConnectError::TimedOut(origin.to_string());
            timeout_at(until, connector.connect(&origin, until)).await.map_err(slow)?
        })
    }
}

impl Connector {
    async fn connect(&self, origin: &Origin, until: Instant) -> Result<TokioIo<TcpStream>, ConnectError> {
        let literal = origin.host().trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        if let Some(address) = literal {
            self.check(origin, address)?;
        }
        if let Some(proxy) = &self.network.settings().proxy {
            let tunnel = Tunnel::new(proxy.clone(), HttpConnector::new()).call(end_of_tunnel(origin)?).await;
            return tunnel.map_err(|error| ConnectError::Proxy(error.to_string()));
        }
        let addresses = match literal {
            Some(address) => vec![address],
            None => self.resolve(origin).await?,
        };
        let port = origin.port();
        let open = |address| TcpStream::connect(SocketAddr::new(address, port));
        let opened = first(addresses, until, open).await;
        let stream = opened.map_err(|problem| ConnectError::Failed(origin.to_string(), problem))?;
        // What is sent is small and waited for.
        let _ = stream.set_nodelay(true);
        Ok(TokioIo::new(stream))
    }

    /// One address that must not be reached spoils all: a name that has both is made to lead there now and then.
    async fn resolve(&self, origin: &Origin) -> Result<Vec<IpAddr>, ConnectError> {
        let unresolved = |error: io::Error| ConnectError::Unresolved(origin.host().to_owned(), error.to_string());
        let addresses = self.network.resolver().resolve(origin.host()).await.map_err(unresolved)?;
        addresses.iter().try_for_each(|address| self.check(origin, *address))?;
        Ok(addresses)
    }

    fn check(&self, origin: &Origin, address: IpAddr) -> Result<(), ConnectError> {
        match place(address, &self.network.settings().private_ranges) {
            Place::Public => Ok(()),
            Place::Private if self.granted.may_be_private(origin) => Ok(()),
            place => Err(ConnectError::Refused { host: origin.host().to_owned(), address, place }),
        }
    }
}

/// With its port written out: what makes the tunnel takes one that is left out for that of HTTPS.
fn end_of_tunnel(origin: &Origin) -> Result<Uri, ConnectError> {
    let end = format!("{}:{}", origin.host(), origin.port());
    end.parse().map_err(|_| ConnectError::Failed(origin.to_string(), format!("`{end}` is no address")))
}

/// The first of the addresses that can be reached. Each has an equal part of the time that is left, so that one that does not
/// answer leaves some to those behind it.
async fn first<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<IpAddr>,
    until: Instant,
    open: impl Fn(IpAddr) -> F,
) -> Result<T, String> {
    let mut last = "it has no address".to_owned();
    let tried = addresses.len().min(TRIED);
    for (address, left) in addresses.into_iter().zip((1..=tried).rev()) {
        let part = until.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(1);
        last = match timeout(part, open(address)).await {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{address} does not answer"),
        };
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_leaves_time_for_the_others() {
        let addresses: Vec<_> = (1..=6).map(|last| IpAddr::from([192, 0, 2, last])).collect();
        let begun = Instant::now();
        let answers = async |answering: u8| {
            let open = |address| async move {
                match address {
                    IpAddr::V4(address) if address.octets()[3] == answering => Ok(address),
                    _ => pending().await,
                }
            };
            first(addresses.clone(), Instant::now() + CONNECT, open).await
        };
        assert!(answers(2).await.is_ok());
        assert_eq!(begun.elapsed(), CONNECT / 4);
        assert!(answers(4).await.is_ok());
        assert_eq!(answers(5).await, Err("192.0.2.4 does not answer".to_owned()), "four are tried");
        assert_eq!(first(Vec::new(), begun, |_| async { Ok(()) }).await, Err("it has no address".to_owned()));
    }
}
