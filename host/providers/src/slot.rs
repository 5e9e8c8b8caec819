//! The place of a provider's logic, so that it can be replaced while its controllers run.

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::Reach;
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure};

/// Whatever is in it when a reconcile begins serves that reconcile to its end.
pub(crate) struct Slot(ArcSwap<Box<dyn ExternalSystem>>);

impl Slot {
    pub(crate) fn new(logic: Box<dyn ExternalSystem>) -> Self {
        Self(ArcSwap::from_pointee(logic))
    }

    pub(crate) fn replace(&self, logic: Box<dyn ExternalSystem>) {
        self.0.store(Arc::new(logic));
    }
}

#[async_trait]
impl ExternalSystem for Slot {
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let logic = self.0.load_full();
        logic.connect(context, managed).await
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.0.load().reach(target)
    }
}
