//! jq transforms against gojq's answers in `tests/transforms/answers/queries.json`.

mod answers;

use answers::{Answers, Row};
use capstan_patch::jq::{QueryError, first_output};
use capstan_sdk::equal;
use serde_json::Value;

/// Expressions that are answered differently, and why. One that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[
    ("now | type", CLOCK),
    ("localtime", CLOCK),
    (r#"strflocaltime("%Y")"#, CLOCK),
    ("halt", ENDS),
    ("halt_error", ENDS),
    ("halt_error(1)", ENDS),
    ("builtins | length > 10", PROGRAM),
    ("builtins | length > 100", PROGRAM),
    (r#"builtins | index("map/1") != null"#, PROGRAM),
    ("modulemeta", PROGRAM),
    (". as [$a] ?// {n: $a} | $a", SYNTAX),
    (".l as [$a, [$b]] ?// $a | [$a]", SYNTAX),
    (". as [$a] ?// {m: $a} | $a", SYNTAX),
    (".nums as [$a, $b] ?// $a | [$a, $b]", SYNTAX),
    (". as {$m: {$a}} | [$m, $a]", SYNTAX),
    (".5", SYNTAX),
    ("5.", SYNTAX),
    ("+ 1", SYNTAX),
    (r#"{@base64 "x": 1}"#, "the engine's parser takes a format in front of a key, which harms nobody"),
    (r#""nan" | fromjson"#, BAD_JSON),
    (r#"[(null, true, 3, "text", [1,"a"], {"a":1}) | try (fromjson) catch .]"#, BAD_JSON),
    (r#"try ("nope" | fromjson) catch ."#, BAD_JSON),
    (r#"try ("{\"a\"}" | fromjson) catch ."#, BAD_JSON),
    (r#"try ("01" | fromjson) catch ."#, BAD_JSON),
    ("try path(1) catch .", NO_PATH),
    ("try (path(.a + .b)) catch .", NO_PATH),
    ("try ([1] | path(map(.))) catch .", NO_PATH),
    ("try (del(1)) catch .", NO_PATH),
    ("try ((1 | 2) = 3) catch .", NO_PATH),
    ("try ({} | to_entries |= 1) catch .", NO_PATH),
    ("try ([3] | (.[0] | . + 1) |= 2) catch .", NO_PATH),
    ("[path(.l | first(.[]), last(.[]))]", "the engine knows the path of `last(f)`, gojq does not"),
    ("[pow(1,2; 1,2)]", "of several arguments with several outputs the engine varies the last fastest, gojq the first"),
    ("[reduce (1,2) as $x ((0,10); . + $x)]", "with several starts gojq goes on from where the one before ended"),
];

const CLOCK: &str = "left out: a value that changes by itself would be written for ever";
const ENDS: &str = "left out: there is no process to end; gojq would fail, too, but later";
const PROGRAM: &str = "left out: it is about the program, and there is nothing to transform with it";
const SYNTAX: &str = "the engine's parser does not know it and refuses the expression";
const BAD_JSON: &str = "both refuse it; what exactly is wrong with the JSON text is told in serde's words, not Go's";
const NO_PATH: &str = "both refuse it; that something is no path is told in the engine's words";

#[test]
fn expressions_are_answered_as_gojq_does() {
    let answers = Answers::read(include_str!("../../../tests/transforms/answers/queries.json"));
    answers.compare(DIFFERENT, |row, input| {
        let ours = first_output(row.case.as_str().unwrap(), input);
        let agrees = match (row, &ours) {
            (Row { output: Some(expected), .. }, Ok(ours)) => {
                equal(expected, ours.as_ref().unwrap_or(&Value::from("")))
            }
            (Row { failure: Some(expected), .. }, Err(QueryError::Failed(ours))) => expected == ours,
            (Row { refused: Some(_), .. }, Err(_)) => true,
            _ => false,
        };
        if agrees { Ok(()) } else { Err(format!("{ours:?}")) }
    });
}
