//! The listener: a thread with a runtime of its own, so that it can say that the other one is stuck.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener},
    str::FromStr,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use axum::Extension;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Health, debug::Peer, routes::routes};

/// Where probes of a pod usually go.
const PORT: u16 = 8081;

/// Connections at the same time; more wait. A kubelet and a few scrapers need a handful.
const CONNECTIONS: usize = 64;
/// For a connection with its one request and answer.
const CONNECTION_TIME: Duration = Duration::from_secs(5);
/// For the request's head.
const HEAD_TIME: Duration = Duration::from_secs(2);
/// Bytes of the request's head; the least that hyper allows.
const HEAD_BYTES: usize = 8 << 10;
const HEADERS: usize = 32;
/// After a connection that could not be accepted, most likely for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// Nowhere.
    Off,
    /// On all addresses of the machine, of both IP versions where there are both.
    Everywhere,
    /// There.
    At(SocketAddr),
}

/// Answers probes until it is stopped or dropped.
pub(crate) struct Server {
    cancel: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
    address: SocketAddr,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| format!("`{text}` is neither `off` nor an address such as 0.0.0.0:{PORT}"))
    }
}

impl Address {
    fn listen(self) -> io::Result<Option<StdListener>> {
        match self {
            Self::Off => Ok(None),
            Self::At(address) => StdListener::bind(address).map(Some),
            // Where there is no IPv6 the first one cannot be had.
            Self::Everywhere => StdListener::bind((Ipv6Addr::UNSPECIFIED, PORT))
                .or_else(|_| StdListener::bind((Ipv4Addr::UNSPECIFIED, PORT)))
                .map(Some),
        }
    }
}

impl Server {
    /// Listens, and answers from a thread of its own. `None` if that is off.
    pub(crate) fn start(address: Address, health: Health) -> Result<Option<Self>> {
        let listener = address.listen().map_err(|error| {
            anyhow!(error).context("probes cannot be listened for: another --health-address, or `off`, may help")
        })?;
        let Some(listener) = listener else { return Ok(None) };
        listener.set_nonblocking(true).context("the listener for probes cannot be used")?;
        let address = listener.local_addr().context("the listener for probes has no address")?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime for probes")?;
        let cancel = CancellationToken::new();
        let ended = cancel.clone();
        let thread = thread::Builder::new()
            .name("health".to_owned())
            .spawn(move || {
                runtime.block_on(ended.run_until_cancelled(async {
                    match TcpListener::from_std(listener) {
                        Ok(listener) => serve(listener, health).await,
                        Err(error) => tracing::error!(%error, "probes are not answered"),
                    }
                }));
            })
            .context("no thread for probes")?;
        Ok(Some(Self { cancel, thread: Some(thread), address }))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cancel.cancel();
        // It waits for nothing but this token, and a panic in it has been printed.
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, health: Health) {
    let routes = routes(health);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        // One request each, so that nobody holds on to a connection.
        .keep_alive(false);
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // Never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let (stream, peer): (TcpStream, SocketAddr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "a connection for probes cannot be accepted");
                sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(routes.clone().layer(Extension(Peer(peer.ip()))));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            let _slot = slot;
            // Whoever is too slow, or breaks off, gets nothing.
            let _ = timeout(CONNECTION_TIME, connection).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream as Client,
    };

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn start() -> Server {
        let health = Health::new(CancellationToken::new());
        let address = Address::At((Ipv4Addr::LOCALHOST, 0).into());
        Server::start(address, health).unwrap().unwrap()
    }

    fn ask(server: &Server, request: &str) -> String {
        let mut client = Client::connect(server.address()).unwrap();
        // Refused halfway, if it is too long.
        let _ = client.write_all(request.as_bytes());
        let mut answer = String::new();
        let _ = client.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn probes_are_answered_without_the_runtime_of_the_host() {
        let server = start();
        let answer = ask(&server, "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "one request each: {answer}");
        let answer = ask(&server, "GET /debug/queue HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 503 "), "allowed, and nothing to look into: {answer}");
        let address = server.address();
        drop(server);
        assert!(Client::connect(address).is_err(), "it is gone when it is dropped");
    }

    #[test]
    fn requests_of_any_size_are_not_taken() {
        let server = start();
        let long = format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(64 << 10));
        assert!(!ask(&server, &long).contains(" 200 "));
        let many = format!("GET /livez HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: a\r\n".repeat(64));
        assert!(!ask(&server, &many).contains(" 200 "));
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_or_does_not_come_to_an_end_is_cut_off() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, Health::new(CancellationToken::new())));
        for beginning in
            ["", "GET /livez HTTP/1.1\r\nhost:", "POST /livez HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n"]
        {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(beginning.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let cut_off = timeout(2 * HEAD_TIME, client.read_to_end(&mut answer)).await;
            assert!(cut_off.is_ok(), "{beginning}");
            assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{beginning}");
        }
        serving.abort();
    }

    #[test]
    fn an_address_or_off() {
        assert_eq!("off".parse(), Ok(Address::Off));
        assert_eq!("127.0.0.1:9".parse(), Ok(Address::At((Ipv4Addr::LOCALHOST, 9).into())));
        assert!("8081".parse::<Address>().unwrap_err().contains("0.0.0.0:8081"));
    }
}
