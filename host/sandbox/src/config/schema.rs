//! Configurations against the schema that a provider gives.

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use super::expansion;
use crate::{answer, text::line};

/// A configuration that the provider does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It has no schema.
    #[error("`config` is given, but the provider takes no configuration: remove it")]
    Unexpected,
    /// It does not fit the schema.
    #[error("`config` is not what the provider takes: {0}; `capstan provider inspect -o json` shows the schema")]
    Invalid(String),
}

impl ConfigError {
    /// For conditions, events and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "ConfigInvalid"
    }
}

/// Bytes of a problem.
const PROBLEM: usize = 200;
/// Bytes of a pattern once it is compiled, and of what matching it may keep. Names whose 253 characters are counted fit.
const PATTERN: usize = 64 << 10;
/// Bytes of a schema. What it says of a configuration a person has to read.
const SCHEMA: usize = 128 << 10;

/// A schema, from its text; the message says what is wrong.
pub(crate) fn read_schema(text: &str) -> Result<Value, String> {
    if text.len() > SCHEMA {
        return Err(format!("`config-schema` has {} bytes, the limit is {SCHEMA}", text.len()));
    }
    let schema = answer::object("config-schema", text)?;
    check_schema(&schema).map_err(|problem| format!("`config-schema`: {problem}"))?;
    Ok(schema)
}

/// Whether it is a schema that is soon checked against.
fn check_schema(schema: &Value) -> Result<(), String> {
    expansion::check(schema)?;
    validator(schema).map(|_| ())
}

/// Checks a configuration; the first problem ends the check, so that a stranger's schema cannot make any number of them. None is
/// checked like an empty one, so that what is required cannot be left out altogether.
pub(crate) fn check(schema: Option<&Value>, config: Option<&Map<String, Value>>) -> Result<(), ConfigError> {
    let Some(schema) = schema else {
        return if config.is_none_or(Map::is_empty) { Ok(()) } else { Err(ConfigError::Unexpected) };
    };
    let validator = validator(schema).map_err(ConfigError::Invalid)?;
    let config = Value::Object(config.cloned().unwrap_or_default());
    validator.validate(&config).map_err(|error| ConfigError::Invalid(said(&error)))
}

/// The schema is a stranger's: it refers to nothing outside of itself, since that is not linked, and its patterns are of
/// the kind that takes linear time, and of limited size.
fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN).dfa_size_limit(PATTERN))
        .build(schema)
        .map_err(|error| unusable(&error))
}

fn unusable(error: &ValidationError<'_>) -> String {
    let problem = line(&error.to_string(), PROBLEM);
    match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => format!(
            "{problem} that can be used here: patterns have no back-references and no look-around, and {PATTERN} bytes at most once \
             they are compiled, so that a class like \\p{{L}} is not to be repeated many times"
        ),
        _ => problem,
    }
}

