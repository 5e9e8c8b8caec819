//! What has to be done for one `Patch`, found out without doing anything.

use capstan_sdk::cluster::{self, ObjectRef};
use capstan_sdk::log::{self, Level};
use capstan_sdk::{Failure, Managed, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::change::updated;
use crate::failures::Failures;
use crate::objects::{self, Found};
use crate::plan::{self, Difference, Plan, PlanError, plan};
use crate::revert::{MAX_KEPT, MAX_OBJECTS, Reverts};
use crate::spec::{CheckedSpec, OnDelete, Scope, Spec};
use crate::write::{Manner, Write};

/// What was found.
pub(crate) struct Look {
    /// One for each target that does not have the value.
    pub(crate) writes: Vec<Write>,
    /// Targets that cannot be given the value.
    pub(crate) failures: Failures,
    /// How to write.
    pub(crate) manner: Manner,
    /// What is to be recorded as `status.reverts`; none if that stays as it is.
    pub(crate) reverts: Option<Value>,
}

/// None of these errors goes away by itself: the host wakes the object when it or what was read changes, what was
/// not found included.
fn terminal(error: impl Into<PlanError>) -> Failure {
    let error = error.into();
    Failure::terminal(error.reason(), error.to_string())
}

fn check(object: &Managed<Box<RawValue>>) -> Result<CheckedSpec> {
    let scope = object.namespace().map_or(Scope::Cluster, Scope::Namespace);
    Spec::of(object.spec.get()).and_then(|spec| spec.check(scope)).map_err(terminal)
}

/// Reads sources and targets, and compares.
pub(crate) fn look(object: &Managed<Box<RawValue>>) -> Result<Look> {
    let spec = check(object)?;
    let is_namespaced = object.namespace().is_some();
    let mut sources = Vec::new();
    for source in &spec.sources {
        sources.push(objects::read(&source.object, is_namespaced)?.map(|(_, object)| object));
    }
    let targets = objects::targets(&spec, is_namespaced)?;
    if let Some(field) = spec.transform.field() {
        // If it never ends, the host ends it and tells what was said last.
        log::write(Level::Debug, &["evaluating ", field].concat(), &[]);
    }
    let value = value(&spec, &sources)?;
    let reverts = Reverts::of(&object.status, object.namespace());
    let mut planner = Planner { spec: &spec, value, sources: Sources { texts: &sources, objects: None }, reverts };
    let present: Vec<_> = match spec.on_delete {
        OnDelete::Revert => targets.iter().map(|found| found.reference.clone()).collect(),
        OnDelete::Keep => Vec::new(),
    };
    let (mut writes, mut failures) = (Vec::new(), Failures::default());
    for found in targets {
        match planner.write(found) {
            Ok(write) => writes.extend(write),
            Err(failure) => failures.add(Err(failure)),
        }
    }
    let reverts = match spec.on_delete {
        OnDelete::Revert => Some(room_for(planner.reverts, &present)?.status()),
        OnDelete::Keep => None,
    };
    let reverts = reverts.filter(|reverts| *reverts != object.status["reverts"]);
    Ok(Look { writes, failures, manner: Manner::of(&spec), reverts })
}

/// What the targets should have, from just the fields of the sources that are named.
fn value(spec: &CheckedSpec, sources: &[Option<String>]) -> Result<Value> {
    let mut fields = Vec::new();
    for (source, object) in spec.sources.iter().zip(sources) {
        fields.push(object.as_deref().map(|object| objects::only(object, &source.path)).transpose()?);
    }
    let fields: Vec<Option<&Value>> = fields.iter().map(Option::as_ref).collect();
    plan::value(spec, &fields).map_err(terminal)
}

struct Planner<'a> {
    spec: &'a CheckedSpec,
    value: Value,
    sources: Sources<'a>,
    reverts: Reverts,
}

/// The sources as a whole, which only writes depend on.
struct Sources<'a> {
    texts: &'a [Option<String>],
    /// Read at the first write.
    objects: Option<Vec<Option<Value>>>,
}

impl Sources<'_> {
    fn objects(&mut self) -> Result<Vec<Option<&Value>>> {
        let objects = if let Some(objects) = self.objects.take() {
            objects
        } else {
            let whole = |text: &Option<String>| text.as_deref().map(objects::whole).transpose();
            self.texts.iter().map(whole).collect::<Result<_>>()?
        };
        Ok(self.objects.insert(objects).iter().map(Option::as_ref).collect())
    }
}

impl Planner<'_> {
    /// What has to be done to one target, if anything.
    fn write(&mut self, found: Found) -> Result<Option<Write>> {
        let Found { key, reference: target, object } = found;
        let Some(text) = object else { return Err(terminal(PlanError::TargetNotFound(Box::new(key)))) };
        // Where nothing has to be given back, the field says it all, and mostly there is nothing to do.
        if self.spec.on_delete == OnDelete::Keep {
            let field = objects::only(&text, &self.spec.target_path)?;
            if plan::is_settled(self.spec, &self.value, &key, &field) {
                return Ok(None);
            }
        }
        let mut object = objects::whole(&text)?;
        // Items of a list need not name their kind, which an applied document must.
        object["apiVersion"] = target.api_version.as_str().into();
        object["kind"] = target.kind.as_str().into();
        let sources = self.sources.objects()?;
        let plan = |object: &Value| plan(self.spec, &self.value, &key, Some(object), &sources).map_err(terminal);
        let mut returns = Vec::new();
        let plan = if self.spec.on_delete == OnDelete::Revert {
            let fields = plan::fields(self.spec, &key, &object).map_err(terminal)?;
            returns = self.reverts.returns(&target, &object, &fields);
            // What it was before is what it was before anything of this object was written.
            let restored = updated(&object, &returns).unwrap_or_else(|_| object.clone());
            let mut plan = plan(&restored)?;
            self.reverts.keep(&target, &restored, &plan.assignments);
            let returned = returns.iter().map(|each| Difference::of(each, &object, self.spec.takes_secrets()));
            plan.differences.splice(0..0, returned);
            plan
        } else {
            plan(&object)?
        };
        if returns.is_empty() && plan.is_up_to_date() {
            return Ok(None);
        }
        let Plan { assignments, differences } = plan;
        Ok(Some(Write { target, object, returns, assignments, differences }))
    }
}

/// Rather no write than one that could not be taken back.
fn room_for(mut reverts: Reverts, present: &[ObjectRef]) -> Result<Reverts> {
    if !reverts.fits() {
        reverts.drop_gone(present, |target| cluster::find(target).ok());
    }
    if reverts.fits() {
        return Ok(reverts);
    }
    let message = format!(
        "spec.onDelete is revert, but the values before and after are longer than {MAX_KEPT} bytes, or of more than \
         {MAX_OBJECTS} objects: use keep, or choose fewer. Nothing was written"
    );
    Err(Failure::terminal("TooLargeToRevert", message))
}
