//! The end of a reconcile: one write of `status` at most, and the events.

use capstan_api::Condition;
use capstan_cluster::Error;

use super::{
    Report, annotations, announcement::Announcement, outcome::Outcome, pass::Pass, snapshot::Snapshot, status::Wish,
    unkept::Part, verdict::Verdict,
};
use crate::queue::{BACKOFF, Next};

/// A status that others keep writing is left for the next reconcile after so many tries.
const STATUS_TRIES: u32 = 3;

/// What a status write changed.
#[derive(Default)]
struct Written {
    /// The conditions whose status, reason or message did.
    transitions: Vec<Condition>,
    /// That of the condition which says that the status was refused. No announcement stands for it.
    refusal: Vec<Condition>,
    /// Somebody's request for a reconcile was echoed.
    request: bool,
}

impl Pass<'_> {
    /// Writes the status and the events.
    pub(super) async fn conclude(mut self, verdict: Verdict) -> Report {
        if !self.lifecycle.objects.may_write() {
            return self.cut_short();
        }
        let mut verdict = verdict.with_policy(self.object.management_problem());
        let trouble = verdict.conditions.iter().find(|condition| condition.kind == "Synced");
        let trouble = trouble.filter(|_| verdict.outcome.is_failure()).cloned();
        let over = matches!(verdict.outcome, Outcome::Released | Outcome::Gone | Outcome::Conflict);
        let mut written = Written::default();
        if !over {
            match self.paused() {
                Some(by) => verdict = verdict.overtaken_by_pause(by, self.object.is_deleting()),
                None if self.object.says_paused() => verdict = verdict.resumed(),
                None => {}
            }
            let wish = self.wish(&mut verdict);
            match self.write_status(&wish).await {
                Ok(changed) => written = changed,
                Err(Error::NotFound(_) | Error::UnknownKind(_)) => {}
                Err(Error::NotLeader) => return self.cut_short(),
                Err(Error::Conflict(_)) => verdict.next = soon(verdict.next),
                Err(error) => {
                    tracing::warn!(%error, "cannot update managed resource status");
                    verdict.outcome = Outcome::Failed;
                    verdict.next = soon(verdict.next);
                    if let Error::Invalid(message) = error {
                        written.refusal = self.say_refused(&message).await;
                    }
                }
            }
        }
        self.announce(&verdict, &written);
        let (took, outcome) = (self.begun.elapsed(), verdict.outcome.as_str());
        if let Some(Condition { reason, message, .. }) = trouble {
            // What the provider said is a value: it is escaped, and cannot look like another line.
            tracing::warn!(outcome, ?took, reason, problem = message, "the reconcile failed");
        } else {
            tracing::debug!(outcome, ?took, "reconciled");
        }
        self.report(&verdict)
    }

    /// The lease was lost on the way: what fails from then on is nobody's failure, and whoever has the lease now says how the
    /// object is.
    fn cut_short(&self) -> Report {
        tracing::debug!("the lease is lost: nothing is said of this reconcile");
        self.report(&Verdict::quiet(Outcome::Conflict, Next::Stop))
    }

    fn report(&self, verdict: &Verdict) -> Report {
        let Self { lifecycle, object, seen, begun, looped, .. } = self;
        let poll = object.poll_interval(lifecycle.rules.poll_limits).and_then(Result::ok);
        let (outcome, next) = (verdict.outcome, verdict.next);
        let newest = (object.object().clone(), object.metadata().fingerprint());
        Report { outcome, next, poll, seen: *seen, newest, took: begun.elapsed(), looped: *looped }
    }

    /// What is to be written into the status.
    fn wish(&mut self, verdict: &mut Verdict) -> Wish {
        Wish {
            patches: std::mem::take(&mut self.patches),
            conditions: std::mem::take(&mut verdict.conditions),
            // A paused object was not reconciled, whatever was asked for.
            handled: self.request.clone().filter(|_| self.paused().is_none()),
            generation: self.generation,
            now: annotations::text(Some(self.lifecycle.clock.now())),
        }
    }

    /// One write at most, on the newest state.
    async fn write_status(&mut self, wish: &Wish) -> Result<Written, Error> {
        let (target, uid) = (self.context.object.clone(), self.context.uid.clone());
        let unkept = &self.lifecycle.unkept;
        for attempt in 1.. {
            let plan = wish.plan(&self.object);
            let Some(patch) = plan.patch.filter(|patch| !unkept.is_vain(&uid, Part::Status, &patch["status"])) else {
                break;
            };
            match self.lifecycle.objects.patch(&target, Some("status"), &patch).await {
                Ok(object) => {
                    self.tell_written(&object);
                    self.object = Snapshot::of(object);
                    let left = wish.plan(&self.object).patch;
                    unkept.note(&uid, Part::Status, left.as_ref().map(|patch| &patch["status"]));
                    return Ok(Written { transitions: plan.transitions, request: plan.handled, ..Written::default() });
                }
                Err(Error::Conflict(_)) if attempt < STATUS_TRIES => {
                    let newest = self.lifecycle.objects.get(&target).await?;
                    if newest.uid() != uid {
                        break;
                    }
                    self.object = Snapshot::of(newest);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Written::default())
    }

    /// What the provider wants in the status is not allowed there, and the conditions went with it: at least this is told.
    async fn say_refused(&mut self, message: &str) -> Vec<Condition> {
        let message = format!("the status that the provider gave is refused: {message}");
        let wish = Wish {
            conditions: vec![Condition::reconcile_error("StatusRefused", message)],
            generation: self.generation,
            now: annotations::text(Some(self.lifecycle.clock.now())),
            ..Wish::default()
        };
        let written = self.write_status(&wish).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot say that the status was refused");
            Written::default()
        });
        written.transitions
    }

    /// Says what happened. Advice and echoes stand beside the conditions, not in the place of their transitions.
    fn announce(&self, verdict: &Verdict, written: &Written) {
        let (announcer, subject) = (&self.lifecycle.announcer, self.subject());
        announcer.tell(&subject, &verdict.announcements, &written.transitions);
        announcer.tell(&subject, &[], &written.refusal);
        if let Some(request) = self.request.as_deref().filter(|_| written.request) {
            announcer.tell(&subject, &[Announcement::request_handled(request)], &[]);
        }
        if let Some(Err(invalid)) = self.object.poll_interval(self.lifecycle.rules.poll_limits) {
            announcer.tell(&subject, &[Announcement::ignored(&invalid)], &[]);
        }
        // A senseless management policy comes first, and says more: one at a time.
        if self.object.management_problem().is_none() {
            match self.object.deletion_problem() {
                Some(problem) => announcer.tell(&subject, &[Announcement::senseless_policy(&problem)], &[]),
                None => announcer.policy_is_sound(&self.context.uid),
            }
        }
    }
}

/// With back-off, and not before whatever was asked for already.
fn soon(next: Next) -> Next {
    if matches!(next, Next::Backoff { .. }) { next } else { BACKOFF }
}
