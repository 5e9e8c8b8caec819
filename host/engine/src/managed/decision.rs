//! What to do next with a managed object: the lifecycle as a function of what is known.
//!
//! The order is that of provider-runtime's reconciler. The steps that it repeats for every object are here in the order
//! of the questions asked; what a step does and says is in `pass.rs` and `verdict.rs`.

use std::time::Duration;

use capstan_api::keys;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{merge, pause::PausedBy, poll::PollLimits, snapshot::Snapshot};
use crate::Observation;

/// What holds for all objects of a kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// A create of unknown result can be found again by observing.
    pub(crate) recoverable: bool,
    /// For so long after a create the external system may not show what it has.
    pub(crate) creation_grace: Duration,
    /// Bounds of what an object may ask for as its own poll interval.
    pub(crate) poll_limits: PollLimits,
}

/// What is known in the middle of a reconcile.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    pub(crate) object: &'a Snapshot,
    /// Who paused it, if it is; it may have been meanwhile.
    pub(crate) paused: Option<PausedBy>,
    pub(crate) progress: &'a Progress,
    pub(crate) rules: &'a Rules,
    pub(crate) now: Timestamp,
}

/// How far this reconcile has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Progress {
    /// No session yet.
    #[default]
    Begun,
    /// There is a session.
    Connected,
    /// It has looked.
    Observed {
        /// What it found.
        observation: Observation,
        /// For how long the last create on record had been known to this process when the look began, which is the newest
        /// state that it can show; `None` if there was none.
        known_for: Option<Duration>,
        /// Whether what observing found out has been written down already.
        recorded: bool,
    },
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// Say that it is paused, and do nothing else.
    Pause(PausedBy),
    /// It is being deleted and we have no part in it any more.
    LeaveToOthers,
    /// Take the finalizer off.
    Release,
    /// Do nothing until somebody says what became of an earlier create.
    RefuseUnclearCreate,
    /// Open a session.
    Connect,
    /// Look.
    Observe,
    /// Say that it does not exist, and may not be created.
    ReportMissing,
    /// Wait for what was just created to show up.
    AwaitConfirmation,
    /// Wait until these finalizers are gone.
    AwaitFinalizers(Vec<String>),
    /// Delete outside.
    Delete,
    /// Put the finalizer on.
    Hold,
    /// Create outside, the intent first.
    Create,
    /// Write down what observing found out: this merge patch.
    Record(Value),
    /// Say that all is well.
    Settle,
    /// Update outside.
    Update,
}

/// Decides. Every step but the last ones changes what is known, so that asking again gets further.
pub(crate) fn decide(situation: &Situation<'_>) -> Step {
    let Situation { object, paused, progress, rules, .. } = *situation;
    if let Some(by) = paused {
        return while_paused(object, by);
    }
    match progress {
        Progress::Begun => before_connect(object, rules),
        Progress::Connected => Step::Observe,
        Progress::Observed { observation, known_for, recorded } => {
            after_observe(situation, observation, *known_for, *recorded)
        }
    }
}

/// A pause comes before everything, at every point of a reconcile.
fn while_paused(object: &Snapshot, by: PausedBy) -> Step {
    if !(object.is_deleting() && object.is_let_go_while_paused()) {
        return Step::Pause(by);
    }
    if object.is_held() { Step::Release } else { Step::LeaveToOthers }
}

fn before_connect(object: &Snapshot, rules: &Rules) -> Step {
    let deleting = object.is_deleting();
    if deleting && !object.is_held() {
        return Step::LeaveToOthers;
    }
    if deleting && !object.allowed().delete {
        return Step::Release;
    }
    if object.creates().is_unclear() && !rules.recoverable {
        return Step::RefuseUnclearCreate;
    }
    Step::Connect
}

fn after_observe(situation: &Situation<'_>, found: &Observation, known_for: Option<Duration>, recorded: bool) -> Step {
    let Situation { object, rules, now, .. } = *situation;
    let (deleting, allowed) = (object.is_deleting(), object.allowed());
    if !found.exists && !deleting && !allowed.create {
        return Step::ReportMissing;
    }
    // Once it was seen to exist while being deleted, its absence is no delay of the external system.
    let late = known_for.is_some_and(|time| time < rules.creation_grace);
    if !found.exists && late && !(deleting && object.was_seen_deleting()) {
        return Step::AwaitConfirmation;
    }
    if deleting {
        if !found.exists || !allowed.delete {
            return Step::Release;
        }
        // Another finalizer may belong to somebody who still needs what is outside.
        let others: Vec<_> = object.foreign_finalizers().map(str::to_owned).collect();
        return if others.is_empty() { Step::Delete } else { Step::AwaitFinalizers(others) };
    }
    if !object.is_held() {
        return Step::Hold;
    }
    if !found.exists {
        return Step::Create;
    }
    if !recorded && let Some(patch) = findings(object, found, now) {
        return Step::Record(patch);
    }
    if found.up_to_date || !allowed.update { Step::Settle } else { Step::Update }
}

/// What observing found out that the object does not say yet: values the external system chose, the external name, and
/// the success of a create whose result was unknown.
pub(super) fn findings(object: &Snapshot, found: &Observation, now: Timestamp) -> Option<Value> {
    let mut annotations = Map::new();
    if let Some(name) =
        found.external_name.as_deref().filter(|name| object.annotation(keys::EXTERNAL_NAME) != Some(name))
    {
        annotations.insert(keys::EXTERNAL_NAME.to_owned(), json!(name));
    }
    if object.creates().is_unclear() {
        annotations.insert(keys::CREATE_SUCCEEDED.to_owned(), object.creates().ending(now));
    }
    let spec = found.late_initialize.as_ref().and_then(|patch| {
        let mut spec = object.spec().clone();
        merge::apply(&mut spec, patch);
        merge::difference(object.spec(), &spec)
    });
    if annotations.is_empty() && spec.is_none() {
        return None;
    }
    let mut patch = json!({ "metadata": { "annotations": annotations } });
    if let Some(spec) = spec {
        patch["spec"] = spec;
    }
    Some(patch)
}
