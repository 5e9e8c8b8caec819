//! How a reconcile ends: what it says in conditions and events, and when the next one is due. One constructor for each
//! end; the words are provider-runtime's.

use std::time::Duration;

use capstan_api::{Condition, Status, keys};

use super::{
    announcement::{Announcement, Occasion, PROCESS},
    outcome::Outcome,
    pause::PausedBy,
    snapshot::Snapshot,
};
use crate::{
    Failure, Observation, Readiness, Retry,
    queue::{BACKOFF, Next},
};

/// The end of one reconcile.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// What to write into conditions; the types that are not named are left alone.
    pub(crate) conditions: Vec<Condition>,
    /// What to say beside the transitions of conditions, and in their place.
    pub(crate) announcements: Vec<Announcement>,
    /// For metrics.
    pub(crate) outcome: Outcome,
    /// When to come back.
    pub(crate) next: Next,
}

/// A call of the lifecycle, as it is named when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Connect,
    Observe,
    Create,
    Update,
    Delete,
}

impl Phase {
    /// Before the message in `Synced`.
    fn prefix(self) -> &'static str {
        match self {
            Self::Connect => "connect failed: ",
            Self::Observe => "observe failed: ",
            Self::Create => "create failed: ",
            Self::Update => "update failed: ",
            Self::Delete => "delete failed: ",
        }
    }

    /// Reason and action of the event.
    fn event(self) -> (&'static str, &'static str) {
        match self {
            Self::Connect => ("CannotConnectToProvider", PROCESS),
            Self::Observe => ("CannotObserveExternalResource", "ObserveExternalResource"),
            Self::Create => ("CannotCreateExternalResource", "CreateExternalResource"),
            Self::Update => ("CannotUpdateExternalResource", "UpdateExternalResource"),
            Self::Delete => ("CannotDeleteExternalResource", "DeleteExternalResource"),
        }
    }
}

impl Verdict {
    /// Says nothing. For what is over, and for conflicts, which are no errors.
    pub(crate) fn quiet(outcome: Outcome, next: Next) -> Self {
        Self { conditions: Vec::new(), announcements: Vec::new(), outcome, next }
    }

    /// Somebody else changed the object meanwhile.
    pub(crate) fn conflict() -> Self {
        Self::quiet(Outcome::Conflict, BACKOFF)
    }

    /// Nothing may be done, in the words of who paused it.
    pub(crate) fn paused(by: PausedBy, deleting: bool) -> Self {
        let message = match (by, deleting) {
            (PausedBy::Annotation, false) => "",
            (PausedBy::Annotation, true) => "deletion waits until the pause annotation is removed",
            (PausedBy::Provider, false) => "the provider is paused",
            (PausedBy::Provider, true) => "deletion waits: the provider is paused",
        };
        let note = match by {
            PausedBy::Annotation => "Reconciliation is paused via the pause annotation",
            PausedBy::Provider => "Reconciliation is paused: the provider is paused",
        };
        Self {
            conditions: vec![Condition { message: message.to_owned(), ..Condition::reconcile_paused() }],
            announcements: vec![Announcement::normal("ReconciliationPaused", PROCESS, note, Occasion::Transition)],
            outcome: Outcome::Paused,
            next: Next::Stop,
        }
    }

    /// The pause came while something was being done: what came of it stays said, and nothing follows.
    pub(crate) fn overtaken_by_pause(mut self, by: PausedBy, deleting: bool) -> Self {
        if self.outcome != Outcome::Paused {
            let paused = Self::paused(by, deleting);
            self.conditions.retain(|condition| condition.kind != "Synced");
            self.conditions.extend(paused.conditions);
            self.announcements.extend(paused.announcements);
            self.next = paused.next;
        }
        self
    }

    /// An end that says nothing of `Synced` must not leave the words of a pause that is over.
    pub(crate) fn resumed(mut self) -> Self {
        if self.conditions.iter().all(|condition| condition.kind != "Synced") {
            self.conditions.push(Condition::reconcile_success());
        }
        self
    }

