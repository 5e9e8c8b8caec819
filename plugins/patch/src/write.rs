//! Carrying out what was planned for one target.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use capstan_sdk::cluster::{Error, ObjectRef, Owner, Patch};
use capstan_sdk::{Failure, Result};
use serde_json::{Value, json};

use crate::change::{Assignment, Assignments, Change, json_patch};
use crate::naming::{shortened, told};
use crate::notices::Notices;
use crate::owners::{Question, Unknown};
use crate::plan::Difference;
use crate::preview;
use crate::spec::{CheckedSpec, OnConflict};
use crate::subresource::{Subresources, is_there};
use crate::unkept::{is_same, loses, unkept};

/// A target and what is to be written to it.
pub(crate) struct Write {
    pub(crate) target: ObjectRef,
    /// The target as it was read.
    pub(crate) object: Value,
    /// Fields that an earlier edition of the `Patch` wrote, with what they were before: given back before anything else.
    pub(crate) returns: Vec<Assignment>,
    pub(crate) assignments: Assignments,
    /// The same as they may be shown.
    pub(crate) differences: Vec<Difference>,
}

/// How often others may get ahead of one write, and how long that may take, before it is told. Each time one of them has written,
/// so that a crowd comes to an end; a call that takes too long would be cut off.
const MOST_LOST: usize = 10;
const LONGEST_RACE: Duration = Duration::from_secs(2);

/// Somebody wrote between the look and the write.
fn is_lost_race(failure: &Failure) -> bool {
    failure.problem().reason == "Conflict" && !failure.is_terminal()
}

/// How to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    on_conflict: OnConflict,
    /// What is written depends on the state that was read, so only that one may be written over.
    is_merged: bool,
    /// The words of the API server quote what it refuses, and that must not be shown.
    is_secret: bool,
}

impl Manner {
    pub(crate) fn of(spec: &CheckedSpec) -> Self {
        Self { on_conflict: spec.on_conflict, is_merged: spec.merges(), is_secret: spec.takes_secrets() }
    }
}

impl Write {
    /// As they are told to the host.
    pub(crate) fn differences(&self) -> impl Iterator<Item = capstan_sdk::Difference> {
        let told = |each: &Difference| {
            let [desired, actual] = [&each.desired, &each.actual].map(|value| value.as_ref().map(preview::short));
            capstan_sdk::Difference::new(each.path.clone(), desired, actual)
        };
        self.differences.iter().map(told)
    }

    /// What it would change, for the status.
    pub(crate) fn preview(&self) -> impl Iterator<Item = Value> {
        let target = self.target.to_string();
        self.differences.iter().map(move |difference| preview::entry(&target, difference))
    }

    /// Writes. From whom fields were taken goes to `taken`.
    pub(crate) fn carry_out(&self, manner: Manner, subresources: &Subresources, taken: &mut Notices) -> Result<()> {
        let mut object = Cow::Borrowed(&self.object);
        if !self.returns.is_empty() {
            object = Cow::Owned(give_back(&self.target, &object, &self.returns, subresources)?);
        }
        if self.assignments.pending.is_empty() {
            return Ok(());
        }
        let (begun, mut lost) = (Instant::now(), 0);
        let Stored { object: stored, owners } = loop {
            let failure = match self.attempt(manner, &object, subresources) {
                Ok(stored) => break stored,
                Err(failure) => failure,
            };
            lost += 1;
            if lost == MOST_LOST || begun.elapsed() > LONGEST_RACE || !is_lost_race(&failure) {
                return Err(failure);
            }
            let Some(now) = self.unless_it_matters(&object, subresources) else {
                return Err(failure);
            };
            object = Cow::Owned(now);
        };
        if !owners.is_empty() {
            taken.add(format!("{}: {} until now, and the patch took it over", self.target, told(&owners)));
        }
        match unkept(&self.assignments.pending, &stored) {
            Some(field) => Err(self.not_kept(manner, field, &stored)),
            None => Ok(()),
        }
    }

