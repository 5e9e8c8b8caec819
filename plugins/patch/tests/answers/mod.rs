//! What the originals answer, and the comparison with what we do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// A file that `tests/transforms` made.
#[derive(Deserialize)]
pub(crate) struct Answers {
    inputs: BTreeMap<String, Value>,
    rows: Vec<Row>,
}

/// A transform with its answer: one of the last three is there.
#[derive(Deserialize)]
pub(crate) struct Row {
    input: String,
    /// A text, or the commands of a pipeline.
    pub(crate) case: Value,
    /// The result. An explicit null is one, too.
    #[serde(default, deserialize_with = "present")]
    pub(crate) output: Option<Value>,
    /// What went wrong while it ran; for jq what a `catch` sees.
    pub(crate) failure: Option<String>,
    /// What is wrong with the transform itself.
    pub(crate) refused: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Row {
    /// The transform as one text.
    pub(crate) fn text(&self) -> String {
        match &self.case {
            Value::Array(commands) => commands.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
            text => text.as_str().unwrap_or_default().to_owned(),
        }
    }

    fn expected(&self) -> String {
        match (&self.output, &self.failure, &self.refused) {
            (Some(output), ..) => output.to_string(),
            (_, Some(failure), _) => format!("failure: {failure}"),
            (.., refused) => format!("refused: {}", refused.as_deref().unwrap_or_default()),
        }
    }
}

impl Answers {
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap()
    }

    /// Runs `agrees` for every row. Its error is what we answer instead, which must happen for the transforms in
    /// `different`, each of which is listed with its reason, and for no others.
    pub(crate) fn compare(&self, different: &[(&str, &str)], agrees: impl Fn(&Row, &Value) -> Result<(), String>) {
        let mut wrong = String::new();
        let mut count = 0;
        let mut met = Vec::new();
        for row in &self.rows {
            let (text, expected) = (row.text(), row.expected());
            let is_listed = different.iter().any(|(listed, _)| *listed == text);
            met.push(text.clone());
            let problem = match agrees(row, &self.inputs[&row.input]) {
                Err(ours) if !is_listed => {
                    format!("differs: {text} ({})\n  expected {expected}\n  got      {ours}", row.input)
                }
                Ok(()) if is_listed => format!("agrees, but is listed: {text}"),
                _ => continue,
            };
            count += 1;
            writeln!(wrong, "{problem}").unwrap();
        }
        for (listed, _) in different.iter().filter(|(listed, _)| !met.iter().any(|text| text == listed)) {
            count += 1;
            writeln!(wrong, "listed, but not asked: {listed}").unwrap();
        }
        assert!(wrong.is_empty(), "{count} of {}:\n{wrong}", self.rows.len());
    }
}
