//! The interpreter: evaluates checked expressions and counts what that costs.
//!
//! `cel` has an interpreter, too, but one in which an item without a value ends `exists` before a later item could
//! make it true, which cannot be stopped, and which copies what it visits. What is shared is its parser, its values and,
//! through `kube-cel`, its functions.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{CallExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, operators};
use kube_cel::cel::objects::{Key, Map, Value};

use super::check::callee;
use super::failure::Failure;
use super::functions::{self, type_name, type_named};
use super::macros::Macro;
use super::operators::unary;
use super::value::{items, none, optional, some};

pub(super) type Outcome = Result<Value, Failure>;

/// The variables of an expression. One may have no value: what `exists` has found so far may be an error.
pub(super) struct Scope<'p> {
    parent: Option<&'p Scope<'p>>,
    name: &'p str,
    pub(super) value: Outcome,
}

impl<'p> Scope<'p> {
    pub(super) fn new(name: &'p str, value: Value) -> Self {
        Self { parent: None, name, value: Ok(value) }
    }

    pub(super) fn with(&'p self, name: &'p str, value: Value) -> Self {
        self.binding(name, Ok(value))
    }

    pub(super) fn binding(&'p self, name: &'p str, value: Outcome) -> Self {
        Self { parent: Some(self), name, value }
    }

    fn find(&self, name: &str) -> Option<&Outcome> {
        if self.name == name { Some(&self.value) } else { self.parent?.find(name) }
    }
}

/// One evaluation of one expression.
pub(super) struct Interpreter {
    /// What is left of the cost that the expression may have.
    left: Cell<u64>,
}

impl Interpreter {
    pub(super) fn new(limit: u64) -> Self {
        Self { left: Cell::new(limit) }
    }

    /// What of the limit was not used.
    pub(super) fn left(&self) -> u64 {
        self.left.get()
    }

    pub(super) fn charge(&self, cost: u64) -> Result<(), Failure> {
        let left = self.left.get().checked_sub(cost);
        self.left.set(left.unwrap_or(0));
        if left.is_some() { Ok(()) } else { Err(Failure::CostLimit) }
    }

