//! A provider whose task panics, beside one whose task does not.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use capstan_cluster::{Cluster, Watches};
use capstan_engine::runner::Runner;
use capstan_events::Recorder;
use capstan_sandbox::Settings;
use futures::future::pending;
use http::{Method, Request, Response};
use kube::{Client, client::Body};
use prometheus_client::encoding::text::encode;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;

const PROVIDERS: &str = "/apis/capstan.dev/v1alpha1/providers";

/// An API server with the providers `bad` and `good`. Whoever asks for `bad` the first time panics in the middle of it.
#[derive(Clone)]
struct Api {
    panicked: Arc<AtomicBool>,
    /// What was written as status of which provider.
    statuses: watch::Sender<Vec<(String, Value)>>,
}

fn provider(name: &str) -> Value {
    json!({
        "apiVersion": "capstan.dev/v1alpha1", "kind": "Provider",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "resourceVersion": "1", "generation": 1},
        "spec": {"source": {"file": {"name": format!("{name}.wasm")}}},
    })
}

impl Api {
    fn new() -> Self {
        Self { panicked: Arc::default(), statuses: watch::channel(Vec::new()).0 }
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
                let named = |name: &str| json!({"name": name, "singularName": "", "namespaced": false, "kind": "Provider", "verbs": []});
                let resources = [named("providers"), named("providers/status")];
                json!({"kind": "APIResourceList", "groupVersion": "capstan.dev/v1alpha1", "resources": resources})
            }
            Some("") => {
                let items = [provider("bad"), provider("good")];
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
                provider(name)
            }
        }
    }

    /// Waits until the status of a provider says this in a condition; gives its message.
    async fn told(&self, name: &str, condition: &str, reason: &str) -> String {
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

#[tokio::test(start_paused = true)]
async fn a_panic_over_one_provider_is_told_and_leaves_the_others_alone() {
    let (api, cancel) = (Api::new(), CancellationToken::new());
    let cluster = api.cluster();
    let watches = Watches::new(cluster.clone(), CancellationToken::new());
    let (recorder, _writer) = Recorder::new(cluster.clone(), "test".to_owned());
    let shared = Shared::new(cluster, watches, recorder, Runner::new(NonZeroUsize::MIN));
    let sandbox = Arc::new(Sandbox::new(Settings::default()).unwrap());
    let providers = Providers::new(shared, sandbox, "host", "this", None);
    let mut metrics = Registry::default();
    providers.register_metrics(&mut metrics);
    let running = tokio::spawn(providers.run(Sources::default(), cancel.clone()));

    // Neither has a file, which is all that there is to say of the one without a panic.
    api.told("good", "Loaded", "SourceMissing").await;
    for condition in ["Loaded", "Healthy"] {
        let message = api.told("bad", condition, "Internal").await;
        assert!(message.contains("panicked: as told") && message.contains("started again"), "{message}");
    }
    // So it was started again.
    api.told("bad", "Loaded", "SourceMissing").await;
    assert!(!running.is_finished(), "the host goes on");
    let mut text = String::new();
    encode(&mut text, &metrics).unwrap();
    assert!(text.contains("capstan_provider_panics_total{provider=\"bad\"} 1"), "{text}");
    assert!(!text.contains("capstan_provider_panics_total{provider=\"good\"}"), "{text}");
    cancel.cancel();
    assert_eq!(running.await.unwrap(), Ok(()));
}
