//! Single requests.

use std::sync::Arc;

use capstan_api::{GroupVersionKind, ObjectRef, kind_of};
use kube::{
    api::{DeleteParams, GetParams, ListParams, PatchParams, PostParams, Preconditions},
    core::Request,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    Error, Object, Resource, Selection,
    discovery::Discovery,
    path,
    text::Text,
    transport::Transport,
};

/// Who writes what is not applied. Applies name their manager themselves.
const FIELD_MANAGER: &str = "capstan";

/// Objects in one answer to a list; the size that client-go asks for.
const PAGE: u32 = 500;

/// A list that takes longer than the API server keeps its snapshot (5 min) begins anew; so often.
const LIST_ATTEMPTS: usize = 3;

/// The API server. Cheap to clone.
///
/// Every request has a deadline of 30 s, and only some of them run at the same time. Objects go back and forth as
/// text: fields that nobody here knows, and numbers of any size, survive.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    transport: Transport,
    discovery: Discovery,
}

/// How an object is changed.
#[derive(Debug, Clone, Copy)]
pub enum Patch<'a> {
    /// Server-side apply. Makes the object if it is not there.
    Apply {
        /// Just the fields that the manager wants to own, with apiVersion and kind.
        body: &'a Value,
        /// Owns these fields afterwards, and loses those it owned and does not give. At most 128 bytes.
        manager: &'a str,
        /// Takes over fields owned by others.
        force: bool,
    },
    /// RFC 7396.
    Merge(&'a Value),
    /// RFC 6902: an array of operations.
    Json(&'a Value),
}

impl Cluster {
    /// Needs a tokio runtime only when it is used.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self(Arc::new(Inner {
            transport: Transport::new(client),
            discovery: Discovery::default(),
        }))
    }

    /// For what this type does not do. Its requests have no deadline and are not counted.
    #[must_use]
    pub fn client(&self) -> &kube::Client {
        self.0.transport.client()
    }

    /// Where a kind is served. Remembered until a request shows that it is not there any more; a kind that was missing is
    /// looked for again after a second.
    pub async fn resource(&self, kind: &GroupVersionKind) -> Result<Arc<Resource>, Error> {
        self.0.discovery.resource(&self.0.transport, kind).await
    }

    /// One object.
    pub async fn get(&self, target: &ObjectRef) -> Result<Object, Error> {
        path::check_key(&target.key)?;
        let (resource, text) = self
            .send(&target.kind, |resource| {
                let collection = resource.collection_of(target.key.namespace.as_deref())?;
                built(Request::new(collection).get(&target.key.name, &GetParams::default()))
            })
            .await?;
        object(&text, &resource)
    }

    /// All objects of a selection, ordered by namespace and name.
    pub async fn list(&self, selection: &Selection) -> Result<Vec<Object>, Error> {
        selection.check()?;
        let mut attempts = 1;
        let mut objects = loop {
            match self.list_pages(selection).await {
                Err(Error::Expired(_)) if attempts < LIST_ATTEMPTS => attempts += 1,
                listed => break listed?,
            }
        };
        objects.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        Ok(objects)
    }

    async fn list_pages(&self, selection: &Selection) -> Result<Vec<Object>, Error> {
        let mut objects = Vec::new();
        let mut params = ListParams::default().limit(PAGE);
        params.label_selector.clone_from(&selection.labels);
        params.field_selector = selection.fields();
        loop {
            let (resource, text) = self
                .send(&selection.kind, |resource| {
                    let collection = resource.collection(selection.namespace.as_deref())?;
                    built(Request::new(collection).list(&params))
                })
                .await?;
            let page: Page<'_> = serde_json::from_str(&text)
                .map_err(|error| Error::Malformed(format!("the API server's list of {selection}: {error}")))?;
            for item in page.items.unwrap_or_default() {
                objects.push(object(item.get(), &resource)?);
            }
            match page.metadata.next.filter(|next| !next.is_empty()) {
                None => return Ok(objects),
                Some(next) if params.continue_token.as_ref() == Some(&next) => {
                    let problem = format!("the API server's list of {selection} does not come to an end");
                    return Err(Error::Malformed(problem));
                }
                Some(next) => params.continue_token = Some(next),
            }
        }
    }

    /// Makes an object, which must have apiVersion, kind and a name.
    pub async fn create(&self, object: &Value) -> Result<Object, Error> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        let kind = kind_of(text("/apiVersion").unwrap_or_default(), text("/kind").unwrap_or_default())
            .ok_or_else(|| Error::Invalid("the object needs apiVersion and kind".to_owned()))?;
        let name = text("/metadata/name").ok_or_else(|| Error::Invalid("the object needs a name".to_owned()))?;
        path::check_name(name)?;
        let body = object.to_string().into_bytes();
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        let (resource, text) = self
            .send(&kind, |resource| {
                let collection = resource.collection_of(text("/metadata/namespace"))?;
                built(Request::new(collection).create(&params, body.clone()))
            })
            .await?;
        self::object(&text, &resource)
    }

    /// Changes an object, or its subresource (`status` or `scale`), and gives its new state. The answer about `scale` is an
    /// object of kind `Scale`.
    pub async fn patch(&self, target: &ObjectRef, subresource: Option<&str>, patch: Patch<'_>) -> Result<Object, Error> {
        path::check_key(&target.key)?;
        subresource.map_or(Ok(()), path::check_subresource)?;
        let (params, patch) = patch.parts();
        let (resource, text) = self
            .send(&target.kind, |resource| {
                let request = Request::new(resource.collection_of(target.key.namespace.as_deref())?);
                built(match subresource {
                    None => request.patch(&target.key.name, &params, &patch),
                    Some(part) => request.patch_subresource(part, &target.key.name, &params, &patch),
                })
            })
            .await?;
        object(&text, &resource)
    }

    /// Asks for deletion; finalizers may keep the object for a while. With `uid` only that very object is meant, and another
    /// one of the same name is a conflict.
    pub async fn delete(&self, target: &ObjectRef, uid: Option<&str>) -> Result<(), Error> {
        path::check_key(&target.key)?;
        let params = DeleteParams {
            preconditions: uid.map(|uid| Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        self.send(&target.kind, |resource| {
            let collection = resource.collection_of(target.key.namespace.as_deref())?;
            built(Request::new(collection).delete(&target.key.name, &params))
        })
        .await?;
        Ok(())
    }

    /// Sends a request about a kind. Where the API server says that it serves no such path, the kind is looked up again:
    /// its CRD may have been replaced by one of another scope or plural.
    async fn send(
        &self,
        kind: &GroupVersionKind,
        build: impl Fn(&Resource) -> Result<http::Request<Vec<u8>>, Error>,
    ) -> Result<(Arc<Resource>, String), Error> {
        let resource = self.resource(kind).await?;
        match self.0.transport.send(build(&resource)?).await {
            Err(Error::UnknownKind(_)) => {}
            answer => return Ok((resource, answer?)),
        }
        self.doubt(kind).await;
        let resource = self.resource(kind).await?;
        match self.0.transport.send(build(&resource)?).await {
            // The kind is there, so it must be the object that is not.
            Err(Error::UnknownKind(message)) => Err(Error::NotFound(message)),
            answer => Ok((resource, answer?)),
        }
    }

    pub(crate) async fn doubt(&self, kind: &GroupVersionKind) {
        self.0.discovery.doubt(kind).await;
    }
}

impl<'a> Patch<'a> {
    fn parts(self) -> (PatchParams, kube::api::Patch<&'a Value>) {
        let by = |manager: &str, force| PatchParams {
            field_manager: Some(manager.to_owned()),
            force,
            ..PatchParams::default()
        };
        match self {
            Self::Apply { body, manager, force } => (by(manager, force), kube::api::Patch::Apply(body)),
            Self::Merge(body) => (by(FIELD_MANAGER, false), kube::api::Patch::Merge(body)),
            // The same content type as kube's own variant for it, which wants the operations parsed.
            Self::Json(body) => (by(FIELD_MANAGER, false), kube::api::Patch::Merge(body)),
        }
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMetadata,
    /// Some servers write `null` for none.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

fn object(json: &str, resource: &Resource) -> Result<Object, Error> {
    Ok(Object::answered(Text::read(json)?, &resource.kind))
}

fn built(
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<http::Request<Vec<u8>>, Error> {
    request.map_err(|error| Error::Invalid(error.to_string()))
}
