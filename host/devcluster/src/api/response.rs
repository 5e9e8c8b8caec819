//! Answers: status, headers and body.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::response::Builder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::ResourceRequest;
use crate::encode::Encoder;
use crate::request::accept::Representation;
use crate::status::Refusal;
use crate::store::Object;
use crate::table;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

fn finish(builder: Builder, body: impl Into<Body>) -> Response {
    // Headers are literals and checked values, which are all that a builder can fail on.
    builder.body(body.into()).expect("status and headers are valid")
}

fn start(status: StatusCode, content_type: &str) -> Builder {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CACHE_CONTROL, "no-cache, private")
}

pub(super) fn text(status: StatusCode, body: &'static str) -> Response {
    finish(start(status, "text/plain; charset=utf-8").header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), body)
}

/// No body, and nothing about it.
pub(super) fn empty(status: StatusCode) -> Response {
    finish(Response::builder().status(status), Body::empty())
}

pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    finish(start(status, JSON), value.to_string())
}

pub(super) fn json_bytes(status: StatusCode, bytes: Vec<u8>) -> Response {
    finish(start(status, JSON), bytes)
}

pub(super) fn stream(body: Body) -> Response {
    finish(start(StatusCode::OK, JSON), body)
}

/// The index is JSON under a text type, as Kubernetes sends it.
pub(super) fn openapi_index(index: &Value) -> Response {
    finish(start(StatusCode::OK, "text/plain; charset=utf-8"), index.to_string())
}

pub(super) fn openapi(document: &Value, headers: &HeaderMap) -> Response {
    cacheable(document, JSON, headers)
}

pub(super) fn discovery(document: &Value, headers: &HeaderMap) -> Response {
    cacheable(document, DISCOVERY, headers)
}

/// A document that clients keep by its `ETag`.
fn cacheable(document: &Value, content_type: &str, headers: &HeaderMap) -> Response {
    let body = document.to_string();
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let etag = format!("\"{:016X}\"", hasher.finish());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let builder = Response::builder()
        .header(header::CACHE_CONTROL, "public")
        .header(header::ETAG, etag)
        .header(header::VARY, "Accept");
    if known {
        return finish(builder.status(StatusCode::NOT_MODIFIED), Body::empty());
    }
    finish(builder.header(header::CONTENT_TYPE, content_type), body)
}

pub(super) fn refusal(refusal: &Refusal) -> Response {
    if refusal.is_page_not_found() {
        return text(StatusCode::NOT_FOUND, "404 page not found\n");
    }
    let mut builder = start(refusal.code(), JSON);
    if let Some(seconds) = refusal.retry_after() {
        builder = builder.header(header::RETRY_AFTER, seconds);
    }
    finish(warn(builder, refusal.warnings()), refusal.to_status().to_string())
}

fn warn(builder: Builder, warnings: &[String]) -> Builder {
    warnings
        .iter()
        .filter_map(|warning| warning_header(warning))
        .fold(builder, |builder, value| builder.header(header::WARNING, value))
}

/// Field names may hold anything; what does not fit into a header is not worth failing for.
fn warning_header(warning: &str) -> Option<HeaderValue> {
    let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
    HeaderValue::from_str(&format!("299 - \"{quoted}\"")).ok()
}

/// Adds the warning of a deprecated version to any answer.
pub(super) fn with_deprecation(
    answer: Result<Response, Refusal>,
    deprecation: Option<&str>,
) -> Result<Response, Refusal> {
    let Some(warning) = deprecation else { return answer };
    let mut response = answer.map_err(|refusal| {
        let warnings = [warning.to_owned()].into_iter().chain(refusal.warnings().iter().cloned()).collect();
        refusal.with_warnings(warnings)
    })?;
    if let Some(value) = warning_header(warning) {
        response.headers_mut().append(header::WARNING, value);
    }
    Ok(response)
}

/// One object in the representation that was asked for.
pub(super) fn object(
    request: &ResourceRequest<'_>,
    status: StatusCode,
    object: &Object,
    warnings: &[String],
) -> Response {
    let encoder = Encoder::new(request.resource.clone());
    let builder = |content_type| warn(start(status, content_type), warnings);
    match request.representation {
        Representation::Table => {
            let row = table::row(&request.resource, &object.value, &encoder.value(object), request.include);
            let revision = Value::from(object.revision.to_string());
            let metadata = [("resourceVersion".to_owned(), revision)].into_iter().collect();
            let table = table::table(&table::column_definitions(&request.resource), &[row], &metadata);
            finish(builder(JSON), table.to_string())
        }
        Representation::Metadata | Representation::MetadataList => {
            finish(builder(JSON), table::partial_metadata(&encoder.value(object)).to_string())
        }
        Representation::Yaml => finish(builder(YAML), yaml(&encoder.value(object))),
        Representation::Json | Representation::Discovery => {
            let mut body = Vec::new();
            encoder.write(object, true, &mut body);
            finish(builder(JSON), body)
        }
    }
}

/// The same answer for people: JSON on many lines.
pub(super) async fn pretty(response: Response) -> Response {
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|found| found == JSON);
    if !is_json {
        return response;
    }
    let (parts, body) = response.into_parts();
    // The body was made here, of one piece: reading it neither waits nor fails.
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = serde_json::from_slice::<Value>(&bytes).ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    Response::from_parts(parts, text.map_or_else(|| Body::from(bytes), |text| Body::from(text + "\n")))
}

pub(super) fn yaml_document(value: &Value) -> Response {
    finish(start(StatusCode::OK, YAML), yaml(value))
}

fn yaml(value: &Value) -> String {
    // A JSON value has an exact form in YAML; should the serialiser disagree, JSON is YAML, too.
    serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string())
}
