//! An API server for tests. It serves `ConfigMap` and, unless it is told not to, `Thing` of example.com; every answer can
//! be replaced.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::body::Body;
use capstan_api::GroupVersionKind;
use futures::{StreamExt, channel::mpsc, future::pending};
use http::{HeaderMap, Method, Request, Response, Uri};
use serde_json::{Value, json};

use crate::{Cluster, Object, Selection, transport::Transport};

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    /// Method, path and query of each request so far.
    pub(crate) requests: Vec<String>,
    /// For each of them, what its headers say of whose name it is made in.
    pub(crate) users: Vec<Vec<(String, String)>>,
    /// Answers for requests whose path contains the text, used up one after the other.
    pub(crate) script: Vec<(String, VecDeque<Answer>)>,
    pub(crate) things_missing: bool,
    /// Things have no namespaces.
    pub(crate) things_cluster_scoped: bool,
    /// So long this process stands still before the next request is sent.
    pub(crate) connecting: Option<Duration>,
    objects: BTreeMap<String, Value>,
    version: u64,
    watches: Vec<(String, mpsc::Sender<Result<String, Infallible>>)>,
    /// Requests being answered, and the most there ever were.
    running: usize,
    pub(crate) most_running: usize,
}

#[derive(Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    /// With so many seconds in the header `Retry-After`.
    Busy(u16, u64),
    Never,
}

pub(crate) fn things() -> Selection {
    Selection::all(GroupVersionKind::gvk("example.com", "v1", "Thing"))
}

pub(crate) fn config_maps() -> Selection {
    Selection::all(GroupVersionKind::gvk("", "v1", "ConfigMap"))
}

/// A `Status` of the API server.
pub(crate) fn status(code: u16, reason: &str, details: &Value) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "refused", "reason": reason,
        "code": code, "details": details});
    Answer::Json(code, status)
}

/// A list's answer.
pub(crate) fn page(items: &[Value], next: &str) -> Answer {
    Answer::Json(200, json!({"metadata": {"resourceVersion": "100", "continue": next}, "items": items}))
}

/// An object of neither apiVersion nor kind, as lists of built-in kinds have them.
pub(crate) fn item(name: &str, version: u64) -> Value {
    let version = version.to_string();
    json!({"metadata": {"name": name, "namespace": "n", "uid": format!("uid-{name}"), "resourceVersion": version}})
}

impl Fake {
    pub(crate) fn cluster(&self) -> Cluster {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let fake = fake.clone();
            let (parts, _) = request.into_parts();
            fake.state().users.push(impersonated(&parts.headers));
            async move { Ok::<_, Infallible>(fake.answer(&parts.method, &parts.uri).await) }
        });
        Cluster::new(kube::Client::new(service, "default"))
    }

    pub(crate) fn transport(&self) -> Transport {
        self.cluster().transport().clone()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// The next requests whose path contains `path` get these answers.
    pub(crate) fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers = answers.into_iter().collect();
        self.state().script.push((path.to_owned(), answers));
    }

    /// How many requests had `text` in method, path or query.
    pub(crate) fn asked(&self, text: &str) -> usize {
        let state = self.state();
        state.requests.iter().filter(|request| request.contains(text)).count()
    }

    /// Stores an object and tells the watches of its kind.
    pub(crate) fn put(&self, plural: &str, name: &str) -> Object {
        let mut state = self.state();
        state.version += 1;
        let mut object = item(name, state.version);
        let (api_version, kind) = kind_of(plural);
        object["apiVersion"] = json!(api_version);
        object["kind"] = json!(kind);
        let place = format!("{plural}/{name}");
        let event = if state.objects.insert(place, object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
        state.tell(plural, event, &object);
        Object::from_value(object).unwrap()
    }

    /// Removes an object without a word to the watches.
    pub(crate) fn lose(&self, plural: &str, name: &str) {
        let mut state = self.state();
        state.version += 1;
        state.objects.remove(&format!("{plural}/{name}"));
    }

    /// Tells the watches of a kind something, such as an error.
    pub(crate) fn tell(&self, plural: &str, event: &str, object: &Value) {
        self.state().tell(plural, event, object);
    }

    /// Ends all open watches; their clients come back.
    pub(crate) fn disconnect(&self) {
        self.state().watches.clear();
    }

    /// Watches of a kind whose client is still there.
    pub(crate) fn open_watches(&self, plural: &str) -> usize {
        let state = self.state();
        let open = state.watches.iter().filter(|(of, sender)| of == plural && !sender.is_closed());
        open.count()
    }

    async fn answer(&self, method: &Method, uri: &Uri) -> Response<Body> {
        let _running = Running::begin(self);
        // Lets others begin meanwhile.
        tokio::task::yield_now().await;
        let connecting = self.state().connecting.take();
        if let Some(time) = connecting {
            tokio::time::advance(time).await;
        }
        let answer = self.state().answer(method, uri);
        match answer {
            Some(answer) => answer,
            None => pending().await,
        }
    }
}

