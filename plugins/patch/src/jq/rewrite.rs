//! Adjusts a parsed program where the engine's answers come in another order than gojq's, or updates work otherwise.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};

/// Variables that only this module can write: no name of the language has a blank.
const VARIABLES: [&str; 16] = [
    "$ 0", "$ 1", "$ 2", "$ 3", "$ 4", "$ 5", "$ 6", "$ 7", "$ 8", "$ 9", "$ 10", "$ 11", "$ 12", "$ 13", "$ 14", "$ 15",
];

/// Rewrites the bodies of a definition and those within it.
pub(super) fn definition<'s>(mut definition: Def<&'s str>) -> Def<&'s str> {
    definition.body = term(definition.body);
    definition
}

/// Operators evaluate their right side first, so that it varies slowest. Updates become calls of functions of the
/// prelude, which read, change and write one path after another.
pub(super) fn term(term: Term<&str>) -> Term<&str> {
    match term {
        Term::BinOp(left, op, right) => operator(self::term(*left), op, self::term(*right)),
        Term::Str(format, parts) => text(format, parts),
        Term::Var("$ENV") => Term::Obj(Vec::new()),
        other => map(other, self::term),
    }
}

fn operator<'s>(left: Term<&'s str>, op: BinaryOp<&'s str>, right: Term<&'s str>) -> Term<&'s str> {
    let [first, second, ..] = VARIABLES;
    let call = |name: &'s str, left, right| Term::Call(name, vec![left, right]);
    match op {
        BinaryOp::Math(_) | BinaryOp::Cmp(_) if !is_single(&left) && !is_single(&right) => {
            let both = Term::BinOp(Term::Var(second).into(), op, Term::Var(first).into());
            bind(right, first, bind(left, second, both))
        }
        BinaryOp::Assign => call("_assign", left, right),
        BinaryOp::Update => call("_modify", left, right),
        BinaryOp::UpdateMath(op) => {
            let change = Term::BinOp(Term::Id.into(), BinaryOp::Math(op), Term::Var(first).into());
            bind(right, first, call("_modify", left, change))
        }
        BinaryOp::UpdateAlt => {
            let change = Term::BinOp(Term::Id.into(), BinaryOp::Alt, Term::Var(first).into());
            bind(right, first, call("_modify", left, change))
        }
        BinaryOp::Pipe(Some(pattern)) => {
            Term::BinOp(left.into(), BinaryOp::Pipe(Some(self::pattern(pattern))), right.into())
        }
        op => Term::BinOp(left.into(), op, right.into()),
    }
}

fn pattern(pattern: Pattern<&str>) -> Pattern<&str> {
    match pattern {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(items) => Pattern::Arr(items.into_iter().map(self::pattern).collect()),
        Pattern::Obj(entries) => {
            Pattern::Obj(entries.into_iter().map(|(key, value)| (term(key), self::pattern(value))).collect())
        }
    }
}

fn bind<'s>(value: Term<&'s str>, name: &'s str, body: Term<&'s str>) -> Term<&'s str> {
    Term::BinOp(value.into(), BinaryOp::Pipe(Some(Pattern::Var(name))), body.into())
}

/// Whether it surely has one output, or fails.
fn is_single(term: &Term<&str>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Str(_, parts) => parts.iter().all(|part| !matches!(part, StrPart::Term(_))),
        Term::Path(base, path) => {
            is_single(base)
                && path.0.iter().all(|(part, opt)| {
                    matches!(opt, Opt::Essential) && matches!(part, Part::Index(index) if is_single(index))
                })
        }
        _ => false,
    }
}

/// The first interpolation varies fastest, so the last is evaluated first.
fn text<'s>(format: Option<&'s str>, parts: Vec<StrPart<&'s str, Term<&'s str>>>) -> Term<&'s str> {
    let mut parts: Vec<_> = parts
        .into_iter()
        .map(|part| match part {
            StrPart::Term(inner) => StrPart::Term(term(inner)),
            other => other,
        })
        .collect();
    let is_open = |part: &StrPart<_, Term<_>>| matches!(part, StrPart::Term(term) if !is_single(term));
    let open = parts.iter().filter(|part| is_open(part)).count();
    // Without interpolations a format formats nothing, whether it exists or not.
    let format = format.filter(|_| parts.iter().any(|part| matches!(part, StrPart::Term(_))));
    if !(2..=VARIABLES.len()).contains(&open) {
        return Term::Str(format, parts);
    }
    let mut bound = Vec::new();
    for part in parts.iter_mut().filter(|part| is_open(part)) {
        let name = VARIABLES[bound.len()];
        if let StrPart::Term(inner) = std::mem::replace(part, StrPart::Term(Term::Var(name))) {
            bound.push((name, inner));
        }
    }
    let text = Term::Str(format, parts);
    bound.into_iter().fold(text, |body, (name, value)| bind(value, name, body))
}

/// `term` with `f` done to what it directly consists of.
fn map<'s>(term: Term<&'s str>, f: impl Fn(Term<&'s str>) -> Term<&'s str> + Copy) -> Term<&'s str> {
    let boxed = |term: Box<Term<&'s str>>| Box::new(f(*term));
    match term {
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Obj(entries) => {
            Term::Obj(entries.into_iter().map(|(key, value)| (f(key), value.map(f))).collect())
        }
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::Fold(name, source, bound, parts) => {
            Term::Fold(name, boxed(source), pattern(bound), parts.into_iter().map(f).collect())
        }
        Term::TryCatch(inner, catch) => Term::TryCatch(boxed(inner), catch.map(boxed)),
        Term::IfThenElse(branches, otherwise) => {
            let branches = branches.into_iter().map(|(condition, then)| (f(condition), f(then))).collect();
            Term::IfThenElse(branches, otherwise.map(boxed))
        }
        Term::Def(definitions, body) => {
            Term::Def(definitions.into_iter().map(definition).collect(), boxed(body))
        }
        Term::Call(name, arguments) => Term::Call(name, arguments.into_iter().map(f).collect()),
        Term::Path(base, path) => {
            let part = |part| match part {
                Part::Index(index) => Part::Index(f(index)),
                Part::Range(start, end) => Part::Range(start.map(f), end.map(f)),
            };
            Term::Path(boxed(base), Path(path.0.into_iter().map(|(each, opt)| (part(each), opt)).collect()))
        }
        other => other,
    }
}
