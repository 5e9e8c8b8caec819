//! The functions of rules: those of `kube-cel`, and what is missing or different there.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use kube_cel::KubeCelExt;
use kube_cel::cel::common::ast::{CallExpr, Expr};
use kube_cel::cel::objects::{Opaque, Value};
use kube_cel::cel::{Context, ExecutionError, IdedExpr};

use super::failure::Failure;
use super::operators::arithmetic;
use super::quantity;
use super::times;
use super::value::{items, none, optional, plain, size, some};

static LIBRARY: LazyLock<Context<'static>> = LazyLock::new(|| Context::default().with_all());

/// The names that stand for types. Those without a dot are conversion functions, too.
const TYPE_NAMES: &str = "\
    bool bytes double google.protobuf.Duration google.protobuf.Timestamp int kubernetes.Quantity kubernetes.Semver \
    kubernetes.URL list map net.CIDR net.IP null_type string type uint";

/// The type that an expression names, be it with dots.
pub(super) fn type_named(expression: &IdedExpr) -> Option<&'static str> {
    fn name(expression: &IdedExpr) -> Option<String> {
        match &expression.expr {
            Expr::Ident(name) => Some(name.clone()),
            Expr::Select(select) if !select.test => Some(format!("{}.{}", name(&select.operand)?, select.field)),
            _ => None,
        }
    }
    let name = name(expression)?;
    type_of_name(&name)
}

/// The same name, if it stands for a type.
fn type_of_name(name: &str) -> Option<&'static str> {
    TYPE_NAMES.split_whitespace().find(|known| *known == name)
}

/// A type as a value: what `type(x)` gives, and what `int` and the like stand for.
#[derive(Debug, PartialEq, Eq)]
struct TypeName(&'static str);

impl Opaque for TypeName {
    fn runtime_type_name(&self) -> &'static str {
        "type"
    }
}

/// The value of the name of a type.
pub(super) fn type_name(name: &'static str) -> Value {
    Value::Opaque(Arc::new(TypeName(name)))
}

/// Calls a function with evaluated arguments.
pub(super) fn call(name: &str, target: Option<&Value>, arguments: &[Value]) -> Result<Value, Failure> {
    match own(name, target.into_iter().chain(arguments)) {
        Some(result) => result,
        None => library(name, target, arguments),
    }
}

/// What a call costs beyond the evaluation of its arguments.
pub(super) fn cost(name: &str, target: Option<&Value>, arguments: &[Value]) -> u64 {
    let all = || target.into_iter().chain(arguments);
    match (name, arguments.first()) {
        ("size" | "type" | "dyn" | "optional.none" | "optional.of" | "hasValue" | "value", _) => 1,
        ("lists.range", Some(Value::Int(count))) => u64::try_from(*count).unwrap_or(0),
        // A text can become as long as the product of the arguments; sets are compared pair by pair.
        ("replace" | "join" | "sets.contains" | "sets.equivalent" | "sets.intersects", _) => {
            all().map(size).fold(1_u64, u64::saturating_mul)
        }
        ("distinct", _) => all().map(|list| size(list).saturating_mul(size(list))).sum(),
        _ => all().map(size).sum(),
    }
}

/// Functions that `kube-cel` lacks, or in which it differs from Kubernetes; `None` for all others.
fn own<'v>(name: &str, mut values: impl Iterator<Item = &'v Value>) -> Option<Result<Value, Failure>> {
    let Some(subject) = values.next() else { return (name == "optional.none").then(|| Ok(none())) };
    Some(match (name, subject) {
        ("size", Value::String(text)) => Ok(length(text.chars().count())),
        ("size", Value::Bytes(bytes)) => Ok(length(bytes.len())),
        ("size", Value::Map(map)) => Ok(length(map.map.len())),
        ("size", list) => Ok(length(items(list)?.len())),
        ("type", value) => Ok(type_name(name_of_type(value))),
        ("dyn", value) => Ok(value.clone()),
        ("bool", Value::Bool(flag)) => Ok(Value::Bool(*flag)),
        ("bool", Value::String(text)) => match text.as_str() {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(Failure::Function("type conversion error from 'string' to 'bool'".to_owned())),
        },
        ("bytes" | "duration" | "timestamp", Value::Bytes(_) | Value::Duration(_) | Value::Timestamp(_)) => {
            Ok(subject.clone())
        }
        ("int", Value::Timestamp(time)) => Ok(Value::Int(time.timestamp())),
        ("string", Value::Bool(flag)) => Ok(flag.to_string().into()),
        ("string", Value::Timestamp(time)) => Ok(times::text(&time.to_rfc3339()).into()),
        ("string", Value::Duration(duration)) => Ok(format!("{}s", duration.as_seconds_f64()).into()),
        ("timestamp", Value::Int(seconds)) => match Timestamp::from_second(*seconds) {
            Ok(time) => library("timestamp", None, &[time.to_string().into()]),
            Err(error) => Err(Failure::Function(error.to_string())),
        },
        (part, Value::Timestamp(time)) if part.starts_with("get") => {
            times::in_zone(time.timestamp(), time.timestamp_subsec_nanos(), values.next())
                .and_then(|time| times::part(part, &time).map(Value::Int).ok_or(Failure::NoSuchOverload))
        }
        ("sum" | "min" | "max" | "isSorted", list) => aggregate(name, items(list)?),
        ("quantity", Value::String(text)) if quantity::is_out_of_range(text) => {
            Err(Failure::Function("quantity is out of range".to_owned()))
        }
        ("format", Value::String(text)) if has_long_precision(text) => {
            Err(Failure::Function("precision is out of range".to_owned()))
        }
        ("optional.of", value) => Ok(some(value.clone())),
        ("optional.ofNonZeroValue", value) => {
            let is_zero = value.is_zero() || items(value).is_some_and(<[Value]>::is_empty);
            Ok(if is_zero { none() } else { some(value.clone()) })
        }
        ("hasValue", value) => Ok(Value::Bool(optional(value)?.value().is_some())),
        ("value", value) => {
            optional(value)?.value().cloned().ok_or_else(|| Failure::Function("optional.none() dereference".to_owned()))
        }
        // An unknown name gives no format.
        ("format.named", _) => library(name, None, std::slice::from_ref(subject)).map(|format| match format {
            Value::Null => none(),
            format => some(format),
        }),
        ("optional.unwrap" | "unwrapOpt", list) => {
            let held = items(list)?.iter().filter_map(|item| optional(item)?.value().cloned());
            Ok(Value::List(Arc::new(held.collect())))
        }
        _ => return None,
    })
}

