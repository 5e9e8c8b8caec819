//! The place of a provider's logic, so that it can be replaced while its controllers run.

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Fence, Reach};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure};
use capstan_sandbox::Guest;

use crate::{
    fenced::Fenced,
    tally::{Tallied, Tally},
};

/// Whatever is in it when a reconcile begins serves that reconcile to its end.
pub(crate) struct Slot {
    logic: ArcSwap<Guest>,
    /// Until when it may be asked for anything; for ever without one.
    fence: Option<Fence>,
    tally: Arc<Tally>,
}

impl Slot {
    pub(crate) fn new(logic: Guest, fence: Option<Fence>) -> Self {
        Self { logic: ArcSwap::from_pointee(logic), fence, tally: Arc::default() }
    }

    pub(crate) fn replace(&self, logic: Guest) {
        let former = self.logic.swap(Arc::new(logic));
        self.tally.add_denied(former.counts().denied);
    }

    /// How its sessions ended badly.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Requests that the grants do not allow.
    pub(crate) fn denied(&self) -> u64 {
        self.tally.denied_before() + self.logic.load().counts().denied
    }
}

#[async_trait]
impl ExternalSystem for Slot {
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let logic = self.logic.load_full();
        let connected = match &self.fence {
            Some(fence) => Fenced::connect(fence, logic.as_ref(), context, managed).await,
            None => logic.connect(context, managed).await,
        };
        match connected {
            Ok(session) => Ok(Box::new(Tallied { session, tally: Arc::clone(&self.tally) })),
            Err(failure) => {
                self.tally.cut_off(&failure);
                Err(failure)
            }
        }
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.logic.load().reach(target)
    }
}
