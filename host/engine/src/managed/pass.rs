//! One reconcile: asks for the next step, does it, and says how it ended.
//!
//! Creating is in `creation.rs`, the end with its status and events in `conclusion.rs`.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use capstan_api::{Condition, keys};
use capstan_cluster::{Error, Object};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Lifecycle, Report,
    announce::Subject,
    announcement::Announcement,
    decision::{Progress, Situation, Step, decide, findings},
    metadata::Fingerprint,
    outcome::Outcome,
    pause::PausedBy,
    session::Session,
    snapshot::Snapshot,
    unkept::Part,
    verdict::{Phase, Verdict, readiness},
};
use crate::{
    Context, Failure, Observation, Retry,
    loops::{Edition, Writer},
    queue::Next,
};

pub(super) struct Pass<'a> {
    pub(super) lifecycle: &'a Lifecycle,
    pub(super) context: Context,
    pub(super) session: Session,
    progress: Progress,
    /// The newest state that was read or written.
    pub(super) object: Snapshot,
    /// The newest state that was known to nobody's change but ours.
    pub(super) seen: Fingerprint,
    /// The states before it.
    known: Vec<Fingerprint>,
    pub(super) generation: Option<i64>,
    /// What asked for this reconcile, if somebody did.
    pub(super) request: Option<String>,
    /// The provider's patches of `status`.
    pub(super) patches: Vec<Value>,
    pub(super) begun: Instant,
    /// The object as others know it by its writes.
    pub(super) writer: Arc<Writer>,
    /// It was found out that it writes in turns with somebody.
    pub(super) looped: bool,
}

pub(super) type Flow = ControlFlow<Verdict>;

impl<'a> Pass<'a> {
    pub(super) fn new(lifecycle: &'a Lifecycle, context: Context, session: Session, object: Snapshot) -> Self {
        Self {
            lifecycle,
            context,
            session,
            progress: Progress::default(),
            seen: object.metadata().fingerprint(),
            known: Vec::new(),
            generation: object.generation(),
            request: object.annotation(keys::RECONCILE_REQUESTED_AT).map(str::to_owned),
            patches: Vec::new(),
            begun: Instant::now(),
            writer: lifecycle.writer(object.object().reference()),
            looped: false,
            object,
        }
    }

    pub(super) async fn run(mut self) -> Report {
        let verdict = match self.catch_up().await {
            ControlFlow::Continue(()) => self.steps().await,
            ControlFlow::Break(verdict) => verdict,
        };
        let verdict = self.guard(verdict);
        // A pause gives the session up, as does a lost lease: saying goodbye would be one more call.
        if self.paused().is_none()
            && self.lifecycle.objects.may_write()
            && let Err(problem) = self.disconnect().await
        {
            tracing::warn!(%problem.message, "disconnect failed");
            self.lifecycle.announcer.tell(&self.subject(), &[Announcement::cannot_disconnect(&problem)], &[]);
        }
        self.conclude(verdict).await
    }

    async fn steps(&mut self) -> Verdict {
        // Also what is not looked at in this reconcile is known from now on.
        self.known_for();
        loop {
            let step = self.decide(&self.object);
            self.log(&step);
            // These two reach the outside without a write that the API server would refuse to an older copy.
            if matches!(step, Step::Update | Step::Delete) && self.is_overtaken(&step) {
                return Verdict::conflict();
            }
            if let ControlFlow::Break(verdict) = self.step(step).await {
                return verdict;
            }
        }
    }

    /// Writes that follow each other without end are told and slowed down, whoever takes part in it, and however well the
    /// reconciles end that make them.
    fn guard(&mut self, verdict: Verdict) -> Verdict {
        let loops = &self.lifecycle.loops;
        let acted = match verdict.outcome {
            Outcome::Settled => {
                loops.settled(&self.writer);
                false
            }
            // It is let go: nothing of it follows.
            Outcome::Released | Outcome::Gone => false,
            Outcome::Updated | Outcome::Created => true,
            _ => self.context.reads.has_written(),
        };
        if acted {
            let edition = Edition { uid: &self.context.uid, generation: self.generation };
            if let Some(found) = loops.judge(&self.writer, edition, &self.context.reads) {
                self.looped = found.is_new;
                return verdict.would_loop(found.message);
            }
        }
        verdict
    }

