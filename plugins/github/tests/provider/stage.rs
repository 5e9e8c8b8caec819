//! A fake with an organisation, and requests to it.

use std::time::Duration;

use capstan_fakegithub::{Fake, Settings};
use capstan_github::client::{Base, GitHub, Http, Method, Request, Response, TransportError};
use capstan_github::kinds::webhook::SECRET;
use capstan_sdk::{Managed, Value, json};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

/// A fake with the organisation `acme`, its owner `anna`, its member `bert`, and `carl`, who belongs to nothing.
pub(crate) struct Stage {
    pub(crate) fake: Fake,
    pub(crate) token: String,
    _runtime: Runtime,
}

impl Stage {
    pub(crate) fn new(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let fake = runtime.block_on(Fake::start(settings)).unwrap();
        let seed = fake.seed();
        seed.organization("acme");
        for login in ["anna", "bert", "carl"] {
            seed.user(login);
        }
        seed.owner("acme", "anna");
        seed.member("acme", "bert");
        let token = seed.token("anna");
        Self { fake, token, _runtime: runtime }
    }

    pub(crate) fn github(&self) -> GitHub {
        self.github_with(&self.token)
    }

    pub(crate) fn github_with(&self, token: &str) -> GitHub {
        self.github_holding(token, None)
    }

    /// With a secret for bodies that have a member for it.
    pub(crate) fn github_holding(&self, token: &str, secret: Option<&str>) -> GitHub {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(20)));
        let (agent, secret) = (config.build().into(), secret.map(str::to_owned));
        let transport = Transport { agent, token: token.to_owned(), secret };
        GitHub::new(Base::parse(Some(&self.fake.url())).unwrap(), Box::new(transport))
    }

    /// Method and path of the requests so far, which are forgotten.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.assert_clean();
        let requests = self.fake.exchanges();
        self.fake.forget();
        requests.into_iter().map(|each| format!("{} {}", each.method, each.path)).collect()
    }

    fn assert_clean(&self) {
        let violations = self.fake.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Every request of every test is one that GitHub describes.
impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_clean();
        }
    }
}

/// What the host does in earnest.
struct Transport {
    agent: ureq::Agent,
    token: String,
    secret: Option<String>,
}

impl Transport {
    fn body(&self, request: &Request) -> Option<Vec<u8>> {
        let body = request.body.clone()?;
        if !request.with_secret {
            return Some(body);
        }
        let mut body: Value = capstan_sdk::serde_json::from_slice(&body).unwrap();
        let place = body.pointer_mut(SECRET).expect("a member for the secret");
        assert_eq!(*place, Value::Null);
        *place = self.secret.clone().expect("a secret to send").into();
        Some(body.to_string().into_bytes())
    }
}

impl Http for Transport {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let mut builder = ureq::http::Request::builder().method(request.method.to_string().as_str()).uri(&request.url);
        builder = builder.header("authorization", format!("Bearer {}", self.token)).header("user-agent", "test");
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let sent = match (self.body(request), request.method) {
            (Some(body), _) => self.agent.run(builder.body(body).unwrap()),
            (None, Method::Put | Method::Post | Method::Patch) => self.agent.run(builder.body(Vec::new()).unwrap()),
            (None, _) => self.agent.run(builder.body(()).unwrap()),
        };
        let mut response = sent.map_err(|error| TransportError::Unreachable(error.to_string()))?;
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
        let body = response.body_mut().read_to_vec().map_err(|error| TransportError::Unreachable(error.to_string()))?;
        Ok(Response { status: response.status().as_u16(), headers, body })
    }
}

/// An object as the host hands it to a provider.
pub(crate) fn object<S: DeserializeOwned>(kind: &str, spec: Value, status: Value) -> Managed<S> {
    let object = json!({
        "apiVersion": "github.krateo.io/v1alpha1", "kind": kind, "metadata": {"name": "x", "namespace": "n", "generation": 1},
        "spec": spec, "status": status,
    });
    Managed::parse(&object).unwrap()
}
