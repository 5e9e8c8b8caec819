//! What is answered.

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{Health, debug, metrics::CONTENT_TYPE};

/// GET and HEAD of `/livez`, `/readyz` and `/metrics`, and of what [`debug`] shows. Nothing of a request's body is read.
pub(super) fn routes(health: Health) -> Router {
    Router::new()
        .route("/livez", get(async |State(health): State<Health>| verdict(health.liveness())))
        .route("/readyz", get(async |State(health): State<Health>| verdict(health.readiness())))
        .route("/metrics", get(metrics))
        .merge(debug::routes())
        .with_state(health)
}

fn verdict(verdict: Result<&'static str, &'static str>) -> Response {
    match verdict {
        Ok(text) => (StatusCode::OK, format!("{text}\n")).into_response(),
        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n")).into_response(),
    }
}

async fn metrics(State(health): State<Health>) -> Response {
    match health.metrics() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tokio::time::advance;
    use tokio_util::sync::CancellationToken;
    use tower::ServiceExt;

    use super::*;
    use crate::health::Phase;

    async fn ask(health: &Health, method: &str, path: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = routes(health.clone()).oneshot(request).await.unwrap();
        let code = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn probes_follow_the_state_of_the_process() {
        let health = Health::new(CancellationToken::new());
        assert_eq!(ask(&health, "GET", "/livez").await, (200, "ok\n".to_owned()));
        assert_eq!(ask(&health, "GET", "/readyz").await.0, 503);
        health.enter(Phase::Standby);
        assert_eq!(ask(&health, "GET", "/readyz").await.0, 200);
        // Nobody polls the heartbeat.
        advance(Duration::from_secs(10)).await;
        assert_eq!(ask(&health, "GET", "/livez").await.0, 503);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_reads_is_answered() {
        let health = Health::new(CancellationToken::new());
        let (code, text) = ask(&health, "GET", "/metrics").await;
        assert_eq!(code, 200);
        assert!(text.ends_with("# EOF\n"), "{text}");
        assert_eq!(ask(&health, "HEAD", "/metrics").await, (200, String::new()));
        assert_eq!(ask(&health, "POST", "/livez").await.0, 405);
        assert_eq!(ask(&health, "GET", "/").await.0, 404);
    }
}
