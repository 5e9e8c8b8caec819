//! Template transforms against the answers of Go's `text/template` in `tests/transforms/answers/templates.json`.

mod answers;

use answers::{Answers, Row};
use capstan_patch::template::render;
use serde_json::Value;

/// Pipelines that are answered differently, and why. One that starts to agree fails the test.
const DIFFERENT: &[(&str, &str)] = &[];

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
