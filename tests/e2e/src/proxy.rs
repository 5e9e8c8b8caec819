//! A proxy between a host and its API server that does to requests what bad days do.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::StreamExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Frame, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kube::{Client, Config};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};
use tokio_util::task::TaskTracker;

/// How long requests that were sent on may take to be answered.
const ANSWERED_WITHIN: Duration = Duration::from_mins(1);

type Body = UnsyncBoxBody<Bytes, kube::Error>;

/// What happens to requests. Nothing, by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Before each request goes on.
    pub latency: Duration,
    /// How many of a hundred writes are answered with 409 or 500 instead of being sent on.
    pub failing_writes: u8,
    /// How many of a hundred writes are done, but answered by a broken connection.
    pub lost_answers: u8,
    /// How long a watch lives.
    pub watch_life: Option<Duration>,
}

/// Listens on the loopback interface until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    state: Arc<State>,
    address: SocketAddr,
    accepting: Option<AbortHandle>,
}

/// A write that the server took.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// When its answer came.
    pub at: Instant,
    /// How it was asked.
    pub method: Method,
    /// Of the object, of one that is created too.
    pub path: String,
}

/// What the server answered to those who asked for one object by a POST. What became of a request whose answer went down with the
/// server is not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Creates {
    /// That it made the object.
    pub made: u32,
    /// That there is one already: whoever asked had not looked.
    pub existing: u32,
}

#[derive(Debug)]
struct State {
    upstream: Upstream,
    faults: Mutex<Faults>,
    chance: Mutex<StdRng>,
    /// Creates that the server answered, by the path of the object.
    creates: Mutex<BTreeMap<String, Creates>>,
    /// Writes that the server took, in the order of its answers.
    accepted: Mutex<Vec<Accepted>>,
    /// Watches that were asked for, by path.
    watches: Mutex<BTreeMap<String, u32>>,
    /// Requests that were sent on and are not answered yet.
    under_way: TaskTracker,
}

struct Upstream(Client);

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstream")
    }
}

impl Proxy {
    /// Sends requests on to the server of a config, with the credentials they bring. The same seed lets the same requests fail,
    /// as far as they come in the same order. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If no port can be listened on.
    pub async fn start(mut config: Config, seed: u64) -> Result<Self> {
        config.auth_info = kube::config::AuthInfo::default();
        let state = Arc::new(State {
            upstream: Upstream(Client::try_from(config)?),
            faults: Mutex::default(),
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            creates: Mutex::default(),
            accepted: Mutex::default(),
            watches: Mutex::default(),
            under_way: TaskTracker::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port")?;
        let address = listener.local_addr()?;
        let accepting = Some(accept(listener, Arc::clone(&state)));
        Ok(Self { state, address, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    pub fn set_faults(&self, faults: Faults) {
        *lock(&self.state.faults) = faults;
    }

    /// As if the API server was gone: connections are cut in the middle of whatever they do, and new ones are refused. What was
    /// sent on already is done all the same, and counted when it is answered: [`settled`](Self::settled) waits for that.
    pub fn stop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }

    /// It is back at the same address. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If the port is taken meanwhile.
    pub fn resume(&mut self) -> Result<()> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        // Connections that were cut keep the port for a while otherwise.
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        self.accepting = Some(accept(socket.listen(1024)?, Arc::clone(&self.state)));
        Ok(())
    }

    /// Waits until the server has answered whatever was sent on to it until now, so that all of it is counted. Requests may go
    /// on meanwhile if there are moments without one; it is best asked of a proxy that is stopped, or whose host is.
    ///
    /// # Errors
    /// If there are still some without an answer after a minute.
    pub async fn settled(&self) -> Result<()> {
        self.state.under_way.close();
        let settled = tokio::time::timeout(ANSWERED_WITHIN, self.state.under_way.wait()).await;
        let left = self.state.under_way.len();
        settled.with_context(|| format!("{left} requests have no answer after {ANSWERED_WITHIN:?}"))
    }

    /// How often objects were asked for by a POST, by path. What the proxy refused never came that far; an apply is none of them.
    #[must_use]
    pub fn creates(&self) -> BTreeMap<String, Creates> {
        lock(&self.state.creates).clone()
    }

    /// How often watches were begun, by path.
    #[must_use]
    pub fn watches(&self) -> BTreeMap<String, u32> {
        lock(&self.state.watches).clone()
    }

    /// The writes that the server took until now.
    #[must_use]
    pub fn accepted(&self) -> Vec<Accepted> {
        lock(&self.state.accepted).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections end with the task that accepts them.
fn accept(listener: TcpListener, state: Arc<State>) -> AbortHandle {
    let accepting = async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    let state = Arc::clone(&state);
                    let service = service_fn(move |request| {
                        let state = Arc::clone(&state);
                        async move { state.answer(request).await }
                    });
                    // How a connection ends is the other side's business.
                    connections.spawn(async move {
                        let _ = stream.set_nodelay(true);
                        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    });
                }
                Some(_) = connections.join_next() => {}
            }
        }
    };
    tokio::spawn(accepting).abort_handle()
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Where the object will be that is sent to a collection; the collection if it has no name yet.
fn created_path(collection: &str, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body["metadata"]["name"].as_str() {
        Some(name) => format!("{collection}/{name}"),
        None => collection.to_owned(),
    }
}

impl State {
    /// An error cuts the connection.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>> {
        let faults = *lock(&self.faults);
        tokio::time::sleep(faults.latency).await;
        let write = !is_read(request.method());
        if write && self.happens(faults.failing_writes) {
            return Ok(self.refusal());
        }
        let watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        if watch {
            *lock(&self.watches).entry(request.uri().path().to_owned()).or_default() += 1;
        }
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.collect().await?.to_bytes());
        // In a task of its own: what became of it is known even if this connection is cut meanwhile.
        let answer = self.under_way.spawn(Arc::clone(&self).send_on(request)).await??;
        if write && self.happens(faults.lost_answers) {
            bail!("the answer is lost");
        }
        let (parts, body) = answer.into_parts();
        let data = body.into_data_stream().map(|bytes| bytes.map(Frame::data));
        let body = match faults.watch_life {
            Some(life) if watch => StreamBody::new(data.take_until(Box::pin(tokio::time::sleep(life)))).boxed_unsync(),
            _ => StreamBody::new(data).boxed_unsync(),
        };
        Ok(Response::from_parts(parts, body))
    }

