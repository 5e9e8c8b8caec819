//! Integers and floats.

use super::{Flags, quote};
use crate::go_float;

/// Writes an integer, unless the verb is not one for integers.
pub(super) fn write_integer(out: &mut String, integer: i64, verb: char, flags: &Flags) -> bool {
    let magnitude = integer.unsigned_abs();
    let digits = match verb {
        'v' | 'd' => magnitude.to_string(),
        'b' => format!("{magnitude:b}"),
        'o' | 'O' => format!("{magnitude:o}"),
        'x' => format!("{magnitude:x}"),
        'X' => format!("{magnitude:X}"),
        'c' => {
            flags.pad(out, &character(integer).to_string());
            return true;
        }
        'q' => {
            flags.pad(out, &quote::quoted_character(character(integer), flags.plus));
            return true;
        }
        'U' => {
            write_unicode(out, integer, flags);
            return true;
        }
        _ => return false,
    };
    let is_signed = integer < 0 || flags.plus || flags.space;
    // With the flag 0 the digits fill the width, behind the sign.
    let least = match (flags.precision, flags.width) {
        (Some(0), _) if integer == 0 => {
            Flags { zero: false, ..*flags }.pad(out, "");
            return true;
        }
        (Some(precision), _) => precision,
        (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(usize::from(is_signed)),
        _ => 0,
    };
    let digits = filled(&digits, least);
    let prefix = match verb {
        'O' => "0o",
        'b' if flags.sharp => "0b",
        'o' if flags.sharp && !digits.starts_with('0') => "0",
        'x' if flags.sharp => "0x",
        'X' if flags.sharp => "0X",
        _ => "",
    };
    let sign = if integer < 0 { "-" } else { positive_sign(flags) };
    Flags { zero: false, ..*flags }.pad(out, &format!("{sign}{prefix}{digits}"));
    true
}

/// Zeros in front, up to a length. Rust's own formatting takes no width above 65,535, where Go's goes on.
fn filled(digits: &str, least: usize) -> String {
    "0".repeat(least.saturating_sub(digits.len())) + digits
}

fn positive_sign(flags: &Flags) -> &'static str {
    match (flags.plus, flags.space) {
        (true, _) => "+",
        (false, true) => " ",
        _ => "",
    }
}

fn character(integer: i64) -> char {
    u32::try_from(integer).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `U+2603`, with `#` also the character itself.
fn write_unicode(out: &mut String, integer: i64, flags: &Flags) {
    let code = format!("U+{}", filled(&format!("{integer:X}"), flags.precision.unwrap_or(4).max(4)));
    let c = u32::try_from(integer).ok().and_then(char::from_u32);
    let text = match c.filter(|c| flags.sharp && quote::is_printable(*c)) {
        Some(c) => format!("{code} '{c}'"),
        None => code,
    };
    Flags { zero: false, ..*flags }.pad(out, &text);
}

/// Writes a float, unless the verb is not one for floats.
pub(super) fn write_float(out: &mut String, float: f64, verb: char, flags: &Flags) -> bool {
    let default = flags.precision.unwrap_or(6);
    let text = match verb {
        'v' | 'g' | 'G' => go_float::general(float, flags.precision),
        'e' | 'E' => go_float::scientific(float, default),
        'f' | 'F' => go_float::plain(float, default),
        'x' | 'X' => hexadecimal(float),
        'b' => binary(float),
        _ => return false,
    };
    let mut magnitude = text.trim_start_matches(['-', '+']).to_owned();
    if flags.sharp && float.is_finite() && !matches!(verb, 'b' | 'x' | 'X') {
        let significant = matches!(verb, 'v' | 'g' | 'G').then_some(default);
        magnitude = with_point(&magnitude, significant);
    }
    if verb.is_ascii_uppercase() {
        magnitude = magnitude.to_uppercase().replace("INF", "Inf").replace("NAN", "NaN");
    }
    let sign = match () {
        () if text.starts_with('-') => "-",
        // An infinity shows its sign always, what is no number only if asked.
        () if float.is_infinite() && !flags.space => "+",
        () => positive_sign(flags),
    };
    let zero = flags.zero && !flags.minus && float.is_finite();
    match flags.width {
        Some(width) if zero && !sign.is_empty() => {
            let width = width.saturating_sub(sign.len());
            out.push_str(sign);
            out.push_str(&filled(&magnitude, width));
        }
        _ => Flags { zero, ..*flags }.pad(out, &format!("{sign}{magnitude}")),
    }
    true
}

/// With a decimal point in any case, and as many digits as the precision asks for.
fn with_point(magnitude: &str, significant: Option<usize>) -> String {
    let (mantissa, exponent) = match magnitude.find('e') {
        Some(at) => magnitude.split_at(at),
        None => (magnitude, ""),
    };
    let point = if mantissa.contains('.') { "" } else { "." };
    let digits = mantissa.chars().filter(char::is_ascii_digit);
    let used = if mantissa == "0" { 1 } else { digits.skip_while(|digit| *digit == '0').count() };
    let zeros = "0".repeat(significant.unwrap_or(0).saturating_sub(used));
    format!("{mantissa}{point}{zeros}{exponent}")
}

/// Mantissa (53 bits) and exponent: `mantissa * 2^exponent`.
fn parts(float: f64) -> (u64, i32) {
    let bits = float.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let biased = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) }
}

fn binary(float: f64) -> String {
    let (mantissa, exponent) = parts(float);
    format!("{mantissa}p{exponent:+}")
}

/// `0x1.4p+01`
fn hexadecimal(float: f64) -> String {
    if !float.is_finite() {
        return go_float::general(float, None);
    }
    let (mut mantissa, mut exponent) = parts(float);
    if mantissa == 0 {
        return "0x0p+00".to_owned();
    }
    while mantissa < 1 << 52 {
        mantissa <<= 1;
        exponent -= 1;
    }
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let exponent = exponent + 52;
    let sign = if exponent < 0 { '-' } else { '+' };
    let minus = if float.is_sign_negative() { "-" } else { "" };
    format!("{minus}0x1{point}{fraction}p{sign}{:02}", exponent.unsigned_abs())
}
