//! Transforms in the language of Go's `text/template`: commands of one pipeline, with the functions `b64enc`, `b64dec`,
//! `toJson` and Go's own. The result is always text.
//!
//! What differs from Go is listed, with reasons, in `tests/templates.rs`.

mod blocks;
mod functions;
mod go_fmt;
mod rewrite;
mod to_json;

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::parse::Parser;
use gotmpl::{Template, Value};

use self::rewrite::Rewrite;
use crate::transform::MAX_OUTPUT;

/// The template's name; it is part of syntax errors only.
const NAME: &str = "transforms";

/// Why a pipeline gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is not a pipeline, or calls a function that does not exist.
    #[error("cannot read the pipeline: {0}")]
    Syntax(String),
    /// It failed while running. The message may hold parts of the value.
    #[error("the pipeline failed: {0}")]
    Failed(String),
}

/// Runs `{{ first | second | ... }}` over `input`: the output of each command is the last argument of the next, so only
/// the first one has to name the input, as `.` or `.field`. As in Go, a command may close the braces and open others.
pub fn render(commands: &[String], input: &serde_json::Value) -> Result<String, TemplateError> {
    let template = parsed(&["{{ ", &commands.join(" | "), " }}"].concat())?;
    // A pipeline that only defines templates has nothing to write.
    if template.lookup(NAME).is_none() {
        return Ok(String::new());
    }
    let mut text = Capped(String::new());
    let run = template.execute_template_fmt(&mut text, NAME, &value(input));
    run.map(|()| text.0).map_err(|error| {
        TemplateError::Failed(match error {
            gotmpl::TemplateError::Exec(message) => message,
            other => other.to_string(),
        })
    })
}

/// The template of a text, and those that it defines. Few define any, and for the others the engine's bookkeeping, which copies
/// trees several times, would cost as much as all else.
fn parsed(source: &str) -> Result<Template, TemplateError> {
    let syntax = |error: gotmpl::TemplateError| TemplateError::Syntax(error.to_string());
    blocks::check(source).map_err(|problem| TemplateError::Syntax(problem.to_owned()))?;
    let parser = Parser::with_name(Some(NAME), source, "{{", "}}").map_err(syntax)?;
    let (tree, definitions) = parser.parse().map_err(syntax)?;
    let mut trees = vec![(NAME.to_owned(), tree)];
    let mut template = Template::new(NAME);
    if !definitions.is_empty() {
        template = template.parse(source).map_err(syntax)?;
        let names: Vec<String> = template.templates().into_iter().map(str::to_owned).collect();
        trees = names.into_iter().filter_map(|name| Some((name.clone(), template.lookup(&name)?.clone()))).collect();
    }
    let mut rewrite = Rewrite::default();
    for (name, mut tree) in trees {
        rewrite.list(&mut tree).map_err(TemplateError::Syntax)?;
        template = template.add_parse_tree(&name, tree);
    }
    Ok(template.funcs(functions::of(&rewrite.called)))
}

/// Text that stops growing when it is larger than any result may be.
struct Capped(String);

impl std::fmt::Write for Capped {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        // Twice the limit, so that it is the limit which is told of.
        if self.0.len() + part.len() > 2 * MAX_OUTPUT {
            return Err(std::fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// Whole numbers are integers, as in Kubernetes' unstructured objects, all others floats.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Value::Int(integer),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::String(text.as_str().into()),
        serde_json::Value::Array(list) => Value::List(list.iter().map(value).collect()),
        serde_json::Value::Object(map) => {
            let entries = map.iter().map(|(key, json)| (Arc::from(key.as_str()), value(json)));
            Value::Map(Arc::new(entries.collect::<BTreeMap<_, _>>()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(command: &str) -> String {
        render(&[command.to_owned()], &json!({"a": "text"})).unwrap_err().to_string()
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        assert_eq!(error("upper .a"), "cannot read the pipeline: function \"upper\" not defined");
        assert!(error("if .a").starts_with("cannot read the pipeline: "));
        assert!(error("b64enc .missing").starts_with("the pipeline failed: b64enc"));
    }

    #[test]
    fn the_functions_that_the_rewriting_calls_cannot_be_written() {
        for name in rewrite::HIDDEN {
            assert!(error(&format!("{name} .a")).starts_with("cannot read the pipeline: "));
        }
    }

    #[test]
    fn widths_and_precisions_are_as_large_as_in_go() {
        let input = json!({"a": "text", "n": -7, "f": 1.5});
        for format in [
            "%70000d",
            "%070000d",
            "%.70000d",
            "%.70000x",
            "%70000s",
            "%070000.1f",
            "%+.70000e",
            "%.70000f",
            "%.70000U",
        ] {
            let name = if format.contains(['d', 'x', 'U']) {
                "n"
            } else if format.ends_with('s') {
                "a"
            } else {
                "f"
            };
            let text = render(&[format!("printf {format:?} .{name}")], &input).unwrap();
            assert!((70_000..=70_020).contains(&text.len()), "{format}: {}", text.len());
        }
        assert_eq!(render(&["printf \"%.70000g\" .f".to_owned()], &input).unwrap(), "1.5");
    }

    #[test]
    fn binary_data_is_refused_instead_of_damaged() {
        assert!(error("b64dec \"/w==\"").contains("not text"));
    }
}
