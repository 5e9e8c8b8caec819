//! As much of an API server as controllers need: discovery, get, list, watch, create and merge patches, in one namespace.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{sync::broadcast, time::sleep};

use crate::managed::merge;

/// A kind by its plural.
struct Served {
    plural: &'static str,
    group_version: &'static str,
    kind: &'static str,
}

const SERVED: [Served; 3] = [
    Served { plural: "things", group_version: "example.org/v1", kind: "Thing" },
    Served { plural: "configmaps", group_version: "v1", kind: "ConfigMap" },
    Served { plural: "events", group_version: "events.k8s.io/v1", kind: "Event" },
];

#[derive(Clone)]
pub(super) struct ApiServer {
    state: Arc<Mutex<Contents>>,
    changes: broadcast::Sender<Told>,
}

/// What watches are told.
#[derive(Clone)]
struct Told {
    plural: &'static str,
    name: String,
    event: &'static str,
    object: Value,
}

impl Told {
    /// With the type first, as API servers write it.
    fn line(&self) -> Bytes {
        format!("{{\"type\":\"{}\",\"object\":{}}}\n", self.event, self.object).into()
    }
}

#[derive(Default)]
struct Contents {
    version: u64,
    /// By plural and name.
    objects: BTreeMap<(&'static str, String), Value>,
    /// `PATCH things/a/status`, in their order.
    writes: Vec<String>,
    /// `GET /api/v1/namespaces/ns/configmaps/s`, every request in their order.
    requests: Vec<String>,
    /// So many patches of things are still to be answered with this.
    refused: (usize, StatusCode),
    /// By how much watches are late.
    lag: Duration,
    /// The plural that nobody may list or watch.
    unlisted: Option<&'static str>,
}

impl ApiServer {
    /// Its watches are late by `lag`.
    pub(super) fn new(lag: Duration) -> Self {
        let contents = Contents { lag, ..Contents::default() };
        Self { state: Arc::new(Mutex::new(contents)), changes: broadcast::channel(1_024).0 }
    }

    pub(super) fn client(&self) -> kube::Client {
        kube::Client::new(Router::new().fallback(answer).with_state(self.clone()), "ns")
    }

    pub(super) fn get(&self, plural: &'static str, name: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(&(plural, name.to_owned())).cloned()
    }

    /// `a: Reason`, for each event about a thing.
    pub(super) fn events(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let events = state.objects.iter().filter(|((plural, _), _)| *plural == "events").map(|(_, event)| event);
        events.map(|event| format!("{}: {}", text(&event["regarding"]["name"]), text(&event["reason"]))).collect()
    }

    /// All objects of a plural.
    pub(super) fn list_of(&self, plural: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        state.objects.iter().filter(|((own, _), _)| *own == plural).map(|(_, object)| object.clone()).collect()
    }

    /// What was written to things through the API, and forgets it.
    pub(super) fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().writes)
    }

    /// Every request so far, and forgets them.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// Answers so many patches with a conflict, whatever they say.
    pub(super) fn conflict(&self, times: usize) {
        self.state.lock().unwrap().refused = (times, StatusCode::CONFLICT);
    }

    /// Answers so many patches with an error of its own.
    pub(super) fn break_down(&self, times: usize) {
        self.state.lock().unwrap().refused = (times, StatusCode::INTERNAL_SERVER_ERROR);
    }

    /// Answers so many patches as if their path led nowhere, as a proxy does that does not find its way.
    pub(super) fn mislead(&self, times: usize) {
        self.state.lock().unwrap().refused = (times, StatusCode::NOT_FOUND);
    }

    /// Refuses lists and watches of a plural from now on.
    pub(super) fn forbid_lists(&self, plural: &'static str) {
        self.state.lock().unwrap().unlisted = Some(plural);
    }

    /// How many watches are open.
    pub(super) fn watches(&self) -> usize {
        self.changes.receiver_count()
    }

    /// Creates an object, or changes it with a merge patch. An equal patch changes nothing.
    pub(super) fn apply(&self, plural: &'static str, name: &str, patch: &Value) -> Value {
        let served = SERVED.iter().find(|served| served.plural == plural).unwrap();
        let mut state = self.state.lock().unwrap();
        let key = (plural, name.to_owned());
        let before = state.objects.get(&key).cloned();
        let mut object = before.clone().unwrap_or_else(|| {
            json!({
                "apiVersion": served.group_version, "kind": served.kind,
                "metadata": {"name": name, "namespace": "ns", "uid": format!("uid-{name}"), "generation": 1},
            })
        });
        let mut patch = patch.clone();
        if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        merge::apply(&mut object, &patch);
        if before.as_ref() == Some(&object) {
            return object;
        }
        if let Some(before) = before.as_ref().filter(|before| before["spec"] != object["spec"]) {
            object["metadata"]["generation"] = json!(before["metadata"]["generation"].as_i64().unwrap() + 1);
        }
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let held = object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        let event = if object["metadata"].get("deletionTimestamp").is_some() && !held {
            state.objects.remove(&key);
            "DELETED"
        } else {
            state.objects.insert(key, object.clone());
            if before.is_none() { "ADDED" } else { "MODIFIED" }
        };
        // Without watches there is nobody to tell.
        let _ = self.changes.send(Told { plural, name: name.to_owned(), event, object: object.clone() });
        object
    }

    fn list(&self, served: &Served, name: Option<&str>) -> Value {
        let state = self.state.lock().unwrap();
        let wanted = |(plural, own): &(&str, String)| *plural == served.plural && name.is_none_or(|name| own == name);
        let items: Vec<_> = state.objects.iter().filter(|(key, _)| wanted(key)).map(|(_, object)| object).collect();
        json!({
            "apiVersion": served.group_version, "kind": format!("{}List", served.kind),
            "metadata": {"resourceVersion": state.version.to_string()}, "items": items,
        })
    }

    fn watch(&self, served: &'static Served, name: Option<String>, since: u64) -> Response {
        let state = self.state.lock().unwrap();
        // Both under the lock, so that nothing is missed in between.
        let changes = self.changes.subscribe();
        let before: Vec<_> = state
            .objects
            .iter()
            .map(|((plural, name), object)| Told {
                plural,
                name: name.clone(),
                event: "MODIFIED",
                object: object.clone(),
            })
            .collect();
        let lag = state.lag;
        let live = stream::unfold(changes, move |mut changes| async move {
            let told = changes.recv().await.ok()?;
            sleep(lag).await;
            Some((told, changes))
        });
        let lines = stream::iter(before).chain(live).filter_map(move |told| {
            let wanted = told.plural == served.plural && name.as_ref().is_none_or(|name| told.name == *name);
            let version: u64 = text(&told.object["metadata"]["resourceVersion"]).parse().unwrap();
            ready((wanted && version > since).then(|| Ok::<_, Infallible>(told.line())))
        });
        Body::from_stream(lines).into_response()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn refuse(code: StatusCode, reason: &str) -> Response {
    refuse_for("", code, reason)
}

/// A missing object is named; a path that leads nowhere names none.
fn refuse_for(name: &str, code: StatusCode, reason: &str) -> Response {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code.as_u16(), "details": {"name": name},
    });
    (code, Json(status)).into_response()
}

