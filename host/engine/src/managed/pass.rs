//! One reconcile: asks for the next step, does it, and says how it ended.

use std::{ops::ControlFlow, time::Duration};

use capstan_api::Condition;
use capstan_cluster::Error;
use serde_json::Value;
use tokio::time::sleep;

use super::{
    Lifecycle, Report, annotations,
    announce::Subject,
    decision::{Progress, Step, decide},
    metadata::Fingerprint,
    outcome::Outcome,
    session::Session,
    snapshot::Snapshot,
    status::Wish,
    verdict::{Announcement, Phase, Verdict, readiness},
};
use crate::{
    Context, Observation,
    queue::{BACKOFF, Next},
};

/// The result of a create must not be lost, so it is written several times over, twice as late each time.
const RECORD_TRIES: u32 = 5;
/// The wait before the second try.
const RECORD_PAUSE: Duration = Duration::from_millis(100);
/// A status that others keep writing is left for the next reconcile after so many tries.
const STATUS_TRIES: u32 = 3;

pub(super) struct Pass<'a> {
    lifecycle: &'a Lifecycle,
    context: Context,
    session: Session,
    progress: Progress,
    /// The newest state known.
    object: Snapshot,
    /// The newest state that was known to nobody's change but ours.
    seen: Fingerprint,
    generation: Option<i64>,
    /// The provider's patches of `status`.
    patches: Vec<Value>,
}

type Flow = ControlFlow<Verdict>;

impl<'a> Pass<'a> {
    pub(super) fn new(lifecycle: &'a Lifecycle, context: Context, session: Session, object: Snapshot) -> Self {
        let (seen, generation) = (object.metadata().fingerprint(), object.generation());
        let (progress, patches) = (Progress::default(), Vec::new());
        Self { lifecycle, context, session, progress, object, seen, generation, patches }
    }

    pub(super) async fn run(mut self) -> Report {
        let verdict = match self.catch_up().await {
            ControlFlow::Continue(()) => self.steps().await,
            ControlFlow::Break(verdict) => verdict,
        };
        if let Err(problem) = self.disconnect().await {
            tracing::warn!(object = %self.context.object, %problem.message, "disconnect failed");
            self.lifecycle.announcer.tell(&self.subject(), &[Announcement::cannot_disconnect(&problem)], &[]);
        }
        self.conclude(verdict).await
    }

    async fn steps(&mut self) -> Verdict {
        loop {
            let step = decide(&self.object, &self.progress, &self.lifecycle.rules, self.lifecycle.clock.now());
            tracing::trace!(object = %self.context.object, reconcile = self.context.reconcile_id, ?step);
            if let ControlFlow::Break(verdict) = self.step(step).await {
                return verdict;
            }
        }
    }

    async fn step(&mut self, step: Step) -> Flow {
        let found = match &self.progress {
            Progress::Observed { observation, .. } => observation.clone(),
            _ => Observation::default(),
        };
        ControlFlow::Break(match step {
            Step::Pause => Verdict::paused(&self.object),
            Step::LeaveToOthers => Verdict::quiet(Outcome::Released, Next::Stop),
            Step::Release => self.release().await,
            Step::RefuseUnclearCreate => Verdict::unclear_create(),
            Step::Connect => return self.connect().await,
            Step::Observe => return self.observe().await,
            Step::ReportMissing => Verdict::missing(&found),
            Step::AwaitConfirmation => Verdict::awaiting_confirmation(),
            Step::AwaitFinalizers(others) => Verdict::awaiting_finalizers(&others),
            Step::Delete => self.delete().await,
            Step::Hold => return self.hold().await,
            Step::Create => self.create().await,
            Step::Record(patch) => return self.record(&patch).await,
            Step::Settle => Verdict::settled(&found),
            Step::Update => self.update(&found).await,
        })
    }

    async fn connect(&mut self) -> Flow {
        let managed = self.object.object().json();
        match self.session.connect(self.lifecycle.external.as_ref(), &self.context, managed).await {
            Ok(()) => self.progress = Progress::Connected,
            Err(failure) => return ControlFlow::Break(Verdict::failed(Phase::Connect, &failure, None)),
        }
        ControlFlow::Continue(())
    }

    async fn observe(&mut self) -> Flow {
        match self.session.observe(self.object.object().json()).await {
            Ok(mut observation) => {
                self.patches.extend(observation.status.take());
                self.progress = Progress::Observed { observation, recorded: false };
                ControlFlow::Continue(())
            }
            Err(failure) => ControlFlow::Break(Verdict::failed(Phase::Observe, &failure, None)),
        }
    }

