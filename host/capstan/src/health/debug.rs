//! What a person at the machine may look into: queues and watches, with the names of objects. Nobody else may.

use std::{net::IpAddr, time::Duration};

use axum::{
    Extension, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header, uri::Authority},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::Health;

/// For the answer of a controller; one at work answers between two reconciles it begins.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches that are listed.
const WATCHES: usize = 1000;

/// Who asks: the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// GET of `/debug/queue` and `/debug/watches`, which needs a [`Peer`] on the loopback.
pub(super) fn routes() -> Router<Health> {
    Router::new().route("/debug/queue", get(queue)).route("/debug/watches", get(watches))
}

async fn queue(State(health): State<Health>, peer: Option<Extension<Peer>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refuse(peer, &headers) {
        return refusal;
    }
    let Some(queues) = health.queues() else { return standby() };
    answer(&json!({"controllers": queues.ask(PATIENCE).await}))
}

async fn watches(State(health): State<Health>, peer: Option<Extension<Peer>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refuse(peer, &headers) {
        return refusal;
    }
    let Some(watches) = health.watches() else { return standby() };
    let mut watches = watches.listing();
    let omitted = watches.len().saturating_sub(WATCHES);
    watches.truncate(WATCHES);
    answer(&json!({"watches": watches, "omitted": omitted}))
}

/// Only who is on this machine, or has a tunnel into the pod, and asks for it by that name. A web page that has its own name
/// lead here, and a proxy beside us that speaks for others, are not.
fn refuse(peer: Option<Extension<Peer>>, headers: &HeaderMap) -> Option<Response> {
    let near = peer.is_some_and(|Extension(Peer(address))| address.to_canonical().is_loopback());
    let forwarded = headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for");
    if near && !forwarded && is_called_by_its_name(headers) {
        return None;
    }
    let advice = "only on the machine itself: use localhost, or `kubectl port-forward`\n";
    Some((StatusCode::FORBIDDEN, advice).into_response())
}

/// `localhost` or a loopback address, with or without a port.
fn is_called_by_its_name(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.is_some_and(|authority| {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
    })
}

fn standby() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "this process does not do the work: ask the replica that leads\n").into_response()
}

fn answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], format!("{value:#}\n")).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tokio_util::sync::CancellationToken;
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str, peer: Option<&str>, header: (&str, &str)) -> StatusCode {
        let routes = routes().with_state(Health::new(CancellationToken::new()));
        let routes = match peer {
            Some(peer) => routes.layer(Extension(Peer(peer.parse().unwrap()))),
            None => routes,
        };
        let request = Request::builder().uri(path).header("host", "localhost:8081").header(header.0, header.1);
        routes.oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn only_who_is_on_the_machine_may_look() {
        let nothing = ("accept", "*/*");
        for path in ["/debug/queue", "/debug/watches"] {
            for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
                assert_eq!(ask(path, Some(peer), nothing).await, StatusCode::SERVICE_UNAVAILABLE, "{peer}: standby");
            }
            for peer in [Some("10.0.0.1"), Some("::ffff:10.0.0.1"), Some("fe80::1"), Some("0.0.0.0"), None] {
                assert_eq!(ask(path, peer, nothing).await, StatusCode::FORBIDDEN, "{peer:?}");
            }
            for header in [("forwarded", "for=10.0.0.1"), ("x-forwarded-for", "10.0.0.1")] {
                assert_eq!(ask(path, Some("127.0.0.1"), header).await, StatusCode::FORBIDDEN, "{header:?}");
            }
        }
    }

    #[test]
    fn a_name_that_leads_here_is_not_ours() {
        let called = |host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            is_called_by_its_name(&headers)
        };
        for host in ["localhost", "LocalHost:8081", "127.0.0.1:9", "[::1]:8081"] {
            assert!(called(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""] {
            assert!(!called(host), "{host}");
        }
        assert!(!is_called_by_its_name(&HeaderMap::new()));
    }
}
