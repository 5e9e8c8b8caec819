//! Objects on their way to kubectl.

use std::io::{self, Write};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cli::Format;

/// One object, with what a reader should know about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Lines above it; only where the format knows comments.
    pub(crate) comment: Vec<String>,
    pub(crate) object: Value,
}

impl From<Value> for Document {
    fn from(object: Value) -> Self {
        Self { comment: Vec::new(), object }
    }
}

/// The objects in `yaml`, in their order.
pub(crate) fn parse(yaml: &str) -> Result<Vec<Value>> {
    serde_saphyr::from_multiple(yaml).context("not YAML")
}

/// Writes objects to stdout. That nobody reads to the end is no error: `| head` is how people look.
pub(crate) fn print(documents: &[Document], format: Format) -> Result<()> {
    let text = match format {
        Format::Yaml => yaml(documents)?,
        Format::Json => json(documents)?,
    };
    print_text(&text)
}

/// Writes a text to stdout.
pub(crate) fn print_text(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("stdout cannot be written"),
    }
}

fn yaml(documents: &[Document]) -> Result<String> {
    let mut text = String::new();
    for (index, Document { comment, object }) in documents.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        for line in comment {
            text.push_str("# ");
            text.push_str(line);
            text.push('\n');
        }
        let object = serde_saphyr::to_string(object).context("an object cannot be written as YAML")?;
        text.push_str(&object);
        if !object.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

fn json(documents: &[Document]) -> Result<String> {
    let items: Vec<&Value> = documents.iter().map(|document| &document.object).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let mut text = serde_json::to_string_pretty(&list).context("the objects cannot be written as JSON")?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read_again() {
        // Words that some reader of YAML takes for something else, long lines, and text of many lines.
        let awkward = ["on", "yes", "0x10", "1e3", "010", "1.10", "null", "~", "", "*", "a: b", "# no", "12:30:00"];
        let long = "A".repeat(5_000);
        let file = "# comment\nkubernetes:\n  - {apiGroups: [\"\"]}\n\n";
        let objects = [json!({"awkward": awkward, "long": long, "file": file, "words": "word ".repeat(40)}), json!({})];
        let documents: Vec<Document> = objects.iter().cloned().map(Document::from).collect();
        assert_eq!(parse(&yaml(&documents).unwrap()).unwrap(), objects);
        let list: Value = serde_json::from_str(&json(&documents).unwrap()).unwrap();
        assert_eq!(list["items"], json!(objects));
    }

    #[test]
    fn comments_stand_above_their_object() {
        let document = Document { comment: vec!["careful".to_owned()], object: json!({"a": 1}) };
        assert_eq!(yaml(&[document.clone(), document]).unwrap(), "# careful\na: 1\n---\n# careful\na: 1\n");
    }
}
