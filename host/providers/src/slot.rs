//! The place of a provider's logic, so that it can be replaced while its controllers run.

use std::{borrow::Cow, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Fence, Reach};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure, Retry};
use capstan_sandbox::Guest;

use crate::{
    breaker::{Breaker, Ended},
    fenced::Fenced,
    tally::{Tallied, Tally, Verdict},
};

/// Whatever is in it when a reconcile begins serves that reconcile to its end.
pub(crate) struct Slot {
    logic: ArcSwap<Guest>,
    /// Until when it may be asked for anything; for ever without one.
    fence: Option<Fence>,
    tally: Arc<Tally>,
    breaker: Arc<Breaker>,
}

impl Slot {
    pub(crate) fn new(logic: Guest, fence: Option<Fence>) -> Self {
        Self { logic: ArcSwap::from_pointee(logic), fence, tally: Arc::default(), breaker: Arc::default() }
    }

    pub(crate) fn replace(&self, logic: Guest) {
        let former = self.logic.swap(Arc::new(logic));
        self.tally.add_denied(former.counts().denied);
        self.breaker.reset();
    }

    /// Whether it is given rest.
    pub(crate) fn breaker(&self) -> &Arc<Breaker> {
        &self.breaker
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
        let admitted = self.breaker.admit().map_err(|rest| {
            Failure::new(
                "CrashLooping",
                "the provider is given rest, as its calls are cut off again and again",
                Retry::Hold(rest),
            )
        })?;
        let mut verdict = Verdict::pending(Arc::clone(&self.breaker), admitted, &context.uid);
        let logic = self.logic.load_full();
        let connected = match &self.fence {
            Some(fence) => Fenced::connect(fence, logic.as_ref(), context, managed).await,
            None => logic.connect(context, managed).await,
        };
        match connected {
            Ok(session) => Ok(Box::new(Tallied::new(session, Arc::clone(&self.tally), verdict))),
            Err(failure) => {
                verdict.ended = match &failure.problem.reason {
                    // The guest's own words are owned, and its own affair; the host's are known beforehand.
                    Cow::Owned(_) | Cow::Borrowed("") => Ended::Well,
                    Cow::Borrowed(_) if self.tally.cut_off(&failure) => Ended::CutOff,
                    Cow::Borrowed(_) => Ended::Unknown,
                };
                Err(failure)
            }
        }
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.logic.load().reach(target)
    }
}