    async fn hold(&mut self) -> Flow {
        let patch = self.object.holding();
        if let Err(error) = self.write(&patch).await {
            return ControlFlow::Break(refused(&error, "UpdateManagedResource", "cannot add finalizer", None));
        }
        if !self.object.is_held() {
            let message = "cannot add finalizer: something took it off at once".to_owned();
            return ControlFlow::Break(Verdict::write_failed("UpdateManagedResource", message, None));
        }
        ControlFlow::Continue(())
    }

    async fn release(&mut self) -> Verdict {
        let patch = self.object.releasing();
        match self.write(&patch).await {
            Ok(()) | Err(Error::NotFound(_) | Error::UnknownKind(_)) => Verdict::quiet(Outcome::Released, Next::Stop),
            Err(error) => {
                refused(&error, "UpdateManagedResource", "cannot remove finalizer", Some(Condition::deleting()))
            }
        }
    }

    async fn record(&mut self, patch: &Value) -> Flow {
        if let Err(error) = self.write(patch).await {
            return ControlFlow::Break(refused(
                &error,
                "UpdateExternalResource",
                "cannot update managed resource",
                None,
            ));
        }
        if let Progress::Observed { recorded, .. } = &mut self.progress {
            // What the API server did not keep this time it will not keep the next time either.
            *recorded = true;
        }
        ControlFlow::Continue(())
    }

    async fn create(&mut self) -> Verdict {
        let creating = || Some(Condition::creating());
        let intent = self.object.creates().intent(self.lifecycle.clock.now());
        let patch = self.object.guarded(serde_json::json!({ "annotations": intent }));
        if let Err(error) = self.write(&patch).await {
            if error.is_transient() {
                // The intent may stand there although its answer was lost. Nothing was created, and only we know.
                let never_begun = self.object.creates().failure(self.lifecycle.clock.now());
                self.lifecycle.unrecorded.keep(&self.context.uid, never_begun);
            }
            return refused(&error, "UpdateExternalResource", "cannot update managed resource", creating());
        }
        match self.session.create(self.object.object().json()).await {
            Ok(creation) => {
                let result = self.object.creates().success(self.lifecycle.clock.now(), &creation);
                self.patches.extend(creation.status);
                match self.record_result(result).await {
                    Ok(()) => Verdict::created(),
                    Err(message) => Verdict::created_unrecorded(message),
                }
            }
            // Nobody knows what a create that was cut off did: its intent stays without a result.
            Err(failure) if self.session.is_interrupted() => Verdict::failed(Phase::Create, &failure, creating()),
            Err(failure) => {
                let mut verdict = Verdict::failed(Phase::Create, &failure, creating());
                let result = self.object.creates().failure(self.lifecycle.clock.now());
                if let Err(message) = self.record_result(result).await {
                    verdict.announcements.push(Announcement::cannot_update(&message));
                }
                verdict
            }
        }
    }

    async fn update(&mut self, found: &Observation) -> Verdict {
        match self.session.update(self.object.object().json()).await {
            Ok(change) => {
                self.patches.extend(change.status);
                Verdict::updated(found)
            }
            Err(failure) => Verdict::failed(Phase::Update, &failure, readiness(found)),
        }
    }

    async fn delete(&mut self) -> Verdict {
        match self.session.delete(self.object.object().json()).await {
            Ok(()) => Verdict::deletion_requested(),
            Err(failure) => Verdict::failed(Phase::Delete, &failure, Some(Condition::deleting())),
        }
    }

