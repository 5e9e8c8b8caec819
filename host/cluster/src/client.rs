//! Reads and writes.

mod metadata;
mod walk;

use std::sync::Arc;

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef, ServiceAccount, kind_of};
use http::Method;
use kube::Client;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

pub use metadata::{Metadata, MetadataPage};
pub use walk::Walk;

use crate::{
    Error, Fence, Flow, Object, ObjectError, Resource, Selection,
    request::{self, Body, Failure, Outgoing, Terms},
    resource::{Resources, STATE},
    transport::Transport,
};

/// Objects in one page of a list; what client-go asks for.
const PAGE: &str = "500";

/// The API server keeps what a list saw for about five minutes. One that takes longer begins anew, so often.
const LIST_ATTEMPTS: u32 = 3;

/// Bytes of all objects of one list. A provider can make as many objects of its own kinds as it likes, and must not fill
/// the host's memory by listing them.
const LIST: usize = 32 << 20;

/// The API server, as everything in the host uses it. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    terms: Terms,
}

struct Inner {
    transport: Transport,
    resources: Resources,
}

/// How an object is changed.
#[derive(Debug, Clone, Copy)]
pub enum Patch<'a> {
    /// Server-side apply.
    Apply {
        /// Just the fields that are to be owned.
        body: &'a Value,
        /// Who owns them.
        manager: &'a str,
        /// Take over fields of others.
        force: bool,
    },
    /// RFC 7396.
    Merge(&'a Value),
    /// RFC 6902.
    Json(&'a Value),
}

/// How a change is recorded, and whether it is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner<'a> {
    /// Who is said to have made a merge or JSON patch; `None`: whatever the API server makes of the client's name. An
    /// apply names its manager itself.
    pub manager: Option<&'a str>,
    /// Everything is checked and answered as if it were made, and nothing is stored.
    pub dry_run: bool,
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    // An empty list may be null.
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

impl Cluster {
    /// Uses a client. Its credentials, address and TLS settings are its own. It should not repeat requests by itself
    /// (`default_retry` of kube's configuration): a request is repeated here, where its deadline is known.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let inner = Inner { transport: Transport::new(client), resources: Resources::default() };
        Self { inner: Arc::new(inner), terms: Terms::default() }
    }

    /// The same API server, with the same connections and the same bound on requests; writes are refused with
    /// [`Error::NotLeader`] once the fence is closed. Reads are not.
    #[must_use]
    pub fn fenced(&self, fence: Fence) -> Self {
        Self { inner: Arc::clone(&self.inner), terms: Terms { fence: Some(fence), ..self.terms.clone() } }
    }

    /// The same API server, with the same connections, bound and fence, asked no faster than the flow allows. All clones
    /// with one flow share its tokens.
    #[must_use]
    pub fn paced(&self, flow: Flow) -> Self {
        Self { inner: Arc::clone(&self.inner), terms: Terms { flow: Some(flow), ..self.terms.clone() } }
    }

    /// The same API server in the name of an account, with the same bound on requests, fence and flow: what that account has not
    /// the right to is refused, and nothing is known beforehand of what was found out in another name.
    #[must_use]
    pub fn acting_as(&self, account: &ServiceAccount) -> Self {
        let transport = self.inner.transport.acting_as(account);
        let inner = Inner { transport, resources: Resources::default() };
        Self { inner: Arc::new(inner), terms: self.terms.clone() }
    }

    /// In whose name it asks; `None`: in the host's own.
    #[must_use]
    pub fn account(&self) -> Option<&ServiceAccount> {
        self.inner.transport.account()
    }

    /// Has the requests of all clones, and what becomes of the watches over them, told with the metrics of a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.inner.transport.metrics.register(registry);
    }

    /// Until when this clone may write; `None`: for ever.
    #[must_use]
    pub fn fence(&self) -> Option<&Fence> {
        self.terms.fence.as_ref()
    }

    /// The client below, for requests that change nothing, such as access reviews: what is written through it knows no fence. It
    /// asks in the same name.
    #[must_use]
    pub fn client(&self) -> &Client {
        self.inner.transport.client()
    }

    /// What all requests pass.
    pub(crate) fn transport(&self) -> &Transport {
        &self.inner.transport
    }

    /// How a kind is served. Found out once; a kind that appears later is found.
    pub async fn resource(&self, kind: &GroupVersionKind) -> Result<Arc<Resource>, Error> {
        self.inner.resources.find(&self.inner.transport, kind).await
    }

    /// One object, from the API server itself.
    pub async fn get(&self, target: &ObjectRef) -> Result<Object, Error> {
        let path = self.resource(&target.kind).await?.item(&target.key)?;
        object(&self.send(&target.kind, Outgoing::get("get", &path)).await?)
    }

    /// All objects of a selection, ordered by namespace and name.
    pub async fn list(&self, selection: &Selection) -> Result<Vec<Object>, Error> {
        let mut attempts = 1;
        let mut objects = loop {
            match self.pages(selection).await {
                Err(failure) if failure.expired && attempts < LIST_ATTEMPTS => attempts += 1,
                listed => break listed?,
            }
        };
        objects.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(objects)
    }

    async fn pages(&self, selection: &Selection) -> Result<Vec<Object>, Failure> {
        let path = self.resource(&selection.kind).await?.collection(selection.namespace.as_deref())?;
        let kind = Arc::new(selection.kind.clone());
        let fields = selection.field_selector();
        let mut objects = Vec::new();
        let mut next = None::<String>;
        let mut bytes = 0;
        loop {
            let pairs = [
                ("limit", Some(PAGE)),
                ("labelSelector", selection.labels.as_deref()),
                ("fieldSelector", fields.as_deref()),
                ("continue", next.as_deref()),
            ];
            let query = request::query(pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
            let url = format!("{path}{query}");
            let text = self.send(&selection.kind, Outgoing::get("list", &url)).await?;
            let page: Page = serde_json::from_str(&text).map_err(|error| Error::Malformed(error.to_string()))?;
            bytes += text.len();
            if bytes > LIST {
                return Err(Error::Invalid(format!("the list has more than {LIST} bytes: narrow the selection")).into());
            }
            for item in page.items.unwrap_or_default() {
                objects.extend(readable(item.get(), &kind));
            }
            next = page.metadata.next.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok(objects);
            }
        }
    }

    /// Makes an object. It must carry apiVersion, kind and a name.
    pub async fn create(&self, body: &Value) -> Result<Object, Error> {
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let kind = kind_of(text("/apiVersion").unwrap_or_default(), text("/kind").unwrap_or_default())
            .ok_or_else(|| Error::Invalid(ObjectError::NoKind.to_string()))?;
        let name = text("/metadata/name").ok_or_else(|| Error::Invalid(ObjectError::NoName.to_string()))?;
        let resource = self.resource(&kind).await?;
        let key = ObjectKey { namespace: text("/metadata/namespace").map(str::to_owned), name: name.to_owned() };
        // Checks the scope and the name before anything is sent.
        resource.item(&key)?;
        let path = resource.collection(key.namespace.as_deref())?;
        let body = Some(Body { content_type: "application/json", bytes: body.to_string().into_bytes() });
        let outgoing = Outgoing::write("create", Method::POST, &path, body);
        object(&self.send(&kind, outgoing).await?)
    }

    /// Changes an object, or one of its subresources, and gives its state afterwards. Only an apply makes one that does
    /// not exist.
    ///
    /// A subresource that the kind has not got is [`Error::NotFound`], and nothing is sent: the API server asks for the right
    /// to it first, which nobody is given to what is not there, so that it would answer that it is forbidden.
    pub async fn patch(
        &self,
        target: &ObjectRef,
        subresource: Option<&str>,
        patch: Patch<'_>,
    ) -> Result<Object, Error> {
        self.patch_in(target, subresource, patch, Manner::default()).await
    }

    /// The same in a certain manner. The answer to a dry run is the state that would have been, at the version that is.
    pub async fn patch_in(
        &self,
        target: &ObjectRef,
        subresource: Option<&str>,
        patch: Patch<'_>,
        manner: Manner<'_>,
    ) -> Result<Object, Error> {
        if let Some(unknown) = subresource.filter(|name| !STATE.contains(name)) {
            return Err(Error::Invalid(format!(
                "`{}` is no subresource that can be patched: {} are",
                unknown.escape_debug(),
                STATE.join(" and ")
            )));
        }
        let resource = self.inner.resources.find_with(&self.inner.transport, &target.kind, subresource).await?;
        let mut url = resource.item(&target.key)?;
        if let Some(subresource) = subresource {
            if !resource.has(subresource) {
                let (plural, group) = (&resource.api.plural, &resource.api.group);
                return Err(Error::NotFound(format!("{plural} of group `{group}` have no subresource {subresource}")));
            }
            url.push('/');
            url.push_str(subresource);
        }
        let (content_type, body, manager, force) = match patch {
            Patch::Apply { body, manager, force } => {
                ("application/apply-patch+yaml", body, Some(manager), Some(if force { "true" } else { "false" }))
            }
            Patch::Merge(body) => ("application/merge-patch+json", body, manner.manager, None),
            Patch::Json(body) => ("application/json-patch+json", body, manner.manager, None),
        };
        let pairs = [("fieldManager", manager), ("force", force), ("dryRun", manner.dry_run.then_some("All"))];
        url.push_str(&request::query(pairs.into_iter().filter_map(|(key, value)| Some((key, value?)))));
        let body = Some(Body { content_type, bytes: body.to_string().into_bytes() });
        let outgoing = Outgoing::write("patch", Method::PATCH, &url, body);
        object(&self.send(&target.kind, outgoing).await?)
    }

    /// Asks for deletion; finalizers may keep the object for a while. With a `uid`, only that very object.
    pub async fn delete(&self, target: &ObjectRef, uid: Option<&str>) -> Result<(), Error> {
        let path = self.resource(&target.kind).await?.item(&target.key)?;
        let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        if let Some(uid) = uid {
            options["preconditions"] = json!({"uid": uid});
        }
        let body = Some(Body { content_type: "application/json", bytes: options.to_string().into_bytes() });
        self.send(&target.kind, Outgoing::write("delete", Method::DELETE, &path, body)).await?;
        Ok(())
    }

    /// Its definition was deleted or changed.
    pub(crate) fn forget(&self, kind: &GroupVersionKind) {
        self.inner.resources.forget(kind);
    }

    async fn send(&self, kind: &GroupVersionKind, outgoing: Outgoing<'_>) -> Result<String, Failure> {
        let answer = request::send(&self.inner.transport, &self.terms, kind, outgoing).await;
        if let Err(Failure { error: Error::UnknownKind(kind), .. }) = &answer {
            self.forget(kind);
        }
        answer
    }
}

fn object(text: &str) -> Result<Object, Error> {
    Object::parse(text, None).map_err(|error| malformed(&error))
}

/// An item of a list. One that cannot be read is left out, as in a watch: anybody may write one, and it must not cost the others.
fn readable(item: &str, kind: &Arc<GroupVersionKind>) -> Option<Object> {
    Object::parse(item, Some(kind))
        .inspect_err(
            |error| tracing::warn!(kind = %kind.kind, %error, "an object cannot be read and is left out of its list"),
        )
        .ok()
}

fn malformed(error: &ObjectError) -> Error {
    Error::Malformed(error.to_string())
}

#[cfg(test)]
mod tests;
