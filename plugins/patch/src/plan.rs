//! From a specification and two objects to what has to be done.

use serde_json::Value;

use crate::change::{Assignment, Change, change};
use crate::equal::equal;
use crate::field_path::{FieldPath, LookupError, SetError};
use crate::merge::merge;
use crate::spec::{CheckedSpec, InvalidSpec, ObjectKey, Transform};
use crate::transform::{TransformError, desired};

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Nothing: the target has the value.
    UpToDate,
    /// One write.
    Write {
        /// The write.
        change: Change,
        /// The fields that it is for.
        differences: Vec<Difference>,
    },
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

/// Why there is no plan. None of these goes away until the `Patch` or one of its two objects changes.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The specification cannot be worked with.
    #[error(transparent)]
    InvalidSpec(#[from] InvalidSpec),
    /// The source object is not there.
    #[error("{0}, named by spec.from.objectReference, does not exist")]
    SourceNotFound(ObjectKey),
    /// The target object is not there.
    #[error("{0}, named by spec.to.objectReference, does not exist")]
    TargetNotFound(ObjectKey),
    /// The source object has no such field.
    #[error("{object} has no field {path} (spec.from.fieldPath): {error}")]
    SourceField {
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
}

impl PlanError {
    /// The word for conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            PlanError::InvalidSpec(_) => "InvalidSpec",
            PlanError::SourceNotFound(_) => "SourceNotFound",
            PlanError::TargetNotFound(_) => "TargetNotFound",
            PlanError::SourceField { .. } | PlanError::TargetField { .. } | PlanError::TargetShape { .. } => {
                "FieldNotFound"
            }
            PlanError::Transform(_) => "TransformFailed",
        }
    }
}

/// Compares the target with what `spec` asks for. `source` and `target` are the two objects as read, none where one does
/// not exist. A missing target field is created; a missing source field is an error.
pub fn plan(spec: &CheckedSpec, source: Option<&Value>, target: Option<&Value>) -> Result<Plan, PlanError> {
    let source = source.ok_or_else(|| PlanError::SourceNotFound(spec.source.clone()))?;
    let target = target.ok_or_else(|| PlanError::TargetNotFound(spec.target.clone()))?;
    let value = transformed(spec, source)?;
    let (updated, assignments) = assign(spec, target, &value)?;
    if assignments.is_empty() {
        return Ok(Plan::UpToDate);
    }
    if spec.source == spec.target && spec.transform != Transform::None {
        check_settles(spec, &updated)?;
    }
    let hidden = spec.source.is_secret() || spec.target.is_secret();
    let shown = |value: &Value| Some(value.clone()).filter(|value| !hidden && !value.is_null());
    let differences = assignments
        .iter()
        .map(|assignment| Difference {
            path: assignment.path.to_string(),
            desired: shown(&assignment.value),
            actual: assignment.path.get(target).ok().and_then(shown),
        })
        .collect();
    Ok(Plan::Write { change: change(target, &updated, &assignments), differences })
}

impl ObjectKey {
    fn is_secret(&self) -> bool {
        self.api_version == "v1" && self.kind == "Secret"
    }
}

fn transformed(spec: &CheckedSpec, source: &Value) -> Result<Value, PlanError> {
    let value = spec.source_path.get(source).map_err(|error| PlanError::SourceField {
        object: Box::new(spec.source.clone()),
        path: spec.source_path.clone(),
        error,
    })?;
    desired(value, &spec.transform).map_err(|error| {
        // Messages of failed transforms hold parts of the value, and end up in conditions and events.
        if spec.source.is_secret() { error.without_value() } else { error }.into()
    })
}

/// The target as it should be, and the fields in which it differs.
fn assign(spec: &CheckedSpec, target: &Value, value: &Value) -> Result<(Value, Vec<Assignment>), PlanError> {
    let paths = spec.target_path.expand(target).map_err(|error| PlanError::TargetField {
        object: Box::new(spec.target.clone()),
        path: spec.target_path.clone(),
        error,
    })?;
    let mut updated = target.clone();
    let mut assignments = Vec::new();
    for path in paths {
        let actual = path.get(target).ok();
        let value = merge(actual, value.clone(), spec.merge);
        // The API server does not tell a null from a missing field.
        if equal(actual.unwrap_or(&Value::Null), &value) {
            continue;
        }
        path.set(&mut updated, value.clone()).map_err(|error| PlanError::TargetShape {
            object: Box::new(spec.target.clone()),
            path: path.clone(),
            error,
        })?;
        assignments.push(Assignment { path, value });
    }
    Ok((updated, assignments))
}

/// A transform that reads what it writes, such as `"x" + .` onto itself, would change the object with every reconcile.
fn check_settles(spec: &CheckedSpec, updated: &Value) -> Result<(), PlanError> {
    let settled = transformed(spec, updated).and_then(|value| assign(spec, updated, &value));
    match settled {
        Ok((_, differences)) if differences.is_empty() => Ok(()),
        _ => Err(InvalidSpec::NeverSettles(spec.target_path.clone()).into()),
    }
}

#[cfg(test)]
mod tests;
