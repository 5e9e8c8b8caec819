//! From the text of an expression to a program.

use std::thread;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::parser::Parser;

use super::check::{self, type_of};
use super::interpret::{Interpreter, Outcome, Scope};
use super::types::Type;

/// How deeply an expression may nest, as in Kubernetes.
const MAX_DEPTH: usize = 250;
/// Bytes; several times what the deepest expression needs without optimisations.
const PARSER_STACK: usize = 64 * 1024 * 1024;

/// A checked expression.
#[derive(Debug)]
pub(super) struct Program {
    expression: IdedExpr,
    pub(super) uses_old_self: bool,
}

impl Program {
    /// Parses and checks an expression that has to give `wanted`. The error is what the compiler says.
    pub(super) fn compile(source: &str, this: &Type<'_>, old: &Type<'_>, wanted: &Type<'_>) -> Result<Self, Error> {
        let expression = parse(source).map_err(Error::Failed)?;
        let scope = check::Scope::new("self", this.clone());
        let scope = scope.with("oldSelf", old.clone());
        let found = type_of(&expression, &scope).map_err(Error::Failed)?;
        if !wanted.admits(&found) {
            return Err(Error::WrongType);
        }
        let uses_old_self = expression.references().has_variable("oldSelf");
        Ok(Self { expression, uses_old_self })
    }

    /// Evaluates the program at a cost of at most `limit`. Beside the outcome stands what it cost.
    pub(super) fn run(&self, scope: &Scope<'_>, limit: u64) -> (Outcome, u64) {
        let interpreter = Interpreter::new(limit);
        let outcome = interpreter.evaluate(&self.expression, scope);
        (outcome, limit - interpreter.left())
    }
}

/// Why an expression does not compile.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// It cannot be parsed, or its types do not fit.
    Failed(String),
    /// It gives something else than what is wanted.
    WrongType,
}

/// Parses an expression on a thread of its own: the parser recurses with large frames, and what it cannot cope with must
/// not end the server.
fn parse(source: &str) -> Result<IdedExpr, String> {
    if is_too_deep(source) {
        return Err(format!("expression recursion limit exceeded: {MAX_DEPTH}"));
    }
    let parse = || Parser::new().enable_optional_syntax(true).parse(source).map_err(|errors| errors.to_string());
    thread::scope(|scope| {
        let parser = thread::Builder::new().name("cel-parser".to_owned()).stack_size(PARSER_STACK);
        let parser = parser.spawn_scoped(scope, parse).map_err(|error| error.to_string())?;
        parser.join().unwrap_or_else(|_| Err("the parser failed".to_owned()))
    })
}

/// What stands between two brackets.
#[derive(Default)]
struct Level {
    /// Operators since the last separator, each of which nests all that stands before it.
    operators: usize,
    /// The depth of the brackets since then.
    brackets: usize,
    /// The greatest depth of what stands before the last separator.
    deepest: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.brackets)
    }
}

/// Whether an expression nests more deeply than recursion over it could bear. This is told from its characters, because
/// the parser recurses, too.
fn is_too_deep(source: &str) -> bool {
    let (mut outer, mut level) = (Vec::new(), Level::default());
    let (mut quote, mut escaped) = (None, false);
    for character in source.chars() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '(' | '[' | '{') => {
                level.operators += 1;
                outer.push(std::mem::take(&mut level));
            }
            (None, ')' | ']' | '}') => {
                let depth = level.depth();
                level = outer.pop().unwrap_or_default();
                level.brackets = level.brackets.max(depth);
            }
            (None, '&' | '|' | ',') => level = Level { deepest: level.depth(), ..Level::default() },
            (None, '+' | '-' | '*' | '/' | '%' | '.' | '!' | '?') => level.operators += 1,
            _ => {}
        }
        if outer.len() > MAX_DEPTH || level.depth() > MAX_DEPTH {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(source: &str) -> Result<Program, Error> {
        Program::compile(source, &Type::Int, &Type::Int, &Type::Bool)
    }

    #[test]
    fn deep_expressions_are_refused_before_they_exhaust_the_stack() {
        let sum = |terms: usize| format!("self < {}", vec!["1"; terms].join(" + "));
        assert!(compile(&sum(200)).is_ok());
        assert!(compile(&sum(100_000)).is_err());
        let nested = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
        assert!(compile(&nested(50)).is_ok());
        assert!(compile(&nested(200)).is_err());
        let wrapped = |depth: usize| {
            format!("{}self{} > 0", "[0, ".repeat(depth), format!("][1]{}", " + 1".repeat(20)).repeat(depth))
        };
        assert!(compile(&wrapped(3)).is_ok());
        assert!(compile(&wrapped(20)).is_err(), "operators nest what stands before them");
        let many = vec!["self == 1"; 2000].join(" || ");
        assert!(compile(&many).is_ok(), "alternatives do not nest");
    }

    #[test]
    fn the_old_value_is_noticed() {
        assert!(compile("self > oldSelf").unwrap().uses_old_self);
        assert!(!compile("self > 1").unwrap().uses_old_self);
        assert_eq!(compile("self + 1").unwrap_err(), Error::WrongType);
    }
}
