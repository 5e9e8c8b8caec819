//! Parsing, compiling and running one expression.

use jaq_core::load::parse::{self, Def};
use jaq_core::load::{self, Arena, File, Lexer, Loader, Parser};
use jaq_core::{Compiler, Ctx, Vars, compile};

use super::errors::message;
use super::functions::{self, Data};
use super::value::Value;
use super::{escapes, prelude, rewrite};

/// Why an expression gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is not an expression, or calls something that does not exist.
    #[error("cannot read the expression: {0}")]
    Syntax(String),
    /// It failed before its first output. The message may hold parts of the value.
    #[error("the expression failed: {0}")]
    Failed(String),
}

/// The definition that holds the rewritten program.
const MAIN: &str = "transform__";

/// Runs a jq expression and gives its first output; none if it has none. What it would do after that does not happen.
pub fn first_output(expression: &str, input: &serde_json::Value) -> Result<Option<serde_json::Value>, QueryError> {
    let expression = escapes::joined(expression);
    let tokens = Lexer::new(&expression).lex().map_err(|errors| syntax(&load_errors(load::Error::Lex(errors))))?;
    let program = Parser::new(&tokens).parse(Parser::term).map_err(|errors| {
        let problems: Vec<String> = errors.into_iter().map(parse_error).collect();
        syntax(&problems)
    })?;
    let mut definitions: Vec<Def<&str>> = Vec::new();
    for definition in prelude::reached(&tokens) {
        definitions.push(rewrite::definition(definition));
    }
    definitions.push(Def { name: MAIN, args: Vec::new(), body: rewrite::term(program) });
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { code: MAIN, path: () }).map_err(|errors| {
        let problems: Vec<String> = errors.into_iter().flat_map(|(_, error)| load_errors(error)).collect();
        syntax(&problems)
    })?;
    let filter = Compiler::default().with_funs(functions::all()).compile(modules).map_err(|errors| {
        let problems: Vec<String> = errors.into_iter().flat_map(|(_, errors)| compile_errors(errors)).collect();
        syntax(&problems)
    })?;
    let context = Ctx::<Data>::new(&filter.lut, Vars::new([]));
    let first = filter.id.run((context, Value::from(input))).next();
    match first {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some((&value).into())),
        Some(Err(exception)) => Err(QueryError::Failed(match exception.get_err() {
            Ok(error) => message(error),
            // A `break` without its label does not compile, and `halt` does not exist.
            Err(_) => "it was ended".to_owned(),
        })),
    }
}

fn syntax(problems: &[String]) -> QueryError {
    QueryError::Syntax(problems.join("; "))
}

fn load_errors(error: load::Error<&str>) -> Vec<String> {
    match error {
        load::Error::Io(errors) => errors.into_iter().map(|(path, error)| format!("{path}: {error}")).collect(),
        load::Error::Lex(errors) => errors.into_iter().map(|(what, found)| expected(what.as_str(), found)).collect(),
        load::Error::Parse(errors) => errors.into_iter().map(|(what, found)| expected(what.as_str(), found)).collect(),
    }
}

fn parse_error((what, found): parse::TError<&str>) -> String {
    expected(what.as_str(), found.map_or("", |token| token.0))
}

fn expected(what: &str, found: &str) -> String {
    match found.lines().next().unwrap_or_default() {
        "" => format!("expected {what} at the end"),
        found => format!("expected {what} instead of `{found}`"),
    }
}

fn compile_errors(errors: Vec<compile::Error<&str>>) -> Vec<String> {
    errors.into_iter().map(|(name, what)| format!("undefined {}: {name}", what.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(expression: &str) -> String {
        first_output(expression, &json!({"a": "text"})).unwrap_err().to_string()
    }

    #[test]
    fn what_follows_the_first_output_does_not_happen() {
        assert_eq!(first_output("1, error(\"late\")", &json!(null)), Ok(Some(json!(1))));
        assert_eq!(first_output("repeat(. + 1)", &json!(7)), Ok(Some(json!(8))));
        assert_eq!(first_output("empty", &json!(null)), Ok(None));
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        assert_eq!(error(".a |"), "cannot read the expression: expected term at the end");
        assert_eq!(error("nope(1)"), "cannot read the expression: undefined filter: nope");
        assert_eq!(error("$x"), "cannot read the expression: undefined variable: $x");
        assert_eq!(error("error(\"boom\")"), "the expression failed: boom");
    }

    #[test]
    fn nothing_outside_of_the_value_can_be_reached() {
        for expression in ["halt", "halt_error", "input", "inputs", "now", "localtime", "input_filename", "stderr"] {
            assert!(error(expression).contains("undefined"), "{expression}");
        }
        assert_eq!(first_output("[env, $ENV]", &json!(null)), Ok(Some(json!([{}, {}]))));
    }
}
