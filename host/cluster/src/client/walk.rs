//! All objects of a kind, one page after the other: of however many there are, few are held at a time.

use std::sync::Arc;

use capstan_api::GroupVersionKind;

use super::{Cluster, Page, readable};
use crate::{
    Error, Object,
    request::{self, Outgoing},
};

/// Bytes that a page is meant to have. Objects may have more than a megabyte each, and mostly have a few kilobytes.
const PAGE_BYTES: usize = 2 << 20;
/// Objects in the first page, when nobody knows how large they are.
const FIRST: usize = 20;
/// Objects in any page.
const MOST: usize = 500;

/// A pass over the objects of a kind in all namespaces, in the API server's order and at one moment of its state.
#[derive(Debug)]
pub struct Walk {
    kind: Arc<GroupVersionKind>,
    limit: usize,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    At(String),
    Nothing,
}

impl Walk {
    /// From the first object of a kind on.
    #[must_use]
    pub fn over(kind: &GroupVersionKind) -> Self {
        Self { kind: Arc::new(kind.clone()), limit: FIRST, next: Next::First }
    }

    /// The next page; `None` after the last one. As many objects as make about two megabytes, judged by the page before, and at
    /// most twice as many as that one was to have.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the rest of the list is not kept any more (after about five minutes): begin anew.
    pub async fn page(&mut self, cluster: &Cluster) -> Result<Option<Vec<Object>>, Error> {
        let next = match &self.next {
            Next::First => None,
            Next::At(next) => Some(next.as_str()),
            Next::Nothing => return Ok(None),
        };
        let path = cluster.resource(&self.kind).await?.collection(None)?;
        let limit = self.limit.to_string();
        let pairs = [("limit", Some(limit.as_str())), ("continue", next)];
        let query = request::query(pairs.into_iter().filter_map(|(key, value)| Some((key, value?))));
        let text = cluster.send(&self.kind, Outgoing::get("list", &format!("{path}{query}"))).await?;
        let page: Page = serde_json::from_str(&text).map_err(|error| Error::Malformed(error.to_string()))?;
        let items = page.items.unwrap_or_default();
        let objects = items.iter().filter_map(|item| readable(item.get(), &self.kind)).collect();
        let each = text.len() / items.len().max(1);
        // Those that follow may be larger than those so far.
        self.limit = (PAGE_BYTES / each.max(1)).clamp(1, MOST).min(self.limit.saturating_mul(2));
        self.next = page.metadata.next.filter(|next| !next.is_empty()).map_or(Next::Nothing, Next::At);
        Ok(Some(objects))
    }
}