async fn answer(State(api): State<ApiServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    api.state.lock().unwrap().requests.push(format!("{} {}", parts.method, parts.uri));
    let path = parts.uri.path().replace("namespaces/ns/", "");
    let path = path.trim_start_matches("/apis/").trim_start_matches("/api/");
    let body: Value = serde_json::from_slice(&to_bytes(body, 1 << 20).await.unwrap()).unwrap_or_default();
    let within =
        |served: &&Served| path.starts_with(&format!("{}/", served.group_version)) || path == served.group_version;
    let Some(served) = SERVED.iter().find(within) else {
        return refuse(StatusCode::NOT_FOUND, "NotFound");
    };
    let below: Vec<_> = path[served.group_version.len()..].split('/').skip(1).collect();
    match (&parts.method, below.as_slice()) {
        (&Method::GET, []) => {
            let resource = |name: String| json!({"name": name, "singularName": "", "namespaced": true, "kind": served.kind, "verbs": []});
            let resources = [resource(served.plural.to_owned()), resource(format!("{}/status", served.plural))];
            let list = json!({"groupVersion": served.group_version, "resources": resources});
            Json(list).into_response()
        }
        (&Method::GET, [plural]) if api.state.lock().unwrap().unlisted == Some(*plural) => {
            refuse(StatusCode::FORBIDDEN, "Forbidden")
        }
        (&Method::GET, [_]) => {
            let query = parts.uri.query().unwrap_or_default().replace("%3D", "=");
            let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            let name = value("fieldSelector").and_then(|selector| selector.strip_prefix("metadata.name="));
            if value("watch").is_some() {
                let since = value("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
                return api.watch(served, name.map(str::to_owned), since);
            }
            Json(api.list(served, name)).into_response()
        }
        (&Method::POST, [_]) => {
            let name = text(&body["metadata"]["name"]);
            (StatusCode::CREATED, Json(api.apply(served.plural, name, &body))).into_response()
        }
        (method, [_, name, subresource @ ..]) => {
            let Some(object) = api.get(served.plural, name) else {
                return refuse_for(name, StatusCode::NOT_FOUND, "NotFound");
            };
            if method == Method::GET {
                return Json(object).into_response();
            }
            if served.plural == "things" {
                api.state.lock().unwrap().writes.push(format!("{method} {}", below.join("/")));
            }
            {
                let mut state = api.state.lock().unwrap();
                if served.plural == "things" && state.refused.0 > 0 {
                    state.refused.0 -= 1;
                    return refuse(state.refused.1, state.refused.1.canonical_reason().unwrap());
                }
            }
            let metadata = &body["metadata"];
            let stale = |member: &str| metadata.get(member).is_some_and(|own| *own != object["metadata"][member]);
            if stale("resourceVersion") || stale("uid") {
                return refuse(StatusCode::CONFLICT, "Conflict");
            }
            let mut change = body.clone();
            let members = change.as_object_mut().unwrap();
            members.retain(|member, _| (member == "status") != subresource.is_empty());
            Json(api.apply(served.plural, name, &change)).into_response()
        }
        _ => refuse(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}
