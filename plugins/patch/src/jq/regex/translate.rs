//! From Go's syntax to that of the crate `regex`, which differs in what is a Unicode class by default, in the escapes it
//! knows, and in what brackets and braces may stand for themselves.

use std::iter::Peekable;
use std::str::CharIndices;

/// The largest number in a repetition.
const MAX_REPEAT: u32 = 1000;

/// The expression for the crate. The error is in Go's words.
pub(super) fn translated(pattern: &str) -> Result<String, String> {
    let mut reader =
        Reader { pattern, rest: pattern.char_indices().peekable(), out: String::new(), open: 0, last: Last::Start };
    reader.run()?;
    if reader.open > 0 {
        return Err(format!("missing closing ): `{}`", pattern.replace("(?<", "(?P<")));
    }
    Ok(reader.out)
}

/// What stands before, which decides whether it can be repeated.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Start,
    Atom,
    /// A repetition that starts at this byte.
    Repetition(usize),
}

struct Reader<'p> {
    pattern: &'p str,
    rest: Peekable<CharIndices<'p>>,
    out: String,
    open: u32,
    last: Last,
}

/// The classes of Perl, which have only ASCII in Go.
fn perl_class(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => "[\\t\\n\\x0c\\r ]",
        'S' => "[^\\t\\n\\x0c\\r ]",
        _ => return None,
    })
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), String> {
        while let Some((at, c)) = self.rest.next() {
            match c {
                '\\' => self.escape(at)?,
                '[' => self.class(at)?,
                '(' => self.group(at)?,
                ')' => {
                    let open = self.open.checked_sub(1);
                    self.open = open.ok_or_else(|| format!("unexpected ): `{}`", self.pattern))?;
                    self.atom(")");
                }
                '|' => {
                    self.out.push('|');
                    self.last = Last::Start;
                }
                '*' | '+' | '?' => self.repetition(at, &self.pattern[at..=at])?,
                '{' => match self.counted(at) {
                    Some(end) => {
                        while self.rest.next_if(|(at, _)| *at < end).is_some() {}
                        let repetition = &self.pattern[at..end];
                        let mut bounds =
                            repetition.trim_matches(['{', '}']).split(',').filter(|bound| !bound.is_empty());
                        let bounds: Vec<u32> = bounds.by_ref().map(|bound| bound.parse().unwrap_or(u32::MAX)).collect();
                        let is_ordered = bounds.windows(2).all(|pair| pair[0] <= pair[1]);
                        if !is_ordered || bounds.iter().any(|bound| *bound > MAX_REPEAT) {
                            return Err(format!("invalid repeat count: `{repetition}`"));
                        }
                        self.repetition(at, repetition)?;
                    }
                    None => self.atom("\\{"),
                },
                '}' => self.atom("\\}"),
                ']' => self.atom("\\]"),
                c => {
                    self.out.push(c);
                    self.last = Last::Atom;
                }
            }
        }
        Ok(())
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.last = Last::Atom;
    }

    fn repetition(&mut self, at: usize, repetition: &str) -> Result<(), String> {
        match self.last {
            Last::Start => return Err(format!("missing argument to repetition operator: `{repetition}`")),
            Last::Repetition(start) => {
                let end = at + repetition.len();
                return Err(format!("invalid nested repetition operator: `{}`", &self.pattern[start..end]));
            }
            Last::Atom => {}
        }
        self.out.push_str(repetition);
        if self.rest.next_if(|(_, c)| *c == '?').is_some() {
            self.out.push('?');
        }
        self.last = Last::Repetition(at);
        Ok(())
    }

    /// Where `{n}`, `{n,}` or `{n,m}` ends; none if the brace stands for itself.
    fn counted(&self, at: usize) -> Option<usize> {
        let (inner, _) = self.pattern[at + 1..].split_once('}')?;
        let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        (!least.is_empty() && is_number(least) && is_number(most)).then_some(at + inner.len() + 2)
    }

    fn group(&mut self, at: usize) -> Result<(), String> {
        self.open += 1;
        let rest = &self.pattern[at..];
        let Some(inner) = rest.strip_prefix("(?") else {
            self.out.push('(');
            self.last = Last::Start;
            return Ok(());
        };
        let named = inner.strip_prefix("P<").or_else(|| inner.strip_prefix('<'));
        // What looks behind is read as a name by gojq.
        let end = if let Some(named) = named {
            match named.split_once('>') {
                Some((name, _)) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                    self.out.push_str("(?P<");
                    self.out.push_str(name);
                    self.out.push('>');
                    rest.len() - named.len() + name.len() + 1
                }
                Some((name, _)) => return Err(format!("invalid named capture: `(?P<{name}>`")),
                None => return Err(format!("invalid named capture: `(?P<{named}`")),
            }
        } else {
            let flags = inner.find([':', ')']).unwrap_or(inner.len());
            let is_flag = |c: char| matches!(c, 'i' | 'm' | 's' | 'U' | '-');
            if let Some(wrong) = inner[..flags].find(|c: char| !is_flag(c)) {
                let length = inner[wrong..].chars().next().map_or(0, char::len_utf8);
                return Err(format!("invalid or unsupported Perl syntax: `(?{}`", &inner[..wrong + length]));
            }
            let end = 2 + flags + usize::from(flags < inner.len());
            self.out.push_str(&rest[..end]);
            if inner[flags..].starts_with(')') {
                self.open -= 1;
            }
            end
        };
        while self.rest.next_if(|(next, _)| *next < at + end).is_some() {}
        self.last = Last::Start;
        Ok(())
    }

    /// Behind a backslash, outside of brackets.
    fn escape(&mut self, at: usize) -> Result<(), String> {
        match self.rest.peek().map(|(_, c)| *c) {
            Some('A' | 'z') => {
                let c = self.rest.next().map_or(' ', |(_, c)| c);
                self.out.push('\\');
                self.out.push(c);
                self.last = Last::Atom;
            }
            Some('b') => {
                self.rest.next();
                self.atom("(?-u:\\b)");
            }
            Some('B') => {
                self.rest.next();
                self.atom("(?-u:\\B)");
            }
            // Everything up to \E stands for itself.
            Some('Q') => {
                self.rest.next();
                let inner = &self.pattern[at + 2..];
                let (literal, length) = match inner.split_once("\\E") {
                    Some((literal, _)) => (literal, literal.len() + 2),
                    None => (inner, inner.len()),
                };
                self.atom(&regex::escape(literal));
                while self.rest.next_if(|(next, _)| *next < at + 2 + length).is_some() {}
            }
            _ => {
                let character = self.character(at)?;
                self.atom(&character);
            }
        }
        Ok(())
    }

    /// An escape that stands for one character or a class, within brackets or not.
    fn character(&mut self, at: usize) -> Result<String, String> {
        let (_, c) = self.rest.next().ok_or("trailing backslash at end of expression: ``")?;
        if let Some(class) = perl_class(c) {
            return Ok(class.to_owned());
        }
        let code = |code: u32| format!("\\x{{{code:x}}}");
        Ok(match c {
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => format!("\\{c}"),
            'p' | 'P' => {
                let name = match self.rest.next() {
                    Some((start, '{')) => {
                        let inner = &self.pattern[start + 1..];
                        let end = inner
                            .find('}')
                            .ok_or_else(|| self.invalid("character class range", at, self.pattern.len()))?;
                        while self.rest.next_if(|(next, _)| *next <= start + 1 + end).is_some() {}
                        &inner[..end]
                    }
                    Some((start, c)) => &self.pattern[start..start + c.len_utf8()],
                    None => return Err(self.invalid("character class range", at, self.pattern.len())),
                };
                format!("\\{c}{{{name}}}")
            }
            'x' => {
                let digits = if let Some((start, _)) = self.rest.next_if(|(_, c)| *c == '{') {
                    let inner = &self.pattern[start + 1..];
                    let end = inner.find('}').unwrap_or(inner.len());
                    while self.rest.next_if(|(next, _)| *next <= start + 1 + end).is_some() {}
                    &inner[..end]
                } else {
                    let digits = self.pattern.get(at + 2..at + 4).unwrap_or_default();
                    self.rest.nth(1);
                    digits
                };
                let end = self.rest.peek().map_or(self.pattern.len(), |(next, _)| *next);
                let number = u32::from_str_radix(digits, 16).ok().filter(|number| char::from_u32(*number).is_some());
                code(number.ok_or_else(|| self.invalid("escape sequence", at, end))?)
            }
            // One digit alone would refer to a group, which is not to be had.
            '0'..='7' => {
                let mut digits = String::from(c);
                while digits.len() < 3
                    && let Some((_, digit)) = self.rest.next_if(|(_, c)| ('0'..='7').contains(c))
                {
                    digits.push(digit);
                }
                if c != '0' && digits.len() == 1 {
                    return Err(self.invalid("escape sequence", at, at + 2));
                }
                code(u32::from_str_radix(&digits, 8).unwrap_or(0))
            }
            c if c.is_ascii_punctuation() => regex::escape(&c.to_string()),
            c => return Err(self.invalid("escape sequence", at, at + 1 + c.len_utf8())),
        })
    }

    fn invalid(&self, what: &str, start: usize, end: usize) -> String {
        format!("invalid {what}: `{}`", self.pattern.get(start..end).unwrap_or_default())
    }

    /// Brackets: they do not nest, and there are no set operations.
    fn class(&mut self, at: usize) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if(|(_, c)| *c == '^').is_some() {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let Some((start, c)) = self.rest.next() else {
                return Err(format!("missing closing ]: `{}`", &self.pattern[at..]));
            };
            match c {
                ']' if !is_first => break,
                '\\' => {
                    let character = self.character(start)?;
                    self.out.push_str(&character);
                }
                '[' if self.pattern[start..].starts_with("[:") => match self.pattern[start..].find(":]") {
                    Some(length) => {
                        let end = start + length + 2;
                        self.out.push_str(&self.pattern[start..end]);
                        while self.rest.next_if(|(next, _)| *next < end).is_some() {}
                    }
                    None => self.out.push_str("\\["),
                },
                '[' | ']' | '&' | '~' | '^' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                c => self.out.push(c),
            }
            is_first = false;
        }
        self.atom("]");
        Ok(())
    }
}