    async fn send_on(self: Arc<Self>, request: Request<Bytes>) -> Result<Response<kube::client::Body>> {
        let method = request.method().clone();
        let path = request.uri().path();
        let path = if method == Method::POST { created_path(path, request.body()) } else { path.to_owned() };
        let answer = self.upstream.0.send(request.map(kube::client::Body::from)).await?;
        let status = answer.status();
        if method == Method::POST {
            self.count_create(&path, status);
        }
        // Asking who one is, or what one may do, is written as a create.
        if !is_read(&method) && status.is_success() && !path.contains("/selfsubject") {
            lock(&self.accepted).push(Accepted { at: Instant::now(), method, path });
        }
        Ok(answer)
    }

    fn count_create(&self, path: &str, status: StatusCode) {
        if matches!(status, StatusCode::CREATED | StatusCode::CONFLICT) {
            let mut all = lock(&self.creates);
            let creates = all.entry(path.to_owned()).or_default();
            creates.made += u32::from(status == StatusCode::CREATED);
            creates.existing += u32::from(status == StatusCode::CONFLICT);
        }
    }

    fn happens(&self, percent: u8) -> bool {
        percent > 0 && lock(&self.chance).random_range(0..100) < percent
    }

    /// Half of them as a conflict, half as a breakdown.
    fn refusal(&self) -> Response<Body> {
        let (code, reason) = if self.happens(50) {
            (StatusCode::CONFLICT, "Conflict")
        } else {
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
        };
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "refused by the proxy of the test", "reason": reason, "code": code.as_u16(),
        });
        let body = Full::new(Bytes::from(status.to_string())).map_err(|never: Infallible| match never {});
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() = code;
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLLECTION: &str = "/api/v1/namespaces/one/configmaps";

    /// A server with one object, `there`: of others it makes as many as it is asked for. It has no answer to what is called
    /// `lost`. Gives its address.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = |request: Request<Incoming>| async {
            let body = request.into_body().collect().await?.to_bytes();
            let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
            *response.status_mut() = match created_path(COLLECTION, &body).rsplit('/').next() {
                Some("lost") => bail!("the server ends"),
                Some("there") => StatusCode::CONFLICT,
                _ => StatusCode::CREATED,
            };
            Ok(response)
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
                tokio::spawn(connection);
            }
        });
        address
    }

    #[tokio::test]
    async fn a_create_of_what_there_is_already_is_told_from_one_that_made_something() {
        let url = format!("http://{}", server().await).parse().unwrap();
        let proxy = Proxy::start(Config::new(url), 0).await.unwrap();
        let create = |name: &str| {
            let body = json!({"metadata": {"name": name}}).to_string();
            let request = Request::post(COLLECTION).body(Bytes::from(body)).unwrap();
            Arc::clone(&proxy.state).send_on(request)
        };
        for name in ["new", "there", "new"] {
            create(name).await.unwrap();
        }
        assert!(create("lost").await.is_err());
        let expected = [("new", Creates { made: 2, existing: 0 }), ("there", Creates { made: 0, existing: 1 })];
        let expected = expected.map(|(name, creates)| (format!("{COLLECTION}/{name}"), creates));
        assert_eq!(proxy.creates(), BTreeMap::from(expected));
    }
}
