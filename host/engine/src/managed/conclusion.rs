//! The end of a reconcile: one write of `status` at most, and the events.

use capstan_api::Condition;
use capstan_cluster::Error;

use super::{
    Lifecycle, Report, annotations,
    announce::stands_for,
    announcement::Announcement,
    outcome::Outcome,
    pass::Pass,
    snapshot::Snapshot,
    status::{News, Plan, Wish},
    unkept::Part,
    verdict::Verdict,
};
use crate::queue::Next;

/// A status that others keep writing is left for the next reconcile after so many tries.
const STATUS_TRIES: u32 = 3;

/// What came of the status writes of a reconcile.
#[derive(Default)]
struct Written {
    /// What was changed.
    news: News,
    /// What an earlier reconcile changed without being told so.
    late: News,
    /// What may have been changed: the answer was lost.
    doubtful: News,
    /// The transition of the condition which says that the status was refused. No announcement stands for it.
    refusal: Vec<Condition>,
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
            match self.write_status(&wish, &mut written).await {
                Ok(()) | Err(Error::NotFound(_)) => {}
                Err(Error::NotLeader) => return self.cut_short(),
                Err(Error::Conflict(_)) => verdict.next = verdict.next.or_backoff(),
                Err(error) => {
                    tracing::warn!(%error, "cannot update managed resource status");
                    verdict.outcome = Outcome::Failed;
                    verdict.next = verdict.next.or_backoff();
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
    async fn write_status(&mut self, wish: &Wish, written: &mut Written) -> Result<(), Error> {
        let (target, uid) = (self.context.object.clone(), self.context.uid.clone());
        let Lifecycle { objects, unkept, notices, .. } = self.lifecycle;
        for attempt in 1.. {
            let stored = self.object.status();
            written.late.add(notices.arrived(&uid, stored));
            let Plan { patch, news } = wish.plan(&self.object);
            let Some(patch) = patch.filter(|patch| !unkept.is_vain(&uid, Part::Status, stored, &patch["status"]))
            else {
                written.news = notices.tell(&uid, news.clone(), news, stored);
                break;
            };
            match objects.patch(&target, Some("status"), &patch).await {
                Ok(object) => {
                    self.tell_written(&object);
                    self.object = Snapshot::of(object);
                    let (stored, left) = (self.object.status(), wish.plan(&self.object));
                    let difference = left.patch.as_ref().map(|patch| &patch["status"]);
                    unkept.note(&uid, Part::Status, stored, difference);
                    written.news = notices.tell(&uid, news, left.news, stored);
                    break;
                }
                Err(Error::Conflict(_)) if attempt < STATUS_TRIES => {
                    let newest = objects.get(&target).await?;
                    if newest.uid() != uid {
                        break;
                    }
                    self.object = Snapshot::of(newest);
                }
                Err(error) => {
                    if error.is_transient() {
                        written.doubtful = news;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
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
        let mut written = Written::default();
        if let Err(error) = self.write_status(&wish, &mut written).await {
            tracing::warn!(%error, "cannot say that the status was refused");
        }
        written.news.transitions
    }

    /// Says what happened. Advice and echoes stand beside the conditions, not in the place of their transitions.
    fn announce(&self, verdict: &Verdict, written: &Written) {
        let Written { news, late, doubtful, refusal } = written;
        let (announcer, subject) = (&self.lifecycle.announcer, self.subject());
        // What else is said here does not stand for what an earlier reconcile did.
        announcer.tell(&subject, &[], &late.transitions);
        let has_told = announcer.tell(&subject, &verdict.announcements, &news.transitions);
        announcer.tell(&subject, &[], refusal);
        for request in late.handled.iter().chain(&news.handled) {
            announcer.tell(&subject, &[Announcement::request_handled(request)], &[]);
        }
        let untold = doubtful.transitions.iter().filter(|condition| !has_told || !stands_for(condition)).cloned();
        let doubtful = News { transitions: untold.collect(), handled: doubtful.handled.clone() };
        self.lifecycle.notices.doubt(&self.context.uid, doubtful);
        if let Some(Err(invalid)) = self.object.poll_interval(self.lifecycle.rules.poll_limits) {
            announcer.tell(&subject, &[Announcement::ignored(&invalid)], &[]);
        }
        // A senseless management policy comes first, and says more: one at a time.
        if self.object.management_problem().is_none() {
            match self.object.deletion_problem() {
                Some(problem) => {
                    announcer.tell(&subject, &[Announcement::senseless_policy(&problem)], &[]);
                }
                None => announcer.policy_is_sound(&self.context.uid),
            }
        }
    }
}
