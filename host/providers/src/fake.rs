//! An API server for tests of what runs for one provider: it has the providers `bad` and `good`, and remembers what is said of them.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use capstan_cluster::{Cluster, Object, Watches};
use capstan_engine::{Shared, runner::Runner};
use capstan_events::Recorder;
use capstan_sandbox::{Sandbox, Settings};
use futures::future::pending;
use http::{Method, Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    Providers,
    wanted::{Carrier, Facts, Wanted},
};

const PROVIDERS: &str = "/apis/capstan.dev/v1alpha1/providers";

/// Whoever asks for `bad` the first time panics in the middle of it. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(crate) struct Api {
    panicked: Arc<AtomicBool>,
    /// How often it was asked which kinds there are.
    looked_up: Arc<AtomicU32>,
    /// How often the providers were deleted and made again.
    made_anew: Arc<AtomicU32>,
    /// What was written as status of which provider.
    statuses: watch::Sender<Vec<(String, Value)>>,
}

impl Api {
    pub(crate) fn new() -> Self {
        Self {
            panicked: Arc::default(),
            looked_up: Arc::default(),
            made_anew: Arc::default(),
            statuses: watch::channel(Vec::new()).0,
        }
    }

    /// A host for this API server that is not run yet.
    pub(crate) fn providers(&self) -> Providers {
        let cluster = self.cluster();
        let watches = Watches::new(cluster.clone(), CancellationToken::new());
        let (recorder, _writer) = Recorder::new(cluster.clone(), "test".to_owned());
        let shared = Shared::new(cluster, watches, recorder, Runner::new(NonZeroUsize::MIN));
        let sandbox = Arc::new(Sandbox::new(Settings::default()).unwrap());
        Providers::new(shared, sandbox, "host", "this", None)
    }

    /// Deletes the providers, and makes others of the same names.
    pub(crate) fn make_anew(&self) {
        self.made_anew.fetch_add(1, Relaxed);
    }

    /// How often it was asked which kinds there are.
    pub(crate) fn looked_up(&self) -> u32 {
        self.looked_up.load(Relaxed)
    }

    /// A provider as it is at this moment.
    pub(crate) fn object(&self, name: &str) -> Object {
        Object::from_value(self.provider(name)).unwrap()
    }

    /// The same as its task is told, without its file.
    pub(crate) fn wanted(&self, name: &str) -> Wanted {
        Wanted { facts: Arc::new(Facts::of(&self.object(name)).unwrap()), carrier: Carrier::Missing }
    }

    /// The status that was written last.
    pub(crate) fn status(&self, name: &str) -> Value {
        let statuses = self.statuses.borrow();
        statuses.iter().rfind(|(of, _)| of == name).map(|(_, status)| status.clone()).unwrap_or_default()
    }

    fn provider(&self, name: &str) -> Value {
        let uid = format!("uid-{name}-{}", self.made_anew.load(Relaxed));
        json!({
            "apiVersion": "capstan.dev/v1alpha1", "kind": "Provider",
            "metadata": {"name": name, "uid": uid, "resourceVersion": "1", "generation": 1},
            "spec": {"source": {"file": {"name": format!("{name}.wasm")}}},
        })
    }

    fn cluster(&self) -> Cluster {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(Response::new(Body::from(api.answer(request).await.to_string().into_bytes()))) }
        });
        Cluster::new(Client::new(service, "default"))
    }

    async fn answer(&self, request: Request<Body>) -> Value {
        let (parts, body) = request.into_parts();
        let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default());
        if query.contains("watch=true") {
            return pending().await;
        }
        let below = path.strip_prefix(PROVIDERS).map(|below| below.trim_matches('/').to_owned());
        match below.as_deref() {
            None => {
                self.looked_up.fetch_add(1, Relaxed);
                let named = |name: &str| json!({"name": name, "singularName": "", "namespaced": false, "kind": "Provider", "verbs": []});
                let resources = [named("providers"), named("providers/status")];
                json!({"kind": "APIResourceList", "groupVersion": "capstan.dev/v1alpha1", "resources": resources})
            }
            Some("") => {
                let items = [self.provider("bad"), self.provider("good")];
                json!({
                    "apiVersion": "capstan.dev/v1alpha1", "kind": "ProviderList", "metadata": {"resourceVersion": "1"},
                    "items": items,
                })
            }
            Some(object) => {
                let name = object.split('/').next().unwrap_or_default();
                if parts.method == Method::PATCH {
                    let body: Value = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap();
                    self.statuses.send_modify(|all| all.push((name.to_owned(), body["status"].clone())));
                } else {
                    assert!(name != "bad" || self.panicked.swap(true, Relaxed), "as told");
                }
                self.provider(name)
            }
        }
    }

    /// Waits until the status of a provider says this in a condition; gives its message.
    pub(crate) async fn told(&self, name: &str, condition: &str, reason: &str) -> String {
        let find = |all: &[(String, Value)]| {
            let own = all.iter().filter(|(of, _)| of == name);
            let conditions = own.flat_map(|(_, status)| status["conditions"].as_array().into_iter().flatten());
            let found = conditions
                .into_iter()
                .find(|said| said["type"] == condition && said["status"] == "False" && said["reason"] == reason);
            found.map(|said| said["message"].as_str().unwrap_or_default().to_owned())
        };
        let mut statuses = self.statuses.subscribe();
        let found = timeout(Duration::from_mins(5), statuses.wait_for(|all| find(all).is_some()));
        let found = found.await.unwrap_or_else(|_| panic!("{name} never says {condition}=False {reason}"));
        find(&found.unwrap()).unwrap()
    }
}
