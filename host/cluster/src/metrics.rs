//! What is counted of the traffic with the API server, for all clients of the process together.

use std::fmt;

use http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Counters of requests and watches. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    requests: Family<Request, Counter>,
    throttled: Counter,
    failures: Family<Failure, Counter>,
    restarts: Counter,
}

/// The names of two labels are client-go's, so that dashboards for its metric work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    verb: &'static str,
    method: &'static str,
    code: Code,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    reason: &'static str,
}

/// The code of an answer; `None` if there was none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Code(Option<StatusCode>);

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "rest_client_requests",
            "Requests to the API server, with its answers",
            self.requests.clone(),
        );
        registry.register(
            "capstan_requests_throttled",
            "Requests that the API server sent back with 429",
            self.throttled.clone(),
        );
        registry.register("capstan_watch_failures", "Watches that failed and were begun anew", self.failures.clone());
        registry.register(
            "capstan_watch_panics",
            "Watches whose task panicked and was started again",
            self.restarts.clone(),
        );
    }

    /// An answer, or none.
    pub(crate) fn answered(&self, verb: &'static str, method: &Method, code: Option<StatusCode>) {
        let request = Request { verb, method: known(method), code: Code(code) };
        self.requests.get_or_create(&request).inc();
        if code == Some(StatusCode::TOO_MANY_REQUESTS) {
            self.throttled.inc();
        }
    }

    /// A watch failed for a reason, one of few.
    pub(crate) fn watch_failed(&self, reason: &'static str) {
        self.failures.get_or_create(&Failure { reason }).inc();
    }

    pub(crate) fn watch_panicked(&self) {
        self.restarts.inc();
    }
}

/// The methods that this crate uses.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

impl EncodeLabelValue for Code {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> fmt::Result {
        match self.0 {
            Some(code) => code.as_str().encode(encoder),
            // What client-go says.
            None => "<error>".encode(encoder),
        }
    }
}
