//! The type check of a parsed expression, without which a misspelt field would be found by its first user.

use kube_cel::cel::IdedExpr;
use kube_cel::cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, SelectExpr, operators,
};
use regex::Regex;

use super::functions;
use super::macros::Macro;
use super::signatures::{Overload, overloads};
use super::types::Type;

/// The variables that an expression may use.
pub(super) struct Scope<'p, 's> {
    parent: Option<&'p Scope<'p, 's>>,
    name: &'p str,
    ty: Type<'s>,
}

impl<'p, 's> Scope<'p, 's> {
    pub(super) fn new(name: &'p str, ty: Type<'s>) -> Self {
        Self { parent: None, name, ty }
    }

    pub(super) fn with(&'p self, name: &'p str, ty: Type<'s>) -> Self {
        Self { parent: Some(self), name, ty }
    }

    fn find(&self, name: &str) -> Option<&Type<'s>> {
        if self.name == name { Some(&self.ty) } else { self.parent?.find(name) }
    }
}

/// The type of an expression, or what is wrong with it.
pub(super) fn type_of<'s>(expression: &IdedExpr, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    match &expression.expr {
        Expr::Literal(literal) => Ok(literal_type(literal)),
        Expr::Ident(name) => match scope.find(name) {
            Some(ty) => Ok(ty.clone()),
            None if functions::type_named(expression).is_some() => Ok(Type::Meta),
            None => Err(undeclared(name)),
        },
        Expr::Select(_) if names_type(expression, scope) => Ok(Type::Meta),
        Expr::Select(select) => select_type(select, scope),
        Expr::Call(call) => call_type(call, scope),
        Expr::List(list) => list_type(list, scope),
        Expr::Map(map) => map_type(map, scope),
        Expr::Comprehension(comprehension) => comprehension_type(comprehension, scope),
        Expr::Struct(message) => Err(undeclared(&message.type_name)),
        Expr::Unspecified => Err("syntax error".to_owned()),
    }
}

/// Whether an expression with dots is the name of a type, and not a field of a variable.
fn names_type(expression: &IdedExpr, scope: &Scope<'_, '_>) -> bool {
    functions::type_named(expression)
        .and_then(|name| name.split('.').next())
        .is_some_and(|first| scope.find(first).is_none())
}

fn undeclared(name: &str) -> String {
    format!("undeclared reference to '{name}' (in container '')")
}

fn literal_type(literal: &LiteralValue) -> Type<'static> {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

fn select_type<'s>(select: &SelectExpr, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    let operand = type_of(&select.operand, scope)?;
    let found = field_type(&operand, &select.field)?;
    Ok(if select.test { Type::Bool } else { found })
}

/// The type of a field; of an optional operand the field is optional, too.
fn field_type<'s>(operand: &Type<'s>, field: &str) -> Result<Type<'s>, String> {
    match operand {
        Type::Dyn => Ok(Type::Dyn),
        Type::Optional(inner) => field_type(inner, field).map(Type::optional),
        Type::Map(_, value) => Ok((**value).clone()),
        Type::Object(object) => object.field(field).ok_or_else(|| format!("undefined field '{field}'")),
        other => Err(format!("type '{other}' does not support field selection")),
    }
}

fn list_type<'s>(list: &ListExpr, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    let mut item = Type::Dyn;
    for (index, element) in list.elements.iter().enumerate() {
        let found = entry_type(element, list.optional_indices.contains(&index), scope)?;
        item = homogeneous(item, found)?;
    }
    Ok(Type::list(item))
}

fn map_type<'s>(map: &MapExpr, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    let (mut key, mut value) = (Type::Dyn, Type::Dyn);
    for entry in &map.entries {
        let EntryExpr::MapEntry(entry) = &entry.expr else { return Err("syntax error".to_owned()) };
        key = homogeneous(key, type_of(&entry.key, scope)?)?;
        value = homogeneous(value, entry_type(&entry.value, entry.optional, scope)?)?;
    }
    Ok(Type::Map(Box::new(key), Box::new(value)))
}

/// The type of an element of a literal, where `?x` stands for what is in an optional.
fn entry_type<'s>(element: &IdedExpr, optional: bool, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    match type_of(element, scope)? {
        Type::Optional(inner) if optional => Ok(*inner),
        Type::Dyn => Ok(Type::Dyn),
        other if optional => Err(format!("expected type 'optional_type(A)' but found '{other}'")),
        other => Ok(other),
    }
}

fn homogeneous<'s>(so_far: Type<'s>, next: Type<'s>) -> Result<Type<'s>, String> {
    if so_far.admits(&next) {
        Ok(so_far.join(next))
    } else {
        Err(format!("expected type '{so_far}' but found '{next}'"))
    }
}

fn comprehension_type<'s>(loops: &ComprehensionExpr, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    let (first, _) = iterated(&type_of(&loops.iter_range, scope)?, false)?;
    let initial = type_of(&loops.accu_init, scope)?;
    // What an empty list collects shows in the first step.
    let step = {
        let scope = scope.with(&loops.accu_var, initial.clone());
        let scope = scope.with(&loops.iter_var, first.clone());
        type_of(&loops.loop_step, &scope)?
    };
    let scope = scope.with(&loops.accu_var, homogeneous(initial, step)?);
    type_of(&loops.loop_cond, &scope.with(&loops.iter_var, first))?;
    type_of(&loops.result, &scope)
}

