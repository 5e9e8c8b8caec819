//! The network side: connections, and what goes wrong with them on demand.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming as HyperBody;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::fault::{Failure, strike};
use crate::pipeline::{Incoming, Outgoing, Shared, secondary};

/// The largest body that is read. GitHub's own limit for files is higher; nothing here needs it.
const LARGEST_BODY: usize = 4 << 20;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);
/// The page that GitHub's proxies show when what is behind them fails.
const UNICORN: &str =
    "<!DOCTYPE html><html><body><h1>We had issues producing the response to your request.</h1></body></html>";

/// Ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on demand")]
struct Dropped;

/// Serves connections until it is cancelled, then ends them.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener, cancel: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(Arc::clone(&shared), stream));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let service = service_fn(move |request| handle(Arc::clone(&shared), request));
    // An error is a connection that ended early, by the client or on demand; requests are written down where they are handled.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn handle(shared: Arc<Shared>, request: Request<HyperBody>) -> Result<Response<Full<Bytes>>, Dropped> {
    let (parts, body) = request.into_parts();
    let collected = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST_BODY).collect()).await;
    let body = collected.map_err(|_| Dropped)?.map_err(|_| Dropped)?.to_bytes();
    let incoming = Incoming { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let path = shared.path(&incoming.uri).map(str::to_owned);
    let failure = path.as_deref().and_then(|path| {
        let mut faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        strike(&mut faults, &incoming.method, path)
    });
    let planned = match failure {
        None if path.is_none() => Some(Answer::error(404, "Not Found", "https://docs.github.com/rest")),
        None => None,
        Some(Failure::Drop) => {
            shared.dropped(&incoming);
            return Err(Dropped);
        }
        Some(Failure::DropAfter) => {
            shared.answer(&incoming, None);
            return Err(Dropped);
        }
        Some(Failure::Slow(delay)) => {
            let outgoing = shared.answer(&incoming, None);
            tokio::time::sleep(delay).await;
            return Ok(response(outgoing));
        }
        Some(Failure::Status(status @ (502 | 503))) => Some(Answer::raw(status, "text/html", UNICORN)),
        Some(Failure::Status(status)) => Some(Answer::error(status, "Server Error", "https://docs.github.com/rest")),
        Some(Failure::SecondaryLimit(wait)) => Some(secondary(wait)),
        Some(Failure::Page(status, media_type, page)) => Some(Answer::raw(status, media_type, page)),
    };
    Ok(response(shared.answer(&incoming, planned)))
}

fn response(outgoing: Outgoing) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(outgoing.body));
    *response.status_mut() = StatusCode::from_u16(outgoing.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in outgoing.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    response
}
