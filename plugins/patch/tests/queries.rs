//! jq transforms against gojq's answers in `tests/transforms/answers/queries.json`.

mod answers;

use answers::{Answers, Row};
use capstan_patch::equal::equal;
use capstan_patch::jq::{QueryError, first_output};
use serde_json::Value;

/// Expressions that are answered differently, and why. One that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[];

#[test]
fn expressions_are_answered_as_gojq_does() {
    let answers = Answers::read(include_str!("../../../tests/transforms/answers/queries.json"));
    answers.compare(DIFFERENT, |row, input| {
        let ours = first_output(row.case.as_str().unwrap(), input);
        let agrees = match (row, &ours) {
            (Row { output: Some(expected), .. }, Ok(ours)) => equal(expected, ours.as_ref().unwrap_or(&Value::from(""))),
            (Row { failure: Some(expected), .. }, Err(QueryError::Failed(ours))) => expected == ours,
            (Row { refused: Some(_), .. }, Err(_)) => true,
            _ => false,
        };
        if agrees { Ok(()) } else { Err(format!("{ours:?}")) }
    });
}
