//! A registry that answers by a script, and who asks it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use capstan_oci::{Access, CONFIG_TYPE, Client, Credentials, Digest, LAYER_TYPE, Reference, Repository};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
};

/// What a request was: method, path with query, and who it said it was from.
pub(crate) type Asked = (Method, String, Option<String>);
type Script = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (script, log): (Script, _) = (Arc::new(script), Arc::clone(&asked));
        let router = Router::new().fallback(move |request: Request| {
            let (script, log) = (Arc::clone(&script), Arc::clone(&log));
            async move {
                let who = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
                let asked = (request.method().clone(), request.uri().to_string(), who);
                log.lock().unwrap().push(asked.clone());
                script(&asked)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    pub(crate) fn repository(&self, version: &str) -> Repository {
        open(self.address, version, None)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) fn open(address: SocketAddr, version: &str, credentials: Option<Credentials>) -> Repository {
    let reference: Reference = format!("{address}/note{version}").parse().unwrap();
    Repository::to_pull(&client(None), &reference, plain(credentials)).unwrap()
}

pub(crate) fn plain(credentials: Option<Credentials>) -> Access {
    Access { credentials, plain_http: true }
}

/// Trusts nobody.
pub(crate) fn client(proxy: Option<axum::http::Uri>) -> Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Client::new(Arc::new(tls), proxy)
}

/// Of a component that has these bytes, and this size if it is honest.
pub(crate) fn manifest(component: &[u8], size: usize) -> String {
    let digest = Digest::of(component);
    format!(
        r#"{{"config": {{"mediaType": "{CONFIG_TYPE}"}},
            "layers": [{{"mediaType": "{LAYER_TYPE}", "digest": "{digest}", "size": {size}}}]}}"#
    )
}

/// The manifest of four bytes, and what is said to be those.
pub(crate) fn stored((_, path, _): &Asked, component: impl Fn() -> Response) -> Response {
    if path.contains("/manifests/") { manifest(b"wasm", 4).into_response() } else { component() }
}

pub(crate) fn moved(to: &str) -> Response {
    (StatusCode::TEMPORARY_REDIRECT, [("location", to.to_owned())]).into_response()
}

/// Never ends.
pub(crate) fn endless() -> Response {
    let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 << 10]));
    Body::from_stream(Chunks(chunks)).into_response()
}

struct Chunks<I>(I);

impl<I: Iterator + Unpin> futures::Stream for Chunks<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

/// Somebody who writes these bytes to whoever asks, and says no more.
pub(crate) struct Raw {
    pub(crate) address: SocketAddr,
    /// Told of each request.
    pub(crate) asked: Arc<Notify>,
}

impl Raw {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, answer, asked) = (listener.local_addr().unwrap(), answer.into(), Arc::new(Notify::new()));
        let notify = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(&answer).await;
                notify.notify_one();
                open.push(stream);
            }
        });
        Self { address, asked }
    }
}
