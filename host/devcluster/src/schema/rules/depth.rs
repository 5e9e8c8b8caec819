//! How deeply an expression nests, told from its text: the parser recurses, and so does all that follows it.

use std::iter::Peekable;
use std::str::Chars;

/// What stands between two brackets.
#[derive(Default)]
struct Level {
    /// Choices since the last comma: the next one is a part of the last one's alternative.
    choices: usize,
    /// Operators since the last junction (`&&`, `||`), each of which nests all that stands before it.
    operators: usize,
    /// The depth of the brackets since then.
    brackets: usize,
    /// The greatest depth of what stands before the last junction or comma.
    deepest: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.choices + self.deepest.max(self.operators + self.brackets)
    }

    /// What follows does not nest what stands before, nor the other way round.
    fn junction(&mut self) {
        self.deepest = self.deepest.max(self.operators + self.brackets);
        (self.operators, self.brackets) = (0, 0);
    }
}

/// At least the depth of the syntax tree; `None` if a text in it has no end or an unknown escape. Junctions are balanced by
/// the parser, so that chains of them count as flat.
pub(super) fn depth(source: &str) -> Option<usize> {
    let (mut outer, mut level) = (Vec::<Level>::new(), Level::default());
    // Of what is open further out, and the greatest of all that was seen.
    let (mut around, mut deepest) = (0, 0);
    let mut rest = source.chars().peekable();
    let mut word = String::new();
    while let Some(character) = rest.next() {
        if character.is_ascii_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        let before = std::mem::take(&mut word);
        if before == "in" {
            level.operators += 1;
        }
        match character {
            quote @ ('"' | '\'') => skip_text(&mut rest, quote, before.contains(['r', 'R']))?,
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|character| *character != '\n').is_some() {},
            '(' | '[' | '{' => {
                level.operators += 1;
                around += level.depth();
                outer.push(std::mem::take(&mut level));
                // An index that may be missing; no choice.
                rest.next_if_eq(&'?');
            }
            ')' | ']' | '}' => {
                let inner = level.depth();
                level = outer.pop().unwrap_or_default();
                around = around.saturating_sub(level.depth());
                level.brackets = level.brackets.max(inner);
            }
            '&' | '|' => level.junction(),
            ',' => level = Level { deepest: level.depth(), ..Level::default() },
            '?' => {
                level.junction();
                level.choices += 1;
            }
            '.' => {
                level.operators += 1;
                rest.next_if_eq(&'?');
            }
            '+' | '-' | '*' | '/' | '%' | '!' | '=' | '<' | '>' => {
                level.operators += 1;
                rest.next_if_eq(&'=');
            }
            _ => {}
        }
        deepest = deepest.max(around + level.depth());
    }
    Some(deepest)
}

/// Goes to the end of a text whose first quote was read, or says that it is none: what the lexer cannot read as a text, it
/// would read as something else. In a raw text a backslash is a character like others.
fn skip_text(rest: &mut Peekable<Chars<'_>>, quote: char, raw: bool) -> Option<()> {
    let mut wanted = 1;
    if rest.next_if_eq(&quote).is_some() {
        if rest.next_if_eq(&quote).is_none() {
            return Some(());
        }
        wanted = 3;
    }
    let mut quotes = 0;
    while quotes < wanted {
        let character = rest.next()?;
        match character {
            '\\' if !raw => skip_escape(rest)?,
            '\n' | '\r' if wanted == 1 => return None,
            _ => {}
        }
        quotes = if character == quote { quotes + 1 } else { 0 };
    }
    Some(())
}

fn skip_escape(rest: &mut Peekable<Chars<'_>>) -> Option<()> {
    let (digits, radix) = match rest.next()? {
        'x' | 'X' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        '0'..='3' => (2, 8),
        'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`' => return Some(()),
        _ => return None,
    };
    (0..digits).try_for_each(|_| rest.next_if(|digit| digit.is_digit(radix)).map(drop))
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn what_nests_is_counted_and_what_stands_side_by_side_is_not() {
        let cases = [
            ("true", 0),
            ("a == b", 1),
            ("a.b.c == 1", 3),
            ("a && b && c || d", 0),
            ("a == 1 && b.c == 2", 2),
            ("f(a, b, c)", 1),
            ("f(g(h(1)))", 3),
            ("a ? b && c : d ? e : f", 2),
            ("a.?b[?c]", 2),
            ("a in b", 1),
            ("'a + b + c' + \"d'e + f\"", 1),
            (r"r'\' + b'\'+' + rb'\'", 2),
            ("'''it's + \"a\" + b''' + ''", 1),
            ("a // b + c + d's\n + e", 1),
        ];
        for (source, expected) in cases {
            assert_eq!(depth(source), Some(expected), "{source}");
        }
        for no_text in ["'a", "'a\n'", r"'\q'", r"'\x0'", "'''a''", r"'\'"] {
            assert_eq!(depth(no_text), None, "{no_text}");
        }
        assert_eq!(depth(r"'\x0f\n\'\077'"), Some(0));
    }
}
