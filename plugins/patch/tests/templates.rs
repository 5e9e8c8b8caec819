//! Template transforms against the answers of Go's `text/template` in `tests/transforms/answers/templates.json`.

mod answers;

use answers::{Answers, Row};
use capstan_patch::template::render;
use serde_json::Value;

/// Pipelines that are answered differently, and why. One that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("b64dec .value1", "bytes that are no text are an error: Go damages them when the object is written"),
    ("slice .uni 0 2", "half a character is an error: Go damages it when the object is written"),
    ("/* comment */", COMMENT),
    (".n }}{{ /* c */ }}", COMMENT),
    ("1e400", LARGE_FLOAT),
    ("1e309", LARGE_FLOAT),
    ("08", LITERAL),
    ("09", LITERAL),
    ("1_", LITERAL),
    ("..a", LITERAL),
    (r#""\q""#, LITERAL),
    ("\"a\nb\"", LITERAL),
    ("-9223372036854775808", "the engine reads the sign of a literal after its digits"),
    ("1i", "there are no complex numbers"),
    (".n |", "the engine refuses an empty command, Go overlooks it at the end"),
    ("$a = 1", UNDEFINED),
    ("$x = 3", UNDEFINED),
    ("index nil", "indexing with nothing gives the value itself, of nil, too"),
    (r#"printf "%.3" 1"#, ONE_INTEGER),
    (r#"printf "%-" 1"#, ONE_INTEGER),
    (r#"printf "%é" 1"#, ONE_INTEGER),
    (r#"printf "%\n" 1"#, ONE_INTEGER),
    (r#"printf "" 1"#, ONE_INTEGER),
    (r#"printf "%z" 3"#, ONE_INTEGER),
    (r#"printf "%!" 3"#, ONE_INTEGER),
    (r#"printf "%s" 3"#, ONE_INTEGER),
    (r#"printf "%s %s" 1 "a""#, ONE_INTEGER),
    (r#"printf "%T" 3"#, ONE_INTEGER),
    (r#"printf "%T" -3"#, ONE_INTEGER),
    (r#"printf "%T" (len .l)"#, ONE_INTEGER),
    (r#"3 | printf "%T""#, ONE_INTEGER),
    (r#"printf "x" 1 "y" .f .null"#, ONE_INTEGER),
    (
        r#"define "r" }}{{ if . }}x{{ template "r" (slice . 1) }}{{ end }}{{ end }}{{ template "r" (printf "%300s" "")"#,
        "the engine goes 200 blocks and templates deep, so that no stack runs out; Go goes 100,000",
    ),
];

const COMMENT: &str = "the engine lets a comment stand behind a blank";
const LARGE_FLOAT: &str = "the engine lets a literal be infinite";
const LITERAL: &str = "the engine's lexer is more lenient: Go refuses the literal";
const UNDEFINED: &str = "the engine finds out about an undeclared variable only when it is read";
const ONE_INTEGER: &str = "the engine has one integer type, so a literal and a length call themselves int64";

#[test]
fn pipelines_are_answered_as_go_does() {
    let answers = Answers::read(include_str!("../../../tests/transforms/answers/templates.json"));
    answers.compare(DIFFERENT, |row, input| {
        let commands: Vec<String> = match &row.case {
            Value::Array(commands) => commands.iter().map(|command| command.as_str().unwrap().to_owned()).collect(),
            _ => vec![row.text()],
        };
        let ours = render(&commands, input);
        let agrees = match (row, &ours) {
            (Row { output: Some(expected), .. }, Ok(ours)) => expected == ours,
            (Row { output: None, .. }, Err(_)) => true,
            _ => false,
        };
        if agrees { Ok(()) } else { Err(format!("{ours:?}")) }
    });
}
