//! Text of strangers, shortened.

use std::borrow::Cow;

/// At most `limit` bytes of a text, cut between characters; what was cut is marked.
pub(crate) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    const MARK: &str = "…";
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(limit.saturating_sub(MARK.len()));
    Cow::Owned(format!("{}{MARK}", &text[..end]))
}

/// The same as one line, for a message: what nobody sees, and what moves a cursor, is escaped.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let mut line = String::with_capacity(text.len().min(limit));
    for each in cut(text, limit).chars() {
        match each {
            '"' | '\'' | '\\' => line.push(each),
            other => line.extend(other.escape_debug()),
        }
    }
    cut(&line, limit).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{cut, line};

    #[test]
    fn one_line_that_shows_what_is_in_it() {
        assert_eq!(line("it's `a\\b` \"ä\"", 64), "it's `a\\b` \"ä\"");
        assert_eq!(line("a\r\nb\u{1b}[2J\u{85}\u{202e}", 64), "a\\r\\nb\\u{1b}[2J\\u{85}\\u{202e}");
        assert_eq!(line("longer", 5), "lo…");
    }

    #[test]
    fn cut_between_characters_and_marked() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("äääää", 8), "ää…");
        assert_eq!(cut("longer", 5), "lo…");
    }
}
