//! The embedded API server, with a line to it for each contender that can be disturbed.

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

use crate::{Cluster, lease::Identity};

use super::super::{Lease, Timing};

const COLLECTION: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";

/// A cluster whose lease is `default/l`.
pub(super) struct ApiServer(Router);

/// One contender's line.
#[derive(Clone)]
pub(super) struct Line {
    router: Router,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    trouble: Option<Trouble>,
    /// Requests with this in their path are never answered.
    hanging: Option<&'static str>,
    /// Somebody else writes this just before the next write.
    overtaking: Option<Value>,
    /// When the last write was taken.
    last_write: Option<Instant>,
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

    /// A contender of this name with a line of its own.
    pub(super) fn contender(&self, name: &str) -> (Lease, Line) {
        let line = self.line();
        (line.lease(name), line)
    }

    /// The lease's `spec`; null if there is no lease.
    pub(super) async fn spec(&self) -> Value {
        self.request("GET", LEASE, "", &Value::Null).await.1["spec"].clone()
    }

    pub(super) async fn holder(&self) -> String {
        self.spec().await["holderIdentity"].as_str().unwrap_or_default().split('_').next().unwrap().to_owned()
    }

    /// Another holder, as a process that is no longer there has left it.
    pub(super) async fn make(&self, spec: &Value) {
        let body =
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": spec});
        let (code, answer) = self.request("POST", COLLECTION, "application/json", &body).await;
        assert_eq!(code, 201, "{answer}");
    }

    pub(super) async fn patch(&self, patch: &Value) {
        let (code, answer) = self.request("PATCH", LEASE, "application/merge-patch+json", patch).await;
        assert_eq!(code, 200, "{answer}");
    }

    pub(super) async fn delete(&self) {
        assert_eq!(self.request("DELETE", LEASE, "application/json", &json!({})).await.0, 200);
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

    pub(super) fn lease(&self, name: &str) -> Lease {
        let identity = Identity::of_pod(name);
        Lease::new(&self.cluster(), "default", "l", identity, Timing::default()).unwrap().seeded(7)
    }

    pub(super) fn trouble(&self, trouble: impl Into<Option<Trouble>>) {
        self.state().trouble = trouble.into();
    }

    /// Just before the next write of this line, somebody else writes this spec.
    pub(super) fn overtake(&self, spec: Value) {
        self.state().overtaking = Some(spec);
    }

    /// Requests with this in their path are never answered.
    pub(super) fn hang_on(&self, path: &'static str) {
        self.state().hanging = Some(path);
    }

    /// When the last write of this line was taken.
    pub(super) fn last_write(&self) -> Instant {
        self.state().last_write.unwrap()
    }

    pub(super) fn writes(&self) -> usize {
        self.state().writes
    }

    async fn pass(&self, request: Request<Body>) -> Response<AxumBody> {
        let writes = request.method() != Method::GET;
        let (trouble, overtaking) = {
            let mut state = self.state();
            let overtaking = if writes { state.overtaking.take() } else { None };
            (state.trouble, overtaking)
        };
        if self.state().hanging.is_some_and(|hanging| request.uri().path().contains(hanging)) {
            return pending().await;
        }
        if let Some(spec) = overtaking {
            ApiServer(self.router.clone()).patch(&json!({"spec": spec})).await;
        }
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
        }
        if writes && trouble == Some(Trouble::AnswersLost) {
            return pending().await;
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
