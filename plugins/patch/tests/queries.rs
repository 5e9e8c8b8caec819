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
    (r#".uni | test("\\p{So}")"#, NO_UNICODE_CLASSES),
    (r#""12345678901234567890" | tonumber"#, "integers beyond 64 bits are floats: no field could hold them"),
    (". as [$a] ?// {n: $a} | $a", "jaq has no alternatives in destructuring"),
    ("now | type", "left out: a value that changes by itself would be written for ever"),
    ("builtins | length > 10", "left out: nothing to transform with it"),
    (r#"["\(1,2)-\(3,4)"]"#, "jaq varies the last interpolation fastest, gojq the first"),
    (r#"@base32 "x""#, "an unknown format is an error also where it formats nothing"),
    ("nan == nan", NAN_IS_ORDERED),
    ("nan < nan", NAN_IS_ORDERED),
    ("[nan] == [nan]", NAN_IS_ORDERED),
    (r#""ab1" | match("(?<x>[a-z])(?<y>Z)?")"#, GROUPS_WITHOUT_MATCH),
    (r#""ab" | capture("(?<x>a)(?<y>z)?")"#, GROUPS_WITHOUT_MATCH),
    (r#""10:20" | strptime("%H:%M")"#, "a time without a date is an error"),
    (r#""2024-02-29T12:30:00.5Z" | fromdate"#, "fractions of a second are read"),
    (r#""1e1000" | fromjson"#, "a number out of range is an error, not the largest float"),
];

const NO_UNICODE_CLASSES: &str = "the small regular expression engine knows no Unicode classes";
const NAN_IS_ORDERED: &str = "sorting needs an order in which nan equals itself";
const GROUPS_WITHOUT_MATCH: &str = "jaq leaves out groups that took no part in the match";

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
            wrong.push(format!(
                "{state}: {} ({})\n   expected {expected}\n   got      {ours:?}",
                case.query, case.input
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.cases.len(), wrong.join("\n"));
}
