//! Creating outside: the intent is written down first, then the provider is asked, then the result is written down.
//!
//! Guarantees: a create is asked for at most once for each intent; while an intent has no result nothing else is created,
//! unless the kind can find out by observing; a result is written whatever others write meanwhile, and kept for later if
//! the API server is away. One that comes so late is written over the newest state alone, and not over what a later create
//! left.

use std::{ops::ControlFlow, time::Duration};

use capstan_api::Condition;
use capstan_cluster::Error;
use serde_json::json;
use tokio::time::sleep;

use super::{
    announcement::Announcement,
    pass::{Flow, Pass, refused},
    snapshot::Snapshot,
    unrecorded::CreateResult,
    verdict::{Phase, Verdict},
};
use crate::{Failure, Retry};

/// The result of a create must not be lost, so it is written several times over, twice as late each time.
const RECORD_TRIES: u32 = 5;
/// The wait before the second try.
const RECORD_PAUSE: Duration = Duration::from_millis(100);

/// When a result is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// In the reconcile of its create: its intent was the last there was a moment ago.
    Fresh,
    /// In a later one: somebody else may have asked for another create meanwhile.
    Late,
}

impl Pass<'_> {
    pub(super) async fn create(&mut self) -> Verdict {
        let creating = || Some(Condition::creating());
        if let Some(failure) = self.too_late() {
            return Verdict::failed(Phase::Create, &failure, creating());
        }
        let begun = self.object.creates().begun(self.lifecycle.clock.now());
        let patch = self.object.guarded(&json!({ "annotations": begun.intent() }));
        if let Err(error) = self.write(&patch).await {
            if error.is_transient() {
                // The intent may stand there although its answer was lost. Nothing was created, and only we know.
                let never_begun = begun.failure(self.lifecycle.clock.now());
                self.lifecycle.unrecorded.keep(&self.context.uid, never_begun);
            }
            return refused(&error, "UpdateExternalResource", "cannot update managed resource", creating());
        }
        // The write may have taken long, and somebody may have changed his mind.
        if let Some(failure) = self.too_late() {
            return self.create_failed(&failure).await;
        }
        if self.is_unwanted() {
            return match self.record_failure().await {
                Ok(()) => Verdict::conflict(),
                Err(message) => Verdict::write_failed("UpdateExternalResource", message, creating()),
            };
        }
        match self.session.create(self.object.object().json()).await {
            Ok(creation) => {
                let result = self.object.creates().success(self.lifecycle.clock.now(), &creation);
                self.patches.extend(creation.status);
                match self.record_result(result, Occasion::Fresh).await {
                    Ok(()) => Verdict::created(),
                    Err(message) => Verdict::created_unrecorded(message),
                }
            }
            // Nobody knows what a create did that was cut off or whose answer was lost: its intent stays without a result.
            Err(failure) if self.session.is_unclear() => Verdict::failed(Phase::Create, &failure, creating()),
            Err(failure) => self.create_failed(&failure).await,
        }
    }

    /// Nothing was created, and that is written down.
    async fn create_failed(&mut self, failure: &Failure) -> Verdict {
        let mut verdict = Verdict::failed(Phase::Create, failure, Some(Condition::creating()));
        if let Err(message) = self.record_failure().await {
            verdict.announcements.push(Announcement::cannot_update(&message));
        }
        verdict
    }

    async fn record_failure(&mut self) -> Result<(), String> {
        let result = self.object.creates().failure(self.lifecycle.clock.now());
        self.record_result(result, Occasion::Fresh).await
    }

    /// Whether the object was paused or deleted, or its policies were changed, since it was decided to create.
    fn is_unwanted(&self) -> bool {
        let forbids = |object: &Snapshot| object.is_deleting() || !object.allowed().create;
        self.paused().is_some() || forbids(&self.object) || self.news().is_some_and(|news| forbids(&news))
    }

    /// Whether too little of this reconcile's time is left to begin a create. One that is cut off ends in a question that
    /// only a person can answer, unless the kind finds out by observing.
    fn too_late(&self) -> Option<Failure> {
        let needed = self.lifecycle.session_time / 2;
        let left = self.session.left();
        (!self.lifecycle.rules.recoverable && left < needed).then(|| {
            let message = format!(
                "not begun: {left:.1?} of {:.1?} are left after observing, and a create that is cut off has an unknown \
                 result; raise reconcileTimeout if the external system is slow",
                self.lifecycle.session_time
            );
            Failure::new("DeadlineExceeded", message, Retry::Backoff)
        })
    }

    /// Writes down the result of an earlier create for which the API server could not be reached then.
    pub(super) async fn catch_up(&mut self) -> Flow {
        let Some(result) = self.lifecycle.unrecorded.get(&self.context.uid) else {
            return ControlFlow::Continue(());
        };
        match self.record_result(result, Occasion::Late).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(message) => {
                let creating = Some(Condition::creating());
                ControlFlow::Break(Verdict::write_failed("UpdateExternalResource", message, creating))
            }
        }
    }

    /// Writes down the result of a create: a fresh one whatever others write meanwhile, a late one if nobody writes between
    /// the last look at the object and this. If it cannot be done now it is kept for the next reconcile.
    async fn record_result(&mut self, result: CreateResult, occasion: Occasion) -> Result<(), String> {
        let unrecorded = &self.lifecycle.unrecorded;
        let before = self.object.metadata().clone();
        // First of all: this reconcile may be ended while it waits for an answer.
        unrecorded.keep(&self.context.uid, result.clone());
        let mut pause = RECORD_PAUSE;
        let mut tries = 1;
        let recorded = loop {
            match self.put_result(&result, occasion).await {
                Ok(recorded) => break recorded,
                Err(error @ Error::NotFound(_)) => {
                    unrecorded.forget(&self.context.uid);
                    return Err(error.to_string());
                }
                Err(error) if tries == RECORD_TRIES || matches!(error, Error::UnknownKind(_) | Error::NotLeader) => {
                    let what = "cannot update managed resource annotations: cannot update critical annotations";
                    return Err(format!("{what}: {error}"));
                }
                // The newest state was read just now, and would be an old one after a pause.
                Err(Error::Conflict(_)) if occasion == Occasion::Late => {}
                Err(error) => {
                    tracing::debug!(%error, "create result not recorded yet");
                    sleep(pause).await;
                    pause *= 2;
                }
            }
            tries += 1;
        };
        unrecorded.forget(&self.context.uid);
        let Some(object) = recorded else {
            tracing::warn!(
                result = %result.annotations,
                "the result of a create is not written down: a later create was asked for before that could be done"
            );
            return Ok(());
        };
        // What succeeded may not show for a while, from now on.
        self.lifecycle.sightings.age(&self.context.uid, object.creates().last());
        if object.metadata().is_only_annotated(&before, &result.annotations) {
            self.take_note(object);
        } else {
            self.object = object;
        }
        Ok(())
    }

    /// One try, which gives the object with the result. `None`: a later create is on record, and stays. After the conflict
    /// of a late one the newest state has been read.
    async fn put_result(&mut self, result: &CreateResult, occasion: Occasion) -> Result<Option<Snapshot>, Error> {
        let (objects, target) = (&self.lifecycle.objects, &self.context.object);
        let patch = self.object.annotating(&result.annotations);
        if occasion == Occasion::Fresh {
            return Ok(Some(Snapshot::of(objects.patch(target, None, &patch).await?)));
        }
        if self.object.creates().is_later_than(result.intent) {
            return Ok(None);
        }
        let written = objects.patch(target, None, &self.object.guard(patch)).await;
        if matches!(written, Err(Error::Conflict(_))) {
            let newest = objects.get(target).await?;
            if newest.uid() != self.context.uid {
                return Err(Error::NotFound(target.to_string()));
            }
            self.object = Snapshot::of(newest);
        }
        Ok(Some(Snapshot::of(written?)))
    }
}
