//! One value by one verb.

use gotmpl::Value;

use super::{Flags, number, quote};

/// The name of the Go type that carries such a value in an unstructured object.
pub(in crate::template) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Function(_) => "func()",
    }
}

/// `string=x`, as in the texts about mistakes.
pub(super) fn typed(value: &Value) -> String {
    let mut out = String::new();
    write_typed(&mut out, value, &Flags::default());
    out
}

fn write_typed(out: &mut String, value: &Value, flags: &Flags) {
    out.push_str(type_name(value));
    if !matches!(value, Value::Nil) {
        out.push('=');
        write(out, value, 'v', flags);
    }
}

pub(super) fn write(out: &mut String, value: &Value, verb: char, flags: &Flags) {
    match (value, verb) {
        (_, 'T') => flags.pad(out, type_name(value)),
        (Value::Nil, 'v') => flags.pad(out, "<nil>"),
        _ => write_nested(out, value, verb, flags),
    }
}

/// Items of lists and maps: a nil takes no notice of the verb.
fn write_item(out: &mut String, value: &Value, verb: char, flags: &Flags) {
    match value {
        Value::Nil if flags.sharp_v => out.push_str("interface {}(nil)"),
        Value::Nil => out.push_str("<nil>"),
        value => write_nested(out, value, verb, flags),
    }
}

fn write_nested(out: &mut String, value: &Value, verb: char, flags: &Flags) {
    match (value, verb) {
        (Value::Bool(value), 't' | 'v') => flags.pad(out, if *value { "true" } else { "false" }),
        (Value::Int(integer), _) if number::write_integer(out, *integer, verb, flags) => {}
        (Value::Float(float), _) if number::write_float(out, *float, verb, flags) => {}
        (Value::String(text), 'v') if flags.sharp_v => quote::write_quoted(out, text, flags),
        (Value::String(text), 'v' | 's') => flags.pad(out, quote::truncated(text, flags)),
        (Value::String(text), 'q') => quote::write_quoted(out, text, flags),
        (Value::String(text), 'x' | 'X') => quote::write_hexadecimal(out, text, verb == 'X', flags),
        // Go writes an address, which is nothing to rely on.
        (Value::List(list), verb) if verb != 'p' => {
            let (open, separator, close) = if flags.sharp_v { ("[]interface {}{", ", ", "}") } else { ("[", " ", "]") };
            out.push_str(open);
            for (position, item) in list.iter().enumerate() {
                out.push_str(if position > 0 { separator } else { "" });
                write_item(out, item, verb, flags);
            }
            out.push_str(close);
        }
        (Value::Map(map), verb) if verb != 'p' => {
            let go_syntax = ("map[string]interface {}{", ", ", "}");
            let (open, separator, close) = if flags.sharp_v { go_syntax } else { ("map[", " ", "]") };
            out.push_str(open);
            for (position, (key, item)) in map.iter().enumerate() {
                out.push_str(if position > 0 { separator } else { "" });
                write_nested(out, &Value::String(key.clone()), verb, flags);
                out.push(':');
                write_item(out, item, verb, flags);
            }
            out.push_str(close);
        }
        _ => {
            out.push_str("%!");
            out.push(verb);
            out.push('(');
            write_typed(out, value, flags);
            out.push(')');
        }
    }
}
