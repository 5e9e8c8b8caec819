//! Validation against a schema, in the words of the Kubernetes API server.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::correlate::Replacement;
use super::{ListType, Schema, Type, embedded, formats, junctors};
use crate::field_error::FieldError;
use crate::object::member_path;

/// Adds what is wrong with `value` to `errors`. `path` is "" for the whole object.
///
/// What was wrong before stays possible: errors of a value that did not change from `change` are dropped, and lists are
/// not searched for duplicates if the old object had some.
pub(crate) fn validate(
    value: &Value,
    schema: &Schema,
    path: &str,
    change: Option<Replacement<'_>>,
    errors: &mut Vec<FieldError>,
) {
    validate_values(value, schema, path, change, errors);
    embedded::validate(value, schema, path, errors);
    let mut had_duplicates = Vec::new();
    if let Some(change) = change {
        validate_lists(change.old(), schema, path, &mut had_duplicates);
    }
    if had_duplicates.is_empty() {
        validate_lists(value, schema, path, errors);
    }
}

/// Values without what only lists and embedded objects as a whole can break.
pub(super) fn validate_values(
    value: &Value,
    schema: &Schema,
    path: &str,
    change: Option<Replacement<'_>>,
    errors: &mut Vec<FieldError>,
) {
    let before = errors.len();
    validate_value(value, schema, path, change, errors);
    if errors.len() > before && change.is_some_and(|change| change.is_unchanged()) {
        errors.truncate(before);
    }
}

fn validate_value(
    value: &Value,
    schema: &Schema,
    path: &str,
    change: Option<Replacement<'_>>,
    errors: &mut Vec<FieldError>,
) {
    validate_type(value, schema, path, errors);
    if !value.is_null() {
        junctors::validate(value, schema, path, errors);
    }
    validate_enumeration(value, schema, path, errors);
    validate_format(value, schema, path, errors);
    match value {
        Value::Object(map) => {
            validate_size(map.len(), path, "properties", schema, errors);
            for key in schema.required.iter().filter(|key| !map.contains_key(*key)) {
                errors.push(FieldError::required(member_path(path, key), ""));
            }
            for (key, child) in map {
                if let Some(schema) = schema.member(key) {
                    let change = change.and_then(|change| change.member(key));
                    validate_values(child, schema, &member_path(path, key), change, errors);
                }
            }
        }
        Value::Array(items) => {
            validate_size(items.len(), path, "items", schema, errors);
            if let Some(schema) = schema.item() {
                for (index, item) in items.iter().enumerate() {
                    let change = change.and_then(|change| change.item(index));
                    validate_values(item, schema, &format!("{path}[{index}]"), change, errors);
                }
            }
        }
        Value::String(text) => validate_text(text, value, schema, path, errors),
        Value::Number(_) => validate_number(value, schema, path, errors),
        Value::Null | Value::Bool(_) => {}
    }
}

/// A value of the wrong type is validated further, as in Kubernetes: limits of other types do not concern it, but branches may.
fn validate_type(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let wanted = match schema.ty {
        _ if schema.int_or_string => "integer,string",
        Some(ty) => ty.as_str(),
        None => return,
    };
    let holds = match schema.ty {
        _ if value.is_null() => schema.nullable,
        _ if schema.int_or_string => Type::Integer.admits(value) || value.is_string(),
        ty => ty.is_some_and(|ty| ty.admits(value)),
    };
    if !holds {
        let found = Type::of(value).map_or("null", Type::as_str);
        let detail = format!("{path} in body must be of type {wanted}: \"{found}\"");
        errors.push(FieldError::type_invalid(path, found, &detail));
    }
    if schema.ty == Some(Type::Integer) {
        validate_range(value, schema, path, errors);
    }
}

/// Whether a number can be kept as the integer that it should be. Kubernetes does not say of which field.
fn validate_range(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let format = schema.limits.format.as_deref().filter(|format| matches!(*format, "int32" | "int64"));
    let fits = match value.as_i64() {
        Some(number) => format != Some("int32") || i32::try_from(number).is_ok(),
        None => value.as_f64().is_none_or(|number| number.fract() == 0.0 && number.abs() < BEYOND),
    };
    if !fits {
        let format = format.map_or("(default format)".to_owned(), |format| format!("with format {format}"));
        errors.push(FieldError::nowhere(&format!("Checked value must be of type integer {format} in {path}")));
    }
}

fn validate_enumeration(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let allowed = &schema.limits.enumeration;
    // Kubernetes finds a null in no enumeration, not even in one that has it.
    if !allowed.is_empty() && (value.is_null() || !allowed.contains(value)) {
        let texts: Vec<Value> = allowed.iter().map(|allowed| Value::String(text_of(allowed))).collect();
        errors.push(FieldError::not_supported(path, value, &texts));
    }
}

