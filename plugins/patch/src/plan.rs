//! From a specification and two objects to what has to be done.

use std::borrow::Cow;

use capstan_sdk::equal;
use serde_json::Value;

use crate::change::{Assignment, Assignments, updated};
use crate::field_path::{FieldPath, LookupError, Segment, SetError};
use crate::merge::merge;
use crate::spec::{CheckedSpec, InvalidSpec, ObjectKey, OnDelete, Source, WhenNull};
use crate::transform::{TransformError, desired};

/// What has to be done to one target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The fields, with their values.
    pub assignments: Assignments,
    /// Those that do not have their value yet, as they may be shown.
    pub differences: Vec<Difference>,
}

impl Plan {
    /// Whether there is nothing to do: the target has the value.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.assignments.pending.is_empty()
    }
}

/// A field that does not have its value yet. The values are left out when a Secret takes part, because differences are
/// shown in plans and events.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The field of the target.
    pub path: String,
    /// What it should be; none also if it should not be.
    pub desired: Option<Value>,
    /// What it is; none also if it is missing.
    pub actual: Option<Value>,
}

/// Why there is no plan. None of these goes away until the `Patch` or one of its objects changes.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The specification cannot be worked with.
    #[error(transparent)]
    InvalidSpec(#[from] InvalidSpec),
    /// A source object is not there.
    #[error("{object}, named by {field}.objectReference, does not exist")]
    SourceNotFound {
        /// The source.
        object: Box<ObjectKey>,
        /// Where it is named.
        field: String,
    },
    /// The target object is not there.
    #[error("{0}, named by spec.to.objectReference, does not exist")]
    TargetNotFound(Box<ObjectKey>),
    /// No object has the labels.
    #[error("no {kind} in the namespace {namespace} has the labels {labels:?} of spec.to.selector")]
    NothingSelected {
        /// The targets' kind.
        kind: String,
        /// Where they were looked for.
        namespace: String,
        /// The selector.
        labels: String,
    },
    /// More objects have the labels than one `Patch` may change.
    #[error("spec.to.selector chooses {0} objects, more than {most}: choose fewer", most = MAX_TARGETS)]
    TooManyTargets(usize),
    /// The source object has no such field.
    #[error("{object} has no field {path} ({field}.fieldPath): {error}")]
    SourceField {
        /// Where it is named.
        field: String,
        /// The source.
        object: Box<ObjectKey>,
        /// Its field.
        path: FieldPath,
        /// Where the path ends.
        error: LookupError,
    },
    /// The elements that a wildcard stands for cannot be listed.
    #[error("{object} has nothing at {path} (spec.to.fieldPath): {error}")]
    TargetField {
        /// The target.
        object: Box<ObjectKey>,
        /// Its field.
        path: FieldPath,
        /// Where the path ends.
        error: LookupError,
    },
    /// The target's shape leaves no room for the field.
    #[error("{object} cannot take a field {path} (spec.to.fieldPath): {error}")]
    TargetShape {
        /// The target.
        object: Box<ObjectKey>,
        /// Its field.
        path: FieldPath,
        /// What is in the way.
        error: SetError,
    },
    /// The transform gave no value.
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// There is a value, and it is null.
    #[error("{0} gives null, which no field can hold: mend it, or set spec.to.whenNull to delete to remove the field")]
    Null(&'static str),
    /// The target is the source, and each write would change the value that is written next.
    #[error("spec.to.fieldPath {0} lies where the value is read from and changes it each time: it would never settle")]
    WouldLoop(FieldPath),
    /// Removing an element of a list moves the next one into its place.
    #[error(
        "removing {0} (spec.to.fieldPath) would let the next element of the list take its place, and be removed too: [*] removes all of them"
    )]
    WouldShift(FieldPath),
}

/// How many objects a selector may choose.
pub const MAX_TARGETS: usize = 100;

