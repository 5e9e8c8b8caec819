//! From the text of an expression to a program.

use std::thread;

use kube_cel::cel::IdedExpr;
use kube_cel::cel::parser::Parser;

use super::check::{self, type_of};
use super::depth::depth;
use super::interpret::{Interpreter, Outcome, Scope};
use super::types::Type;

/// How deeply an expression may nest, as in Kubernetes.
const MAX_DEPTH: usize = 250;
/// How many characters an expression may have, as in Kubernetes.
const MAX_LENGTH: usize = 100_000;
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
    let length = source.chars().count();
    if length > MAX_LENGTH {
        return Err(format!("expression code point size exceeds limit: size: {length}, limit {MAX_LENGTH}"));
    }
    match depth(source) {
        None => return Err("syntax error: a text without an end, or with an unknown escape".to_owned()),
        Some(depth) if depth > MAX_DEPTH => return Err(format!("expression recursion limit exceeded: {MAX_DEPTH}")),
        Some(_) => {}
    }
    let parse = || Parser::new().enable_optional_syntax(true).parse(source).map_err(|errors| errors.to_string());
    thread::scope(|scope| {
        let parser = thread::Builder::new().name("cel-parser".to_owned()).stack_size(PARSER_STACK);
        let parser = parser.spawn_scoped(scope, parse).map_err(|error| error.to_string())?;
        parser.join().unwrap_or_else(|_| Err("the parser failed".to_owned()))
    })
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
        // None of these may reach the parser.
        let chain = |term: &str, between: &str| vec![term; 4_000].join(between);
        for deep in [
            chain("true", " == "),
            chain("1", " < "),
            chain("1", " in "),
            chain("true", " ? true && true : "),
            format!(r"r'\' == '' || {} > 0", chain("1", "+")),
            format!("'''a'b''' == '' || {} > 0", chain("1", "+")),
            format!("true // don't\n || {} > 0", chain("1", "+")),
        ] {
            let error = compile(&deep).unwrap_err();
            assert_eq!(error, Error::Failed("expression recursion limit exceeded: 250".to_owned()), "{}", &deep[..30]);
        }
        assert!(
            matches!(compile(&" ".repeat(100_001)), Err(Error::Failed(error)) if error.contains("size exceeds limit"))
        );
    }

    #[test]
    fn the_old_value_is_noticed() {
        assert!(compile("self > oldSelf").unwrap().uses_old_self);
        assert!(!compile("self > 1").unwrap().uses_old_self);
        assert_eq!(compile("self + 1").unwrap_err(), Error::WrongType);
    }
}