    /// Our own code, or the provider's host code, panicked. Nothing is known of how far it came.
    pub(crate) fn panicked(message: &str) -> Self {
        Self {
            conditions: vec![Condition::reconcile_error("Panicked", format!("the reconcile panicked: {message}"))],
            announcements: vec![Announcement::warning("ReconcilePanicked", PROCESS, message)],
            outcome: Outcome::Panicked,
            next: BACKOFF,
        }
    }

    pub(crate) fn unclear_create() -> Self {
        let message = "cannot determine creation result - remove the krateo.io/external-create-pending annotation if it \
                       is safe to proceed";
        Self {
            conditions: vec![Condition::creating(), Condition::reconcile_error("", message)],
            announcements: vec![Announcement::warning("CannotInitializeManagedResource", PROCESS, message)],
            outcome: Outcome::Unclear,
            next: Next::Stop,
        }
    }

    /// A call into the provider failed. `ready` is what to say of readiness beside it.
    pub(crate) fn failed(phase: Phase, failure: &Failure, ready: Option<Condition>) -> Self {
        let Failure { problem, retry } = failure;
        let (reason, action) = phase.event();
        let synced = Condition::reconcile_error(&problem.reason, format!("{}{}", phase.prefix(), problem.message));
        Self {
            conditions: ready.into_iter().chain([synced]).collect(),
            announcements: vec![Announcement::warning(reason, action, &problem.message)],
            outcome: Outcome::Failed,
            next: match retry {
                Retry::Backoff => BACKOFF,
                Retry::After(at_least) | Retry::Hold(at_least) => Next::Backoff { at_least: *at_least },
                Retry::OnChange => Next::Park,
            },
        }
    }

    /// A write to the object itself failed. `action` is the event's.
    pub(crate) fn write_failed(action: &'static str, message: String, ready: Option<Condition>) -> Self {
        let warning = Announcement::warning("CannotUpdateManagedResource", action, &message);
        Self {
            conditions: ready.into_iter().chain([Condition::reconcile_error("", message)]).collect(),
            announcements: vec![warning],
            outcome: Outcome::Failed,
            next: BACKOFF,
        }
    }

    /// It does not exist, and policy does not let us create it. No error of anybody: looked at again at the poll
    /// interval.
    pub(crate) fn missing(found: &Observation) -> Self {
        let failure = Failure::new("", "external resource does not exist", Retry::OnChange);
        let verdict = Self::failed(Phase::Observe, &failure, readiness(found));
        Self { outcome: Outcome::Missing, next: Next::Poll, ..verdict }
    }

    /// What to say of readiness when a deletion cannot go on because the provider cannot look.
    pub(crate) fn deletion_blocked(object: &Snapshot) -> Condition {
        let key = keys::DELETION_POLICY;
        let message = format!("deletion waits for the external resource to be deleted; {key}: orphan leaves it behind");
        // That it was found during the deletion must stay on record.
        if object.was_seen_deleting() {
            return Condition { message, ..Condition::deleting() };
        }
        Condition::unavailable("DeletionBlocked", &message)
    }

    /// What was created does not show, and is given so much more time to.
    pub(crate) fn awaiting_confirmation(at_most: Duration) -> Self {
        let note = "Waiting for external resource existence to be confirmed";
        Self {
            announcements: vec![Announcement::normal("PendingExternalResource", PROCESS, note, Occasion::Always)],
            ..Self::quiet(Outcome::Waiting, Next::Await { at_most })
        }
    }

    pub(crate) fn awaiting_finalizers(others: &[String]) -> Self {
        let mut deleting = Condition::deleting();
        deleting.message = format!("waiting for other finalizers: {}", others.join(", "));
        Self {
            conditions: vec![deleting, Condition::reconcile_success()],
            announcements: Vec::new(),
            outcome: Outcome::Waiting,
            next: Next::Poll,
        }
    }

