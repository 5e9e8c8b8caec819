//! The kinds as the host sees them: external resources that exist always, and are up to date or not.

use capstan_sdk::cluster::{self, ObjectRef};
use capstan_sdk::log::{self, Level};
use capstan_sdk::{Change, Creation, External, Failure, Kind, Managed, Observation, Result, crd};
use serde_json::Value;

use crate::objects::{self, Targets};
use crate::plan::{self, Plan, PlanError, plan};
use crate::preview;
use crate::revert::{self, Kept};
use crate::spec::{CheckedSpec, OnConflict, OnDelete, Scope, Spec};
use crate::write::{Write, carry_out};

/// One `Patch`, which may name any object.
pub struct Patch(Session);

/// One `NamespacedPatch`, which names objects of its own namespace.
pub struct NamespacedPatch(Session);

/// Both kinds do the same, each in its scope.
macro_rules! external {
    ($kind:ident, $definition:literal) => {
        impl External for $kind {
            const KIND: Kind = crd!($definition);
            /// Nothing is ever created.
            const RECOVERABLE: bool = true;
            /// Read by [`Spec::of`] when it is needed, so that a broken one can be deleted.
            type Spec = Value;

            fn connect(_: &Managed<Value>) -> Result<Self> {
                Ok(Self(Session::default()))
            }

            fn observe(&mut self, object: &Managed<Value>) -> Result<Observation> {
                self.0.observe(object)
            }

            /// Not called: `observe` reports a missing resource only while the object is being deleted.
            fn create(&mut self, _: &Managed<Value>) -> Result<Creation> {
                Ok(Creation::done())
            }

            fn update(&mut self, object: &Managed<Value>) -> Result<Change> {
                self.0.update(object)
            }

            fn delete(&mut self, object: &Managed<Value>) -> Result<()> {
                delete(object)
            }
        }
    };
}
external!(Patch, "crds/patches.yaml");
external!(NamespacedPatch, "crds/namespacedpatches.yaml");

/// What the calls of one reconcile share.
#[derive(Default)]
struct Session {
    /// What the last observe found to be done.
    pending: Option<Vec<Write>>,
}

impl Session {
    fn observe(&mut self, object: &Managed<Value>) -> Result<Observation> {
        if object.is_being_deleted() {
            return observe_deletion(object);
        }
        let writes = look(object)?;
        let is_observing = object.annotation(preview::POLICY) == Some(preview::OBSERVE);
        let entries = writes.iter().flat_map(Write::preview).collect();
        let status = preview::status(is_observing, entries, &object.status);
        let mut observation = if writes.is_empty() {
            Observation::up_to_date().ready()
        } else {
            Observation::differs(writes.iter().flat_map(Write::differences).collect::<Vec<_>>())
        };
        observation.status = status;
        self.pending = Some(writes);
        Ok(observation)
    }

    fn update(&mut self, object: &Managed<Value>) -> Result<Change> {
        // A second call must not repeat a write that was computed from an older version.
        let writes = match self.pending.take() {
            Some(writes) => writes,
            None => look(object)?,
        };
        let spec = check(object)?;
        let mut kept = revert::kept(&object.status);
        for write in writes {
            if spec.on_delete == OnDelete::Revert {
                write.keep(&mut kept);
                // Rather no write than one that could not be taken back.
                if revert::status(&kept).is_none() {
                    let limit = revert::MAX_KEPT;
                    let message = format!(
                        "spec.onDelete is revert, but the values before and after are longer than {limit} bytes: use keep"
                    );
                    return Err(Failure::terminal("TooLargeToRevert", message));
                }
            }
            carry_out(&write, spec.on_conflict)?;
        }
        match revert::status(&kept).filter(|_| spec.on_delete == OnDelete::Revert) {
            Some(status) => Ok(Change::done().status(status)),
            None => Ok(Change::done()),
        }
    }
}

fn delete(object: &Managed<Value>) -> Result<()> {
    for (target, object, change) in undone(object)? {
        carry_out(&Write::revert(target, &object, change), OnConflict::TakeOver)?;
    }
    Ok(())
}

/// Gone if there is nothing to give back. Only what was kept is read, and nothing is transformed, so a broken
/// specification cannot stand in the way.
fn observe_deletion(object: &Managed<Value>) -> Result<Observation> {
    if undone(object)?.is_empty() { Ok(Observation::missing()) } else { Ok(Observation::up_to_date()) }
}

/// The writes that give fields their old values back, with the objects they are for.
fn undone(object: &Managed<Value>) -> Result<Vec<(ObjectRef, Value, crate::change::Change)>> {
    let wants = Spec::of(&object.spec).is_ok_and(|spec| spec.on_delete == Some(OnDelete::Revert));
    let kept: Vec<Kept> = if wants { revert::kept(&object.status) } else { Vec::new() };
    let mut undone = Vec::new();
    for entry in kept {
        let target = entry.target();
        match cluster::find::<Value>(&target) {
            Ok(Some(found)) => {
                if let Some(change) = entry.undo(&found) {
                    undone.push((target, found, change));
                }
            }
            Ok(None) => {}
            // What must not be read any more cannot be given back, and the object must be deletable all the same.
            Err(cluster::Error::Denied(why)) => {
                let note = format!("{} of {target} stays as it is: {why}", entry.field_path());
                capstan_sdk::events::warning("CannotRevert", "Delete", &note);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(undone)
}

fn check(object: &Managed<Value>) -> Result<CheckedSpec> {
    let scope = object.namespace().map_or(Scope::Cluster, Scope::Namespace);
    Spec::of(&object.spec).and_then(|spec| spec.check(scope)).map_err(terminal)
}

/// None of these errors goes away by itself: the host wakes the object when it or what was read changes, what was
/// not found included.
fn terminal(error: impl Into<PlanError>) -> Failure {
    let error = error.into();
    Failure::terminal(error.reason(), error.to_string())
}

/// What has to be written; empty if all targets have the value.
fn look(object: &Managed<Value>) -> Result<Vec<Write>> {
    let spec = check(object)?;
    let is_namespaced = object.namespace().is_some();
    let mut sources = Vec::new();
    for source in &spec.sources {
        sources.push(objects::read(&source.object, is_namespaced)?.map(|(_, object)| object));
    }
    let sources: Vec<Option<&Value>> = sources.iter().map(Option::as_ref).collect();
    let targets = objects::targets(&spec, is_namespaced)?;
    if let Some(field) = spec.transform.field() {
        // If it never ends, the host ends it and tells what was said last.
        log::write(Level::Debug, &format!("evaluating {field}"), &[]);
    }
    let value = plan::value(&spec, &sources).map_err(terminal)?;
    let mut writes = Vec::new();
    match targets {
        Targets::One(key, None) => {
            plan(&spec, &value, &key, None, &sources).map_err(terminal)?;
        }
        Targets::One(key, Some((reference, object))) => {
            if let Plan::Write { change, differences } =
                plan(&spec, &value, &key, Some(&object), &sources).map_err(terminal)?
            {
                writes.push(Write::new(reference, object, change, differences));
            }
        }
        Targets::Several(found) => {
            for (key, reference, object) in found {
                if let Plan::Write { change, differences } =
                    plan(&spec, &value, &key, Some(&object), &sources).map_err(terminal)?
                {
                    writes.push(Write::new(reference, object, change, differences));
                }
            }
        }
    }
    Ok(writes)
}