    fn attempt(&self, manner: Manner, object: &Value, subresources: &Subresources) -> Result<Stored> {
        match self.assignments.apply(object) {
            Some(Change::Apply { document, subresource }) => {
                self.apply(manner, object, document, subresource, subresources)
            }
            _ => self.patch(manner, object, subresources),
        }
    }

    /// The target as it is by now, if nothing has changed of what is to be written: then the same may be written over it.
    fn unless_it_matters(&self, object: &Value, subresources: &Subresources) -> Option<Value> {
        let uid = object.pointer("/metadata/uid")?;
        // Changes nothing, and is answered by the API server: what the host has for reading may be as old as `object`.
        let look = Patch::json(json!([{"op": "test", "path": "/metadata/uid", "value": uid}])).dry_run();
        let now = subresources.patch(&self.target, object, look, None).ok()?;
        let is_as_it_was = |each: &Assignment| each.path.get(&now).ok() == each.path.get(object).ok();
        self.assignments.pending.iter().all(is_as_it_was).then_some(now)
    }

    /// Applies the fields. What that would do is found out first: where a field cannot be owned alone, it would
    /// take its neighbours along.
    fn apply(
        &self,
        manner: Manner,
        object: &Value,
        mut document: Value,
        subresource: Option<&'static str>,
        subresources: &Subresources,
    ) -> Result<Stored> {
        let over = |document: &mut Value, object: &Value| {
            if let Some(version) = object.pointer("/metadata/resourceVersion") {
                document["metadata"]["resourceVersion"] = version.clone();
            }
        };
        if manner.is_merged {
            over(&mut document, object);
        }
        let patch = |document: &Value| Patch::apply(document.clone());
        let send = |patch: Patch| subresources.patch(&self.target, object, patch, subresource);
        let then = match send(patch(&document).force().dry_run()) {
            // Whoever checks writes there may be unable to check one that is only tried.
            Err(Error::Invalid(_)) if manner.on_conflict == OnConflict::TakeOver => {
                return self.patch(manner, object, subresources);
            }
            answer => answer.map_err(|error| self.refused(manner, error))?,
        };
        if loses(object, &then) {
            return self.patch(manner, object, subresources);
        }
        if is_same(object, &then) {
            // The value would not be kept, so there is nothing to write.
            return Ok(Stored::untaken(then));
        }
        match send(patch(&document)) {
            Err(Error::Conflict { owners, .. }) if !owners.is_empty() => {
                if manner.on_conflict == OnConflict::Fail {
                    return Err(self.somebody_elses(&owners));
                }
                // What is taken is what was looked at, and nothing that has appeared since.
                over(&mut document, &then);
                let stored = send(patch(&document).force());
                let object = stored.map_err(|error| self.refused(manner, error))?;
                Ok(Stored { object, owners })
            }
            answer => answer.map(Stored::untaken).map_err(|error| self.refused(manner, error)),
        }
    }

    /// Writes just the fields, over the version that was read: as long as that is the version, the owners are those that were
    /// asked for.
    fn patch(&self, manner: Manner, object: &Value, subresources: &Subresources) -> Result<Stored> {
        let Change::JsonPatch { operations, subresource } = json_patch(object, &self.assignments.pending) else {
            return Ok(Stored::untaken(object.clone()));
        };
        let owners = self.owners(manner, object, subresources)?;
        match subresources.patch(&self.target, object, Patch::json(operations), subresource) {
            // The test of the uid that fails looks like content that is refused.
            Err(Error::Invalid(_)) if !is_there(&self.target, object)? => {
                Err(Failure::retryable("Conflict", format!("{} is another object by now", self.target)))
            }
            answer => {
                let object = answer.map_err(|error| self.refused(manner, error))?;
                Ok(Stored { object, owners })
            }
        }
    }

