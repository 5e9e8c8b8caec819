//! Escaped characters that jaq's lexer cannot read: those beyond 16 bits, written as two halves.

use std::borrow::Cow;

/// The program with pairs of halves replaced by the character that they stand for, and halves that are alone by the
/// replacement character. Backslashes stand in strings and comments only.
pub(super) fn joined(program: &str) -> Cow<'_, str> {
    if !program.contains("\\u") {
        return Cow::Borrowed(program);
    }
    let mut out = String::with_capacity(program.len());
    let mut rest = program;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (text, length) = match (half(rest), rest.get(6..).and_then(half)) {
            (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                (char::from_u32(code).map(String::from), 12)
            }
            (Some(0xd800..=0xdfff), _) => (Some(String::from(char::REPLACEMENT_CHARACTER)), 6),
            // The backslash and what it escapes.
            _ => (None, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
        };
        match text {
            Some(text) => out.push_str(&text),
            None => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The number in `\uXXXX`.
fn half(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_joined_and_everything_else_stays() {
        assert_eq!(joined(r#""\ud83d\ude00 \u00e9""#), "\"😀 \\u00e9\"");
        assert_eq!(joined(r#""\ud83d \ude00""#), "\"\u{fffd} \u{fffd}\"");
        assert_eq!(joined(r#""\\ud83d\ude00""#), r#""\\ud83d"#.to_owned() + "\u{fffd}\"");
        assert_eq!(joined("# \\"), "# \\");
    }
}
