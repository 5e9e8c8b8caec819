//! Whether objects fit a schema, as the API server would find.

use std::collections::HashSet;

use jsonschema::{Draft, Keyword, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::{settle::settle, standard::MAP_KEYS};

/// Bytes of a problem, or of its place, that are shown.
const SHOWN: usize = 120;

/// Bytes of a compiled pattern. It is a stranger's, and its length is the time that each byte of a value takes.
const PATTERN: usize = 1 << 20;

/// The schema of one version of a kind.
#[derive(Debug)]
pub(super) struct Schema {
    standard: Value,
    validator: Validator,
}

impl Schema {
    /// Of the schema of a version, in [standard](super::standard) words.
    ///
    /// # Errors
    /// Why it cannot be used, which need not be its fault: its patterns are in the dialect of Go.
    pub(super) fn new(standard: Value) -> Result<Self, String> {
        if has_classes_of_posix(&standard) {
            return Err("a pattern has a class such as `[:alpha:]`, which is read as something else here".to_owned());
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(false)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN))
            .with_keyword(MAP_KEYS, |_, keys, _| Ok(Box::new(Distinct::by(keys))))
            .build(&standard)
            .map_err(|error| shown(&error.to_string()).to_owned())?;
        Ok(Self { standard, validator })
    }

    /// Where and why an object does not fit, without its values, which may be secret; `None` if it fits.
    pub(super) fn misfit(&self, mut object: Value) -> Option<String> {
        settle(&mut object, &self.standard);
        let error = self.validator.iter_errors(&object).next()?;
        let (place, problem) = (error.instance_path().to_string(), error.masked().to_string());
        Some(match place.as_str() {
            "" => shown(&problem).to_owned(),
            place => format!("{}: {}", shown(place), shown(&problem)),
        })
    }
}

/// The library reads patterns as JavaScript does, where `[[:alpha:]]` is another class, silently.
fn has_classes_of_posix(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, value)| {
            let is_one = key == "pattern" && value.as_str().is_some_and(|pattern| pattern.contains("[:"));
            is_one || has_classes_of_posix(value)
        }),
        Value::Array(items) => items.iter().any(has_classes_of_posix),
        _ => false,
    }
}

fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// No two items of a list have the same values of these keys.
struct Distinct(Vec<String>);

