//! Rules meet an object.

use kube_cel::cel::objects::Value as CelValue;
use serde_json::{Value, json};

use super::CALL_LIMIT;
use super::failure::Failure;
use super::interpret::{Outcome, Scope};
use super::program::Program;
use super::rule::{Reason, Rule};
use super::value::{none, some, value};
use crate::field_error::FieldError;
use crate::object::member_path;
use crate::schema::correlate::{Replacement, correlated_item};
use crate::schema::{Schema, Type};

/// The longest text, in bytes, that a message expression may give.
const MAX_MESSAGE: usize = 5 * 1024;

/// What rules say of an object.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<FieldError>,
    /// Rules that are broken, but were so before by a value that did not change.
    pub(crate) warnings: Vec<String>,
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a Schema,
    /// The whole of a resource, be it embedded.
    pub(super) resource: bool,
    pub(super) value: &'a Value,
    /// The old value that rules see as `oldSelf`.
    pub(super) old: Option<&'a Value>,
    pub(super) path: String,
    pub(super) ratchet: Ratchet<'a>,
}

/// Whether an error may pass because nothing changed.
#[derive(Clone, Copy, Default)]
pub(super) struct Ratchet<'a> {
    /// The change of the value itself; `None` if it cannot be found in the old object.
    pub(super) here: Option<Replacement<'a>>,
    /// The change of the nearest value around it that can be found.
    pub(super) around: Option<Replacement<'a>>,
}

impl<'a> Ratchet<'a> {
    fn tolerates(&self) -> bool {
        self.here.or(self.around).is_some_and(|change| change.is_unchanged())
    }

    fn below(self, step: impl FnOnce(&Replacement<'a>) -> Option<Replacement<'a>>) -> Self {
        match self.here {
            Some(here) => Self { here: step(&here), around: Some(here) },
            None => self,
        }
    }

    fn member(self, key: &str) -> Self {
        // Old and new come in the same version, so that a change of it would not show.
        if self.around.is_none() && matches!(key, "apiVersion" | "kind") {
            return Self::default();
        }
        self.below(|here| here.member(key))
    }
}

/// The work on one object ran out of its budget.
struct Exhausted;

/// Evaluates the rules of a value and of what is in it, at a cost of at most `budget`.
pub(super) fn evaluate(place: &Place<'_>, budget: u64, findings: &mut Findings) {
    let mut evaluation = Evaluation { findings, budget };
    // What there is to say of a budget that ran out is among the errors already.
    let _: Result<(), Exhausted> = evaluation.visit(place);
}

struct Evaluation<'f> {
    findings: &'f mut Findings,
    budget: u64,
}

