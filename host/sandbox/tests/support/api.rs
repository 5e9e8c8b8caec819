//! An API server for tests: `ConfigMap`s in memory, no `Node` at all, and every request written down.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use capstan_cluster::Cluster;
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Api(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By path.
    objects: BTreeMap<String, Value>,
    requests: Vec<String>,
    /// All others too, those of discovery among them: method and path.
    everything: Vec<String>,
    /// Who owns what an apply wants.
    owners: Vec<String>,
}

impl Api {
    /// A `ConfigMap` that is there. Its uid is its name.
    pub(crate) fn with(self, namespace: &str, name: &str, labels: &Value) -> Self {
        let metadata =
            json!({"namespace": namespace, "name": name, "uid": name, "resourceVersion": "1", "labels": labels});
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {}});
        self.0.lock().unwrap().objects.insert(path(namespace, name), object);
        self
    }

    /// A Secret that is there, with one value.
    pub(crate) fn with_secret(self, namespace: &str, name: &str, key: &str, value: &str) -> Self {
        let metadata = json!({"namespace": namespace, "name": name, "uid": name, "resourceVersion": "1"});
        let data = json!({key: STANDARD.encode(value)});
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
        self.0.lock().unwrap().objects.insert(format!("/api/v1/namespaces/{namespace}/secrets/{name}"), object);
        self
    }

    /// The fields of all objects belong to these, as every apply without force is told.
    pub(crate) fn owned_by(self, managers: &[&str]) -> Self {
        self.0.lock().unwrap().owners = managers.iter().map(|&manager| manager.to_owned()).collect();
        self
    }

    /// All requests so far but those of discovery: method, path with query, body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }

    /// Whatever was asked so far, that of discovery and of kinds that nobody knows too: method and path.
    pub(crate) fn everything(&self) -> Vec<String> {
        self.0.lock().unwrap().everything.clone()
    }

    /// The client side.
    pub(crate) fn cluster(&self) -> Cluster {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap_or_default();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let query = parts.uri.query().unwrap_or_default();
                let (code, answer) = api.answer(&parts.method, parts.uri.path(), query, body);
                let answer = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
                Ok::<_, Infallible>(answer.unwrap())
            }
        });
        Cluster::new(kube::Client::new(service, "default"))
    }

    fn answer(&self, method: &Method, path: &str, query: &str, body: Value) -> (u16, Value) {
        let mut state = self.0.lock().unwrap();
        state.everything.push(format!("{method} {path}"));
        if path == "/api/v1" {
            let verbs = ["get", "list", "watch", "create", "patch", "delete"];
            let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs});
            let resources = [
                resource("configmaps", "ConfigMap", true),
                resource("secrets", "Secret", true),
                resource("nodes", "Node", false),
            ];
            return (200, json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": resources}));
        }
        if !path.contains("/configmaps") && !path.contains("/secrets/") {
            return not_found(path);
        }
        let separator = if query.is_empty() { "" } else { "?" };
        let sent = if body.is_null() { String::new() } else { format!(" {body}") };
        state.requests.push(format!("{method} {path}{separator}{query}{sent}"));
        match *method {
            Method::GET if path.ends_with("/configmaps") => {
                let prefix = path.strip_suffix("/configmaps").unwrap_or_default();
                let items: Vec<_> = state
                    .objects
                    .iter()
                    .filter(|(path, _)| path.starts_with(prefix))
                    .map(|(_, object)| object)
                    .collect();
                (
                    200,
                    json!({"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}, "items": items}),
                )
            }
            Method::GET => state.objects.get(path).map_or_else(|| not_found(path), |object| (200, object.clone())),
            Method::POST => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap_or_default());
                state.objects.insert(path, body.clone());
                (201, body)
            }
            Method::PATCH if query.contains("force=false") && !state.owners.is_empty() => conflict(&state.owners),
            Method::PATCH => {
                let target = path.strip_suffix("/scale").unwrap_or(path);
                let mut object = state.objects.get(target).cloned().unwrap_or_else(|| body.clone());
                object["data"] = body["data"].clone();
                if query.contains("dryRun=All") {
                    return (200, object);
                }
                object["metadata"]["resourceVersion"] = json!("2");
                if target != path {
                    object["kind"] = json!("Scale");
                    object["apiVersion"] = json!("autoscaling/v1");
                }
                state.objects.insert(target.to_owned(), object.clone());
                (200, object)
            }
            Method::DELETE => match state.objects.remove(path) {
                Some(_) => (200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})),
                None => not_found(path),
            },
            _ => panic!("{method} {path}"),
        }
    }
}

fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps/{name}")
}

fn conflict(owners: &[String]) -> (u16, Value) {
    let cause = |owner: &String| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {owner:?}"), "field": ".data"});
    let causes: Vec<_> = owners.iter().map(cause).collect();
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 409, "reason": "Conflict",
        "message": "apply failed", "details": {"causes": causes},
    });
    (409, status)
}

fn not_found(path: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "reason": "NotFound",
        "message": format!("nothing at {path}"), "details": {"name": path.rsplit('/').next(), "kind": "configmaps"},
    });
    (404, status)
}