fn said(error: &ValidationError<'_>) -> String {
    let problem = line(&error.to_string(), PROBLEM);
    match error.instance_path().to_string().as_str() {
        "" => problem,
        path => format!("{}: {problem}", line(path, PROBLEM)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(schema: Option<&Value>, config: &Value) -> Result<(), ConfigError> {
        check(schema, config.as_object())
    }

    #[test]
    fn a_configuration_fits_its_schema_or_is_told_where_not() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["url"],
            "properties": {"url": {"type": "string", "pattern": "^https://"}, "retries": {"type": "integer", "maximum": 5}},
        });
        let schema = Some(&schema);
        assert_eq!(checked(schema, &json!({"url": "https://x", "retries": 3})), Ok(()));
        for (config, named) in [
            (json!({"url": "https://x", "retries": 9}), "/retries"),
            (json!({"url": "http://x"}), "/url"),
            (json!({"url": "https://x", "retrys": 1}), "retrys"),
            (json!({}), "url"),
            (Value::Null, "url"),
        ] {
            let error = checked(schema, &config).unwrap_err().to_string();
            assert!(error.contains(named), "{config}: {error}");
        }
    }

    #[test]
    fn the_first_problem_ends_the_check() {
        let schema = json!({"properties": {"a": {"type": "string"}, "b": {"type": "string"}}});
        let error = checked(Some(&schema), &json!({"a": 1, "b": 2})).unwrap_err().to_string();
        assert!(error.contains("is not of type \"string\""), "{error}");
        assert_eq!(["/a: ", "/b: "].iter().filter(|path| error.contains(**path)).count(), 1, "{error}");
    }

    #[test]
    fn without_a_schema_there_is_nothing_to_configure() {
        assert_eq!(checked(None, &json!({})), Ok(()));
        assert_eq!(checked(None, &Value::Null), Ok(()));
        assert_eq!(checked(None, &json!({"a": 1})), Err(ConfigError::Unexpected));
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|name| format!("n{name}")).collect()
    }

    #[test]
    fn a_schema_is_bounded_before_anything_is_done_with_it() {
        let doubled: Vec<String> = (1..=40)
            .map(|next| {
                let below = format!(r##"{{"$ref": "#/$defs/l{next}"}}"##);
                format!(r#""l{}": {{"allOf": [{below}, {below}]}},"#, next - 1)
            })
            .collect();
        let doubled = doubled.concat();
        let chain = format!(r##"{{"$ref": "#/$defs/l0", "$defs": {{{doubled} "l40": {{}}}}}}"##);
        let refused = read_schema(&chain).unwrap_err();
        assert!(refused.contains("`config-schema`") && refused.contains("more than 10000 parts"), "{refused}");
        let long = format!(r#"{{"description": "{}"}}"#, "x".repeat(SCHEMA));
        assert!(read_schema(&long).unwrap_err().contains("the limit is 131072"));
        let deep = format!("{}{}", r#"{"not":"#.repeat(70), "{}".to_owned() + &"}".repeat(70));
        assert!(read_schema(&deep).unwrap_err().contains("deep"));
        for definition in [json!({"allOf": vec![false; 10_000]}), json!({"required": names(10_000)})] {
            let many = json!({"$defs": {"a": definition}, "allOf": vec![json!({"$ref": "#/$defs/a"}); 1_000]});
            assert!(read_schema(&many.to_string()).unwrap_err().contains("more than 10000 parts"));
        }
        assert!(read_schema(r#"{"type": "object"}"#).is_ok());
    }

    #[test]
    fn patterns_as_they_are_used_fit_and_huge_ones_do_not() {
        for usual in [
            "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$",
            "^[a-z0-9.-]{1,253}$",
            "^https?://[^/?#]+(/[^?#]*)?$",
            "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
            "^sha256:[0-9a-f]{64}$",
            r"^v?(0|[1-9]\d*)[.](0|[1-9]\d*)[.](0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$",
            "^([0-9]+([.][0-9]+)?(ms|s|m|h))+$",
            "^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$",
            r"^\S+@\S+$",
        ] {
            for schema in [json!({"pattern": usual}), json!({"patternProperties": {usual: true}})] {
                assert_eq!(check_schema(&schema), Ok(()), "{usual}");
            }
        }
        for huge in [r"\p{L}{100}a1", "((a{99}){99}){9}"] {
            for schema in [json!({"pattern": huge}), json!({"patternProperties": {huge: true}})] {
                let refused = check_schema(&schema).unwrap_err();
                assert!(refused.contains(huge), "{refused}");
            }
        }
        assert!(check_schema(&json!({"pattern": "((a{99}){99}){9}"})).unwrap_err().contains("65536 bytes at most"));
    }

    #[test]
    fn a_schema_is_one_and_refers_to_nothing_outside() {
        assert!(check_schema(&json!({"type": "object"})).is_ok());
        for schema in [
            json!({"type": "nonsense"}),
            json!({"$ref": "https://example.org/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"properties": {"a": {"pattern": "(a)\\1"}}}),
        ] {
            assert!(check_schema(&schema).is_err(), "{schema}");
        }
    }
}