    pub(crate) fn deletion_requested() -> Self {
        let note = "Successfully requested deletion of external resource";
        Self {
            conditions: vec![Condition::deleting(), Condition::reconcile_success()],
            announcements: vec![Announcement::normal("DeletedExternalResource", "DeleteEvent", note, Occasion::Always)],
            outcome: Outcome::Deleted,
            next: BACKOFF,
        }
    }

    pub(crate) fn created() -> Self {
        Self {
            conditions: vec![Condition::creating(), Condition::reconcile_success()],
            announcements: vec![Self::created_announcement()],
            outcome: Outcome::Created,
            next: Next::Confirm,
        }
    }

    /// It was created, but the object could not be told.
    pub(crate) fn created_unrecorded(message: String) -> Self {
        let verdict = Self::write_failed("UpdateExternalResource", message, Some(Condition::creating()));
        let announcements = [Self::created_announcement()].into_iter().chain(verdict.announcements).collect();
        Self { announcements, ..verdict }
    }

    fn created_announcement() -> Announcement {
        let note = "Successfully requested creation of external resource";
        Announcement::normal("CreatedExternalResource", "CreateEvent", note, Occasion::Always)
    }

    pub(crate) fn settled(found: &Observation) -> Self {
        Self {
            conditions: readiness(found).into_iter().chain([Condition::reconcile_success()]).collect(),
            ..Self::quiet(Outcome::Settled, Next::Poll)
        }
    }

    /// What is known is from before the update: unless it was ready already, it is looked at again soon, and less and less
    /// soon if updates never lead to it. News are followed at once all the same: updating is no failure.
    pub(crate) fn updated(found: &Observation) -> Self {
        let note = "Successfully requested update of external resource";
        let poll = found.readiness == Readiness::Ready;
        Self {
            announcements: vec![Announcement::normal("UpdatedExternalResource", "UpdateEvent", note, Occasion::Always)],
            outcome: Outcome::Updated,
            next: if poll { Next::Poll } else { Next::Recheck },
            ..Self::settled(found)
        }
    }

    /// What was done is undone, or comes back, without end: it is said, and held. What else is wrong stays said behind it.
    pub(crate) fn would_loop(mut self, mut message: String) -> Self {
        self.announcements.push(Announcement::warning("WouldLoop", PROCESS, &message));
        let is_failure = |condition: &&Condition| condition.kind == "Synced" && condition.status != Status::True;
        if let Some(failed) = self.conditions.iter().find(is_failure) {
            message = format!("{message}; besides, {}", failed.message);
        }
        self.conditions.retain(|condition| condition.kind != "Synced");
        self.conditions.push(Condition::reconcile_error("WouldLoop", message));
        self.outcome = Outcome::Failed;
        self.next = self.next.or_backoff();
        self
    }

    /// Lets a senseless management policy stand in `Synced` where it would say that all is well or that a resource is
    /// missing: the user has to know, and real failures come first.
    pub(crate) fn with_policy(mut self, problem: Option<String>) -> Self {
        let Some(problem) = problem else { return self };
        let missing = self.outcome == Outcome::Missing;
        let Some(synced) = self.conditions.iter_mut().find(|condition| condition.kind == "Synced") else {
            return self;
        };
        if missing {
            self.announcements.clear();
            self.outcome = Outcome::Settled;
        } else if synced.status != Status::True {
            return self;
        }
        *synced = Condition::reconcile_error(INVALID_POLICY, problem);
        self
    }
}

/// A policy annotation has a value that is none.
pub(crate) const INVALID_POLICY: &str = "InvalidPolicy";

/// What an observation says of readiness.
pub(crate) fn readiness(found: &Observation) -> Option<Condition> {
    match &found.readiness {
        Readiness::Ready => Some(Condition::available()),
        Readiness::NotReady(problem) => Some(Condition::unavailable(&problem.reason, &problem.message)),
        Readiness::Unknown => None,
    }
}
