//! Formatting like Go's package `fmt`: its verbs, flags, widths and precisions, and the texts that it writes for wrong
//! ones.

mod directive;
mod number;
mod quote;
mod value;

use gotmpl::Value;

pub(super) use directive::sprintf;
pub(super) use value::type_name;

/// What stands between `%` and the verb.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%#v`: Go syntax.
    sharp_v: bool,
    /// In characters.
    width: Option<usize>,
    /// Digits, characters or bytes, depending on the verb.
    precision: Option<usize>,
}

impl Flags {
    /// Fills `text` up to the width.
    fn pad(&self, out: &mut String, text: &str) {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        let fill = |c: char| std::iter::repeat_n(c, missing);
        if self.minus {
            out.push_str(text);
            out.extend(fill(' '));
        } else {
            // Zeros stand on the left only.
            out.extend(fill(if self.zero { '0' } else { ' ' }));
            out.push_str(text);
        }
    }
}

/// The operands as by `%v`, with a space between two of which neither is a string.
pub(super) fn sprint(arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut after_string = true;
    for (position, argument) in arguments.iter().enumerate() {
        let is_string = matches!(argument, Value::String(_));
        if position > 0 && !is_string && !after_string {
            out.push(' ');
        }
        value::write(&mut out, argument, 'v', &Flags::default());
        after_string = is_string;
    }
    out
}

/// The operands as by `%v`, with spaces between all of them and a line break at the end.
pub(super) fn sprintln(arguments: &[Value]) -> String {
    let mut out = String::new();
    for (position, argument) in arguments.iter().enumerate() {
        if position > 0 {
            out.push(' ');
        }
        value::write(&mut out, argument, 'v', &Flags::default());
    }
    out.push('\n');
    out
}
