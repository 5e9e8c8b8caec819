//! The functions that rules may call, and their types: one overload per line of `signatures.txt`, `name: target.(arguments) ->
//! result`.
//!
//! The list is that of the environment in which Kubernetes 1.37 compiles rules of new definitions, which for the sake of
//! older servers is that of 1.36. Capital letters are type variables.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::types::Type;

const SIGNATURES: &str = include_str!("signatures.txt");

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) target: Option<Type<'static>>,
    pub(super) arguments: Vec<Type<'static>>,
    pub(super) result: Type<'static>,
}

static OVERLOADS: LazyLock<HashMap<&'static str, Vec<Overload>>> = LazyLock::new(|| {
    let mut overloads: HashMap<&str, Vec<Overload>> = HashMap::new();
    for line in SIGNATURES.lines().filter(|line| !line.is_empty()) {
        let (name, overload) = parse(line).expect("the file is part of this crate, and a test reads it");
        overloads.entry(name).or_default().push(overload);
    }
    // Ordered values compare with their own type, numbers with every number. Lists of them have an order, too.
    let numbers = [Type::Int, Type::Uint, Type::Double];
    let mut ordered: Vec<_> = numbers.iter().flat_map(|a| numbers.iter().map(|b| (a.clone(), b.clone()))).collect();
    let others = [Type::Bool, Type::String, Type::Bytes, Type::Timestamp, Type::Duration];
    ordered.extend(others.into_iter().map(|ty| (ty.clone(), ty)));
    for name in ["_<_", "_<=_", "_>_", "_>=_"] {
        let compare = |(a, b): &(Type<'static>, Type<'static>)| Overload {
            target: None,
            arguments: vec![a.clone(), b.clone()],
            result: Type::Bool,
        };
        overloads.insert(name, ordered.iter().map(compare).collect());
    }
    for (item, _) in ordered.iter().filter(|(a, b)| a.admits(b)) {
        let list = || Type::list(item.clone());
        for (name, result) in [("isSorted", Type::Bool), ("min", item.clone()), ("max", item.clone()), ("sort", list())]
        {
            let overload = Overload { target: Some(list()), arguments: Vec::new(), result };
            overloads.entry(name).or_default().push(overload);
        }
    }
    overloads
});

/// All ways to call a function of this name; none if there is no such function.
pub(super) fn overloads(name: &str) -> &'static [Overload] {
    OVERLOADS.get(name).map(Vec::as_slice).unwrap_or_default()
}

/// The names of all functions.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OVERLOADS.keys().copied()
}

fn parse(line: &'static str) -> Option<(&'static str, Overload)> {
    let (call, result) = line.split_once(" -> ")?;
    let (name, shape) = call.rsplit_once(": ")?;
    let arguments_from = if shape.starts_with('(') { 0 } else { shape.rfind(".(")? + 1 };
    let target = if arguments_from == 0 { None } else { Some(type_of(&shape[..arguments_from - 1])?) };
    let arguments = shape[arguments_from..].strip_prefix('(')?.strip_suffix(')')?;
    let arguments = split(arguments).into_iter().map(type_of).collect::<Option<_>>()?;
    Some((name, Overload { target, arguments, result: type_of(result)? }))
}

/// Splits at the commas outside parentheses.
fn split(list: &'static str) -> Vec<&'static str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(list[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    if !list.is_empty() {
        parts.push(list[from..].trim());
    }
    parts
}

fn type_of(text: &'static str) -> Option<Type<'static>> {
    let boxed = |text| type_of(text).map(Box::new);
    if let Some((name, arguments)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        return match (name, split(arguments).as_slice()) {
            ("list", [item]) => Some(Type::List(boxed(item)?)),
            ("optional", [inner]) => Some(Type::Optional(boxed(inner)?)),
            ("map", [key, value]) => Some(Type::Map(boxed(key)?, boxed(value)?)),
            _ => None,
        };
    }
    Some(match text {
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "type" => Type::Meta,
        "A" => Type::Variable('A'),
        "B" => Type::Variable('B'),
        "URL" => Type::Library("kubernetes.URL"),
        "IP" => Type::Library("net.IP"),
        "CIDR" => Type::Library("net.CIDR"),
        "Quantity" => Type::Library("kubernetes.Quantity"),
        "Semver" => Type::Library("kubernetes.Semver"),
        "Format" => Type::Library("kubernetes.NamedFormat"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        for line in SIGNATURES.lines().filter(|line| !line.is_empty()) {
            assert!(parse(line).is_some(), "{line}");
        }
        let [overload] = overloads("getQuery") else { panic!("one way to call it") };
        assert_eq!(overload.result.to_string(), "map(string, list(string))");
        assert_eq!(overloads("_<_").len(), 14);
        assert!(overloads("math.ceil").is_empty(), "Kubernetes does not have it");
    }
}