fn validate_format(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(format) = &schema.limits.format
        && !formats::holds(format, value)
    {
        let detail = format!("{path} in body must be of type {format}: {:?}", text_of(value));
        errors.push(FieldError::format_invalid(path, value, &detail));
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn validate_size(actual: usize, path: &str, what: &str, schema: &Schema, errors: &mut Vec<FieldError>) {
    let limits = &schema.limits;
    let (min, max) = match what {
        "items" => (limits.min_items, limits.max_items),
        _ => (limits.min_properties, limits.max_properties),
    };
    if let Some(max) = max
        && actual as u64 > max
    {
        errors.push(FieldError::too_many(path, actual, max));
    }
    if let Some(min) = min
        && (actual as u64) < min
    {
        let detail = format!("{path} in body should have at least {min} {what}");
        errors.push(FieldError::invalid(path, &json!(actual), &detail));
    }
}

/// Says the first of what is wrong with a text, as Kubernetes does.
fn validate_text(text: &str, value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let limits = &schema.limits;
    let length = text.chars().count() as u64;
    if let Some(max) = limits.max_length
        && length > max
    {
        errors.push(FieldError::too_long(path, max));
        return;
    }
    if let Some(min) = limits.min_length
        && length < min
    {
        let detail = format!("{path} in body should be at least {min} chars long");
        errors.push(FieldError::invalid(path, value, &detail));
        return;
    }
    if let Some(pattern) = &limits.pattern
        && !pattern.is_match(text)
    {
        let detail = format!("{path} in body should match '{pattern}'");
        errors.push(FieldError::invalid(path, value, &detail));
    }
}

fn validate_number(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    let limits = &schema.limits;
    let Some(number) = value.as_f64() else { return };
    let mut fail = |detail: String| {
        errors.push(FieldError::invalid(path, value, &format!("{path} in body should be {detail}")));
    };
    match limits.minimum {
        Some(min) if limits.exclusive_minimum && number <= min => fail(format!("greater than {min}")),
        Some(min) if number < min => fail(format!("greater than or equal to {min}")),
        _ => {}
    }
    match limits.maximum {
        Some(max) if limits.exclusive_maximum && number >= max => fail(format!("less than {max}")),
        Some(max) if number > max => fail(format!("less than or equal to {max}")),
        _ => {}
    }
    if let Some(step) = limits.multiple_of
        && !is_multiple(value, number, step)
    {
        fail(format!("a multiple of {step}"));
    }
}

/// Whether a number is a multiple of a step, as Kubernetes tells: integers exactly, others within a rounding error.
fn is_multiple(value: &Value, number: f64, step: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "Kubernetes leaves out the fraction of the step, too")]
    let whole = step as i64;
    if let (Some(number), true) = (value.as_i64(), whole != 0) {
        return number % whole == 0;
    }
    let times = if step < 1.0 { 1.0 / step * number } else { number / step };
    let nearest = times.trunc();
    times.is_finite() && (times - nearest).abs() <= 1e-9 * (times.abs() + nearest.abs())
}

/// Checks that the items of sets and map lists are unique; Kubernetes reports these after all other errors.
fn validate_lists(value: &Value, schema: &Schema, path: &str, errors: &mut Vec<FieldError>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                if let Some(schema) = schema.member(key) {
                    validate_lists(child, schema, &member_path(path, key), errors);
                }
            }
        }
        Value::Array(items) => {
            let mut seen = HashSet::new();
            for (index, item) in items.iter().enumerate() {
                let identity = match &schema.list_type {
                    ListType::Atomic => None,
                    ListType::Set => Some(item.clone()),
                    ListType::Map(keys) => Some(key_of(item, keys)),
                };
                let path = format!("{path}[{index}]");
                if let Some(identity) = identity
                    && !seen.insert(identity.to_string())
                {
                    errors.push(FieldError::duplicate(path.clone(), &identity));
                }
                if let Some(schema) = schema.item() {
                    validate_lists(item, schema, &path, errors);
                }
            }
        }
        _ => {}
    }
}

