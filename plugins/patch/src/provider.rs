//! A `Patch` as the host sees it: an external resource that exists always, and is up to date or not.

use capstan_sdk::cluster::{self, ObjectRef};
use capstan_sdk::{Change, Creation, Difference, External, Failure, Kind, Managed, Observation, Result, crd};
use serde_json::Value;

use crate::change;
use crate::plan::{Plan, PlanError, plan};
use crate::spec::{ObjectKey, Spec};

/// One `Patch`.
pub struct Patch {
    /// What the last observe found to be done.
    pending: Option<Write>,
}

/// A write and the target it was made for.
struct Write {
    target: ObjectRef,
    /// The target's version that the write was computed from.
    version: Option<Value>,
    change: change::Change,
}

impl External for Patch {
    const KIND: Kind = crd!("crds/patches.yaml");
    /// Nothing is ever created.
    const RECOVERABLE: bool = true;
    /// Read by [`Spec::of`] when it is needed, so that a broken one can be deleted.
    type Spec = Value;

    fn connect(_: &Managed<Value>) -> Result<Self> {
        Ok(Self { pending: None })
    }

    fn observe(&mut self, object: &Managed<Value>) -> Result<Observation> {
        // Deleting a Patch leaves the field as it is. Nothing is read, so nothing can stand in the way.
        if object.is_being_deleted() {
            return Ok(Observation::missing());
        }
        Ok(match look(&object.spec)? {
            None => Observation::up_to_date().ready(),
            Some((write, differences)) => {
                self.pending = Some(write);
                Observation::differs(differences)
            }
        })
    }

    /// Not called: `observe` reports a missing resource only while the `Patch` is being deleted.
    fn create(&mut self, _: &Managed<Value>) -> Result<Creation> {
        Ok(Creation::done())
    }

    fn update(&mut self, object: &Managed<Value>) -> Result<Change> {
        // A second call must not repeat a write that was computed from an older version.
        let write = match self.pending.take() {
            Some(write) => write,
            None => match look(&object.spec)? {
                None => return Ok(Change::done()),
                Some((write, _)) => write,
            },
        };
        carry_out(write)?;
        Ok(Change::done())
    }

    fn delete(&mut self, _: &Managed<Value>) -> Result<()> {
        Ok(())
    }
}

/// None of these errors goes away by itself: the host wakes the object when the `Patch` or what was read changes, what
/// was not found included.
fn terminal(error: impl Into<PlanError>) -> Failure {
    let error = error.into();
    Failure::terminal(error.reason(), error.to_string())
}

/// What has to be written and why; none if the target has its value.
fn look(spec: &Value) -> Result<Option<(Write, Vec<Difference>)>> {
    let spec = Spec::of(spec).and_then(|spec| spec.check()).map_err(terminal)?;
    let source = read(&spec.source)?;
    let target = if spec.source == spec.target { source.clone() } else { read(&spec.target)? };
    let plan = plan(&spec, source.as_ref().map(|(_, object)| object), target.as_ref().map(|(_, object)| object));
    match (plan.map_err(terminal)?, target) {
        (Plan::Write { change, differences }, Some((reference, object))) => {
            let differences = differences.into_iter().map(|each| Difference::new(each.path, each.desired, each.actual));
            let version = object.pointer("/metadata/resourceVersion").cloned();
            let write = Write { target: reference, version, change };
            Ok(Some((write, differences.collect())))
        }
        _ => Ok(None),
    }
}

/// The object, with the reference that led to it. A `Patch` may name a namespace for a kind that has none; the host
/// refuses such a reference, and then the one without it is right.
fn read(key: &ObjectKey) -> Result<Option<(ObjectRef, Value)>> {
    let plain = ObjectRef::new(&key.api_version, &key.kind, &key.name);
    let namespaced = plain.clone().in_namespace(&key.namespace);
    let (reference, found) = match cluster::find(&namespaced) {
        Err(refused @ cluster::Error::Invalid(_)) => match cluster::find(&plain) {
            Err(cluster::Error::Invalid(_)) => return Err(refused.into()),
            found => (plain, found),
        },
        found => (namespaced, found),
    };
    Ok(found?.map(|object| (reference, object)))
}

fn carry_out(write: Write) -> Result<()> {
    let (patch, subresource) = match write.change {
        // The field is given to this Patch: that is what its author asked for.
        change::Change::Apply { document, subresource } => (cluster::Patch::apply(document).force(), subresource),
        change::Change::JsonPatch { operations, subresource } => (cluster::Patch::json(operations), subresource),
    };
    let patch = match subresource {
        Some(name) => patch.subresource(name),
        None => patch,
    };
    match cluster::patch(&write.target, patch) {
        // A test that failed looks like invalid content. If the target is another version by now, it was that.
        Err(refused @ cluster::Error::Invalid(_)) => {
            let now = cluster::find::<Value>(&write.target)?;
            let version = now.as_ref().and_then(|object| object.pointer("/metadata/resourceVersion"));
            if version == write.version.as_ref() {
                return Err(refused.into());
            }
            Err(Failure::retryable("Conflict", format!("{} was changed meanwhile", write.target)))
        }
        outcome => Ok(outcome.map(drop)?),
    }
}