impl Distinct {
    fn by(keys: &Value) -> Self {
        Self(keys.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

impl<'i> Keyword<'i> for Distinct {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            Ok(())
        } else {
            Err(ValidationError::custom(format!("two items have the same {}", self.0.join(", "))))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let mut seen = HashSet::new();
        let mut items = instance.as_array().into_iter().flatten();
        items.all(|item| seen.insert(self.0.iter().map(|key| item[key].to_string()).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::install::standard;

    fn misfit(spec: &Value, value: &Value) -> Option<String> {
        let version = json!({"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}});
        Schema::new(standard::of_version(&version)).unwrap().misfit(json!({"spec": value}))
    }

    #[test]
    fn patterns_that_would_be_read_as_something_else_are_not_judged_by() {
        let of = |pattern: &str| {
            let spec = json!({"type": "object", "additionalProperties": {"type": "string", "pattern": pattern}});
            let version = json!({"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}});
            Schema::new(standard::of_version(&version)).is_ok()
        };
        assert!(of("^[a-z:]+$"));
        assert!(!of("^[[:lower:]]+$"));
    }

    #[test]
    fn objects_are_judged_as_the_api_server_does() {
        let strings = json!({"type": "array", "items": {"type": "string"}});
        let by_name = json!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string", "default": "a"}}},
        });
        let set = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        let required = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
        let defaulted =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}}});
        let nullable =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "nullable": true}}});
        let or_null = json!({"type": "integer", "nullable": true, "anyOf": [{"minimum": 5}, {"maximum": 1}]});
        let port = json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]});
        let few = json!({"type": "object", "maxProperties": 1, "properties": {"a": {"type": "string"}}});
        let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "maxProperties": 1});
        let template = json!({"type": "object", "x-kubernetes-embedded-resource": true});
        let above = json!({"type": "number", "minimum": 1, "exclusiveMinimum": true});
        let one_of = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
        for (schema, value, fits) in [
            (&strings, json!(["x"]), true),
            (&strings, json!([1]), false),
            (&strings, json!("x"), false),
            (&by_name, json!([{"name": "a"}, {"name": "b"}]), true),
            (&by_name, json!([{"name": "a"}, {}]), false),
            (&set, json!(["x", "y"]), true),
            (&set, json!(["x", "x"]), false),
            (&required, json!({"a": "x", "unknown": 1}), true),
            (&required, json!({"b": "x"}), false),
            (&required, json!({"a": null}), false),
            (&defaulted, json!({}), true),
            (&defaulted, json!({"a": null}), true),
            (&nullable, json!({"a": null}), true),
            (&nullable, json!({}), false),
            (&or_null, json!(null), true),
            (&or_null, json!(0), true),
            (&or_null, json!(3), false),
            (&port, json!("http"), true),
            (&port, json!(80), true),
            (&port, json!(8.5), false),
            (&few, json!({"a": "x", "unknown": 1, "other": 2}), true),
            (&any, json!({"a": "x", "unknown": 1}), false),
            (&template, json!({"apiVersion": "v1", "kind": "Pod"}), true),
            (&template, json!({"apiVersion": "v1"}), false),
            (&above, json!(1.5), true),
            (&above, json!(1), false),
            (&one_of, json!({"a": "x"}), true),
            (&one_of, json!({"a": "x", "b": "y"}), false),
            (&json!({"type": "integer"}), json!(1.0), true),
            (&json!({"type": "string", "pattern": "^a+$", "maxLength": 3}), json!("aaa"), true),
            (&json!({"type": "string", "pattern": "^a+$", "maxLength": 3}), json!("aaaa"), false),
            (&json!({"type": "string", "maxLength": 1}), json!("ä"), true),
            (&json!({"type": "string", "enum": ["a"]}), json!("b"), false),
            // Not judged.
            (&json!({"type": "string", "format": "date"}), json!("b"), true),
            (&json!({"type": "string", "x-kubernetes-validations": [{"rule": "false"}]}), json!("b"), true),
        ] {
            assert_eq!(misfit(schema, &value).is_none(), fits, "{value} in {schema}: {:?}", misfit(schema, &value));
        }
    }

    #[test]
    fn a_problem_has_its_place_and_no_values() {
        let schema =
            json!({"type": "object", "properties": {"token": {"type": "string", "maxLength": 3, "pattern": "^a"}}});
        let problem = misfit(&schema, &json!({"token": "secret"})).unwrap();
        assert!(problem.starts_with("/spec/token: ") && !problem.contains("secret"), "{problem}");
        let long = misfit(&json!({"type": "string", "enum": ["ä".repeat(999)]}), &json!("a")).unwrap();
        assert!(long.len() <= 2 * SHOWN + 2, "{long}");
    }

    #[test]
    fn the_status_is_the_providers() {
        let judged = |subresources: Value| {
            let version = json!({"subresources": subresources, "schema": {"openAPIV3Schema": {
                "type": "object", "required": ["status"], "properties": {"status": {"type": "integer"}},
            }}});
            Schema::new(standard::of_version(&version)).unwrap().misfit(json!({"status": "old"})).is_some()
        };
        assert!(judged(Value::Null));
        assert!(!judged(json!({"status": {}})));
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        for pattern in ["(", "(a{1000}){1000}"] {
            let version = json!({"schema": {"openAPIV3Schema": {"type": "string", "pattern": pattern}}});
            Schema::new(standard::of_version(&version)).unwrap_err();
        }
    }
}
