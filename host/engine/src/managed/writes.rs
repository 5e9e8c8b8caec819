//! Writes to managed objects.

use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Cluster, Error, Fence, Object, Patch, Store, Watches};
use serde_json::Value;

/// Where managed objects are. Tests have a small one in memory.
#[async_trait]
pub(crate) trait ManagedObjects: Send + Sync {
    /// The newest state that the host has heard of, without asking anybody; `None` if it knows of none.
    fn heard(&self, target: &ObjectRef) -> Option<Object>;
    /// The newest state, from the API server itself.
    async fn get(&self, target: &ObjectRef) -> Result<Object, Error>;
    /// Whether anything may be written still. Not once the lease is lost: somebody else reconciles them then.
    fn may_write(&self) -> bool;
    /// Applies a merge patch to the object or to its `subresource`, and gives the state it has then.
    async fn patch(&self, target: &ObjectRef, subresource: Option<&str>, patch: &Value) -> Result<Object, Error>;
}

/// Those of a cluster. What is written is remembered, so that no reconcile begins with an older copy.
pub(crate) struct InCluster {
    pub(crate) cluster: Cluster,
    pub(crate) watches: Watches,
    /// Of the watch of the managed kind.
    pub(crate) store: Store,
}

#[async_trait]
impl ManagedObjects for InCluster {
    fn heard(&self, target: &ObjectRef) -> Option<Object> {
        self.store.get(&target.key)
    }

    async fn get(&self, target: &ObjectRef) -> Result<Object, Error> {
        self.cluster.get(target).await
    }

    fn may_write(&self) -> bool {
        self.cluster.fence().is_none_or(Fence::is_open)
    }

    async fn patch(&self, target: &ObjectRef, subresource: Option<&str>, patch: &Value) -> Result<Object, Error> {
        let object = self.cluster.patch(target, subresource, Patch::Merge(patch)).await?;
        self.watches.remember(&object);
        Ok(object)
    }
}
