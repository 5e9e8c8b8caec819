//! The place of a provider's logic, so that it can be replaced while its controllers run.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use capstan_api::ObjectRef;
use capstan_cluster::{Fence, Reach};
use capstan_engine::{Context, ExternalSession, ExternalSystem, Failure, Retry};
use capstan_sandbox::{Counts, Guest, Spent};

use crate::{
    breaker::Breaker,
    fenced::Fenced,
    tally::{Tallied, Tally, Verdict},
};

/// Whatever is in it when a reconcile begins serves that reconcile to its end.
pub(crate) struct Slot {
    logic: ArcSwap<Guest>,
    /// What was counted of builds that were replaced.
    before: Mutex<Counts>,
    /// Until when it may be asked for anything; for ever without one.
    fence: Option<Fence>,
    tally: Arc<Tally>,
    breaker: Arc<Breaker>,
}

impl Slot {
    pub(crate) fn new(logic: Guest, fence: Option<Fence>, tally: Arc<Tally>) -> Self {
        let (logic, before) = (ArcSwap::from_pointee(logic), Mutex::default());
        Self { logic, before, fence, tally, breaker: Arc::default() }
    }

    pub(crate) fn replace(&self, logic: Guest) {
        // Held over both, so that nobody ever reads less than before.
        let mut before = self.before();
        let former = self.logic.swap(Arc::new(logic));
        *before = *before + former.counts();
        drop(before);
        self.breaker.reset();
    }

    /// Whether it is given rest.
    pub(crate) fn breaker(&self) -> &Arc<Breaker> {
        &self.breaker
    }

    /// What was refused to it, or dropped.
    pub(crate) fn counts(&self) -> Counts {
        let before = self.before();
        *before + self.logic.load().counts()
    }

    /// What sessions of the build that is in it used.
    pub(crate) fn spent(&self) -> Vec<Spent> {
        self.logic.load().spent()
    }

    fn before(&self) -> MutexGuard<'_, Counts> {
        // Each change is one assignment.
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Slot").field("tally", &self.tally).finish_non_exhaustive()
    }
}

#[async_trait]
impl ExternalSystem for Slot {
    async fn connect(&self, context: &Context, managed: &str) -> Result<Box<dyn ExternalSession>, Failure> {
        let admitted = self.breaker.admit(&context.uid).map_err(|rest| {
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
                verdict.ended = self.tally.ended(&failure);
                Err(failure)
            }
        }
    }

    fn reach(&self, target: &ObjectRef) -> Reach {
        self.logic.load().reach(target)
    }
}
