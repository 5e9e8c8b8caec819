//! Traces on their way to a collector, by OTLP over HTTP.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use rustls::crypto::ring;
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    registry::LookupSpan,
};

use super::{asked_for_by, set};

/// The more particular first.
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

const PROTOCOL: &str = "http/protobuf";

/// For one request to the collector.
const TIMEOUT: Duration = Duration::from_secs(10);

/// At the end, for what was not sent yet.
const LAST: Duration = Duration::from_secs(5);

/// Where spans go. What was not sent yet is sent when it is dropped: the runtime must still run then.
#[derive(Debug)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    /// Asks for them.
    variable: &'static str,
}

impl Traces {
    /// As the environment says; none if it names no endpoint. Requests to the collector run on `runtime`.
    pub(crate) fn from_environment(runtime: &Handle) -> Result<Option<Self>> {
        let Some(variable) = asked_for_by(set) else { return Ok(None) };
        if let Some(protocol) = PROTOCOLS.into_iter().find_map(set) {
            ensure!(protocol == PROTOCOL, "traces are sent by {PROTOCOL}, not by {protocol}");
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())
            .context("this machine trusts no certificates")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = OnRuntime { client: HyperClient::new(connector, TIMEOUT, None), runtime: runtime.clone() };
        let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
        let exporter = exporter.context("traces cannot be sent like this")?;

        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource(set));
        Ok(Some(Self { provider: provider.build(), variable }))
    }

    /// Once, as soon as there is a log.
    pub(crate) fn tell(&self) {
        tracing::info!(variable = self.variable, "traces of reconciles are sent to a collector");
    }

    /// What takes spans, and what is logged in them, from our own code. That of libraries would only hide it.
    pub(crate) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        let ours = |metadata: &Metadata<'_>| {
            metadata.target().starts_with("capstan") && (metadata.is_span() || *metadata.level() <= Level::INFO)
        };
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("capstan"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(ours).with_max_level_hint(LevelFilter::DEBUG))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Who sends: `capstan`, if the environment gives no other name in one of the two ways that the specification has for it.
fn resource(set: impl Fn(&str) -> Option<String>) -> Resource {
    let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let attributes = set("OTEL_RESOURCE_ATTRIBUTES");
    let name = set("OTEL_SERVICE_NAME").or_else(|| Some(among(attributes.as_deref()?)?.to_owned()));
    resource.with_service_name(name.unwrap_or_else(|| "capstan".to_owned())).build()
}

/// The name of the service among attributes, which are written `key=value,key=value`.
fn among(attributes: &str) -> Option<&str> {
    let mut pairs = attributes.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| key.trim() == "service.name").map(|(_, value)| value.trim())
}

/// The exporter's own thread waits for what is done on the runtime: connections need one.
#[derive(Debug)]
struct OnRuntime {
    client: HyperClient<HttpsConnector<HttpConnector>>,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    fn service(environment: &[(&str, &str)]) -> String {
        let set = |name: &str| {
            let (_, value) = environment.iter().find(|(variable, _)| *variable == name)?;
            Some((*value).to_owned())
        };
        resource(set).get(&Key::from_static_str("service.name")).unwrap().as_str().into_owned()
    }

    /// The name of the service was dropped.
    #[test]
    fn b05_the_name_of_the_service_is_that_of_the_environment() {
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "team=a,service.name=other");
        assert_eq!(service(&[]), "capstan");
        assert_eq!(service(&[("OTEL_SERVICE_NAME", "eu-west")]), "eu-west");
        assert_eq!(service(&[attributes, ("OTEL_SERVICE_NAME", "eu-west")]), "eu-west", "it comes first");
        assert_eq!(service(&[attributes]), "other", "what the attributes say is not overridden");
        assert_eq!(service(&[("OTEL_RESOURCE_ATTRIBUTES", "my.service.name=other")]), "capstan", "another key");
    }
}