/// Whether a format asks for a thousand digits or more, which the library cannot write.
fn has_long_precision(format: &str) -> bool {
    format.split("%.").skip(1).any(|after| after.bytes().take_while(u8::is_ascii_digit).count() > 3)
}

/// Functions over lists whose items have an order, or a sum.
fn aggregate(name: &str, items: &[Value]) -> Result<Value, Failure> {
    let compare = |a: &Value, b: &Value| a.partial_cmp(b).ok_or(Failure::NoSuchOverload);
    let Some((first, rest)) = items.split_first() else {
        return match name {
            "sum" => Ok(Value::Int(0)),
            "isSorted" => Ok(Value::Bool(true)),
            _ => Err(Failure::Function(format!("{name} called on empty list"))),
        };
    };
    match name {
        "sum" => rest.iter().try_fold(first.clone(), |sum, item| arithmetic(sum + item.clone())),
        "isSorted" => {
            let mut pairs = items.iter().zip(rest);
            pairs.try_fold(true, |sorted, (a, b)| Ok(sorted && compare(a, b)?.is_le())).map(Value::Bool)
        }
        _ => {
            let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
            let better = |best, item| Ok(if compare(item, best)? == wanted { item } else { best });
            rest.iter().try_fold(first, better).cloned()
        }
    }
}

fn length(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn name_of_type(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "int",
        Value::UInt(_) => "uint",
        Value::Float(_) => "double",
        Value::String(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::Bool(_) => "bool",
        Value::Null => "null_type",
        Value::Map(_) => "map",
        Value::Duration(_) => "google.protobuf.Duration",
        Value::Timestamp(_) => "google.protobuf.Timestamp",
        list if items(list).is_some() => "list",
        Value::Opaque(opaque) => {
            let name = opaque.runtime_type_name();
            type_of_name(name).unwrap_or("optional_type")
        }
        _ => "function",
    }
}

/// Calls into the library, which takes expressions: the arguments stand there as variables.
fn library(name: &str, target: Option<&Value>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut context = LIBRARY.new_inner_scope();
    let mut variable = |name: String, value: &Value| {
        context.add_variable_from_value(name.clone(), plain(value));
        IdedExpr { id: 0, expr: Expr::Ident(name) }
    };
    let target = target.map(|target| Box::new(variable("@target".to_owned(), target)));
    let args = arguments.iter().enumerate().map(|(index, value)| variable(format!("@{index}"), value)).collect();
    let call = Expr::Call(CallExpr { func_name: name.to_owned(), target, args });
    Value::resolve(&IdedExpr { id: 0, expr: call }, &context).map_err(|error| match error {
        ExecutionError::FunctionError { message, .. } => Failure::Function(message),
        ExecutionError::NoSuchOverload
        | ExecutionError::UnexpectedType { .. }
        | ExecutionError::UnsupportedTargetType { .. }
        | ExecutionError::NotSupportedAsMethod { .. } => Failure::NoSuchOverload,
        other => Failure::Function(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::schema::rules::signatures;

    /// Every function that the type check lets through must exist: calls may fail in any way but as unknown.
    #[test]
    fn all_functions_of_the_table_exist() {
        let operators = |name: &&&str| !name.contains('_') && !name.starts_with('@') && !name.starts_with(['!', '-']);
        let names: BTreeSet<&str> = signatures::names().collect();
        for name in names.iter().filter(operators) {
            let values = [vec![], vec!["x".into()], vec![Value::List(Arc::default())], vec![none()]];
            let is_known = |values: &Vec<Value>| match call(name, None, values) {
                Err(Failure::Function(message)) => !message.contains("Undeclared reference"),
                _ => true,
            };
            assert!(values.iter().any(is_known), "{name}");
        }
        assert!(names.len() > 100);
    }

    #[test]
    fn what_the_library_cannot_bear_does_not_reach_it() {
        let number = [Value::List(Arc::new(vec![Value::Float(1.5)]))];
        assert_eq!(call("format", Some(&"%.2f".into()), &number).unwrap(), "1.50".into());
        assert!(call("format", Some(&"%.70000f".into()), &number).is_err());
        assert!(call("quantity", None, &["1Gi".into()]).is_ok());
        assert!(call("quantity", None, &["1e40".into()]).is_err());
    }

    #[test]
    fn texts_are_measured_in_characters_and_times_in_utc() {
        assert_eq!(call("size", None, &["äö".into()]).unwrap(), Value::Int(2));
        let time = call("timestamp", None, &["2026-01-02T01:00:00+02:00".into()]).unwrap();
        assert_eq!(call("getDate", Some(&time), &[]).unwrap(), Value::Int(1));
        assert_eq!(call("string", None, std::slice::from_ref(&time)).unwrap(), "2026-01-02T01:00:00+02:00".into());
    }
}
