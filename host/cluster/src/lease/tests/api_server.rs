//! The embedded API server, with a line to it for each replica that can be disturbed.

use std::{
    convert::Infallible,
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{Router, body::Body as AxumBody};
use capstan_devcluster::{DevCluster, Options};
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt;

use super::super::{Replicas, Timing};
use crate::Cluster;

const COLLECTION: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/// A cluster whose Leases are in `default`.
pub(super) struct ApiServer(Router);

/// One replica's line.
#[derive(Clone)]
pub(super) struct Line {
    router: Router,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    trouble: Option<Trouble>,
    /// Watches bring nothing any more, and do not end.
    deaf: bool,
    /// When the last write was taken.
    last_write: Option<Instant>,
    reads: usize,
    writes: usize,
}

/// What happens to all requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// They are refused with this code.
    Refused(u16),
    /// They are lost.
    Silent,
    /// They are done, and the answers to writes are lost.
    AnswersLost,
}

impl ApiServer {
    pub(super) fn new() -> Self {
        Self(DevCluster::new(Options::default()).router())
    }

    pub(super) fn line(&self) -> Line {
        Line { router: self.0.clone(), state: Arc::default() }
    }

    /// A replica of this name with a line of its own.
    pub(super) fn replica(&self, name: &str, seed: u64) -> (Replicas, Line) {
        let line = self.line();
        (Replicas::new(&line.cluster(), "default", name, Timing::default()).unwrap().seeded(seed), line)
    }

    /// All Leases.
    pub(super) async fn leases(&self) -> Vec<Value> {
        let (_, list) = self.request("GET", COLLECTION, "", &Value::Null).await;
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// The Lease of a provider; null if there is none.
    pub(super) async fn lease(&self, provider: &str) -> Value {
        let name = format!("capstan-provider-{provider}");
        let found = self.leases().await.into_iter().find(|lease| lease["metadata"]["name"] == *name);
        found.unwrap_or_default()
    }

    /// The name of the replica that holds a provider.
    pub(super) async fn holder(&self, provider: &str) -> String {
        let lease = self.lease(provider).await;
        lease["spec"]["holderIdentity"].as_str().unwrap_or_default().split('_').next().unwrap_or_default().to_owned()
    }

    pub(super) async fn members(&self) -> usize {
        self.leases().await.iter().filter(|lease| lease["metadata"]["labels"]["capstan.dev/lease"] == "member").count()
    }

    pub(super) async fn make(&self, name: &str, labels: &Value, spec: &Value) {
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "labels": labels}, "spec": spec,
        });
        let (code, answer) = self.request("POST", COLLECTION, "application/json", &body).await;
        assert_eq!(code, 201, "{answer}");
    }

    pub(super) async fn patch(&self, name: &str, patch: &Value) {
        let lease = format!("{COLLECTION}/{name}");
        let (code, answer) = self.request("PATCH", &lease, "application/merge-patch+json", patch).await;
        assert_eq!(code, 200, "{answer}");
    }

    pub(super) async fn delete(&self, name: &str) {
        let path = format!("{COLLECTION}/{name}");
        assert_eq!(self.request("DELETE", &path, "application/json", &json!({})).await.0, 200);
    }

    async fn request(&self, method: &str, path: &str, content_type: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        let answer = self.0.clone().oneshot(request.body(AxumBody::from(body.to_string())).unwrap()).await.unwrap();
        let code = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (code, serde_json::from_slice(&bytes).unwrap())
    }
}

impl Line {
    pub(super) fn cluster(&self) -> Cluster {
        let line = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let line = line.clone();
            async move { Ok::<_, Infallible>(line.pass(request).await) }
        });
        Cluster::new(kube::Client::new(service, "default"))
    }

    pub(super) fn trouble(&self, trouble: impl Into<Option<Trouble>>) {
        self.state().trouble = trouble.into();
    }

    /// From now on watches that begin bring nothing. Those that run are cut off.
    pub(super) fn deafen(&self) {
        self.state().deaf = true;
    }

    /// When the last write of this line was taken.
    pub(super) fn last_write(&self) -> Instant {
        self.state().last_write.unwrap()
    }

    pub(super) fn reads(&self) -> usize {
        self.state().reads
    }

    pub(super) fn writes(&self) -> usize {
        self.state().writes
    }

    async fn pass(&self, request: Request<Body>) -> Response<AxumBody> {
        let writes = request.method() != Method::GET;
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let trouble = self.state().trouble;
        match trouble {
            Some(Trouble::Silent) => return pending().await,
            Some(Trouble::Refused(code)) => return refused(code),
            Some(Trouble::AnswersLost) | None => {}
        }
        let Ok(answer) = self.router.clone().oneshot(request).await;
        if writes && answer.status().is_success() {
            let mut state = self.state();
            state.last_write = Some(Instant::now());
            state.writes += 1;
        } else if !writes {
            self.state().reads += 1;
        }
        if writes && trouble == Some(Trouble::AnswersLost) {
            return pending().await;
        }
        if watches {
            let (line, (parts, body)) = (self.clone(), answer.into_parts());
            let frames = futures::StreamExt::filter(body.into_data_stream(), move |_| {
                let deaf = line.state().deaf;
                async move { !deaf }
            });
            return Response::from_parts(parts, AxumBody::from_stream(frames));
        }
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn refused(code: u16) -> Response<AxumBody> {
    let reason = if code == 403 { "Forbidden" } else { "InternalError" };
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "reason": reason, "code": code});
    Response::builder().status(code).body(AxumBody::from(status.to_string())).unwrap()
}
