//! Get, list and watch.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{ResourceRequest, response};
use crate::cluster::Cluster;
use crate::encode::{self, Encoder};
use crate::request::accept::Representation;
use crate::request::query::ListOptions;
use crate::selector::Filter;
use crate::status::{Reason, Refusal};
use crate::store::{Key, Object};
use crate::table;
use crate::watch::{self, WatchContext};

/// How long a read waits for a revision that is still to come, as in Kubernetes.
const REVISION_WAIT: Duration = Duration::from_secs(3);
/// How often it looks. Such reads are rare, and mistaken for the most part: not worth waking for each write.
const REVISION_CHECK: Duration = Duration::from_millis(50);

pub(super) fn get(request: &ResourceRequest<'_>, name: &str) -> Result<Response, Refusal> {
    let at = Cluster::at(&request.resource, request.address.namespace.as_deref(), name);
    let object = request.server.cluster().get(&request.resource, &at)?;
    request.representation.check_shape(false, &request.resource.kind)?;
    Ok(response::object(request, StatusCode::OK, &object, &[]))
}

/// Waits for the revision that a read asks for, in case that it is still to come. A watch waits by itself.
pub(super) async fn await_revision(request: &ResourceRequest<'_>) -> Result<(), Refusal> {
    if request.method != Method::GET || request.query.is_watch() {
        return Ok(());
    }
    // What is not a number is refused where the other options are read.
    let Some(requested) = request.query.get("resourceVersion").and_then(|text| text.parse().ok()) else {
        return Ok(());
    };
    let deadline = Instant::now() + REVISION_WAIT;
    loop {
        let current = request.server.cluster().store.revision();
        if requested <= current {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(too_large(requested, current));
        }
        tokio::time::sleep(REVISION_CHECK).await;
    }
}

/// The client has seen a revision that is not there yet, or never will be.
fn too_large(requested: u64, current: u64) -> Refusal {
    let message = format!("Timeout: Too large resource version: {requested}, current: {current}");
    Refusal::new(Reason::Timeout, message).with_details(json!({
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }))
}

pub(super) fn watch(request: &ResourceRequest<'_>) -> Result<Response, Refusal> {
    let options = ListOptions::parse(&request.query)?;
    let filter = Filter::parse(&request.resource, request.address.namespace.as_deref(), &options)?;
    let context = WatchContext {
        filter,
        encoder: Encoder::new(Arc::clone(&request.resource)),
        representation: request.representation,
        include: request.include,
        bookmark_interval: request.server.options().bookmark_interval,
        shutdown: request.server.shutdown.clone(),
    };
    let body = watch::open(&mut request.server.cluster().store, context, &options)?;
    Ok(response::stream(body))
}

pub(super) fn list(request: &ResourceRequest<'_>) -> Result<Response, Refusal> {
    let options = ListOptions::parse(&request.query)?;
    let filter = Filter::parse(&request.resource, request.address.namespace.as_deref(), &options)?;
    let page = page(&request.server.cluster(), &request.resource.collection, &filter, &options)?;
    request.representation.check_shape(true, &request.resource.list_kind)?;
    Ok(answer(request, &page))
}

/// A part of a list.
pub(super) struct Page {
    pub(super) objects: Vec<Arc<Object>>,
    pub(super) metadata: Map<String, Value>,
}

/// Sends objects as a list in the representation that was asked for.
pub(super) fn answer(request: &ResourceRequest<'_>, page: &Page) -> Response {
    let resource = &request.resource;
    let encoder = Encoder::new(Arc::clone(resource));
    match request.representation {
        Representation::Table(meta) => {
            let rows = page.objects.iter();
            let rows =
                rows.map(|object| table::row(resource, &object.value, &encoder.value(object), request.include, meta));
            let definitions = table::column_definitions(resource);
            response::json(StatusCode::OK, &table::table(&definitions, &rows.collect::<Vec<_>>(), &page.metadata, meta))
        }
        Representation::Metadata(meta) | Representation::MetadataList(meta) => {
            let items: Value =
                page.objects.iter().map(|object| table::partial_metadata(&encoder.value(object), meta)).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": meta.api_version(),
                "metadata": page.metadata,
                "items": items,
            });
            response::json(StatusCode::OK, &list)
        }
        Representation::Json | Representation::Yaml | Representation::Discovery => {
            let mut items = Vec::new();
            for (index, object) in page.objects.iter().enumerate() {
                if index > 0 {
                    items.push(b',');
                }
                // Items of built-in kinds do not repeat the type that the list has.
                encoder.write(object, resource.is_custom(), &mut items);
            }
            let list = encode::list(resource, &page.metadata, &items);
            if request.representation == Representation::Yaml {
                // What was just written as JSON is read back for the rare client that wants YAML.
                return response::yaml_document(&serde_json::from_slice(&list).unwrap_or_default());
            }
            response::json_bytes(StatusCode::OK, list)
        }
    }
}

