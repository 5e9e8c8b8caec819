//! A collector of traces, as far as a host notices.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
};
use prost::Message;
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};

/// Requests that were taken, as they came.
type Taken = Arc<Mutex<Vec<Bytes>>>;

/// Listens on the loopback interface until it is dropped, and keeps what it is sent.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    taken: Taken,
    accepting: AbortHandle,
}

/// What a host says about a piece of work.
#[derive(Debug, Clone)]
pub struct Span {
    /// What all spans of one trace have in common.
    pub trace: Vec<u8>,
    /// The span's own identity.
    pub id: Vec<u8>,
    /// The span it is a part of; empty for a root.
    pub parent: Vec<u8>,
    /// What is done.
    pub name: String,
    /// Attributes that are texts.
    pub attributes: BTreeMap<String, String>,
    /// `service.name` of who sent it.
    pub service: String,
}

impl Collector {
    /// On a free port.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the collector")?;
        let (address, taken) = (listener.local_addr()?, Taken::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&taken))).abort_handle();
        Ok(Self { address, taken, accepting })
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that were sent so far.
    ///
    /// # Errors
    /// If something else was sent.
    pub fn spans(&self) -> Result<Vec<Span>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut spans = Vec::new();
        for body in taken {
            let request = ExportTraceServiceRequest::decode(body).context("this is no trace")?;
            for sent in request.resource_spans {
                let resource = texts(sent.resource.map(|resource| resource.attributes).unwrap_or_default());
                let service = resource.get("service.name").cloned().unwrap_or_default();
                spans.extend(sent.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| Span {
                    trace: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    name: span.name,
                    attributes: texts(span.attributes),
                    service: service.clone(),
                }));
            }
        }
        Ok(spans)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, taken: Taken) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let taken = Arc::clone(&taken);
        connections.spawn(async move {
            let take = service_fn(|request| take(request, &taken));
            // A host that is killed breaks its connections.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), take).await;
        });
    }
}

async fn take(request: Request<Incoming>, taken: &Taken) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut answer = Response::new(Full::default());
    if (request.method(), request.uri().path()) != (&Method::POST, "/v1/traces") {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    } else if let Ok(body) = request.into_body().collect().await {
        taken.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_bytes());
    }
    Ok(answer)
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |KeyValue { key, value, .. }| match value?.value? {
        Value::StringValue(text) => Some((key, text)),
        _ => None,
    };
    attributes.into_iter().filter_map(text).collect()
}
