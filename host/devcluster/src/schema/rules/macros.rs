//! The macros that the parser leaves alone: comprehensions over two variables, `sortBy`, `optMap` and `optFlatMap`.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{CallExpr, Expr};

use super::check::{Scope, iterated, type_of};
use super::types::Type;

/// A call whose first arguments name variables for the others.
pub(super) struct Macro<'e> {
    pub(super) kind: Kind,
    /// What the macro goes over.
    pub(super) range: &'e IdedExpr,
    pub(super) first: &'e str,
    /// The second variable; empty if there is but one.
    pub(super) second: &'e str,
    /// Which entries a transformation takes.
    pub(super) filter: Option<&'e IdedExpr>,
    pub(super) body: &'e IdedExpr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    All,
    Exists,
    ExistsOne,
    /// A list of what the body gives for each entry.
    TransformList,
    /// A map with the same keys and other values.
    TransformMap,
    /// A map of the entries that the body gives as maps.
    TransformMapEntry,
    SortBy,
    OptMap,
    OptFlatMap,
}

impl<'e> Macro<'e> {
    /// Recognizes a macro. An error says that its variables are no plain names.
    pub(super) fn of(call: &'e CallExpr) -> Option<Result<Self, String>> {
        let range = call.target.as_deref()?;
        let kind = match (call.func_name.as_str(), call.args.len()) {
            ("all", 3) => Kind::All,
            ("exists", 3) => Kind::Exists,
            ("existsOne" | "exists_one", 3) => Kind::ExistsOne,
            ("transformList", 3 | 4) => Kind::TransformList,
            ("transformMap", 3 | 4) => Kind::TransformMap,
            ("transformMapEntry", 3 | 4) => Kind::TransformMapEntry,
            ("sortBy", 2) => Kind::SortBy,
            ("optMap", 2) => Kind::OptMap,
            ("optFlatMap", 2) => Kind::OptFlatMap,
            _ => return None,
        };
        let (variables, rest) = call.args.split_at(if call.args.len() == 2 { 1 } else { 2 });
        let names: Option<Vec<&str>> = variables
            .iter()
            .map(|variable| match &variable.expr {
                Expr::Ident(name) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        let Some(names) = names else { return Some(Err("argument must be a simple name".to_owned())) };
        let (filter, body) = match rest {
            [body] => (None, body),
            [filter, body] => (Some(filter), body),
            _ => return None,
        };
        let second = names.get(1).copied().unwrap_or_default();
        Some(Ok(Self { kind, range, first: names[0], second, filter, body }))
    }

    pub(super) fn type_of<'s>(&self, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
        let range = type_of(self.range, scope)?;
        let (first, second) = match (&range, self.kind) {
            (Type::Optional(inner), Kind::OptMap | Kind::OptFlatMap) => ((**inner).clone(), Type::Dyn),
            (Type::Dyn, _) => (Type::Dyn, Type::Dyn),
            (other, Kind::OptMap | Kind::OptFlatMap) => {
                return Err(format!("expected type 'optional_type(A)' but found '{other}'"));
            }
            (Type::List(_), Kind::SortBy) => iterated(&range, false)?,
            (other, Kind::SortBy) => return Err(format!("'sortBy' cannot be applied to '{other}'")),
            _ => iterated(&range, true)?,
        };
        let outer = scope.with(self.first, first.clone());
        let scope = outer.with(self.second, second);
        if let Some(filter) = self.filter {
            expect(&Type::Bool, &type_of(filter, &scope)?)?;
        }
        let body = type_of(self.body, &scope)?;
        match self.kind {
            Kind::All | Kind::Exists | Kind::ExistsOne => expect(&Type::Bool, &body).map(|()| Type::Bool),
            Kind::TransformList => Ok(Type::list(body)),
            Kind::TransformMap => Ok(Type::Map(Box::new(first), Box::new(body))),
            Kind::TransformMapEntry => match body {
                map @ (Type::Map(..) | Type::Dyn) => Ok(map),
                other => Err(format!("expected type 'map' but found '{other}'")),
            },
            Kind::SortBy => Ok(range),
            Kind::OptMap => Ok(body.optional()),
            Kind::OptFlatMap => match body {
                optional @ (Type::Optional(_) | Type::Dyn) => Ok(optional),
                other => Err(format!("expected type 'optional_type(A)' but found '{other}'")),
            },
        }
    }
}

fn expect(wanted: &Type<'_>, found: &Type<'_>) -> Result<(), String> {
    if wanted.admits(found) { Ok(()) } else { Err(format!("expected type '{wanted}' but found '{found}'")) }
}