    /// Who else owns what is to be written. Where that must not be taken over, owners and what cannot be found out are failures.
    fn owners(&self, manner: Manner, object: &Value, subresources: &Subresources) -> Result<Vec<Owner>> {
        let must_know = manner.on_conflict == OnConflict::Fail;
        let question = match Question::of(object, &self.assignments.pending) {
            Ok(Some(question)) => question,
            Err(why) if must_know => return Err(self.unknown_owner(why)),
            Ok(None) | Err(_) => return Ok(Vec::new()),
        };
        let patch = Patch::apply(question.document.clone()).dry_run();
        let unknown = match subresources.patch(&self.target, object, patch, question.subresource) {
            Err(Error::Conflict { owners, .. }) if !owners.is_empty() => {
                return if must_know { Err(self.somebody_elses(&owners)) } else { Ok(owners) };
            }
            _ if !must_know => None,
            Ok(then) => question.unknown(object, Some(&then)),
            Err(Error::Invalid(_)) if question.has_substitute => question.unknown(object, None),
            Err(error) => return Err(self.refused(manner, error)),
        };
        unknown.map_or(Ok(Vec::new()), |why| Err(self.unknown_owner(why)))
    }

    /// Conditions and events show a failure, so nothing of a Secret may be in its message.
    fn refused(&self, manner: Manner, error: Error) -> Failure {
        if !manner.is_secret || matches!(error, Error::NotFound(_)) {
            return error.into();
        }
        let message = format!(
            "the write to {} was refused ({}); details are left out because a Secret takes part",
            self.target,
            error.reason()
        );
        if error.is_terminal() {
            Failure::terminal(error.reason(), message)
        } else {
            Failure::retryable(error.reason(), message)
        }
    }

    fn somebody_elses(&self, owners: &[Owner]) -> Failure {
        let message = format!("{}: {}, and spec.to.onConflict is fail", self.target, told(owners));
        Failure::terminal("Conflict", message)
    }

    fn unknown_owner(&self, why: Unknown) -> Failure {
        let message = format!(
            "{}: spec.to.onConflict is fail, and whose all that is that would go with the write of {} cannot be found out: {why}",
            self.target,
            shortened(self.assignments.pending.iter().map(|each| each.path.to_string()))
        );
        Failure::terminal("Conflict", message)
    }

    fn not_kept(&self, manner: Manner, field: &Assignment, stored: &Value) -> Failure {
        let Assignment { path, value } = field;
        let values = match path.get(stored) {
            _ if manner.is_secret => "the value is left out because a Secret takes part".to_owned(),
            Ok(kept) => format!("it has {}, and not {}", preview::shown(Some(kept)), preview::shown(Some(value))),
            Err(_) => format!("it has nothing there, and not {}", preview::shown(Some(value))),
        };
        let message = format!(
            "the API server does not keep {path} of {} as it is written: {values}. Name the field that keeps it, or give the value as it is kept",
            self.target
        );
        Failure::terminal("NotKept", message)
    }
}

/// An object after a write.
struct Stored {
    object: Value,
    /// From whom something of it was taken.
    owners: Vec<Owner>,
}

impl Stored {
    fn untaken(object: Value) -> Self {
        Self { object, owners: Vec::new() }
    }
}

/// Gives fields of an object their old values, over the version that was read, and gives the object as it is then.
pub(crate) fn give_back(
    target: &ObjectRef,
    object: &Value,
    returns: &[Assignment],
    subresources: &Subresources,
) -> Result<Value> {
    let mut object = object.clone();
    let (status, others): (Vec<Assignment>, Vec<Assignment>) =
        returns.iter().cloned().partition(|each| each.subresource().is_some());
    for part in [others, status] {
        if part.is_empty() {
            continue;
        }
        if let Change::JsonPatch { operations, subresource } = json_patch(&object, &part) {
            object = subresources.patch(target, &object, Patch::json(operations), subresource)?;
        }
    }
    Ok(object)
}