    fn decide(&self, object: &Snapshot) -> Step {
        decide(&Situation {
            object,
            paused: self.paused(),
            progress: &self.progress,
            rules: &self.lifecycle.rules,
            now: self.lifecycle.clock.now(),
        })
    }

    async fn step(&mut self, step: Step) -> Flow {
        let found = match &self.progress {
            Progress::Observed { observation, .. } => observation.clone(),
            _ => Observation::default(),
        };
        ControlFlow::Break(match step {
            Step::Pause(by) => Verdict::paused(by, self.object.is_deleting()),
            Step::LeaveToOthers => Verdict::quiet(Outcome::Released, Next::Stop),
            Step::Release => self.release().await,
            Step::RefuseUnclearCreate => Verdict::unclear_create(),
            Step::Connect => return self.connect().await,
            Step::Observe => return self.observe().await,
            Step::ReportMissing => Verdict::missing(&found),
            Step::AwaitConfirmation => Verdict::awaiting_confirmation(self.rest_of_grace()),
            Step::AwaitFinalizers(others) => Verdict::awaiting_finalizers(&others),
            Step::Delete => self.delete().await,
            Step::Hold => return self.hold().await,
            Step::Create => self.create().await,
            Step::Record(patch) => return self.record(patch, &found).await,
            Step::Settle => Verdict::settled(&found),
            Step::Update => self.update(&found).await,
        })
    }

    async fn connect(&mut self) -> Flow {
        let managed = self.object.object().json();
        match self.session.connect(self.lifecycle.external.as_ref(), &self.context, managed).await {
            Ok(()) => self.progress = Progress::Connected,
            Err(failure) => {
                if let Retry::Hold(at_least) = failure.retry {
                    // Nothing was looked at, so nothing that was asked for is done.
                    self.request = None;
                    // The words of a pause that is over have to go; nothing else is said.
                    if !self.object.says_paused() {
                        return ControlFlow::Break(Verdict::quiet(Outcome::Waiting, Next::Backoff { at_least }));
                    }
                }
                return ControlFlow::Break(self.cannot_look(Phase::Connect, &failure));
            }
        }
        ControlFlow::Continue(())
    }

    async fn observe(&mut self) -> Flow {
        // Not when it has answered: it may have looked at once, and been slow to say so.
        let known_for = self.known_for();
        match self.session.observe(self.object.object().json()).await {
            Ok(mut observation) => {
                self.patches.extend(observation.status.take());
                self.progress = Progress::Observed { observation, known_for, recorded: false };
                ControlFlow::Continue(())
            }
            Err(failure) => ControlFlow::Break(self.cannot_look(Phase::Observe, &failure)),
        }
    }

    /// For how long this process has known of the last create on record.
    fn known_for(&self) -> Option<Duration> {
        self.lifecycle.sightings.age(&self.context.uid, self.object.creates().last())
    }

    /// How long it may still be that what was created does not show.
    fn rest_of_grace(&self) -> Duration {
        let known_for = match self.progress {
            Progress::Observed { known_for, .. } => known_for,
            _ => None,
        };
        self.lifecycle.rules.creation_grace.saturating_sub(known_for.unwrap_or_default())
    }

