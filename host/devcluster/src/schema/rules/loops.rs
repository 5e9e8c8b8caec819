//! Loops: the comprehensions that macros expand to, and the macros that are interpreted as they are.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{ComprehensionExpr, Expr, operators};
use kube_cel::cel::objects::{Key, Map, Value};

use super::failure::Failure;
use super::interpret::{Interpreter, Outcome, Scope, truth};
use super::macros::{Kind, Macro};
use super::value::{items, none, optional, some};

impl Interpreter {
    pub(super) fn comprehension(&self, loops: &ComprehensionExpr, scope: &Scope<'_>) -> Outcome {
        let range = self.evaluate(&loops.iter_range, scope)?;
        if let Some((filter, element)) = collected(loops) {
            let mut list = Vec::new();
            for (first, _) in entries(&range, false)? {
                let scope = scope.with(&loops.iter_var, first);
                let is_taken = filter.map_or(Ok(true), |filter| truth(self.evaluate(filter, &scope)))?;
                if is_taken {
                    list.push(self.evaluate(element, &scope)?);
                }
            }
            return Ok(Value::List(Arc::new(list)));
        }
        let mut found = self.evaluate(&loops.accu_init, scope);
        for (first, _) in entries(&range, false)? {
            let scope = scope.binding(&loops.accu_var, found);
            if !truth(self.evaluate(&loops.loop_cond, &scope))? {
                found = scope.value;
                break;
            }
            let next = self.evaluate(&loops.loop_step, &scope.with(&loops.iter_var, first));
            if next == Err(Failure::CostLimit) {
                return next;
            }
            found = next;
        }
        self.evaluate(&loops.result, &scope.binding(&loops.accu_var, found))
    }

    pub(super) fn expand(&self, found: &Macro<'_>, scope: &Scope<'_>) -> Outcome {
        let range = self.evaluate(found.range, scope)?;
        if matches!(found.kind, Kind::OptMap | Kind::OptFlatMap) {
            let Some(held) = optional(&range).ok_or(Failure::NoSuchOverload)?.value() else { return Ok(none()) };
            let value = self.evaluate(found.body, &scope.with(found.first, held.clone()))?;
            return Ok(if found.kind == Kind::OptMap { some(value) } else { value });
        }
        let (mut list, mut transformed, mut keyed) = (Vec::new(), HashMap::new(), Vec::new());
        let (mut hits, mut failure) = (0_u64, None);
        for (first, second) in entries(&range, found.kind != Kind::SortBy)? {
            let outer = scope.with(found.first, first.clone());
            let scope = outer.with(found.second, second);
            if let Some(filter) = found.filter
                && !truth(self.evaluate(filter, &scope))?
            {
                continue;
            }
            let body = self.evaluate(found.body, &scope);
            match found.kind {
                Kind::All | Kind::Exists => match truth(body) {
                    Ok(holds) if holds == (found.kind == Kind::Exists) => return Ok(Value::Bool(holds)),
                    Ok(_) => {}
                    Err(Failure::CostLimit) => return Err(Failure::CostLimit),
                    Err(error) => failure = Some(error),
                },
                Kind::ExistsOne => hits += u64::from(truth(body)?),
                Kind::TransformList => list.push(body?),
                Kind::SortBy => keyed.push((body?, first)),
                Kind::TransformMap => {
                    let key: Key = first.try_into().map_err(|_| Failure::NoSuchOverload)?;
                    transformed.insert(key, body?);
                }
                Kind::TransformMapEntry => {
                    let Value::Map(entry) = body? else { return Err(Failure::NoSuchOverload) };
                    for (key, value) in entry.map.iter() {
                        if transformed.insert(key.clone(), value.clone()).is_some() {
                            return Err(Failure::RepeatedKey);
                        }
                    }
                }
                Kind::OptMap | Kind::OptFlatMap => {}
            }
        }
        match found.kind {
            Kind::All | Kind::Exists => failure.map_or(Ok(Value::Bool(found.kind == Kind::All)), Err),
            Kind::ExistsOne => Ok(Value::Bool(hits == 1)),
            Kind::SortBy => {
                keyed.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(Ordering::Equal));
                Ok(Value::List(Arc::new(keyed.into_iter().map(|(_, item)| item).collect())))
            }
            Kind::TransformMap | Kind::TransformMapEntry => Ok(Value::Map(Map { map: Arc::new(transformed) })),
            _ => Ok(Value::List(Arc::new(list))),
        }
    }
}

/// The condition and the element of a loop that only collects, as `map` and `filter` do. Adding each element to a list
/// would copy what was collected so far.
fn collected(loops: &ComprehensionExpr) -> Option<(Option<&IdedExpr>, &IdedExpr)> {
    let is_found = |expression: &IdedExpr| matches!(&expression.expr, Expr::Ident(name) if *name == loops.accu_var);
    if !matches!(&loops.accu_init.expr, Expr::List(list) if list.elements.is_empty()) || !is_found(&loops.result) {
        return None;
    }
    let (filter, addition) = match called(&loops.loop_step) {
        Some((operators::CONDITIONAL, [filter, addition, unchanged])) if is_found(unchanged) => {
            (Some(filter), addition)
        }
        _ => (None, &loops.loop_step),
    };
    match called(addition) {
        Some((operators::ADD, [found, IdedExpr { expr: Expr::List(list), .. }])) if is_found(found) => {
            match (list.elements.as_slice(), list.optional_indices.as_slice()) {
                ([element], []) => Some((filter, element)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The operator and operands of an expression.
fn called(expression: &IdedExpr) -> Option<(&str, &[IdedExpr])> {
    match &expression.expr {
        Expr::Call(call) => Some((&call.func_name, &call.args)),
        _ => None,
    }
}

/// What a loop goes over: items or keys, or with two variables index and item, or key and value.
fn entries(range: &Value, two: bool) -> Result<Vec<(Value, Value)>, Failure> {
    if let Some(items) = items(range) {
        let entry = |(index, item): (i64, &Value)| {
            if two { (Value::Int(index), item.clone()) } else { (item.clone(), Value::Null) }
        };
        return Ok((0..).zip(items).map(entry).collect());
    }
    let Value::Map(map) = range else { return Err(Failure::NoSuchOverload) };
    let mut keys: Vec<(&Key, &Value)> = map.map.iter().collect();
    keys.sort_by_key(|(key, _)| *key);
    Ok(keys.into_iter().map(|(key, value)| (key.into(), value.clone())).collect())
}
