//! Carrying out a change.

use capstan_sdk::cluster::{self, ObjectRef, Owner};
use capstan_sdk::{Failure, Result, events};
use serde_json::Value;

use crate::change::Change;
use crate::plan::Difference;
use crate::preview;
use crate::revert::{self, Kept};
use crate::spec::OnConflict;

/// A write and the target it was made for.
pub(crate) struct Write {
    target: ObjectRef,
    /// The target as it was read.
    object: Value,
    change: Change,
    differences: Vec<Difference>,
}

impl Write {
    pub(crate) fn new(target: ObjectRef, object: Value, change: Change, differences: Vec<Difference>) -> Self {
        Self { target, object, change, differences }
    }

    /// One that gives a field its old value back.
    pub(crate) fn revert(target: ObjectRef, object: &Value, change: Change) -> Self {
        Self::new(target, object.clone(), change, Vec::new())
    }

    /// As they are told to the host.
    pub(crate) fn differences(&self) -> impl Iterator<Item = capstan_sdk::Difference> {
        let told = |each: &Difference| {
            capstan_sdk::Difference::new(each.path.clone(), each.desired.clone(), each.actual.clone())
        };
        self.differences.iter().map(told)
    }

    /// What it would change, for the status.
    pub(crate) fn preview(&self) -> Vec<Value> {
        let target = self.target.to_string();
        self.differences.iter().map(|difference| preview::entry(&target, difference)).collect()
    }

    /// Adds what it is going to overwrite. Differences show all values here: with a Secret there is no revert.
    pub(crate) fn keep(&self, kept: &mut Vec<Kept>) {
        for difference in &self.differences {
            if let Ok(path) = difference.path.parse() {
                let applied = difference.desired.as_ref().unwrap_or(&Value::Null);
                revert::keep(kept, &self.target, &self.object, &path, applied);
            }
        }
    }

    fn version(&self) -> Option<&Value> {
        self.object.pointer("/metadata/resourceVersion")
    }
}

/// Writes. What somebody else owns is asked for politely first, so that it can be told from whom it is taken.
pub(crate) fn carry_out(write: &Write, on_conflict: OnConflict) -> Result<()> {
    let (patch, subresource) = match &write.change {
        Change::Apply { document, subresource } => (cluster::Patch::apply(document.clone()), subresource),
        Change::JsonPatch { operations, subresource } => (cluster::Patch::json(operations.clone()), subresource),
    };
    let patch = match subresource {
        Some(name) => patch.subresource(*name),
        None => patch,
    };
    let outcome = match cluster::patch(&write.target, patch.clone()) {
        Err(cluster::Error::Conflict { owners, .. }) if !owners.is_empty() => match on_conflict {
            OnConflict::Fail => {
                let message = format!("{} of {} and spec.to.onConflict is fail", told(&owners), write.target);
                return Err(Failure::terminal("Conflict", message));
            }
            OnConflict::TakeOver => {
                let taken = cluster::patch(&write.target, patch.force());
                if taken.is_ok() {
                    let note = format!("{} of {} until now, and the patch took it over", told(&owners), write.target);
                    events::normal("TookOver", "Update", &note);
                }
                taken
            }
        },
        outcome => outcome,
    };
    match outcome {
        // A test that failed looks like invalid content. If the target is another version by now, it was that.
        Err(refused @ cluster::Error::Invalid(_)) => {
            let now = cluster::find::<Value>(&write.target)?;
            let version = now.as_ref().and_then(|object| object.pointer("/metadata/resourceVersion"));
            if version == write.version() {
                return Err(refused.into());
            }
            Err(Failure::retryable("Conflict", format!("{} was changed meanwhile", write.target)))
        }
        outcome => Ok(outcome.map(drop)?),
    }
}

/// `kubectl owned .data.x`
fn told(owners: &[Owner]) -> String {
    let each = |owner: &Owner| format!("{} owns {}", owner.manager, owner.field);
    owners.iter().map(each).collect::<Vec<_>>().join(", ")
}
