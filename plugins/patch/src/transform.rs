//! The value that a target should have, from the value that the source has.

use serde_json::Value;

use crate::jq::{self, QueryError};
use crate::spec::Transform;
use crate::template::{self, TemplateError};

/// The largest result, in bytes of JSON. An object in a cluster has at most 1.5 MiB, and this is one field of it.
pub const MAX_OUTPUT: usize = 256 << 10;

/// Why a transform gave no value.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    /// `transforms` does not parse or failed.
    #[error("spec.to.transforms: {0}")]
    Template(#[from] TemplateError),
    /// `transform` does not parse or failed.
    #[error("spec.to.transform: {0}")]
    Query(#[from] QueryError),
    /// The result would not fit an object.
    #[error("{0}: the result has {1} bytes, more than {MAX_OUTPUT}")]
    TooLarge(&'static str, usize),
    /// Either of them failed over a value that must not be shown.
    #[error("the transform failed; details are left out because its input comes from a Secret")]
    Hidden,
}

impl TransformError {
    /// The same without parts of the value. What is wrong with the transform itself stays.
    #[must_use]
    pub fn without_value(self) -> Self {
        match self {
            TransformError::Template(TemplateError::Failed(_)) | TransformError::Query(QueryError::Failed(_)) => {
                TransformError::Hidden
            }
            other => other,
        }
    }
}

/// Runs `transform` over the value of the source field.
///
/// Templates always give text. Queries keep the type of their first output and give the empty text when there is none.
pub fn desired(source: &Value, transform: &Transform) -> Result<Value, TransformError> {
    let (name, value) = match transform {
        Transform::None => return Ok(source.clone()),
        Transform::Template(commands) => ("spec.to.transforms", Value::String(template::render(commands, source)?)),
        Transform::Query(text) => (
            "spec.to.transform",
            match jq::expression(text) {
                Some(expression) => {
                    jq::first_output(expression, source)?.unwrap_or_else(|| Value::String(String::new()))
                }
                None => Value::String(text.clone()),
            },
        ),
    };
    match size(&value) {
        fits if fits <= MAX_OUTPUT => Ok(value),
        size => Err(TransformError::TooLarge(name, size)),
    }
}

/// About as many bytes as its JSON has.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(list) => list.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + size(value) + 4).sum::<usize>() + 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(text: &str) -> Value {
        let source = json!({"value2": "Foo2", "n": 3, "big": 9_007_199_254_740_993_i64});
        desired(&source, &Transform::Query(text.to_owned())).unwrap()
    }

    #[test]
    fn without_a_transform_the_value_is_passed_on() {
        let value = json!({"a": [1, 2.5]});
        assert_eq!(desired(&value, &Transform::None).unwrap(), value);
    }

    #[test]
    fn a_pipeline_gives_text() {
        let commands = ["b64enc .value1", "printf \"prefix-%s\""].map(str::to_owned).to_vec();
        let result = desired(&json!({"value1": "Foo1"}), &Transform::Template(commands)).unwrap();
        assert_eq!(result, json!("prefix-Rm9vMQ=="));
        assert_eq!(desired(&json!({"n": 3}), &Transform::Template(vec![".n".to_owned()])).unwrap(), json!("3"));
    }

    #[test]
    fn a_query_keeps_native_types_and_whole_integers() {
        assert_eq!(query("${ .n }"), json!(3));
        assert_eq!(query("${ .big }"), json!(9_007_199_254_740_993_i64));
        assert_eq!(query("${ {n} }"), json!({"n": 3}));
    }

    #[test]
    fn braces_may_be_tight_and_expressions_may_span_lines() {
        for text in
            ["${.value2}", "${ .value2 }", " \n${.value2\n}\n", "${\n  .value2 # the second\n}", "${ .value2|. }"]
        {
            assert_eq!(query(text), json!("Foo2"), "{text:?}");
        }
    }

    #[test]
    fn other_text_is_literal() {
        for text in
            ["hello", "", "$ {.value2}", "${ .value2 } trailing", "x ${ .value2 }", "${ .value2", "{{ .value2 }}"]
        {
            assert_eq!(query(text), json!(text));
        }
    }

    #[test]
    fn no_output_is_the_empty_text() {
        assert_eq!(query("${ empty }"), json!(""));
        assert_eq!(query("${ .missing }"), Value::Null);
    }

    #[test]
    fn sources_other_than_maps_can_be_transformed() {
        assert_eq!(
            desired(&json!("a,b"), &Transform::Query("${ split(\",\") }".to_owned())).unwrap(),
            json!(["a", "b"])
        );
        assert_eq!(desired(&json!([1, 2]), &Transform::Query("${ add }".to_owned())).unwrap(), json!(3));
        assert_eq!(desired(&json!("a"), &Transform::Query("literal".to_owned())).unwrap(), json!("literal"));
    }

    #[test]
    fn a_result_that_no_object_could_hold_is_refused_with_the_name_of_its_transform() {
        let jq = Transform::Query("${ [range(100000)] }".to_owned());
        let message = desired(&json!(null), &jq).unwrap_err().to_string();
        assert!(message.starts_with("spec.to.transform: the result has "), "{message}");
        let template = Transform::Template(vec!["range . }}0123456789{{ end".to_owned()]);
        let message = desired(&json!(vec![0; 30_000]), &template).unwrap_err().to_string();
        assert!(message.starts_with("spec.to.transforms: "), "{message}");
    }

    #[test]
    fn a_template_that_calls_itself_without_end_fails() {
        let endless = "define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" .";
        let message = desired(&json!(1), &Transform::Template(vec![endless.to_owned()])).unwrap_err().to_string();
        assert!(message.starts_with("spec.to.transforms: the pipeline failed: "), "{message}");
    }
}
