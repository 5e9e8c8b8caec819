//! Parts of paths.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Error;

/// What may stand in a path as it is. Everything else is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// A group, version, namespace or plural: nothing that could be meant otherwise.
pub(crate) fn segment(text: &str) -> Result<&str, Error> {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if text.is_empty() || text == "." || text == ".." || !text.bytes().all(harmless) {
        return Err(Error::Invalid(format!("`{}` is no name of a kind or namespace", text.escape_debug())));
    }
    Ok(text)
}

/// The name of an object. The API server takes every text that is one segment of a path (names of roles may have blanks,
/// `@`, `+` and more); it refuses what follows, as it would lead elsewhere.
pub(crate) fn name(text: &str) -> Result<Cow<'_, str>, Error> {
    if text.is_empty() || text == "." || text == ".." || text.contains(['/', '%']) {
        return Err(Error::Invalid(format!("`{}` is no name of an object", text.escape_debug())));
    }
    Ok(utf8_percent_encode(text, ENCODED).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_lead_elsewhere_is_no_part_of_a_path() {
        for text in ["", ".", "..", "a/b", "../secrets/x", "a%2fb"] {
            assert!(matches!(segment(text), Err(Error::Invalid(_))), "{text:?}");
            assert!(matches!(name(text), Err(Error::Invalid(_))), "{text:?}");
        }
        for text in ["a?x=y", "a#b", "a b", "ä", "a\n"] {
            assert!(matches!(segment(text), Err(Error::Invalid(_))), "{text:?}");
        }
    }

    #[test]
    fn every_other_name_stays_in_its_segment() {
        for (text, path) in [
            ("system:node", "system:node"),
            ("a@b+c=d", "a%40b%2Bc%3Dd"),
            ("a?x=y#z", "a%3Fx%3Dy%23z"),
            ("an admin", "an%20admin"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(name(text).unwrap(), path);
        }
    }
}