fn impersonated(headers: &HeaderMap) -> Vec<(String, String)> {
    let said = headers.iter().filter(|(name, _)| name.as_str().starts_with("impersonate"));
    said.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect()
}

struct Running<'a>(&'a Fake);

impl<'a> Running<'a> {
    fn begin(fake: &'a Fake) -> Self {
        let mut state = fake.state();
        state.running += 1;
        state.most_running = state.most_running.max(state.running);
        Self(fake)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

impl State {
    /// `None`: never.
    fn answer(&mut self, method: &Method, uri: &Uri) -> Option<Response<Body>> {
        let url = uri.to_string();
        self.requests.push(format!("{method} {url}"));
        let scripted = self.script.iter_mut().find(|(path, answers)| url.contains(path) && !answers.is_empty());
        if let Some(answer) = scripted.and_then(|(_, answers)| answers.pop_front()) {
            return answer.response();
        }
        let path = uri.path();
        let plural = path.rsplit('/').next().unwrap_or_default().to_owned();
        let missing = Answer::Text(404, "404 page not found");
        if let Some((_, of)) =
            ["things", "configmaps"].iter().find_map(|plural| path.split_once(&format!("/{plural}/")))
            && !self.things_missing
            && *method == Method::GET
        {
            let plural = if path.contains("/things/") { "things" } else { "configmaps" };
            let found = self.objects.get(&format!("{plural}/{of}"));
            let none = status(404, "NotFound", &json!({"name": of}));
            return found.map_or(none, |object| Answer::Json(200, object.clone())).response();
        }
        match path {
            _ if self.things_missing && path.contains("example.com") => missing.response(),
            "/apis/example.com/v1" => resources("Thing", "things", !self.things_cluster_scoped).response(),
            "/api/v1" => resources("ConfigMap", "configmaps", true).response(),
            _ if url.contains("watch=true") => {
                let (sender, receiver) = mpsc::channel(64);
                self.watches.push((plural, sender));
                Some(Response::new(Body::from_stream(receiver.map(|line| line))))
            }
            _ if plural == "things" || plural == "configmaps" => {
                let prefix = format!("{plural}/");
                let objects = self.objects.iter().filter(|(place, _)| place.starts_with(&prefix));
                let items: Vec<_> = objects.map(|(_, object)| object.clone()).collect();
                let version = self.version.max(1).to_string();
                Answer::Json(200, json!({"metadata": {"resourceVersion": version}, "items": items})).response()
            }
            _ => missing.response(),
        }
    }

    fn tell(&mut self, plural: &str, event: &str, object: &Value) {
        let line = format!("{{\"type\":\"{event}\",\"object\":{object}}}\n");
        for (of, sender) in &mut self.watches {
            if of == plural {
                // A client that went away is none of our business.
                let _ = sender.try_send(Ok(line.clone()));
            }
        }
    }
}

impl Answer {
    fn response(self) -> Option<Response<Body>> {
        let mut response = Response::builder();
        let (code, body) = match self {
            Self::Json(code, body) => (code, body.to_string()),
            Self::Text(code, body) => (code, body.to_owned()),
            Self::Busy(code, seconds) => {
                response = response.header("retry-after", seconds);
                (code, "too many requests".to_owned())
            }
            Self::Never => return None,
        };
        Some(response.status(code).body(Body::from(body)).unwrap())
    }
}

fn resources(kind: &str, plural: &str, namespaced: bool) -> Answer {
    let resource =
        |name: String| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": []});
    let resources = [resource(plural.to_owned()), resource(format!("{plural}/status"))];
    Answer::Json(200, json!({"kind": "APIResourceList", "groupVersion": "", "resources": resources}))
}

fn kind_of(plural: &str) -> (&'static str, &'static str) {
    if plural == "things" { ("example.com/v1", "Thing") } else { ("v1", "ConfigMap") }
}
