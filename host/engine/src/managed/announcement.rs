//! Events to be written, in provider-runtime's words where it has them.

use std::borrow::Cow;

use capstan_api::{Condition, Status, keys};
use capstan_events::EventKind;

use super::{poll::InvalidInterval, verdict::INVALID_POLICY};
use crate::Problem;

/// An event to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) kind: EventKind,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) action: &'static str,
    pub(crate) note: String,
    pub(crate) occasion: Occasion,
}

/// When an announcement becomes an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Each time.
    Always,
    /// When a condition changed, and again after a long silence.
    Throttled,
    /// Never the same twice in a row.
    Once,
    /// When a condition changed.
    Transition,
}

/// The event action for everything that is not an external action.
pub(super) const PROCESS: &str = "ProcessEvent";

impl Announcement {
    pub(super) fn normal(reason: &'static str, action: &'static str, note: &str, occasion: Occasion) -> Self {
        Self { kind: EventKind::Normal, reason: reason.into(), action, note: note.to_owned(), occasion }
    }

    pub(super) fn warning(reason: &'static str, action: &'static str, note: &str) -> Self {
        let occasion = Occasion::Throttled;
        Self { kind: EventKind::Warning, reason: reason.into(), action, note: note.to_owned(), occasion }
    }

    /// The session did not end well.
    pub(crate) fn cannot_disconnect(problem: &Problem) -> Self {
        Self::warning("CannotDisconnectFromProvider", PROCESS, &problem.message)
    }

    /// A write to the object did not succeed while something outside was done.
    pub(crate) fn cannot_update(what: &str) -> Self {
        Self::warning("CannotUpdateManagedResource", "UpdateExternalResource", what)
    }

    /// Somebody asked for a reconcile, and it took place.
    pub(crate) fn request_handled(request: &str) -> Self {
        let note = format!("Reconciled as requested by {}: {request}", keys::RECONCILE_REQUESTED_AT);
        Self::normal("ReconcileRequestHandled", PROCESS, &note, Occasion::Always)
    }

    /// An annotation makes no sense, and it is as if it were not there.
    pub(crate) fn ignored(invalid: &InvalidInterval) -> Self {
        Self::warning("InvalidPollInterval", PROCESS, &invalid.to_string())
    }

    /// An annotation makes no sense, and counts as what does no harm. No condition says so, and nobody needs to be told
    /// again as long as it stands there.
    pub(crate) fn senseless_policy(problem: &str) -> Self {
        Self { occasion: Occasion::Once, ..Self::warning(INVALID_POLICY, PROCESS, problem) }
    }

    /// A transition of a condition for which nothing else stands.
    pub(crate) fn transition(condition: &Condition) -> Self {
        let expected = matches!(condition.reason.as_str(), "ReconcilePaused" | "Creating" | "Deleting");
        let kind = if condition.status == Status::True || expected { EventKind::Normal } else { EventKind::Warning };
        let note = match condition.message.as_str() {
            "" => format!("{} is {:?}", condition.kind, condition.status),
            message => message.to_owned(),
        };
        let reason = condition.reason.clone().into();
        Self { kind, reason, action: "ConditionChanged", note, occasion: Occasion::Always }
    }
}
