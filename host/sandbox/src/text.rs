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

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn cut_between_characters_and_marked() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("äääää", 8), "ää…");
        assert_eq!(cut("longer", 5), "lo…");
    }
}
