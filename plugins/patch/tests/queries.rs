//! jq transforms against gojq's answers in `vectors/queries.json`.

use std::collections::BTreeMap;

use capstan_patch::equal::equal;
use capstan_patch::jq::first_output;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vectors {
    inputs: BTreeMap<String, Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    input: String,
    query: String,
    /// An explicit null is an answer, hence no `Option<Value>`.
    #[serde(default, deserialize_with = "present")]
    output: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Expressions that are answered differently, and why. One that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
];

#[test]
fn expressions_are_answered_as_gojq_does() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/queries.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &vectors.cases {
        let ours = first_output(&case.query, &vectors.inputs[&case.input]);
        let agrees = match (&case.output, &ours) {
            (Some(expected), Ok(ours)) => equal(expected, ours.as_ref().unwrap_or(&Value::from(""))),
            (None, Err(_)) => true,
            _ => false,
        };
        let is_listed = DIFFERENT.iter().any(|(query, _)| *query == case.query);
        if agrees == is_listed {
            let state = if agrees { "agrees, but is listed" } else { "differs" };
            let expected = case.output.as_ref().map_or("an error".to_owned(), Value::to_string);
            wrong.push(format!("{state}: {} ({})\n   expected {expected}\n   got      {ours:?}", case.query, case.input));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.cases.len(), wrong.join("\n"));
}
