//! `printf`: literal text and directives such as `%-8.3f`, `%[2]*[1]d`.

use gotmpl::Value;

use super::{Flags, value};

/// The largest width and precision, as in Go.
const MAX_NUMBER: usize = 1_000_000;

/// Formats `arguments` by `format`. Mistakes are told in the text, as in Go: `%!d(string=x)`, `%!s(MISSING)`.
pub(in crate::template) fn sprintf(format: &str, arguments: &[Value]) -> String {
    let mut printer = Printer { rest: format, arguments, next: 0, is_reordered: false, is_good_index: true };
    let mut out = String::new();
    while let Some((literal, rest)) = printer.rest.split_once('%') {
        out.push_str(literal);
        printer.rest = rest;
        printer.directive(&mut out);
    }
    out.push_str(printer.rest);
    printer.extra(&mut out);
    out
}

fn mistake(out: &mut String, verb: char, what: &str) {
    out.push_str("%!");
    out.push(verb);
    out.push_str(what);
}

struct Printer<'a> {
    /// What follows in the format.
    rest: &'a str,
    arguments: &'a [Value],
    /// The argument that the next verb takes.
    next: usize,
    /// Whether an explicit index was used anywhere, so that arguments left over mean nothing.
    is_reordered: bool,
    /// Whether the indices of this directive made sense.
    is_good_index: bool,
}

impl Printer<'_> {
    fn take(&mut self, c: char) -> bool {
        self.rest.strip_prefix(c).map(|rest| self.rest = rest).is_some()
    }

    fn directive(&mut self, out: &mut String) {
        self.is_good_index = true;
        let mut flags = self.flags();
        let mut after_index = self.index();
        if self.take('*') {
            match self.number_argument() {
                Some(width) => {
                    flags.width = Some(width.unsigned_abs());
                    if width < 0 {
                        flags.minus = true;
                        flags.zero = false;
                    }
                }
                None => out.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            flags.width = self.number();
            if after_index && flags.width.is_some() {
                self.is_good_index = false;
            }
        }
        if self.take('.') {
            if after_index {
                self.is_good_index = false;
            }
            after_index = self.index();
            if self.take('*') {
                match self.number_argument() {
                    // A negative precision counts as none.
                    Some(precision) if precision < 0 => out.push_str("%!(BADPREC)"),
                    Some(precision) => flags.precision = Some(precision.unsigned_abs()),
                    None => out.push_str("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                flags.precision = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        self.verb(out, flags);
    }

    fn verb(&mut self, out: &mut String, mut flags: Flags) {
        let mut rest = self.rest.chars();
        let Some(verb) = rest.next() else {
            out.push_str("%!(NOVERB)");
            return;
        };
        self.rest = rest.as_str();
        match (verb, self.arguments.get(self.next)) {
            ('%', _) => out.push('%'),
            _ if !self.is_good_index => mistake(out, verb, "(BADINDEX)"),
            (_, None) => mistake(out, verb, "(MISSING)"),
            (_, Some(argument)) => {
                if verb == 'v' {
                    flags.sharp_v = std::mem::take(&mut flags.sharp);
                    flags.plus = false;
                }
                value::write(out, argument, verb, &flags);
                self.next += 1;
            }
        }
    }

    /// Arguments that no verb took.
    fn extra(&self, out: &mut String) {
        let left = self.arguments.get(self.next..).unwrap_or_default();
        if self.is_reordered || left.is_empty() {
            return;
        }
        let typed: Vec<String> = left.iter().map(value::typed).collect();
        out.push_str("%!(EXTRA ");
        out.push_str(&typed.join(", "));
        out.push(')');
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        loop {
            match self.rest.as_bytes().first() {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => return flags,
            }
            self.rest = &self.rest[1..];
        }
    }

    /// Digits; none also if the number is too large.
    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok().filter(|number| *number <= MAX_NUMBER)
    }

    /// The value of the next argument, for `*`.
    fn number_argument(&mut self) -> Option<isize> {
        let argument = self.arguments.get(self.next)?;
        self.next += 1;
        let Value::Int(number) = argument else { return None };
        isize::try_from(*number).ok().filter(|number| number.unsigned_abs() <= MAX_NUMBER)
    }

    /// `[n]`: the next argument is the `n`th. Gives whether there was a readable one.
    fn index(&mut self) -> bool {
        let Some(inner) = self.rest.strip_prefix('[') else {
            return false;
        };
        self.is_reordered = true;
        let Some((number, rest)) = inner.split_once(']') else {
            self.is_good_index = false;
            self.rest = inner;
            return false;
        };
        self.rest = rest;
        let number = number.parse::<usize>().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()));
        match number {
            Some(number) if (1..=self.arguments.len()).contains(&number) => self.next = number - 1,
            _ => self.is_good_index = false,
        }
        number.is_some()
    }
}