impl PlanError {
    /// The word for conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            PlanError::InvalidSpec(_) => "InvalidSpec",
            PlanError::SourceNotFound { .. } => "SourceNotFound",
            PlanError::TargetNotFound(_) | PlanError::NothingSelected { .. } => "TargetNotFound",
            PlanError::TooManyTargets(_) => "TooManyTargets",
            PlanError::SourceField { .. } | PlanError::TargetField { .. } | PlanError::TargetShape { .. } => {
                "FieldNotFound"
            }
            PlanError::Transform(_) | PlanError::Null(_) => "TransformFailed",
            PlanError::WouldLoop(_) | PlanError::WouldShift(_) => "WouldLoop",
        }
    }
}

/// The value that the targets should have, from the source objects as read: one for each of `spec.sources`, none where one
/// does not exist. A missing source field is an error.
pub fn value(spec: &CheckedSpec, objects: &[Option<&Value>]) -> Result<Value, PlanError> {
    let value = match (&spec.sources[..], objects) {
        ([source @ Source { name: None, .. }], [object]) => desired(field(source, *object)?, &spec.transform),
        (sources, objects) => {
            let mut input = serde_json::Map::new();
            for (source, object) in sources.iter().zip(objects) {
                input.insert(source.name.clone().unwrap_or_default(), field(source, *object)?.clone());
            }
            desired(&Value::Object(input), &spec.transform)
        }
    };
    // Messages of failed transforms hold parts of the value, and end up in conditions and events.
    let value = value.map_err(|error| if spec.reads_secrets() { error.without_value() } else { error })?;
    match value {
        Value::Null if spec.when_null == WhenNull::Fail => {
            Err(PlanError::Null(spec.transform.field().unwrap_or("the source field")))
        }
        value => Ok(value),
    }
}

fn field<'v>(source: &Source, object: Option<&'v Value>) -> Result<&'v Value, PlanError> {
    let object = object
        .ok_or_else(|| PlanError::SourceNotFound { object: Box::new(source.object.clone()), field: source.field() })?;
    source.path.get(object).map_err(|error| PlanError::SourceField {
        field: source.field(),
        object: Box::new(source.object.clone()),
        path: source.path.clone(),
        error,
    })
}

/// Compares a target with the value that it should have. A missing target field is created. `objects` are the sources as
/// read, to find out whether the write would change what is written next.
pub fn plan(
    spec: &CheckedSpec,
    value: &Value,
    key: &ObjectKey,
    target: Option<&Value>,
    objects: &[Option<&Value>],
) -> Result<Plan, PlanError> {
    let target = target.ok_or_else(|| PlanError::TargetNotFound(Box::new(key.clone())))?;
    let assignments = assign(spec, key, target, value)?;
    let pending = &assignments.pending;
    if pending.is_empty() {
        return Ok(Plan { assignments, differences: Vec::new() });
    }
    let updated = updated(target, pending).map_err(|(path, error)| PlanError::TargetShape {
        object: Box::new(key.clone()),
        path: path.clone(),
        error,
    })?;
    check_settles(spec, key, &assignments, (target, &updated), objects)?;
    let is_element = |path: &FieldPath| matches!(path.segments().last(), Some(Segment::Index(_)));
    if let Some(removed) = pending.iter().find(|each| each.value.is_null() && is_element(&each.path))
        && !assign(spec, key, &updated, value)?.pending.is_empty()
    {
        return Err(PlanError::WouldShift(removed.path.clone()));
    }
    if spec.on_delete == OnDelete::Revert && pending.iter().any(|each| each.path.has_index()) {
        return Err(InvalidSpec::ElementRevert(spec.target_path.clone()).into());
    }
    let hidden = spec.takes_secrets();
    let differences = pending.iter().map(|each| Difference::of(each, target, hidden)).collect();
    Ok(Plan { assignments, differences })
}

impl Difference {
    /// What an assignment will change in a target.
    pub(crate) fn of(assignment: &Assignment, target: &Value, hidden: bool) -> Self {
        let shown = |value: &Value| Some(value.clone()).filter(|value| !hidden && !value.is_null());
        Self {
            path: assignment.path.to_string(),
            desired: shown(&assignment.value),
            actual: assignment.path.get(target).ok().and_then(shown),
        }
    }
}

