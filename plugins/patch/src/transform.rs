//! The value that a target should have, from the value that the source has.

use serde_json::Value;

use crate::jq::{self, QueryError};
use crate::spec::Transform;
use crate::template::{self, TemplateError};

/// Why a transform gave no value.
#[derive(Debug, thiserror::Error)]
pub enum TransformError {
    /// `transforms` does not parse or failed.
    #[error("spec.to.transforms: {0}")]
    Template(#[from] TemplateError),
    /// `transform` does not parse or failed.
    #[error("spec.to.transform: {0}")]
    Query(#[from] QueryError),
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
    Ok(match transform {
        Transform::None => source.clone(),
        Transform::Template(commands) => Value::String(template::render(commands, source)?),
        Transform::Query(text) => match jq::expression(text) {
            Some(expression) => jq::first_output(expression, source)?.unwrap_or_else(|| Value::String(String::new())),
            None => Value::String(text.clone()),
        },
    })
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
}
