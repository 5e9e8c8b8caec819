//! Template transforms against the answers of Go's `text/template` in `vectors/templates.json`.

use std::collections::BTreeMap;

use capstan_patch::template::render;
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
    transforms: Vec<String>,
    /// None if Go answers with an error.
    output: Option<String>,
}

/// Pipelines that are answered differently, and why. One that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("/* comment */", "the engine lets a comment stand behind a blank"),
    ("1e400", LARGE_LITERALS),
    ("08", "the engine reads a literal with a leading zero as decimal"),
    ("b64dec .value1", "bytes that are no text are an error: Go damages them when the object is written"),
    (".n }}{{ /* c */ }}", "the engine lets a comment stand behind a blank"),
    (".n |", "an empty command is an error"),
    ("1i", "there are no complex numbers"),
    ("slice .uni 0 2", "half a character is an error: no field can hold it"),
    (r#"printf "%.3" 1"#, LITERALS_ARE_INT64),
    (r#"printf "%-" 1"#, LITERALS_ARE_INT64),
    (r#"printf "%é" 1"#, LITERALS_ARE_INT64),
    (r#"printf "%\n" 1"#, LITERALS_ARE_INT64),
    (r#"printf "" 1"#, LITERALS_ARE_INT64),
    (r#"printf "%z" 3"#, LITERALS_ARE_INT64),
    (r#"printf "%!" 3"#, LITERALS_ARE_INT64),
    (r#"printf "x" 1 "y" .f .null"#, LITERALS_ARE_INT64),
];

const LARGE_LITERALS: &str = "the engine lets a literal be infinite";
const LITERALS_ARE_INT64: &str =
    "the engine has one integer type, so a literal calls itself int64 in texts about mistakes";

#[test]
fn pipelines_are_answered_as_go_does() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors/templates.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &vectors.cases {
        let pipeline = case.transforms.join(" | ");
        let ours = render(&case.transforms, &vectors.inputs[&case.input]);
        let agrees = case.output.as_ref() == ours.as_ref().ok();
        let is_listed = DIFFERENT.iter().any(|(listed, _)| *listed == pipeline);
        if agrees == is_listed {
            let state = if agrees { "agrees, but is listed" } else { "differs" };
            let expected = case.output.as_ref().map_or("an error".to_owned(), |text| format!("{text:?}"));
            wrong.push(format!("{state}: {pipeline} ({})\n   expected {expected}\n   got      {ours:?}", case.input));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.cases.len(), wrong.join("\n"));
}