    /// Without a look there is no deletion either: whoever waits for it is told the way out.
    fn cannot_look(&self, phase: Phase, failure: &Failure) -> Verdict {
        let ready = self.object.is_deleting().then(|| Verdict::deletion_blocked(&self.object));
        Verdict::failed(phase, failure, ready)
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
            Ok(()) | Err(Error::NotFound(_)) => Verdict::quiet(Outcome::Released, Next::Stop),
            Err(error) => {
                refused(&error, "UpdateManagedResource", "cannot remove finalizer", Some(Condition::deleting()))
            }
        }
    }

    async fn record(&mut self, findings: Value, found: &Observation) -> Flow {
        let (unkept, uid) = (&self.lifecycle.unkept, self.context.uid.clone());
        if !unkept.is_vain(&uid, Part::Findings, &self.object.object().value(), &findings) {
            // Guarded: the user may have filled in the same fields meanwhile.
            let patch = self.object.guard(findings);
            if let Err(error) = self.write(&patch).await {
                let what = "cannot update managed resource";
                return ControlFlow::Break(refused(&error, "UpdateExternalResource", what, None));
            }
            let left = self::findings(&self.object, found, self.lifecycle.clock.now());
            unkept.note(&uid, Part::Findings, &self.object.object().value(), left.as_ref());
        }
        if let Progress::Observed { recorded, .. } = &mut self.progress {
            // What the API server did not keep this time it will not keep the next time either.
            *recorded = true;
        }
        ControlFlow::Continue(())
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

    /// A write that is refused if the state known is not the newest.
    pub(super) async fn write(&mut self, patch: &Value) -> Result<(), Error> {
        let object = self.lifecycle.objects.patch(&self.context.object, None, patch).await?;
        self.tell_written(&object);
        self.take_note(Snapshot::of(object));
        self.generation = self.object.generation();
        Ok(())
    }

    /// Goes on with the state that a write of ours made, and nobody else's.
    pub(super) fn take_note(&mut self, object: Snapshot) {
        self.known.push(self.seen);
        self.seen = object.metadata().fingerprint();
        self.object = object;
    }

    /// Others may read this object, and write because of what we wrote into it.
    pub(super) fn tell_written(&self, object: &Object) {
        self.lifecycle.loops.wrote(&self.writer, &self.context.object, object.resource_version());
    }

    async fn disconnect(&mut self) -> Result<(), crate::Problem> {
        let closed = Session::new(Instant::now());
        std::mem::replace(&mut self.session, closed).disconnect().await
    }

    /// Who has paused the object by now. Asked before every step, so that a pause that comes in the middle lets the call
    /// that runs finish and nothing else begin.
    pub(super) fn paused(&self) -> Option<PausedBy> {
        if self.lifecycle.pause.is_set() {
            return Some(PausedBy::Provider);
        }
        let paused = self.object.is_paused() || self.news().is_some_and(|news| news.is_paused());
        paused.then_some(PausedBy::Annotation)
    }

    /// The state that others have made of the object since the one that this reconcile works on, as far as the host has
    /// heard. A status that others wrote is no news.
    pub(super) fn news(&self) -> Option<Snapshot> {
        let heard = self.lifecycle.objects.heard(&self.context.object)?;
        if heard.resource_version() == self.object.object().resource_version() || heard.uid() != self.context.uid {
            return None;
        }
        let heard = Snapshot::of(heard);
        let print = heard.metadata().fingerprint();
        // A watch may lag behind our own writes.
        (print != self.seen && !self.known.contains(&print)).then_some(heard)
    }

    /// Whether the news of the object would lead to another step than the one about to be made.
    fn is_overtaken(&self, step: &Step) -> bool {
        self.news().is_some_and(|news| self.decide(&news) != *step)
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject { object: &self.context.object, snapshot: &self.object }
    }

    /// One line for each step; for an object that asks for it without having to turn the log level of the host.
    fn log(&self, step: &Step) {
        let verbose = self.context.verbose;
        if verbose {
            tracing::info!(?step, "next step");
        } else {
            tracing::trace!(?step, "next step");
        }
        if let (Step::Update, Progress::Observed { observation, .. }) = (step, &self.progress) {
            for difference in &observation.differences {
                if verbose {
                    tracing::info!(path = difference.path, ?difference, "differs");
                } else {
                    tracing::debug!(path = difference.path, ?difference, "differs");
                }
            }
        }
    }
}

/// How a write to the object that did not succeed ends the reconcile.
pub(super) fn refused(error: &Error, action: &'static str, what: &str, ready: Option<Condition>) -> Verdict {
    match error {
        Error::Conflict(_) => Verdict::conflict(),
        // A kind that is not served is no end: one of several API servers may lag behind, or a proxy may stand in between. Where
        // the kind is really gone, its watch says so.
        Error::NotFound(_) => Verdict::quiet(Outcome::Gone, Next::Stop),
        error => Verdict::write_failed(action, format!("{what}: {error}"), ready),
    }
}
