//! The API server refuses an event whose note is longer than 1,024 bytes, and it would be lost.

use std::borrow::Cow;

const LONGEST: usize = 1024;
const MARK: &str = "…";

/// The note, cut on a character boundary and marked if it is too long.
pub(crate) fn cut(note: &str) -> Cow<'_, str> {
    if note.len() <= LONGEST {
        return Cow::Borrowed(note);
    }
    let end = note.floor_char_boundary(LONGEST - MARK.len());
    Cow::Owned(format!("{}{MARK}", &note[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_notes_are_left_alone() {
        assert_eq!(cut("quota 100% used"), "quota 100% used");
        let just = "x".repeat(LONGEST);
        assert_eq!(cut(&just), just);
    }

    #[test]
    fn long_notes_are_cut_between_characters() {
        for note in ["x".repeat(5000), "ä".repeat(5000), format!("x{}", "漢".repeat(5000))] {
            let cut = cut(&note);
            assert!(cut.len() <= LONGEST && cut.len() > LONGEST - 8, "{}", cut.len());
            assert!(cut.ends_with(MARK));
        }
    }
}
