//! Operators.

use std::cmp::Ordering;
use std::sync::Arc;

use kube_cel::cel::ExecutionError;
use kube_cel::cel::common::ast::operators;
use kube_cel::cel::objects::{Key, Value};

use super::failure::Failure;
use super::interpret::{Interpreter, Outcome};
use super::value::{concatenated, equal, items, size};

impl Interpreter {
    pub(super) fn binary(&self, operator: &str, a: &Value, b: &Value) -> Outcome {
        match operator {
            operators::EQUALS => self.equal(a, b).map(Value::Bool),
            operators::NOT_EQUALS => self.equal(a, b).map(|same| Value::Bool(!same)),
            operators::IN => match b {
                Value::Map(map) => {
                    let key: Option<Key> = a.clone().try_into().ok();
                    Ok(Value::Bool(key.is_some_and(|key| map.get(&key).is_some())))
                }
                list => {
                    for item in items(list).ok_or(Failure::NoSuchOverload)? {
                        if self.equal(item, a)? {
                            return Ok(Value::Bool(true));
                        }
                    }
                    Ok(Value::Bool(false))
                }
            },
            operators::LESS => ordered(a, b, Ordering::is_lt),
            operators::LESS_EQUALS => ordered(a, b, Ordering::is_le),
            operators::GREATER => ordered(a, b, Ordering::is_gt),
            operators::GREATER_EQUALS => ordered(a, b, Ordering::is_ge),
            operators::ADD => {
                // Lists share their items, so that adding them only copies references.
                self.charge(match (items(a), items(b)) {
                    (Some(a), Some(b)) => (a.len() + b.len()) as u64 / 10,
                    _ => size(a) + size(b),
                })?;
                match (a, b) {
                    (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes(Arc::new([a.as_slice(), b].concat()))),
                    _ => concatenated(a, b).map_or_else(|| arithmetic(a.clone() + b.clone()), Ok),
                }
            }
            operators::SUBSTRACT => arithmetic(a.clone() - b.clone()),
            operators::MULTIPLY => arithmetic(a.clone() * b.clone()),
            operators::DIVIDE => arithmetic(a.clone() / b.clone()),
            operators::MODULO => arithmetic(a.clone() % b.clone()),
            _ => Err(Failure::NoSuchOverload),
        }
    }

    /// Compares, at a cost of the smaller side, or of all pairs if the order of items does not count.
    fn equal(&self, a: &Value, b: &Value) -> Result<bool, Failure> {
        let cost = match (a, items(a), items(b)) {
            (Value::Opaque(_), Some(a), Some(b)) => a.len().saturating_mul(b.len()) as u64,
            _ => size(a).min(size(b)),
        };
        self.charge(cost)?;
        Ok(equal(a, b))
    }
}

pub(super) fn unary(operator: &str, value: &Value) -> Outcome {
    match (operator, value) {
        (operators::LOGICAL_NOT, Value::Bool(truth)) => Ok(Value::Bool(!truth)),
        (operators::NEGATE, Value::Int(number)) => number.checked_neg().map(Value::Int).ok_or(Failure::Overflow),
        (operators::NEGATE, Value::Float(number)) => Ok(Value::Float(-number)),
        _ => Err(Failure::NoSuchOverload),
    }
}

fn ordered(a: &Value, b: &Value, holds: fn(Ordering) -> bool) -> Outcome {
    match (a, b) {
        // Nothing is above or below what is not a number.
        (Value::Float(number), _) | (_, Value::Float(number)) if number.is_nan() => Ok(Value::Bool(false)),
        _ => a.partial_cmp(b).map(|order| Value::Bool(holds(order))).ok_or(Failure::NoSuchOverload),
    }
}

pub(super) fn arithmetic(result: Result<Value, ExecutionError>) -> Outcome {
    result.map_err(|error| match error {
        ExecutionError::DivisionByZero(_) => Failure::DivisionByZero,
        ExecutionError::RemainderByZero(_) => Failure::ModulusByZero,
        ExecutionError::Overflow(..) => Failure::Overflow,
        _ => Failure::NoSuchOverload,
    })
}