fn key_of(item: &Value, keys: &[String]) -> Value {
    keys.iter().filter_map(|key| item.get(key).map(|value| (key.clone(), value.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn errors(schema: &Value, value: &Value) -> Vec<String> {
        let schema = parse(schema, "", &mut Vec::new());
        let mut errors = Vec::new();
        validate(value, &schema, "", None, &mut errors);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn wording_is_that_of_the_api_server() {
        let schema = json!({"type": "object", "properties": {"spec": {
            "type": "object",
            "required": ["size", "name"],
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9},
                "mode": {"type": "string", "enum": ["fast", "slow"]},
                "name": {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^a"},
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}, "maxItems": 2},
                "port": {"x-kubernetes-int-or-string": true},
            },
        }}});
        assert_eq!(
            errors(&schema, &json!({"spec": {"size": 0, "mode": "zz", "name": "ab", "tags": ["x", "x"]}})),
            [
                r#"spec.mode: Unsupported value: "zz": supported values: "fast", "slow""#,
                "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
                r#"spec.tags[1]: Duplicate value: "x""#,
            ]
        );
        assert_eq!(
            errors(&schema, &json!({"spec": {"size": "x", "name": "b", "port": true}})),
            [
                "spec.name: Invalid value: \"b\": spec.name in body should be at least 2 chars long",
                r#"spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean""#,
                r#"spec.size: Invalid value: "string": spec.size in body must be of type integer: "string""#,
            ]
        );
        assert_eq!(errors(&schema, &json!({"spec": {"name": "ab"}})), ["spec.size: Required value"]);
        assert_eq!(errors(&schema, &json!({"spec": {"size": 10, "name": "ab"}})).len(), 1);
    }

    #[test]
    fn a_null_is_in_no_enumeration() {
        let field = json!({"type": "string", "nullable": true, "enum": ["a", null]});
        let schema = json!({"type": "object", "properties": {"f": field}});
        assert_eq!(errors(&schema, &json!({"f": "a"})), [""; 0]);
        assert_eq!(
            errors(&schema, &json!({"f": null})),
            [r#"f: Unsupported value: null: supported values: "a", "null""#]
        );
    }

    #[test]
    fn integers_are_those_of_their_format() {
        let number = |format: &str, value: Value| {
            let number = json!({"type": "integer", "format": format});
            errors(&json!({"type": "object", "properties": {"n": number}}), &json!({"n": value}))
        };
        assert_eq!(number("int32", json!(-2_147_483_648_i64)), [""; 0]);
        assert_eq!(number("int64", json!(3_000_000_000_i64)), [""; 0]);
        let wanted = r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in n"#;
        assert_eq!(number("int32", json!(3_000_000_000_i64)), [wanted]);
        assert_eq!(number("int64", json!(u64::MAX)).len(), 1);
        assert_eq!(number("int64", json!(1.5)).len(), 2, "neither an integer nor one of 64 bits");
    }

    #[test]
    fn what_did_not_change_may_be_wrong() {
        let size = json!({"type": "integer", "minimum": 5});
        let tags = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        let document = json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"size": size, "other": size, "tags": tags}},
        }});
        let schema = parse(&document, "", &mut Vec::new());
        let errors = |old: Value, new: Value| {
            let mut errors = Vec::new();
            let (old, new) = (json!({"spec": old}), json!({"spec": new}));
            validate(&new, &schema, "", Some(Replacement::of_object(&old, &new, &schema)), &mut errors);
            errors.len()
        };
        assert_eq!(errors(json!({"size": 1}), json!({"size": 1, "other": 9})), 0);
        assert_eq!(errors(json!({"size": 1}), json!({"size": 2})), 1);
        assert_eq!(errors(json!({"size": 1}), json!({"size": 1, "other": 1})), 1);
        assert_eq!(errors(json!({"tags": ["a", "a"]}), json!({"tags": ["a", "a", "b"]})), 0);
        assert_eq!(errors(json!({"tags": ["a"]}), json!({"tags": ["a", "a"]})), 1);
    }

    #[test]
    fn multiples_are_exact_but_for_rounding_errors() {
        let holds = |value: Value, step: Value| {
            errors(
                &json!({"type": "object", "properties": {"n": {"type": "number", "multipleOf": step}}}),
                &json!({"n": value}),
            )
            .is_empty()
        };
        for (value, step) in
            [(json!(0.07), json!(0.01)), (json!(0.3), json!(0.1)), (json!(0), json!(0.5)), (json!(7.5), json!(2.5))]
        {
            assert!(holds(value.clone(), step.clone()), "{value} is a multiple of {step}");
        }
        assert!(holds(json!(9_007_199_254_740_994_i64), json!(2)));
        for (value, step) in
            [(json!(0.075), json!(0.01)), (json!(3), json!(2)), (json!(9_007_199_254_740_993_i64), json!(2))]
        {
            assert!(!holds(value.clone(), step.clone()), "{value} is no multiple of {step}");
        }
    }

    #[test]
    fn map_lists_have_unique_keys() {
        let schema = json!({"type": "object", "properties": {"ports": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        }}});
        assert_eq!(
            errors(&schema, &json!({"ports": [{"name": "a"}, {"name": "a"}]})),
            [r#"ports[1]: Duplicate value: {"name":"a"}"#]
        );
    }
}
