//! Requests: from method, path and query to an operation on the cluster.

mod body;
mod objects;
mod read;
mod response;
mod review;
mod scale;
mod writes;

pub(crate) use review::{REVIEWS, VERSION as REVIEW_VERSION};

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

use crate::builtin;
use crate::discovery;
use crate::openapi;
use crate::request::accept::{Representation, negotiate};
use crate::request::path::{Address, Route};
use crate::request::query::Query;
use crate::resource::Resource;
use crate::server::Server;
use crate::status::{Reason, Refusal};
use crate::table::IncludeObject;

/// Larger bodies are refused, as by Kubernetes.
const MAX_BODY: usize = 3 * 1024 * 1024;

/// Answers any request.
pub(crate) async fn handle(server: &Server, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = match route(server, &parts, body).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::debug!(method = %parts.method, uri = %parts.uri, %refusal, "refused");
            response::refusal(&refusal)
        }
    };
    if wants_pretty(&parts) { response::pretty(answer).await } else { answer }
}

/// Whether the answer is for people to read: they say so, or use a program that shows what it gets. Watches are not.
fn wants_pretty(parts: &Parts) -> bool {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let shows = ["curl", "Wget"].iter().any(|program| text(&parts.headers, header::USER_AGENT).starts_with(program));
    !query.is_watch() && query.get("pretty").map_or(shows, |pretty| matches!(pretty, "1" | "true"))
}

async fn route(server: &Server, parts: &Parts, body: Body) -> Result<Response, Refusal> {
    let route = Route::parse(parts.uri.path());
    if let Route::Resource(address) = route {
        return resource_request(server, parts, body, address).await;
    }
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return Err(Refusal::method_not_allowed());
    }
    let accept = text(&parts.headers, header::ACCEPT);
    let aggregated = || Ok::<_, Refusal>(negotiate(accept)? == Representation::Discovery);
    let cluster = server.cluster();
    let registry = &cluster.registry;
    match route {
        Route::Health => Ok(response::text(StatusCode::OK, "ok")),
        Route::Version => Ok(response::json(StatusCode::OK, &discovery::version())),
        Route::CoreVersions if aggregated()? => {
            Ok(response::discovery(&discovery::aggregated(registry, true), &parts.headers))
        }
        Route::CoreVersions => Ok(response::json(StatusCode::OK, &discovery::core_versions())),
        Route::Groups if aggregated()? => {
            Ok(response::discovery(&discovery::aggregated(registry, false), &parts.headers))
        }
        Route::Groups => Ok(response::json(StatusCode::OK, &discovery::groups(registry))),
        Route::Group(group) => found(discovery::group(registry, &group)),
        Route::GroupVersion(group_version) => found(discovery::resources(registry, &group_version)),
        Route::OpenApiIndex => Ok(response::openapi_index(&openapi::index(registry))),
        Route::OpenApi(group_version) => {
            let document = openapi::document(registry, &group_version);
            let answer = |document| response::openapi(&document, &parts.headers);
            Ok(document.map_or_else(|| response::empty(StatusCode::NOT_FOUND), answer))
        }
        Route::Resource(_) | Route::Unknown => Err(Refusal::page_not_found()),
    }
}

fn found(document: Option<Value>) -> Result<Response, Refusal> {
    let document = document.ok_or_else(Refusal::page_not_found)?;
    Ok(response::json(StatusCode::OK, &document))
}

/// A request about a resource, with what all its handlers need.
struct ResourceRequest<'a> {
    server: &'a Server,
    resource: Arc<Resource>,
    address: Address,
    method: Method,
    headers: &'a HeaderMap,
    query: Query,
    representation: Representation,
    /// What the rows of a table have beside their cells.
    include: IncludeObject,
    body: Bytes,
}

impl ResourceRequest<'_> {
    fn user_agent(&self) -> &str {
        text(self.headers, header::USER_AGENT)
    }

    fn media_type(&self) -> &str {
        media_type(self.headers)
    }
}

async fn resource_request(server: &Server, parts: &Parts, body: Body, address: Address) -> Result<Response, Refusal> {
    if let Some(review) = review::find(&address) {
        let body = read_body(body).await?;
        return review::answer(review, parts, &body);
    }
    let resource = find(server, &address)?;
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let representation = negotiate(text(&parts.headers, header::ACCEPT))?;
    let include = match representation {
        Representation::Table(_) => IncludeObject::parse(query.get("includeObject"))
            .map_err(|error| Refusal::bad_request(format!("Unable to convert to Table as requested: {error}")))?,
        _ => IncludeObject::Metadata,
    };
    let request = ResourceRequest {
        server,
        method: parts.method.clone(),
        headers: &parts.headers,
        query,
        representation,
        include,
        body: read_body(body).await?,
        resource,
        address,
    };
    read::await_revision(&request).await?;
    response::with_deprecation(objects::answer(&request), request.resource.deprecation.as_deref())
}

/// The resource that an address names. Groups that are built in have a handler that says what it has not got; what
/// CRDs define is looked for last, where nothing else fits the path.
fn find(server: &Server, address: &Address) -> Result<Arc<Resource>, Refusal> {
    let cluster = server.cluster();
    let resource = cluster.registry.find(&address.group_version, &address.plural);
    let placed = resource.filter(|resource| address.namespace.is_none() || resource.namespaced);
    placed.cloned().ok_or_else(|| {
        let builtin = builtin::RESOURCES.iter().any(|resource| resource.group_version == address.group_version);
        if builtin { Refusal::no_such_resource() } else { Refusal::page_not_found() }
    })
}

async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    to_bytes(body, MAX_BODY).await.map_err(|_| {
        let message = format!("Request entity too large: limit is {MAX_BODY}");
        Refusal::new(Reason::RequestEntityTooLarge, message)
    })
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The media type of the body, without parameters.
fn media_type(headers: &HeaderMap) -> &str {
    let value = text(headers, header::CONTENT_TYPE);
    value.split(';').next().unwrap_or_default().trim()
}