/// The objects of a page, and the list's metadata.
fn page(cluster: &Cluster, collection: &str, filter: &Filter, options: &ListOptions) -> Result<Page, Refusal> {
    let current = cluster.store.revision();
    let start = Start::parse(options, current)?;
    let snapshot = match start.revision {
        Some(revision) if revision < current => {
            Some(cluster.store.snapshot(collection, revision).ok_or_else(|| start.expired())?)
        }
        _ => None,
    };
    let collection = cluster.store.collection(collection);
    let from = start.after.map_or(Bound::Unbounded, Bound::Excluded);
    let candidates: Vec<(Key, &Arc<Object>)> = match &snapshot {
        Some(snapshot) => snapshot.range((from, Bound::Unbounded)).map(|(key, object)| (key.clone(), object)).collect(),
        None => collection
            .into_iter()
            .flat_map(|collection| collection.objects(filter.namespace.as_deref()))
            .map(|(namespace, name, object)| (Key::new(namespace, name), object))
            .filter(|(key, _)| match &from {
                Bound::Excluded(after) => key > after,
                _ => true,
            })
            .collect(),
    };
    let mut selected = candidates.into_iter().filter(|(key, object)| {
        let (namespace, name) = key.parts();
        filter.matches_named(namespace, name, &object.value)
    });
    let revision = start.revision.unwrap_or(current);
    let limit = if options.limit == 0 { usize::MAX } else { options.limit };
    let mut objects = Vec::new();
    let mut last = None;
    for (key, object) in selected.by_ref().take(limit) {
        objects.push(Arc::clone(object));
        last = Some(key);
    }
    let remaining = selected.count();
    let mut metadata = Map::new();
    metadata.insert("resourceVersion".into(), revision.to_string().into());
    if remaining > 0
        && let Some(last) = last
    {
        metadata.insert("continue".into(), continue_token(revision, &last).into());
        if !filter.selects() {
            metadata.insert("remainingItemCount".into(), remaining.into());
        }
    }
    Ok(Page { objects, metadata })
}

/// Where a page begins: at which revision (`None`: now) and after which object.
struct Start {
    revision: Option<u64>,
    after: Option<Key>,
}

impl Start {
    fn parse(options: &ListOptions, current: u64) -> Result<Self, Refusal> {
        if let Some(token) = &options.continue_token {
            if options.resource_version.as_deref().is_some_and(|version| version != "0") {
                let message = "specifying resource version is not allowed when using continue";
                return Err(Refusal::bad_request(message));
            }
            return Self::from_token(token);
        }
        let Some(text) = options.resource_version.as_deref() else {
            return Ok(Self { revision: None, after: None });
        };
        let requested: u64 = text.parse().map_err(|_| {
            let cause = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
            let message = format!("invalid resource version: resourceVersion: Invalid value: {text:?}: {cause}");
            Refusal::bad_request(message)
        })?;
        if requested > current {
            return Err(too_large(requested, current));
        }
        Ok(Self { revision: options.exact.then_some(requested), after: None })
    }

    fn from_token(token: &str) -> Result<Self, Refusal> {
        let invalid =
            |cause: &str| Refusal::bad_request(format!("invalid continue token: continue key is not valid: {cause}"));
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|error| match error {
            base64::DecodeError::InvalidByte(position, _) | base64::DecodeError::InvalidLastSymbol(position, _) => {
                invalid(&format!("illegal base64 data at input byte {position}"))
            }
            other => invalid(&other.to_string()),
        })?;
        let content: Value = serde_json::from_slice(&bytes).map_err(|error| invalid(&error.to_string()))?;
        let start = content["start"].as_str().ok_or_else(|| invalid("no start"))?;
        let after = Key::parse(start.trim_end_matches('\0')).ok_or_else(|| invalid("no key"))?;
        // A negative revision continues at whatever there is now, which the client was told is inconsistent.
        let revision = content["rv"].as_u64();
        Ok(Self { revision, after: Some(after) })
    }

    fn expired(&self) -> Refusal {
        let Some(after) = &self.after else {
            return Refusal::new(Reason::Expired, "The resourceVersion for the provided list is too old.");
        };
        let message = "The provided continue parameter is too old to display a consistent list result. You can start \
                       a new list without the continue parameter, or use the continue token in this response to \
                       retrieve the remainder of the results. Continuing with the provided token results in an \
                       inconsistent list - objects that were created, modified, or deleted between the time the first \
                       chunk was returned and now may show up in the list.";
        let token = json!({"v": "meta.k8s.io/v1", "rv": -1, "start": format!("{}\0", after.text())});
        Refusal::new(Reason::Expired, message).with_continue(URL_SAFE_NO_PAD.encode(token.to_string()))
    }
}

fn continue_token(revision: u64, last: &Key) -> String {
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{}\0", last.text())});
    URL_SAFE_NO_PAD.encode(token.to_string())
}