/// The types of the loop variables over a range: the item, or with two variables index and item, or key and value.
pub(super) fn iterated<'s>(range: &Type<'s>, two: bool) -> Result<(Type<'s>, Type<'s>), String> {
    match range {
        Type::Dyn => Ok((Type::Dyn, Type::Dyn)),
        Type::List(item) if two => Ok((Type::Int, (**item).clone())),
        Type::List(item) => Ok(((**item).clone(), Type::Dyn)),
        Type::Map(key, value) => Ok(((**key).clone(), (**value).clone())),
        other => Err(format!(
            "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
        )),
    }
}

fn call_type<'s>(call: &CallExpr, scope: &Scope<'_, 's>) -> Result<Type<'s>, String> {
    if call.func_name == operators::OPT_SELECT
        && let [operand, field] = call.args.as_slice()
        && let Expr::Literal(LiteralValue::String(field)) = &field.expr
    {
        return Ok(field_type(&type_of(operand, scope)?, field.inner())?.optional());
    }
    if let Some(found) = Macro::of(call) {
        return found?.type_of(scope);
    }
    let (name, target) = callee(call, |name| scope.find(name).is_some());
    let target = target.map(|target| type_of(target, scope)).transpose()?;
    let overloads = overloads(&name);
    if overloads.is_empty() {
        return Err(undeclared(&name));
    }
    let arguments = call.args.iter().map(|argument| match &argument.expr {
        // What is formatted may be of several types.
        Expr::List(list) if name == "format" => {
            list.elements.iter().try_for_each(|element| type_of(element, scope).map(drop))?;
            Ok(Type::list(Type::Dyn))
        }
        _ => type_of(argument, scope),
    });
    let arguments = arguments.collect::<Result<Vec<_>, String>>()?;
    check_literals(&name, &call.args)?;
    let mut results = overloads.iter().filter_map(|overload| result_type(overload, target.as_ref(), &arguments));
    let Some(first) = results.next() else {
        let list = arguments.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let target = target.map(|target| format!("{target}.")).unwrap_or_default();
        return Err(format!("found no matching overload for '{name}' applied to '{target}({list})'"));
    };
    let agree = results.all(|result| std::mem::discriminant(&result) == std::mem::discriminant(&first));
    Ok(if agree { first } else { Type::Dyn })
}

/// What a call calls: a function by its full name, as of `sets.contains(a, b)`, or a method of a target.
pub(super) fn callee(call: &CallExpr, is_variable: impl Fn(&str) -> bool) -> (String, Option<&IdedExpr>) {
    if let Some(target) = call.target.as_deref()
        && let Expr::Ident(namespace) = &target.expr
        && !is_variable(namespace)
    {
        let name = format!("{namespace}.{}", call.func_name);
        if !overloads(&name).is_empty() || functions::type_named(target).is_none() {
            return (name, None);
        }
    }
    (call.func_name.clone(), call.target.as_deref())
}

/// The result of a call by this overload; `None` if the arguments do not fit.
fn result_type<'s>(overload: &Overload, target: Option<&Type<'s>>, arguments: &[Type<'s>]) -> Option<Type<'s>> {
    let mut bindings = Vec::new();
    match (&overload.target, target) {
        (None, None) => {}
        (Some(wanted), Some(found)) if unify(wanted, found, &mut bindings) => {}
        _ => return None,
    }
    if overload.arguments.len() != arguments.len() {
        return None;
    }
    let fits = overload.arguments.iter().zip(arguments).all(|(wanted, found)| unify(wanted, found, &mut bindings));
    fits.then(|| substitute(&overload.result, &bindings))
}

fn unify<'s>(wanted: &Type<'static>, found: &Type<'s>, bindings: &mut Vec<(char, Type<'s>)>) -> bool {
    match (wanted, found) {
        (Type::Variable(name), found) => match bindings.iter_mut().find(|(bound, _)| bound == name) {
            Some((_, bound)) if bound.admits(found) => {
                *bound = bound.clone().join(found.clone());
                true
            }
            Some(_) => false,
            None => {
                bindings.push((*name, found.clone()));
                true
            }
        },
        (Type::List(wanted), Type::List(found)) | (Type::Optional(wanted), Type::Optional(found)) => {
            unify(wanted, found, bindings)
        }
        (Type::Map(key, value), Type::Map(found_key, found_value)) => {
            unify(key, found_key, bindings) && unify(value, found_value, bindings)
        }
        (wanted, found) => wanted.admits(found),
    }
}

fn substitute<'s>(ty: &Type<'static>, bindings: &[(char, Type<'s>)]) -> Type<'s> {
    let nested = |ty| Box::new(substitute(ty, bindings));
    match ty {
        Type::Variable(name) => {
            bindings.iter().find(|(bound, _)| bound == name).map_or(Type::Dyn, |(_, ty)| ty.clone())
        }
        Type::List(item) => Type::List(nested(item)),
        Type::Optional(inner) => Type::Optional(nested(inner)),
        Type::Map(key, value) => Type::Map(nested(key), nested(value)),
        other => other.clone(),
    }
}

/// Texts that are parsed when the rule runs, but known now.
fn check_literals(name: &str, arguments: &[IdedExpr]) -> Result<(), String> {
    let literal = |argument: &IdedExpr| match &argument.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    };
    match name {
        "matches" | "find" | "findAll" => {
            let pattern = if name == "matches" { arguments.last() } else { arguments.first() };
            match pattern.and_then(literal).map(|pattern| Regex::new(&pattern)) {
                Some(Err(error)) => Err(format!("invalid {name} argument: {error}")),
                _ => Ok(()),
            }
        }
        "duration" | "timestamp" => match arguments.first().and_then(literal) {
            Some(text) => functions::call(name, None, &[text.into()])
                .map(drop)
                .map_err(|error| format!("invalid {name} argument: {error}")),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
