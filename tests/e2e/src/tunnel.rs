//! A proxy through which a host reaches other systems, as `--http-proxy` names one.

use std::{
    io::{Error, ErrorKind},
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use http::{Method, Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// A request that came through.
#[derive(Debug, Clone)]
pub struct Passed {
    /// When it came.
    pub at: Instant,
    /// How it asks.
    pub method: Method,
    /// What it asks for.
    pub path: String,
}

/// Listens on the loopback interface until it is dropped. What comes through its tunnels must be HTTP without TLS: each request is
/// written down, and then sent to where the tunnel leads.
#[derive(Debug)]
pub struct Tunnel {
    address: SocketAddr,
    seen: Arc<Seen>,
    accepting: AbortHandle,
}

#[derive(Debug, Default)]
struct Seen {
    passed: Mutex<Vec<Passed>>,
    unanswered: AtomicUsize,
}

impl Tunnel {
    /// Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let address = listener.local_addr()?;
        let seen = Arc::<Seen>::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&seen))).abort_handle();
        Ok(Self { address, seen, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, in the order in which they came.
    #[must_use]
    pub fn passed(&self) -> Vec<Passed> {
        self.seen.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many of them have no answer yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.seen.unanswered.load(SeqCst)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connections end with the task that accepts them.
async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                // How a connection ends is the other side's business.
                connections.spawn(serve(stream, Arc::clone(&seen)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, seen: Arc<Seen>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let end = end_of_tunnel(&mut stream).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let service = service_fn(|request| seen.pass(request, &end, &client));
    Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?)
}

/// `HOST:PORT` of the CONNECT that a connection begins with.
async fn end_of_tunnel(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut lines = stream.lines();
    let mut line = async || lines.next_line().await?.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof));
    let connect = line().await?;
    let end = connect.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let end = end.with_context(|| format!("no CONNECT: {connect}"))?.to_owned();
    while !line().await?.is_empty() {}
    Ok(end)
}

impl Seen {
    async fn pass(
        &self,
        mut request: Request<Incoming>,
        end: &str,
        client: &Client<HttpConnector, Incoming>,
    ) -> Result<Response<Incoming>> {
        let uri = request.uri();
        let passed = Passed { at: Instant::now(), method: request.method().clone(), path: uri.path().to_owned() };
        *request.uri_mut() = format!("http://{end}{uri}").parse()?;
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).push(passed);
        self.unanswered.fetch_add(1, SeqCst);
        let _unanswered = Unanswered(&self.unanswered);
        Ok(client.request(request).await?)
    }
}

/// Until it is dropped, be it that nobody waits for the answer any more.
struct Unanswered<'a>(&'a AtomicUsize);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