    pub(super) fn evaluate(&self, expression: &IdedExpr, scope: &Scope<'_>) -> Outcome {
        self.charge(1)?;
        match &expression.expr {
            Expr::Literal(literal) => Ok(literal_value(literal)),
            Expr::Ident(name) => match scope.find(name) {
                Some(value) => value.clone(),
                None => type_named(expression).map(type_name).ok_or(Failure::NoSuchOverload),
            },
            Expr::Select(select) => {
                if let Some(name) = type_named(expression)
                    && name.split('.').next().is_some_and(|first| scope.find(first).is_none())
                {
                    return Ok(type_name(name));
                }
                let operand = self.evaluate(&select.operand, scope)?;
                let found = self.member(&operand, &select.field.as_str().into());
                match found {
                    found if !select.test => found,
                    Ok(found) => Ok(Value::Bool(optional(&found).is_none_or(|held| held.value().is_some()))),
                    Err(Failure::NoSuchKey(_)) => Ok(Value::Bool(false)),
                    Err(failure) => Err(failure),
                }
            }
            Expr::Call(call) => self.call(call, scope),
            Expr::List(list) => self.list(list, scope),
            Expr::Map(literal) => self.map(literal, scope),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, scope),
            // The type check refuses them.
            Expr::Struct(_) | Expr::Unspecified => Err(Failure::NoSuchOverload),
        }
    }

    /// `a.b` and `a[b]`. A member of an optional is optional.
    fn member(&self, operand: &Value, key: &Value) -> Outcome {
        if let Some(held) = optional(operand) {
            return held.value().map_or_else(|| Ok(none()), |held| self.optional_member(held, key));
        }
        if let Some(items) = items(operand) {
            let Value::Int(index) = key else { return Err(Failure::NoSuchOverload) };
            let item = usize::try_from(*index).ok().and_then(|index| items.get(index));
            return item.cloned().ok_or(Failure::IndexOutOfBounds(*index));
        }
        let Value::Map(map) = operand else { return Err(Failure::NoSuchOverload) };
        let wanted: Key = key.clone().try_into().map_err(|_| Failure::NoSuchOverload)?;
        map.get(&wanted).cloned().ok_or_else(|| Failure::NoSuchKey(wanted.to_string()))
    }

    /// `a.?b` and `a[?b]`.
    fn optional_member(&self, operand: &Value, key: &Value) -> Outcome {
        match self.member(operand, key) {
            Ok(found) if optional(&found).is_some() => Ok(found),
            Ok(found) => Ok(some(found)),
            Err(Failure::NoSuchKey(_) | Failure::IndexOutOfBounds(_)) => Ok(none()),
            Err(failure) => Err(failure),
        }
    }

    fn list(&self, list: &ListExpr, scope: &Scope<'_>) -> Outcome {
        let mut values = Vec::with_capacity(list.elements.len());
        for (index, element) in list.elements.iter().enumerate() {
            let value = self.evaluate(element, scope)?;
            match optional(&value) {
                Some(held) if list.optional_indices.contains(&index) => values.extend(held.value().cloned()),
                _ => values.push(value),
            }
        }
        Ok(Value::List(Arc::new(values)))
    }

    fn map(&self, literal: &MapExpr, scope: &Scope<'_>) -> Outcome {
        let mut entries = HashMap::new();
        for entry in &literal.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { return Err(Failure::NoSuchOverload) };
            let key = self.evaluate(&entry.key, scope)?.try_into().map_err(|_| Failure::NoSuchOverload)?;
            let value = self.evaluate(&entry.value, scope)?;
            let value = match optional(&value) {
                Some(held) if entry.optional => match held.value() {
                    Some(held) => held.clone(),
                    None => continue,
                },
                _ => value,
            };
            if entries.insert(key, value).is_some() {
                return Err(Failure::RepeatedKey);
            }
        }
        Ok(Value::Map(Map { map: Arc::new(entries) }))
    }

    fn call(&self, call: &CallExpr, scope: &Scope<'_>) -> Outcome {
        if let Some(found) = Macro::of(call) {
            return self.expand(&found.map_err(Failure::Function)?, scope);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let branch = if truth(self.evaluate(condition, scope))? { yes } else { no };
                self.evaluate(branch, scope)
            }
            (operators::LOGICAL_AND, [a, b]) => self.junction(a, b, false, scope),
            (operators::LOGICAL_OR, [a, b]) => self.junction(a, b, true, scope),
            (operators::NOT_STRICTLY_FALSE, [a]) => match self.evaluate(a, scope) {
                Err(Failure::CostLimit) => Err(Failure::CostLimit),
                outcome => Ok(Value::Bool(outcome != Ok(Value::Bool(false)))),
            },
            ("or" | "orValue", [other]) => {
                let target = call.target.as_deref().ok_or(Failure::NoSuchOverload)?;
                let value = self.evaluate(target, scope)?;
                match optional(&value).ok_or(Failure::NoSuchOverload)?.value() {
                    Some(held) if call.func_name == "orValue" => Ok(held.clone()),
                    Some(_) => Ok(value),
                    None => self.evaluate(other, scope),
                }
            }
            (name, arguments) => {
                let values = arguments.iter().map(|argument| self.evaluate(argument, scope));
                let values = values.collect::<Result<Vec<_>, _>>()?;
                match (name, values.as_slice()) {
                    (operators::INDEX, [operand, key]) => self.member(operand, key),
                    (operators::OPT_INDEX | operators::OPT_SELECT, [operand, key]) => {
                        self.optional_member(operand, key)
                    }
                    (name, [a, b]) if call.target.is_none() && !is_word(name) => self.binary(name, a, b),
                    (name, [a]) if call.target.is_none() && !is_word(name) => unary(name, a),
                    _ => self.function(call, &values, scope),
                }
            }
        }
    }

    /// `a && b`, decided by false, and `a || b`, decided by true: what decides outweighs an error on the other side.
    fn junction(&self, a: &IdedExpr, b: &IdedExpr, decisive: bool, scope: &Scope<'_>) -> Outcome {
        let a = truth(self.evaluate(a, scope));
        if a == Ok(decisive) || a == Err(Failure::CostLimit) {
            return a.map(Value::Bool);
        }
        let b = truth(self.evaluate(b, scope));
        if b == Ok(decisive) || b == Err(Failure::CostLimit) {
            return b.map(Value::Bool);
        }
        a.and(b).map(Value::Bool)
    }

    fn function(&self, call: &CallExpr, arguments: &[Value], scope: &Scope<'_>) -> Outcome {
        let (name, target) = callee(call, |name| scope.find(name).is_some());
        let target = target.map(|target| self.evaluate(target, scope)).transpose()?;
        self.charge(functions::cost(&name, target.as_ref(), arguments))?;
        functions::call(&name, target.as_ref(), arguments)
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// What has to be true or false.
pub(super) fn truth(outcome: Outcome) -> Result<bool, Failure> {
    match outcome? {
        Value::Bool(truth) => Ok(truth),
        _ => Err(Failure::NoSuchOverload),
    }
}

fn literal_value(literal: &LiteralValue) -> Value {
    match literal {
        LiteralValue::Boolean(truth) => Value::Bool(*truth.inner()),
        LiteralValue::Bytes(bytes) => Value::Bytes(Arc::new(bytes.inner().to_vec())),
        LiteralValue::Double(number) => Value::Float(*number.inner()),
        LiteralValue::Int(number) => Value::Int(*number.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::String(text) => text.inner().into(),
        LiteralValue::UInt(number) => Value::UInt(*number.inner()),
    }
}
