//! CEL rules: `x-kubernetes-validations`, evaluated as kube-apiserver 1.37 does.
//!
//! Rules are compiled when a definition is written, and with the schema of each version that is served; a request only
//! evaluates. An expression is parsed by `cel`, checked here against the types of the schema (so that a misspelt field
//! or a function that does not exist is refused with the definition), and interpreted here.
//!
//! All libraries are there that Kubernetes has for rules: the standard functions and macros, optional values,
//! comprehensions over two variables, strings, lists, sets, regular expressions, URLs, IP addresses and CIDRs,
//! quantities, semantic versions and named formats. Left out are the `authorizer` library, which Kubernetes does not
//! offer to rules either, and literals of message types (`google.protobuf.Duration{..}`): a rule with one of them does
//! not compile. Of time zones, `getHours(zone)` and the like know UTC and offsets alone. Functions come from `kube-cel`
//! and differ from Kubernetes in corners, such as the words of their errors, `%s` of a time and the path of a URL that
//! has none.
//!
//! Work is bounded as in Kubernetes by a budget for each rule and one for all rules of an object, counted in evaluated
//! expressions plus the sizes of what functions go through. The counts are close to those of Kubernetes, but not the
//! same, and costs are not estimated beforehand: a definition is not refused for rules that could become expensive.

mod check;
mod evaluate;
mod failure;
mod field_path;
mod functions;
mod interpret;
mod loops;
mod macros;
mod names;
mod operators;
mod program;
mod rule;
mod signatures;
#[cfg(test)]
mod tests;
mod times;
mod types;
mod value;

use serde_json::Value;

pub(crate) use evaluate::Findings;
pub(crate) use rule::Rule;

use super::correlate::Replacement;
use super::{ListType, Schema};
use crate::field_error::FieldError;
use evaluate::{Place, Ratchet};

/// What one evaluation of one rule may cost.
const CALL_LIMIT: u64 = 1_000_000;
/// What all rules of an object may cost together.
const OBJECT_LIMIT: u64 = 10_000_000;

/// What is wrong with the rules of one schema, apart from their expressions. `nested` says that the schema stands in
/// `allOf` or the like, where rules are not allowed.
pub(super) fn check(document: &Value, schema: &Schema, nested: bool, path: &str, errors: &mut Vec<FieldError>) {
    let has_own = document["x-kubernetes-validations"].as_array().is_some_and(|rules| !rules.is_empty());
    if nested && has_own {
        let detail = "must be empty to be structural";
        errors.push(FieldError::forbidden(format!("{path}.x-kubernetes-validations"), detail));
    } else {
        rule::check(document, schema, path, errors);
    }
}

/// Compiles the rules of a schema and of those below it, and checks defaults against them.
pub(super) fn compile(document: &Value, schema: &mut Schema, path: &str, errors: &mut Vec<FieldError>) {
    let before = errors.len();
    compile_below(document, schema, true, path, None, errors);
    if errors.len() == before {
        check_defaults(schema, path, errors);
    }
}

fn compile_below(
    document: &Value,
    schema: &mut Schema,
    resource: bool,
    path: &str,
    unordered: Option<&str>,
    errors: &mut Vec<FieldError>,
) {
    if !schema.has_rules {
        return;
    }
    for (name, child) in &mut schema.properties {
        let path = format!("{path}.properties[{name}]");
        let embedded = child.embedded_resource;
        compile_below(&document["properties"][name], child, embedded, &path, unordered, errors);
    }
    if let Some(child) = schema.additional.as_deref_mut() {
        let path = format!("{path}.additionalProperties");
        let embedded = child.embedded_resource;
        compile_below(&document["additionalProperties"], child, embedded, &path, unordered, errors);
    }
    if let Some(child) = schema.items.as_deref_mut() {
        let unordered = unordered.or_else(|| (!matches!(schema.list_type, ListType::Map(_))).then_some(path));
        let embedded = child.embedded_resource;
        compile_below(&document["items"], child, embedded, &format!("{path}.items"), unordered, errors);
    }
    schema.rules = rule::compile(document, schema, resource, path, unordered, errors);
}

/// A default has to keep the rules both of new and of unchanged values.
fn check_defaults(schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    if !schema.has_rules {
        return;
    }
    if let Some(default) = &schema.default {
        for old in [Some(default), None] {
            let mut findings = Findings::default();
            let path = format!("{path}.default");
            let resource = schema.embedded_resource;
            let ratchet = Ratchet::default();
            let place = Place { schema, resource, value: default, old, path, ratchet };
            evaluate::evaluate(&place, OBJECT_LIMIT, &mut findings);
            if !findings.errors.is_empty() {
                errors.append(&mut findings.errors);
                break;
            }
        }
    }
    for (name, child) in &schema.properties {
        check_defaults(child, &format!("{path}.properties[{name}]"), errors);
    }
    if let Some(child) = &schema.additional {
        check_defaults(child, &format!("{path}.additionalProperties"), errors);
    }
    if let Some(child) = &schema.items {
        check_defaults(child, &format!("{path}.items"), errors);
    }
}

/// Evaluates all rules for an object, which must be valid by its schema. `old` is the state before an update.
///
/// A rule that was broken before is only a warning where nothing changed, unless it is about a change.
pub(crate) fn evaluate(schema: &Schema, old: Option<&Value>, new: &Value) -> Findings {
    evaluate_within(OBJECT_LIMIT, schema, old, new)
}

fn evaluate_within(budget: u64, schema: &Schema, old: Option<&Value>, new: &Value) -> Findings {
    let mut findings = Findings::default();
    let ratchet = Ratchet { here: old.map(|old| Replacement::of_object(old, new, schema)), around: None };
    let place = Place { schema, resource: true, value: new, old, path: String::new(), ratchet };
    evaluate::evaluate(&place, budget, &mut findings);
    findings
}