/// The fields of a target that `spec.to.fieldPath` stands for.
pub(crate) fn fields(spec: &CheckedSpec, key: &ObjectKey, target: &Value) -> Result<Vec<FieldPath>, PlanError> {
    spec.target_path.expand(target).map_err(|error| PlanError::TargetField {
        object: Box::new(key.clone()),
        path: spec.target_path.clone(),
        error,
    })
}

/// Whether a target has the value already. What [`FieldPath::only`] finds of it is enough to tell.
pub(crate) fn is_settled(spec: &CheckedSpec, value: &Value, key: &ObjectKey, target: &Value) -> bool {
    let is_held = |path: &FieldPath| goal(spec, value, path.get(target).ok()).1;
    fields(spec, key, target).is_ok_and(|paths| paths.iter().all(is_held))
}

/// The fields that are to have the value.
fn assign(spec: &CheckedSpec, key: &ObjectKey, target: &Value, value: &Value) -> Result<Assignments, PlanError> {
    let mut assignments = Assignments::default();
    for path in fields(spec, key, target)? {
        let (value, is_held) = goal(spec, value, path.get(target).ok());
        let of = if is_held { &mut assignments.held } else { &mut assignments.pending };
        of.push(Assignment { path, value: value.into_owned() });
    }
    Ok(assignments)
}

/// What a field is to have when the value meets what it has, and whether that is the same.
fn goal<'v>(spec: &CheckedSpec, value: &'v Value, actual: Option<&Value>) -> (Cow<'v, Value>, bool) {
    let goal = match spec.merge {
        Some(_) => Cow::Owned(merge(actual, value.clone(), spec.merge)),
        None => Cow::Borrowed(value),
    };
    // The API server does not tell a null from a missing field.
    let is_held = equal(actual.unwrap_or(&Value::Null), &goal);
    (goal, is_held)
}

/// What reads what it writes, such as `"x" + .` onto itself or a map into a member of itself, would change the object with
/// every reconcile. The target comes as it is and as it will be.
fn check_settles(
    spec: &CheckedSpec,
    key: &ObjectKey,
    assignments: &Assignments,
    (target, updated): (&Value, &Value),
    objects: &[Option<&Value>],
) -> Result<(), PlanError> {
    let sources = || spec.sources.iter().zip(objects.iter().copied());
    let is_target = |(source, object): (&Source, Option<&Value>)| source.object == *key || is_same(object, target);
    if !sources().any(is_target) {
        return Ok(());
    }
    let then = |(source, object): (&Source, Option<&Value>)| {
        let object = object?;
        Some(if !is_target((source, Some(object))) {
            object.clone()
        } else if source.object.api_version == key.api_version {
            updated.clone()
        } else {
            seen_elsewhere(object, target, &assignments.pending)
        })
    };
    let then: Vec<Option<Value>> = sources().map(then).collect();
    let then: Vec<Option<&Value>> = then.iter().map(Option::as_ref).collect();
    let settled = value(spec, &then).and_then(|value| assign(spec, key, updated, &value));
    match settled {
        Ok(then) if then.pending.is_empty() => Ok(()),
        _ => Err(PlanError::WouldLoop(spec.target_path.clone())),
    }
}

/// Whether a source as read is the target. References to one object may differ in the version of its kind, and in a
/// namespace that means nothing.
fn is_same(source: Option<&Value>, target: &Value) -> bool {
    let uid = |object: &Value| object.pointer("/metadata/uid").and_then(Value::as_str).map(str::to_owned);
    source.and_then(uid).is_some_and(|source| uid(target) == Some(source))
}

/// What another version of the kind will show of a write: fields that all versions have, and those where it shows the
/// same as the target now. It may have others by other names; the host finds what goes round through those.
fn seen_elsewhere(object: &Value, target: &Value, pending: &[Assignment]) -> Value {
    let is_common = |each: &&Assignment| match each.path.segments() {
        [Segment::Field(first), ..] if first == "metadata" => true,
        _ => matches!((each.path.get(object), each.path.get(target)), (Ok(here), Ok(there)) if equal(here, there)),
    };
    let common: Vec<Assignment> = pending.iter().filter(is_common).cloned().collect();
    updated(object, &common).unwrap_or_else(|_| object.clone())
}

#[cfg(test)]
mod tests;
