//! Plain requests to a cluster in process.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use capstan_devcluster::{DevCluster, Options};
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) struct Caller {
    router: axum::Router,
}

pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Caller {
    pub(crate) fn new() -> Self {
        Self::with(&DevCluster::new(Options::default()))
    }

    pub(crate) fn with(cluster: &DevCluster) -> Self {
        Self { router: cluster.router() }
    }

    /// A cluster that serves `widgets.demo.example` in a namespace `golden`.
    pub(crate) async fn with_widgets() -> Self {
        let caller = Self::new();
        caller.add_widgets().await;
        caller
    }

    pub(crate) async fn add_widgets(&self) {
        let created = self.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &widgets()).await;
        assert_eq!(created.code, 201, "{}", created.text);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "golden"}});
        assert_eq!(self.post("/api/v1/namespaces", &namespace).await.code, 201);
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("user-agent", "recorder/1.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.into())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer { code: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        self.call("GET", path, &[("accept", accept)], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call("DELETE", path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn merge(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, &[("content-type", "application/merge-patch+json")], body.to_string()).await
    }

    pub(crate) async fn json_patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, &[("content-type", "application/json-patch+json")], body.to_string()).await
    }

    pub(crate) async fn apply(&self, path: &str, body: &str) -> Answer {
        self.call("PATCH", path, &[("content-type", "application/apply-patch+yaml")], body).await
    }
}

pub(crate) const WIDGETS: &str = "/apis/demo.example/v1/namespaces/golden/widgets";

pub(crate) fn widget(name: &str, spec: Value) -> Value {
    let mut widget = json!({"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"name": name}});
    widget["spec"] = spec;
    widget
}

pub(crate) fn widgets() -> Value {
    serde_saphyr::from_str(include_str!("widgets.yaml")).unwrap()
}
