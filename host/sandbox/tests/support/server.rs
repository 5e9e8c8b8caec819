//! A system outside the cluster: answers on loopback, well and badly.

use std::{
    collections::HashMap,
    convert::Infallible,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use capstan_sandbox::Resolve;
use flate2::{Compression, write::GzEncoder};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Every name is one of this machine.
pub(crate) struct Names;

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        match host {
            // As a name does that is made to lead elsewhere now and then.
            "mixed.test" => Ok(vec![IpAddr::from([140, 82, 121, 6]), IpAddr::from(Ipv4Addr::LOCALHOST)]),
            "nowhere.test" => Ok(Vec::new()),
            _ => Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]),
        }
    }
}

/// Ends when dropped.
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    loses: Arc<AtomicBool>,
    serving: JoinHandle<()>,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// With its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Of the other end of its connection.
    pub(crate) port: u16,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Bytes of the answer at `/large`.
pub(crate) const LARGE: usize = 2 << 20;

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let loses: Arc<AtomicBool> = Arc::default();
        let state = Arc::new(State {
            seen: Arc::clone(&seen),
            loses: Arc::clone(&loses),
            tokens: AtomicU32::new(0),
            things: Mutex::default(),
        });
        let router = Router::new().fallback(move |request: Request| {
            let state = Arc::clone(&state);
            async move { state.answer(request).await }
        });
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, seen, loses, serving }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on things are made and changed, and nobody is told.
    pub(crate) fn lose_answers(&self) {
        self.loses.store(true, Relaxed);
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct State {
    seen: Arc<Mutex<Vec<Seen>>>,
    loses: Arc<AtomicBool>,
    tokens: AtomicU32,
    things: Mutex<HashMap<String, Bytes>>,
}

impl State {
    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let with_query = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let headers = request.headers().clone();
        let port = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(0, |from| from.0.port());
        self.seen.lock().unwrap().push(Seen { path: with_query, headers: headers.clone(), port });
        match path.as_str() {
            "/redirect" => (StatusCode::FOUND, [(header::LOCATION, "http://169.254.169.254/latest/")]).into_response(),
            "/bomb" => ([(header::CONTENT_ENCODING, "gzip")], bomb()).into_response(),
            "/gzip" => ([(header::CONTENT_ENCODING, "gzip")], packed(b"unpacked")).into_response(),
            "/torn" => ([(header::CONTENT_ENCODING, "gzip")], packed(&[b'x'; 5000])[..40].to_vec()).into_response(),
            "/endless" => {
                Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1 << 16]))))
                    .into_response()
            }
            "/headers" => {
                let mut answer = Response::new(Body::empty());
                for number in 0..80 {
                    let name: header::HeaderName = format!("x-{number}").parse().unwrap();
                    answer.headers_mut().insert(name, "y".repeat(1000).parse().unwrap());
                }
                answer
            }
            "/slow" => {
                let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"first"))]);
                Body::from_stream(first.chain(stream::pending())).into_response()
            }
            thing if thing.starts_with("/things/") => self.thing(thing, request).await,
            "/large" => vec![b'x'; LARGE].into_response(),
            "/limited" => {
                let said = r#"{"message": "Too many.", "documentation_url": "https://docs.test/limits"}"#;
                let named = [("retry-after", "30"), ("x-github-request-id", "12:AB")];
                (StatusCode::TOO_MANY_REQUESTS, named, said).into_response()
            }
            "/suspended" => {
                let said = r#"{"message": "This installation has been suspended"}"#;
                (StatusCode::FORBIDDEN, [("x-github-request-id", "34:CD")], said).into_response()
            }
            "/echo" => {
                let sent = headers.get(header::AUTHORIZATION).and_then(|sent| sent.to_str().ok()).unwrap_or_default();
                (StatusCode::FORBIDDEN, json!({"message": sent}).to_string()).into_response()
            }
            "/secondary" => {
                let said = r#"{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#;
                (StatusCode::FORBIDDEN, [("x-ratelimit-remaining", "4000")], said).into_response()
            }
            "/lost" => lost(),
            "/gateway" => StatusCode::BAD_GATEWAY.into_response(),
            "/unavailable" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            "/forbidden" => StatusCode::FORBIDDEN.into_response(),
            "/revoked" => StatusCode::UNAUTHORIZED.into_response(),
            "/etag" if headers.get(header::IF_NONE_MATCH).is_some_and(|etag| etag == "\"one\"") => {
                (StatusCode::NOT_MODIFIED, [("x-left", "4998")]).into_response()
            }
            "/etag" => ([("etag", "\"one\""), ("x-left", "4999")], "the thing").into_response(),
            "/exchange" => {
                let number = self.tokens.fetch_add(1, Relaxed);
                let token = json!({"token": format!("exchanged-{number}"), "expires_at": "2999-01-01T00:00:00Z"});
                (StatusCode::CREATED, token.to_string()).into_response()
            }
            "/no-token" => "{}".into_response(),
            off if off.starts_with("/off-by/") => self.exchange_off_by(off, &headers),
            _ => {
                let sent = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
                ([("x-hop", "seen"), ("connection", "keep-alive")], [b"said: ".as_slice(), &sent].concat())
                    .into_response()
            }
        }
    }
}

impl State {
    /// Gives a token for four minutes, in the manner of GitHub, by a clock that is off by so many seconds.
    fn exchange_off_by(&self, path: &str, headers: &HeaderMap) -> Response {
        let off_by: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
        let now = Timestamp::now() + SignedDuration::from_secs(off_by);
        let date = [(header::DATE, httpdate::fmt_http_date(now.into()))];
        let payload = headers[header::AUTHORIZATION].to_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let time = |claim: &str| claims[claim].as_i64().unwrap();
        if time("iat") > now.as_second() || time("exp") <= now.as_second() || time("exp") > now.as_second() + 600 {
            return (StatusCode::UNAUTHORIZED, date).into_response();
        }
        let number = self.tokens.fetch_add(1, Relaxed);
        let expires = now + SignedDuration::from_mins(4);
        let token = json!({"token": format!("exchanged-{number}"), "expires_at": expires.to_string()});
        (StatusCode::CREATED, date, token.to_string()).into_response()
    }

    /// Something that can be made, looked at, changed and removed, with a token.
    async fn thing(&self, path: &str, request: Request) -> Response {
        if request.headers().get(header::AUTHORIZATION).is_none_or(|value| value != "Bearer the-token") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let mut things = self.things.lock().unwrap();
        match parts.method {
            Method::PUT => {
                things.insert(path.to_owned(), body);
                if self.loses.load(Relaxed) { lost() } else { StatusCode::NO_CONTENT.into_response() }
            }
            Method::DELETE => match things.remove(path) {
                Some(_) => StatusCode::NO_CONTENT.into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            },
            _ => match things.get(path) {
                None => StatusCode::NOT_FOUND.into_response(),
                Some(thing) => {
                    let etag = format!("\"{}\"", thing.len());
                    if parts.headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str()) {
                        return StatusCode::NOT_MODIFIED.into_response();
                    }
                    ([(header::ETAG, etag)], thing.clone()).into_response()
                }
            },
        }
    }
}

/// An answer whose connection ends before it is whole.
fn lost() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(io::Error::other("lost"))])).into_response()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Some ten thousand bytes that become ten million.
fn bomb() -> Vec<u8> {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| packed(&vec![0; 10 << 20])).clone()
}
