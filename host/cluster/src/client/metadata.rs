//! Lists of objects of which nothing but the metadata is wanted: kilobytes where whole objects would be megabytes.

use capstan_api::{GroupVersionKind, ObjectKey, ObjectRef};
use serde::Deserialize;

use super::Cluster;
use crate::{
    Error,
    request::{self, Outgoing},
};

/// What the API server is to leave of each object.
const ACCEPT: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/// What an object is called, and what holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Which object.
    pub object: ObjectRef,
    /// `metadata.uid`
    pub uid: String,
    /// `metadata.resourceVersion`
    pub resource_version: String,
    /// `metadata.finalizers`
    pub finalizers: Vec<String>,
}

/// Some objects of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataPage {
    /// In the API server's order.
    pub objects: Vec<Metadata>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
    /// How many there are after these. The API server's estimate.
    pub remaining: u64,
}

#[derive(Deserialize)]
struct Page {
    metadata: PageMetadata,
    // An empty list may be null.
    items: Option<Vec<Item>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
    remaining_item_count: u64,
}

#[derive(Deserialize)]
struct Item {
    metadata: ItemMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ItemMetadata {
    namespace: Option<String>,
    name: String,
    uid: String,
    resource_version: String,
    #[serde(default)]
    finalizers: Vec<String>,
}

impl Cluster {
    /// The metadata of at most `limit` objects of a kind, in all namespaces, from where an earlier page ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the page is not kept any more (after about five minutes): begin anew.
    pub async fn metadata(
        &self,
        kind: &GroupVersionKind,
        limit: u32,
        next: Option<&str>,
    ) -> Result<MetadataPage, Error> {
        let path = self.resource(kind).await?.collection(None)?;
        let limit = limit.to_string();
        let pairs = [("limit", Some(limit.as_str())), ("continue", next)];
        let query = request::query(pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
        let url = format!("{path}{query}");
        let text = self.send(kind, Outgoing { accept: ACCEPT, ..Outgoing::get("list", &url) }).await?;
        let page: Page = serde_json::from_str(&text).map_err(|error| Error::Malformed(error.to_string()))?;
        let objects = page.items.unwrap_or_default().into_iter().map(|Item { metadata }| Metadata {
            object: ObjectRef {
                kind: kind.clone(),
                key: ObjectKey { namespace: metadata.namespace.filter(|name| !name.is_empty()), name: metadata.name },
            },
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            finalizers: metadata.finalizers,
        });
        Ok(MetadataPage {
            objects: objects.collect(),
            next: page.metadata.next.filter(|next| !next.is_empty()),
            remaining: page.metadata.remaining_item_count,
        })
    }
}