    /// Writes down the result of an earlier create for which the API server could not be reached then.
    async fn catch_up(&mut self) -> Flow {
        let Some(result) = self.lifecycle.unrecorded.get(&self.context.uid) else {
            return ControlFlow::Continue(());
        };
        match self.record_result(result).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(message) => {
                let creating = Some(Condition::creating());
                ControlFlow::Break(Verdict::write_failed("UpdateExternalResource", message, creating))
            }
        }
    }

    /// Writes down the result of a create, whatever others write meanwhile. If it cannot be done now it is kept for the
    /// next reconcile.
    async fn record_result(&mut self, annotations: Value) -> Result<(), String> {
        let patch = self.object.annotating(&annotations);
        // First of all: this reconcile may be ended while it waits for an answer.
        self.lifecycle.unrecorded.keep(&self.context.uid, annotations.clone());
        let mut pause = RECORD_PAUSE;
        let mut tries = 1;
        let object = loop {
            match self.lifecycle.objects.patch(&self.context.object, None, &patch).await {
                Ok(object) => break Snapshot::of(object),
                Err(error @ Error::NotFound(_)) => {
                    self.lifecycle.unrecorded.forget(&self.context.uid);
                    return Err(error.to_string());
                }
                Err(error) if tries == RECORD_TRIES || matches!(error, Error::UnknownKind(_)) => {
                    return Err(format!("cannot update managed resource annotations: {error}"));
                }
                Err(error) => tracing::debug!(object = %self.context.object, %error, "create result not recorded yet"),
            }
            sleep(pause).await;
            pause *= 2;
            tries += 1;
        };
        self.lifecycle.unrecorded.forget(&self.context.uid);
        if object.metadata().is_only_annotated(self.object.metadata(), &annotations) {
            self.seen = object.metadata().fingerprint();
        }
        self.object = object;
        Ok(())
    }

    /// A write that is refused if the state known is not the newest.
    async fn write(&mut self, patch: &Value) -> Result<(), Error> {
        let object = self.lifecycle.objects.patch(&self.context.object, None, patch).await?;
        self.object = Snapshot::of(object);
        self.seen = self.object.metadata().fingerprint();
        self.generation = self.object.generation();
        Ok(())
    }

    async fn disconnect(&mut self) -> Result<(), crate::Problem> {
        let closed = Session::new(tokio::time::Instant::now());
        std::mem::replace(&mut self.session, closed).disconnect().await
    }

    /// Writes the status and the events.
    async fn conclude(mut self, verdict: Verdict) -> Report {
        let mut verdict = verdict.with_policy(self.object.policy_problem());
        let over = matches!(verdict.outcome, Outcome::Released | Outcome::Gone | Outcome::Conflict);
        let mut transitions = Vec::new();
        if !over {
            let wish = Wish {
                patches: std::mem::take(&mut self.patches),
                conditions: std::mem::take(&mut verdict.conditions),
                generation: self.generation,
                now: annotations::text(Some(self.lifecycle.clock.now())),
            };
            match self.write_status(&wish).await {
                Ok(changed) => transitions = changed,
                Err(Error::NotFound(_) | Error::UnknownKind(_)) => {}
                Err(Error::Conflict(_)) => verdict.next = soon(verdict.next),
                Err(error) => {
                    tracing::warn!(object = %self.context.object, %error, "cannot update managed resource status");
                    verdict.outcome = Outcome::Failed;
                    verdict.next = soon(verdict.next);
                    if let Error::Invalid(message) = error {
                        transitions = self.say_refused(&message, wish.now).await;
                    }
                }
            }
        }
        self.lifecycle.announcer.tell(&self.subject(), &verdict.announcements, &transitions);
        tracing::debug!(
            object = %self.context.object, reconcile = self.context.reconcile_id, outcome = verdict.outcome.as_str(),
            "reconciled"
        );
        Report { outcome: verdict.outcome, next: verdict.next, seen: self.seen }
    }

    /// What the provider wants in the status is not allowed there, and the conditions went with it: at least this is told.
    async fn say_refused(&mut self, message: &str, now: String) -> Vec<Condition> {
        let message = format!("the status that the provider gave is refused: {message}");
        let wish = Wish {
            patches: Vec::new(),
            conditions: vec![Condition::reconcile_error("StatusRefused", message)],
            generation: self.generation,
            now,
        };
        self.write_status(&wish).await.unwrap_or_else(|error| {
            tracing::warn!(object = %self.context.object, %error, "cannot say that the status was refused");
            Vec::new()
        })
    }

    /// One write at most, on the newest state; says which conditions changed.
    async fn write_status(&mut self, wish: &Wish) -> Result<Vec<Condition>, Error> {
        let target = self.context.object.clone();
        for attempt in 1.. {
            let plan = wish.plan(&self.object);
            let Some(patch) = plan.patch else { break };
            match self.lifecycle.objects.patch(&target, Some("status"), &patch).await {
                Ok(object) => {
                    self.object = Snapshot::of(object);
                    return Ok(plan.transitions);
                }
                Err(Error::Conflict(_)) if attempt < STATUS_TRIES => {
                    let newest = self.lifecycle.objects.get(&target).await?;
                    if newest.uid() != self.context.uid {
                        break;
                    }
                    self.object = Snapshot::of(newest);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Vec::new())
    }

    fn subject(&self) -> Subject<'_> {
        Subject { object: &self.context.object, snapshot: &self.object }
    }
}

/// How a write to the object that did not succeed ends the reconcile.
fn refused(error: &Error, action: &'static str, what: &str, ready: Option<Condition>) -> Verdict {
    match error {
        Error::Conflict(_) => Verdict::conflict(),
        Error::NotFound(_) | Error::UnknownKind(_) => Verdict::quiet(Outcome::Gone, Next::Stop),
        error => Verdict::write_failed(action, format!("{what}: {error}"), ready),
    }
}

/// With back-off, and not before whatever was asked for already.
fn soon(next: Next) -> Next {
    if matches!(next, Next::Backoff { .. }) { next } else { BACKOFF }
}
