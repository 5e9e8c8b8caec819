//! `allOf`, `anyOf`, `oneOf` and `not`, and what the Kubernetes API server says of values that break them.

use std::cmp::Reverse;

use serde_json::Value;

use super::validate::validate_values;
use super::{Schema, Type};
use crate::field_error::FieldError;

/// Adds what is wrong with a value by the branches of its schema: which combination it breaks, without a field, and what the
/// branch complains of that was meant most likely.
pub(super) fn validate(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let junctors = &schema.junctors;
    let mut found = Vec::new();
    let broken = |rule: &str| FieldError::nowhere(&format!("\"{path}\" must {rule}"));
    if !junctors.any_of.is_empty() && !junctors.any_of.iter().any(|branch| holds(value, branch)) {
        found.push(broken("validate at least one schema (anyOf)"));
        found.extend(best_failure(value, &junctors.any_of, path));
    }
    if !junctors.one_of.is_empty() {
        match junctors.one_of.iter().filter(|branch| holds(value, branch)).count() {
            0 => {
                found.push(broken("validate one and only one schema (oneOf). Found none valid"));
                found.extend(best_failure(value, &junctors.one_of, path));
            }
            1 => {}
            count => found
                .push(broken(&format!("validate one and only one schema (oneOf). Found {count} valid alternatives"))),
        }
    }
    let mut valid = 0;
    for branch in &junctors.all_of {
        let faults = faults(value, branch, path);
        valid += usize::from(faults.is_empty());
        found.extend(faults);
    }
    if valid < junctors.all_of.len() {
        let none = if valid == 0 { ". None validated" } else { "" };
        found.push(broken(&format!("validate all the schemas (allOf){none}")));
    }
    if junctors.not.as_deref().is_some_and(|branch| holds(value, branch)) {
        found.push(broken("not validate the schema (not)"));
    }
    for error in found {
        // Branches often agree on what is wrong. It is said once.
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
}

fn faults(value: &Value, branch: &Schema, path: &str) -> Vec<FieldError> {
    let mut faults = Vec::new();
    validate_values(value, branch, path, None, &mut faults);
    faults
}

fn holds(value: &Value, branch: &Schema) -> bool {
    faults(value, branch, "").is_empty()
}

/// What is wrong by the branch that fits best, the first of several.
fn best_failure(value: &Value, branches: &[Schema], path: &str) -> Vec<FieldError> {
    let best = branches.iter().min_by_key(|branch| Reverse(matches(value, branch)));
    best.map_or_else(Vec::new, |branch| faults(value, branch, path))
}

/// How well a value fits a schema: Kubernetes counts the validators that have a say in it, and those of its members.
fn matches(value: &Value, schema: &Schema) -> usize {
    let any_type = schema.ty.is_none() && !schema.int_or_string;
    let typed = !any_type || schema.limits.format.is_some();
    let fits = match schema.ty {
        _ if schema.int_or_string => Type::Integer.admits(value) || value.is_string(),
        Some(ty) => ty.admits(value),
        None => true,
    };
    if value.is_null() {
        return usize::from(any_type || schema.nullable);
    }
    let own = match value {
        Value::Object(map) => {
            let members = map.iter().filter_map(|(key, child)| Some(matches(child, schema.member(key)?)));
            1 + members.sum::<usize>()
        }
        Value::Array(items) => {
            let items = schema.item().map_or(0, |schema| items.iter().map(|item| matches(item, schema)).sum());
            2 + items
        }
        Value::String(_) => 1 + usize::from(schema.limits.format.is_some()),
        Value::Number(_) => 2,
        Value::Null | Value::Bool(_) => 0,
    };
    // The schema itself, its enumeration, and its branches, which count twice.
    4 + usize::from(typed) + usize::from(typed && fits) + branch_matches(value, schema) + own
}

fn branch_matches(value: &Value, schema: &Schema) -> usize {
    let junctors = &schema.junctors;
    let one = |branches: &[Schema]| {
        let first = branches.iter().find(|branch| holds(value, branch));
        let best = || branches.iter().map(|branch| matches(value, branch)).max();
        first.map(|branch| matches(value, branch)).or_else(best).unwrap_or(0)
    };
    let several = junctors.one_of.iter().filter(|branch| holds(value, branch)).count() > 1;
    let one_of = if several { 0 } else { one(&junctors.one_of) };
    one(&junctors.any_of) + one_of + junctors.all_of.iter().map(|branch| matches(value, branch)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse;
    use super::super::validate::validate;
    use super::*;

    fn errors(schema: &Value, value: &Value) -> Vec<String> {
        let document = json!({"type": "object", "properties": {"a": schema}});
        let mut errors = Vec::new();
        let schema = parse(&document, "", &mut errors);
        assert_eq!(errors, [], "the schema is one");
        validate(&json!({"a": value}), &schema, "", None, &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn exactly_one_branch_holds() {
        let schema = json!({"type": "integer", "oneOf": [{"minimum": 5}, {"maximum": 2}, {"multipleOf": 6}]});
        assert_eq!(errors(&schema, &json!(1)), [""; 0]);
        assert_eq!(
            errors(&schema, &json!(3)),
            [
                r#"<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found none valid"#,
                "a: Invalid value: 3: a in body should be greater than or equal to 5",
            ]
        );
        assert_eq!(
            errors(&schema, &json!(6)),
            [
                r#"<nil>: Invalid value: "": "a" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
            ]
        );
    }

    #[test]
    fn the_branch_that_fits_best_says_what_is_wrong() {
        let text = json!({"type": "string"});
        let schema = json!({
            "type": "object", "properties": {"x": text, "y": text, "z": text},
            "anyOf": [
                {"required": ["z"]},
                {"required": ["x", "y"], "properties": {"x": {"minLength": 1}}},
            ],
        });
        assert_eq!(errors(&schema, &json!({"z": "1"})), [""; 0]);
        assert_eq!(
            errors(&schema, &json!({"x": "1"})),
            [r#"<nil>: Invalid value: "": "a" must validate at least one schema (anyOf)"#, "a.y: Required value"]
        );
        assert_eq!(errors(&schema, &json!({}))[1..], ["a.z: Required value"]);
    }

    #[test]
    fn all_branches_hold_or_are_heard() {
        let schema = json!({"type": "string", "allOf": [{"minLength": 2}, {"minLength": 2}, {"pattern": "^a"}]});
        assert_eq!(errors(&schema, &json!("ab")), [""; 0]);
        let short = "a: Invalid value: \"a\": a in body should be at least 2 chars long";
        let rule = r#"<nil>: Invalid value: "": "a" must validate all the schemas (allOf)"#;
        assert_eq!(errors(&schema, &json!("a")), [short, rule]);
        assert_eq!(errors(&schema, &json!("b")).last(), Some(&format!("{rule}. None validated")));
    }

    #[test]
    fn a_branch_may_be_excluded() {
        let schema = json!({"type": "string", "not": {"enum": ["x"]}});
        assert_eq!(errors(&schema, &json!("y")), [""; 0]);
        assert_eq!(
            errors(&schema, &json!("x")),
            [r#"<nil>: Invalid value: "": "a" must not validate the schema (not)"#]
        );
    }
}
