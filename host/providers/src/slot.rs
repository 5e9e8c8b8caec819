//! The place of a provider's logic, so that it can be replaced while its controllers run.

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Fence, Reach};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure};

use crate::fenced::Fenced;

/// Whatever is in it when a reconcile begins serves that reconcile to its end.
pub(crate) struct Slot {
    logic: ArcSwap<Box<dyn ExternalSystem>>,
    /// Until when it may be asked for anything; for ever without one.
    fence: Option<Fence>,
}

impl Slot {
    pub(crate) fn new(logic: Box<dyn ExternalSystem>, fence: Option<Fence>) -> Self {
        Self { logic: ArcSwap::from_pointee(logic), fence }
    }

    pub(crate) fn replace(&self, logic: Box<dyn ExternalSystem>) {
        self.logic.store(Arc::new(logic));
    }
}

#[async_trait]
impl ExternalSystem for Slot {
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let logic = self.logic.load_full();
        match &self.fence {
            Some(fence) => Fenced::connect(fence, logic.as_ref().as_ref(), context, managed).await,
            None => logic.connect(context, managed).await,
        }
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.logic.load().reach(target)
    }
}