impl Evaluation<'_> {
    fn visit(&mut self, place: &Place<'_>) -> Result<(), Exhausted> {
        if place.value.is_null() || !place.schema.has_rules {
            return Ok(());
        }
        self.apply(place)?;
        match place.value {
            Value::Object(members) => {
                let old = |key: &str| place.old.and_then(|old| old.as_object()?.get(key));
                for (key, member) in members {
                    let (schema, path) = match (place.schema.properties.get(key), &place.schema.additional) {
                        (Some(schema), _) => (schema, member_path(&place.path, key)),
                        (None, Some(schema)) => (&**schema, format!("{}[{key}]", place.path)),
                        (None, None) => continue,
                    };
                    let ratchet = place.ratchet.member(key);
                    self.visit(&Place::new(schema, member, old(key), path, ratchet))?;
                }
            }
            Value::Array(items) => {
                let Some(schema) = place.schema.item() else { return Ok(()) };
                for (index, item) in items.iter().enumerate() {
                    let old = place.old.and_then(|old| correlated_item(old, item, &place.schema.list_type));
                    let ratchet = place.ratchet.below(|here| here.item(index));
                    self.visit(&Place::new(schema, item, old, format!("{}[{index}]", place.path), ratchet))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Evaluates the rules that stand at a place itself.
    fn apply(&mut self, place: &Place<'_>) -> Result<(), Exhausted> {
        let schema = place.schema;
        if schema.rules.is_empty() {
            return Ok(());
        }
        let this = value(place.value, schema, place.resource);
        let old = place.old.filter(|old| !old.is_null()).map(|old| value(old, schema, place.resource));
        for rule in &schema.rules {
            // A rule about a change has nothing to say where there is none.
            if rule.program.uses_old_self && old.is_none() && !rule.optional_old_self {
                continue;
            }
            let scope = Scope::new("self", this.clone());
            let old = if rule.optional_old_self { Some(old.clone().map_or_else(none, some)) } else { old.clone() };
            let with_old = old.map(|old| scope.with("oldSelf", old));
            let scope = with_old.as_ref().unwrap_or(&scope);
            match self.run(&rule.program, scope) {
                Ok(Ok(outcome)) if outcome == true.into() => {}
                Ok(Ok(_)) => self.broken(rule, place, scope)?,
                Ok(Err(failure)) => self.fail(place, &failed(&failure, &rule.title)),
                Err(OutOfBudget::Call) => {
                    let detail = format!(
                        "'{}': no further validation rules will be run due to call cost exceeds limit for rule: {}",
                        Failure::CostLimit,
                        rule.title
                    );
                    self.fail(place, &detail);
                    return Err(Exhausted);
                }
                Err(OutOfBudget::Object) => {
                    let detail = "validation failed due to running out of cost budget, no further validation rules \
                                  will be run";
                    self.fail(place, detail);
                    return Err(Exhausted);
                }
            }
        }
        Ok(())
    }

    /// Runs a program on the budget.
    fn run(&mut self, program: &Program, scope: &Scope<'_>) -> Result<Outcome, OutOfBudget> {
        let limit = CALL_LIMIT.min(self.budget);
        let (outcome, cost) = program.run(scope, limit);
        self.budget -= cost;
        match outcome {
            Err(Failure::CostLimit) if limit == CALL_LIMIT => Err(OutOfBudget::Call),
            Err(Failure::CostLimit) => Err(OutOfBudget::Object),
            outcome => Ok(outcome),
        }
    }

    /// An error that is not about the value, but about a rule that could not be evaluated for it.
    fn fail(&mut self, place: &Place<'_>, detail: &str) {
        let ty = place.schema.ty.map_or("", Type::as_str);
        self.findings.errors.push(FieldError::invalid(shown(&place.path), &json!(ty), detail));
    }

    fn broken(&mut self, rule: &Rule, place: &Place<'_>, scope: &Scope<'_>) -> Result<(), Exhausted> {
        let mut message = rule.message.clone();
        let mut exhausted = None;
        if let Some(program) = &rule.message_program {
            match self.run(program, scope) {
                Ok(Ok(outcome)) => message = checked_message(&outcome).unwrap_or(message),
                // The fixed message stands in for one that cannot be made.
                Ok(Err(_)) => {}
                Err(OutOfBudget::Call) => {
                    exhausted = Some(
                        "no further validation rules will be run due to call cost exceeds limit for \
                                      messageExpression",
                    );
                }
                Err(OutOfBudget::Object) => {
                    exhausted = Some(
                        "messageExpression evaluation failed due to running out of cost budget, no \
                                      further validation rules will be run",
                    );
                }
            }
        }
        let path = match (place.path.as_str(), rule.field_path.as_str()) {
            (path, "") => shown(path).to_owned(),
            (path, below) => member_path(path, below),
        };
        let error = match exhausted {
            Some(detail) => FieldError::invalid(path, &json!(place.schema.ty.map_or("", Type::as_str)), detail),
            None => error(rule.reason, path, place, &message),
        };
        if !rule.program.uses_old_self && place.ratchet.tolerates() {
            self.findings.warnings.push(error.to_string());
        } else {
            self.findings.errors.push(error);
        }
        if exhausted.is_some() { Err(Exhausted) } else { Ok(()) }
    }
}

/// Which limit was too low.
enum OutOfBudget {
    Call,
    Object,
}

impl<'a> Place<'a> {
    fn new(schema: &'a Schema, value: &'a Value, old: Option<&'a Value>, path: String, ratchet: Ratchet<'a>) -> Self {
        Self { schema, resource: schema.embedded_resource, value, old, path, ratchet }
    }
}

fn failed(failure: &Failure, title: &str) -> String {
    match failure {
        Failure::NoSuchOverload => format!(
            "'{failure}': call arguments did not match a supported operator, function or macro signature for rule: \
             {title}"
        ),
        failure => format!("{failure} evaluating rule: {title}"),
    }
}

/// The text that a message expression gave, if it can serve as a message.
fn checked_message(outcome: &CelValue) -> Option<String> {
    let CelValue::String(text) = outcome else { return None };
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_MESSAGE && !text.contains('\n')).then(|| text.to_owned())
}

/// Objects and lists are not printed with what is wrong about them.
fn error(reason: Reason, path: String, place: &Place<'_>, message: &str) -> FieldError {
    let is_printed = !matches!(place.schema.ty, Some(Type::Object | Type::Array));
    match (reason, is_printed) {
        (Reason::Forbidden, _) => FieldError::forbidden(path, message),
        (Reason::Required, _) => FieldError::required(path, message),
        (Reason::Duplicate, true) => FieldError::duplicate(path, place.value),
        (Reason::Duplicate, false) => FieldError::duplicate_unprinted(path),
        (Reason::Invalid, true) => FieldError::invalid(path, place.value, message),
        (Reason::Invalid, false) => FieldError::invalid_unprinted(path, message),
    }
}

/// Kubernetes shows the path of the whole object so.
fn shown(path: &str) -> &str {
    if path.is_empty() { "<nil>" } else { path }
}
