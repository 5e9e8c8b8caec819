//! Adjusts a parsed program where the engine's answers come in another order than gojq's, or updates work otherwise.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};

/// Variables that only this module can write: no name of the language has a blank.
const VARIABLES: [&str; 16] = [
    "$ 0", "$ 1", "$ 2", "$ 3", "$ 4", "$ 5", "$ 6", "$ 7", "$ 8", "$ 9", "$ 10", "$ 11", "$ 12", "$ 13", "$ 14",
    "$ 15",
];

/// Rewrites the bodies of a definition and those within it.
pub(super) fn definition(mut definition: Def<&str>) -> Def<&str> {
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
        Term::Obj(entries) => Term::Obj(entries.into_iter().map(entry).collect()),
        Term::Call(name, arguments) if name.starts_with('@') && arguments.is_empty() => formatted(Term::Id, name),
        Term::Path(base, path) => indexed(map(Term::Path(base, path), self::term)),
        Term::Fold("reduce", source, bound, mut parts) => {
            // The last output of a step counts, and without one the state stays.
            if let Some(step) = parts.last_mut().filter(|step| !is_single(step)) {
                let last = Term::Call("last", vec![std::mem::take(step)]);
                *step = Term::Call("first", vec![Term::BinOp(last.into(), BinaryOp::Comma, Term::Id.into())]);
            }
            map(Term::Fold("reduce", source, bound, parts), self::term)
        }
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
        BinaryOp::Assign => match constant_path(&left) {
            Some(path) => bind(right, first, call("setpath", path, Term::Var(first))),
            None => call("_assign", left, right),
        },
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

/// The path in `.a[0][1:2]` as an array; none if there is more to it.
fn constant_path<'s>(term: &Term<&'s str>) -> Option<Term<&'s str>> {
    let Term::Path(base, path) = term else { return None };
    let is_constant = |term: &Term<_>| match term {
        Term::Num(_) => true,
        Term::Str(None, parts) => !parts.iter().any(|part| matches!(part, StrPart::Term(_))),
        _ => false,
    };
    let number = |bound: &Option<Term<&'s str>>| match bound {
        None => Some(Term::Call("null", Vec::new())),
        Some(bound) => Some(bound.clone()).filter(|bound| matches!(bound, Term::Num(_))),
    };
    let key = |part: &Part<Term<&'s str>>| match part {
        Part::Index(index) => Some(index.clone()).filter(is_constant),
        Part::Range(None, None) => None,
        Part::Range(start, end) => {
            Some(Term::Obj(vec![(literal("start"), Some(number(start)?)), (literal("end"), Some(number(end)?))]))
        }
    };
    let keys = path.0.iter().map(|(part, opt)| key(part).filter(|_| matches!(opt, Opt::Essential)));
    let keys = keys.collect::<Option<Vec<_>>>().filter(|_| matches!(**base, Term::Id))?;
    let list = keys.into_iter().reduce(|list, key| Term::BinOp(list.into(), BinaryOp::Comma, key.into()))?;
    Some(Term::Arr(Some(list.into())))
}

fn literal(text: &str) -> Term<&str> {
    Term::Str(None, vec![StrPart::Str(text)])
}

/// `value | format("name")` for a name with its `@`.
fn formatted<'s>(value: Term<&'s str>, name: &'s str) -> Term<&'s str> {
    let format = Term::Call("format", vec![literal(name.trim_start_matches('@'))]);
    Term::BinOp(value.into(), BinaryOp::Pipe(None), format.into())
}

fn entry<'s>((key, value): (Term<&'s str>, Option<Term<&'s str>>)) -> (Term<&'s str>, Option<Term<&'s str>>) {
    match (key, value) {
        (Term::Var("$ENV"), None) => (literal("ENV"), Some(Term::Obj(Vec::new()))),
        (key, value) => (term(key), value.map(term)),
    }
}

/// Of several indices with several outputs the first varies fastest, so the last is evaluated first.
fn indexed(path: Term<&str>) -> Term<&str> {
    let Term::Path(base, mut path) = path else { return path };
    let is_open = |part: &Part<_>| matches!(part, Part::Index(index) if !is_single(index));
    let open = path.0.iter().filter(|(part, _)| is_open(part)).count();
    let mut bound = Vec::new();
    if (2..=VARIABLES.len()).contains(&open) {
        for (part, _) in path.0.iter_mut().filter(|(part, _)| is_open(part)) {
            let name = VARIABLES[bound.len()];
            if let Part::Index(index) = std::mem::replace(part, Part::Index(Term::Var(name))) {
                bound.push((name, index));
            }
        }
    }
    bound.into_iter().fold(Term::Path(base, path), |body, (name, index)| bind(index, name, body))
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
            StrPart::Term(inner) => {
                let inner = term(inner);
                StrPart::Term(match format {
                    Some(name) => formatted(inner, name),
                    None => inner,
                })
            }
            other => other,
        })
        .collect();
    let is_open = |part: &StrPart<_, Term<_>>| matches!(part, StrPart::Term(term) if !is_single(term));
    let open = parts.iter().filter(|part| is_open(part)).count();
    if !(2..=VARIABLES.len()).contains(&open) {
        return Term::Str(None, parts);
    }
    let mut bound = Vec::new();
    for part in parts.iter_mut().filter(|part| is_open(part)) {
        let name = VARIABLES[bound.len()];
        if let StrPart::Term(inner) = std::mem::replace(part, StrPart::Term(Term::Var(name))) {
            bound.push((name, inner));
        }
    }
    let text = Term::Str(None, parts);
    bound.into_iter().fold(text, |body, (name, value)| bind(value, name, body))
}

/// `term` with `f` done to what it directly consists of.
fn map<'s>(term: Term<&'s str>, f: impl Fn(Term<&'s str>) -> Term<&'s str> + Copy) -> Term<&'s str> {
    let boxed = |term: Box<Term<&'s str>>| Box::new(f(*term));
    match term {
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
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
        Term::Def(definitions, body) => Term::Def(definitions.into_iter().map(definition).collect(), boxed(body)),
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
